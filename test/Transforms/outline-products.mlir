// RUN: lamina-opt %s --lamina-outline-products=strategy=cpu-avx512 | FileCheck %s
// RUN: lamina-opt %s --lamina-outline-products=strategy=cpu-generic | FileCheck %s --check-prefix=GENERIC
// RUN: lamina-opt %s --lamina-outline-products=strategy=cpu-avx2 --lamina-emit-gemm=strategy=cpu-avx2 | FileCheck %s --check-prefix=BODY

// Without masked vectors there are no shared functions.
// GENERIC-NOT: call
// GENERIC-COUNT-5: linalg.{{matmul|contract}}
// GENERIC-NOT: call

// A close right operand is read where it is; the zeros are the call's business.
// CHECK-LABEL: func.func @dense
// CHECK-NOT: linalg
// CHECK: %[[DIRECT:.*]] = arith.constant true
// CHECK: %[[PANELS:.*]] = memref.alloc() : memref<384x512xf32>
// CHECK: %[[FRESH:.*]] = arith.constant false
// CHECK: call @lamina_gemm_f32({{.*}}, %[[DIRECT]], %[[FRESH]])
// CHECK-NOT: linalg
// CHECK: return
func.func @dense(%x: memref<?x784xf32>, %w: memref<784x512xf32>, %y: memref<?x512xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x512xf32>)
  linalg.matmul ins(%x, %w : memref<?x784xf32>, memref<784x512xf32>) outs(%y : memref<?x512xf32>)
  return
}

// Of a distant one that depends on the number of rows. Somebody reads the zeros.
// CHECK-LABEL: func.func @far
// CHECK: linalg.fill
// CHECK: memref.copy
// CHECK: %[[FEW:.*]] = arith.cmpi sle
// CHECK: %[[ADD:.*]] = arith.constant true
// CHECK: call @lamina_gemm_f32({{.*}}, %[[FEW]], %[[ADD]])
func.func @far(%x: memref<?x784xf32>, %w: memref<784x4096xf32>, %y: memref<?x4096xf32>, %z: memref<?x4096xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x4096xf32>)
  memref.copy %y, %z : memref<?x4096xf32> to memref<?x4096xf32>
  linalg.matmul ins(%x, %w : memref<?x784xf32>, memref<784x4096xf32>) outs(%y : memref<?x4096xf32>)
  return
}

// A transposed right operand: for few rows, the transposed product.
// CHECK-LABEL: func.func @backward
// CHECK: %[[LESS:.*]] = arith.cmpi sgt
// CHECK: scf.if %[[LESS]]
// CHECK: call @lamina_gemm_f32
// CHECK: call @lamina_transpose_f32
// CHECK: } else {
// CHECK: call @lamina_gemm_f32
func.func @backward(%dy: memref<?x512xf32>, %w: memref<784x512xf32>, %dx: memref<?x784xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%dx : memref<?x784xf32>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%dy, %w : memref<?x512xf32>, memref<784x512xf32>) outs(%dx : memref<?x784xf32>)
  return
}

// Batches are loops around the call.
// CHECK-LABEL: func.func @attention
// CHECK: scf.for {{.*}} to %c96
// CHECK: memref.subview {{.*}} [1, 128, 64]
// CHECK: call @lamina_gemm_f32
func.func @attention(%p: memref<8x12x128x128xf32>, %v: memref<8x12x128x64xf32>, %y: memref<8x12x128x64xf32>) {
  linalg.contract indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>]
    ins(%p, %v : memref<8x12x128x128xf32>, memref<8x12x128x64xf32>) outs(%y : memref<8x12x128x64xf32>)
  return
}

// A small one stays a loop nest.
// CHECK-LABEL: func.func @small
// CHECK-NOT: call
// CHECK: linalg.matmul
// CHECK-NOT: call
// CHECK: return
func.func @small(%x: memref<?x10xf32>, %w: memref<10x5xf32>, %y: memref<?x5xf32>) {
  linalg.matmul ins(%x, %w : memref<?x10xf32>, memref<10x5xf32>) outs(%y : memref<?x5xf32>)
  return
}

// CHECK: func.func private @lamina_gemm_f32
// CHECK-SAME: lamina.tail_vectors = array<i64: 1, 2, 3, 4>

// BODY-LABEL: func.func private @lamina_gemm_f32(
// BODY: call @lamina_pack_f32_block
// BODY: call @lamina_gemm_f32_16
// BODY-LABEL: func.func private @lamina_gemm_f32_6x16(
// BODY: scf.for
// BODY-COUNT-48: llvm.intr.fma
// BODY: scf.for
// BODY-COUNT-12: llvm.intr.fma
// BODY-NOT: llvm.intr.fma
// BODY: llvm.intr.masked.store
