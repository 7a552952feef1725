// RUN: lamina-opt --split-input-file --lamina-map-to-gpu --canonicalize --cse %s | FileCheck %s

// A pointwise op is shared by the threads of the grid.
#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: @pointwise
func.func @pointwise(%x: memref<?x7xf32>, %y: memref<?x7xf32>) {
  // CHECK: gpu.launch
  // CHECK: %[[ID:.*]] = arith.addi
  // CHECK: scf.for %{{.*}} = %[[ID]] to
  // CHECK: memref.load
  // CHECK: arith.negf
  // CHECK: memref.store
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x7xf32>) outs(%y : memref<?x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.negf %in : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A block takes a row: the terms are shared by its warps, and the row is divided
// behind a barrier.
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @rows
func.func @rows(%x: memref<?x1024xf32>, %y: memref<?x1024xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x1024xf32>
  // CHECK: gpu.launch
  // CHECK-SAME: workgroup(%{{.*}} : memref<1xf32, #gpu.address_space<workgroup>>
  // CHECK: scf.for
  // CHECK: gpu.barrier
  // CHECK: gpu.shuffle xor
  // CHECK: gpu.barrier
  // CHECK: arith.divf
  scf.for %i = %c0 to %n step %c1 {
    %sum = memref.alloc() : memref<1xf32>
    %from = memref.subview %x[%i, 0] [1, 1024] [1, 1] : memref<?x1024xf32> to memref<1x1024xf32, strided<[1024, 1], offset: ?>>
    %to = memref.subview %y[%i, 0] [1, 1024] [1, 1] : memref<?x1024xf32> to memref<1x1024xf32, strided<[1024, 1], offset: ?>>
    linalg.fill ins(%zero : f32) outs(%sum : memref<1xf32>)
    linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
        ins(%from : memref<1x1024xf32, strided<[1024, 1], offset: ?>>) outs(%sum : memref<1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
        ins(%from, %sum : memref<1x1024xf32, strided<[1024, 1], offset: ?>>, memref<1xf32>)
        outs(%to : memref<1x1024xf32, strided<[1024, 1], offset: ?>>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %0 = arith.divf %in, %s : f32
      linalg.yield %0 : f32
    }
  } {lamina.parallel}
  return
}

// -----

// A scan is scalar code: one thread takes a row.
// CHECK-LABEL: @scan
func.func @scan(%x: memref<?x7xf32>, %y: memref<?x7xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x7xf32>
  // CHECK: gpu.launch
  // CHECK: gpu.block_id
  // CHECK-NOT: gpu.barrier
  // CHECK: scf.for
  // CHECK: scf.for {{.*}} iter_args
  scf.for %i = %c0 to %n step %c1 {
    %last = scf.for %j = %c0 to %c7 step %c1 iter_args(%sum = %zero) -> (f32) {
      %0 = memref.load %x[%i, %j] : memref<?x7xf32>
      %1 = arith.addf %sum, %0 : f32
      memref.store %1, %y[%i, %j] : memref<?x7xf32>
      scf.yield %1 : f32
    }
  }
  return
}

// -----

// The same where a row reads the one before: the iterations have an order, so one
// thread runs them.
// CHECK-LABEL: @ordered
func.func @ordered(%y: memref<?x7xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %y, %c0 : memref<?x7xf32>
  // CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c1
  // CHECK: arith.cmpi eq
  // CHECK: scf.if
  // CHECK: scf.for
  scf.for %i = %c1 to %n step %c1 {
    %before = arith.subi %i, %c1 : index
    %0 = memref.load %y[%before, %c0] : memref<?x7xf32>
    memref.store %0, %y[%i, %c0] : memref<?x7xf32>
  }
  return
}
