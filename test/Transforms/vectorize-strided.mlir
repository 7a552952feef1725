// Lanes that lie two to four elements apart are read as a few vectors; others, and stores, are one by one.
//
// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx2}))' | FileCheck %s

#id = affine_map<(i) -> (i)>
!second = memref<32xf32, strided<[2], offset: 3>>
!third = memref<32xf32, strided<[3], offset: ?>>
!fifth = memref<32xf32, strided<[5]>>

// CHECK-LABEL: func @gather
// CHECK-NOT: memref.load
// CHECK: %[[ROW:.*]] = memref.reinterpret_cast {{.*}} sizes: [15], strides: [1]
// CHECK: %[[A:.*]] = vector.load %[[ROW]][%{{.*}}] {{.*}} vector<8xf32>
// CHECK: vector.shuffle %[[A]], %[[A]] [0, 2, 4, 6, -1, -1, -1, -1]
// CHECK: %[[B:.*]] = vector.load %[[ROW]]
// CHECK: vector.shuffle %{{.*}}, %[[B]] [0, 1, 2, 3, 9, 11, 13, 15]
func.func @gather(%x: !second, %o: memref<32xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : !second) outs(%o : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// CHECK-LABEL: func @scatter
// CHECK-NOT: reinterpret_cast
// CHECK-COUNT-8: memref.store
func.func @scatter(%x: memref<32xf32>, %o: !third) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : memref<32xf32>) outs(%o : !third) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// CHECK-LABEL: func @far
// CHECK-NOT: reinterpret_cast
// CHECK-COUNT-8: memref.load
func.func @far(%x: !fifth, %o: memref<32xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : !fifth) outs(%o : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}
