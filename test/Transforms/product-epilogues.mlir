// RUN: lamina-opt %s --split-input-file --lamina-outline-products=strategy=cpu-avx512 | FileCheck %s
// RUN: lamina-opt %s --split-input-file --lamina-outline-products=strategy=cpu-avx512 --lamina-emit-gemm=strategy=cpu-avx512 | FileCheck %s --check-prefix=BODY

// A pointwise op behind a large product runs on blocks of it.
// CHECK-LABEL: func.func @dense
// CHECK-NOT: linalg
// CHECK: call @lamina_gemm_f32_epilogue0({{.*}}, %false{{[_0-9]*}}, %c0{{[_0-9]*}}, %c0{{[_0-9]*}}, %arg2) :
// CHECK: return
// CHECK: func.func private @lamina_epilogue0(%[[C:.*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, %[[I:.*]]: index, %[[J:.*]]: index, %[[B:.*]]: memref<512xf32>)
// CHECK: %[[PART:.*]] = memref.subview %[[B]][%[[J]]]
// CHECK: linalg.generic {{.*}} ins(%[[C]], %[[PART]] : {{.*}}) outs(%[[C]]
// CHECK: func.func private @lamina_gemm_f32_epilogue0
// CHECK-SAME: lamina.epilogue = @lamina_epilogue0

// The function behind the pointer is called between blocks.
// BODY: llvm.func internal @lamina_epilogue0_block(
// BODY: call @lamina_epilogue0(
// BODY: func.func private @lamina_gemm_f32_epilogue0(
// BODY: llvm.mlir.addressof @lamina_epilogue0_block
// BODY: call @lamina_gemm_f32_blocks
// BODY: func.func private @lamina_gemm_f32_blocks(
// BODY: llvm.call %
func.func @dense(%x: memref<?x784xf32>, %w: memref<784x512xf32>, %b: memref<512xf32>, %y: memref<?x512xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x512xf32>)
  linalg.matmul ins(%x, %w : memref<?x784xf32>, memref<784x512xf32>) outs(%y : memref<?x512xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%y, %b : memref<?x512xf32>, memref<512xf32>) outs(%y : memref<?x512xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %0 = arith.addf %in, %bias : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// The update of a weight: the gradient is needed for one block at a time. Ops
// in between that have nothing to do with it run before.
// CHECK-LABEL: func.func @update
// CHECK: linalg.fill {{.*}} outs(%{{.*}} : memref<512xf32>)
// CHECK: call @lamina_gemm_f32_epilogue0({{.*}}, %true{{[_0-9]*}}, %c0{{[_0-9]*}}, %c0{{[_0-9]*}}, %arg2, %arg3) :
// CHECK: func.func private @lamina_epilogue0
// CHECK: linalg.generic
// CHECK: memref.load
func.func @update(%x: memref<784x32xf32>, %dy: memref<32x512xf32>, %w: memref<784x512xf32>, %rate: memref<f32>, %z: memref<512xf32>) {
  %zero = arith.constant 0.0 : f32
  %dw = memref.alloc() : memref<784x512xf32>
  linalg.fill ins(%zero : f32) outs(%dw : memref<784x512xf32>)
  linalg.matmul ins(%x, %dy : memref<784x32xf32>, memref<32x512xf32>) outs(%dw : memref<784x512xf32>)
  linalg.fill ins(%zero : f32) outs(%z : memref<512xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%dw, %w : memref<784x512xf32>, memref<784x512xf32>) outs(%w : memref<784x512xf32>) {
  ^bb0(%g: f32, %old: f32, %out: f32):
    %r = memref.load %rate[] : memref<f32>
    %0 = arith.mulf %g, %r : f32
    %1 = arith.subf %old, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// An op that overwrites an operand of the product has to wait for all blocks.
// CHECK-LABEL: func.func @overwrites
// CHECK: call @lamina_gemm_f32(
// CHECK: linalg.generic
// CHECK: return
func.func @overwrites(%x: memref<512x512xf32>, %w: memref<512x512xf32>, %y: memref<512x512xf32>) {
  linalg.matmul ins(%x, %w : memref<512x512xf32>, memref<512x512xf32>) outs(%y : memref<512x512xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : memref<512x512xf32>) outs(%x : memref<512x512xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.negf %in : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// So does the product itself if another op overwrites one in between.
// CHECK-LABEL: func.func @between
// CHECK: call @lamina_gemm_f32(
// CHECK: memref.copy
// CHECK: linalg.generic
// CHECK: return
func.func @between(%x: memref<512x512xf32>, %w: memref<512x512xf32>, %y: memref<512x512xf32>, %z: memref<512x512xf32>) {
  linalg.matmul ins(%x, %w : memref<512x512xf32>, memref<512x512xf32>) outs(%y : memref<512x512xf32>)
  memref.copy %z, %x : memref<512x512xf32> to memref<512x512xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%y : memref<512x512xf32>) outs(%z : memref<512x512xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.negf %in : f32
    linalg.yield %0 : f32
  }
  return
}
