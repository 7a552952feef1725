// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx512}))' | FileCheck %s
// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-generic}))' | FileCheck %s --check-prefix=GENERIC

// 6 x 64 accumulators in registers, k unrolled by 2: 48 multiply-adds per
// iteration on 8 vectors of B.
// CHECK-LABEL: func @matmul
// CHECK-COUNT-24: vector.load %arg2
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-48: math.fma {{.*}} : vector<16xf32>
// CHECK-NEXT: scf.yield
// CHECK-COUNT-24: vector.store
// Without the instruction, a product and a sum.
// GENERIC-LABEL: func @matmul
// GENERIC-NOT: math.fma
// GENERIC: arith.mulf {{.*}} : vector<4xf32>
func.func @matmul(%a: memref<96x128xf32>, %b: memref<128x256xf32>, %c: memref<96x256xf32>) {
  linalg.matmul ins(%a, %b : memref<96x128xf32>, memref<128x256xf32>) outs(%c : memref<96x256xf32>)
  return
}

// Unknown sizes: rows 6, 3 and 1 at a time, and a mask for the last columns.
// CHECK-LABEL: func @dynamic
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
// CHECK-NOT: linalg
func.func @dynamic(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// Rows times rows: vectors run along k, 4 x 4 of them.
// CHECK-LABEL: func @dots
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-16: math.fma {{.*}} : vector<16xf32>
// CHECK-NEXT: scf.yield
func.func @dots(%a: memref<64x128xf32>, %b: memref<64x128xf32>, %c: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>,
                                   affine_map<(i, j, k) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<64x128xf32>, memref<64x128xf32>) outs(%c : memref<64x64xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %m = arith.mulf %x, %y : f32
    %s = arith.addf %z, %m : f32
    linalg.yield %s : f32
  }
  return
}
