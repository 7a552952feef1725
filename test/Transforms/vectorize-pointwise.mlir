// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx512}))' | FileCheck %s
// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx2}))' | FileCheck %s --check-prefix=AVX2

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#swap = affine_map<(i, j) -> (j, i)>

// Contiguous loops are joined; the tail is masked.
// CHECK-LABEL: func @scale
// CHECK: memref.collapse_shape
// CHECK: scf.for
// CHECK-COUNT-4: vector.load {{.*}} vector<16xf32>
// CHECK: scf.for
// CHECK: vector.create_mask
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
// CHECK-NOT: linalg
// AVX2-LABEL: func @scale
// AVX2: vector.load {{.*}} vector<8xf32>
func.func @scale(%x: memref<?x10xf32>, %o: memref<?x10xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x10xf32>) outs(%o : memref<?x10xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  }
  return
}

// What is the same for a whole row is loaded, and computed, once per row, as a
// scalar.
// CHECK-LABEL: func @normalize
// CHECK: scf.for
// CHECK: memref.load %arg1
// CHECK: arith.divf {{.*}} : f32
// CHECK: vector.broadcast
// CHECK: arith.mulf {{.*}} : vector<16xf32>
// CHECK-NOT: arith.divf
func.func @normalize(%x: memref<8x64xf32, strided<[100, 1]>>, %n: memref<8xf32>, %o: memref<8x64xf32>) {
  %one = arith.constant 1.0 : f32
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %n : memref<8x64xf32, strided<[100, 1]>>, memref<8xf32>) outs(%o : memref<8x64xf32>) {
  ^bb0(%a: f32, %d: f32, %b: f32):
    %r = arith.divf %one, %d : f32
    %s = arith.mulf %a, %r : f32
    linalg.yield %s : f32
  }
  return
}

// The vector dimension follows the output; blocks of the input are transposed
// in registers.
// CHECK-LABEL: func @transpose
// CHECK-COUNT-16: vector.load {{.*}} vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-COUNT-16: vector.store {{.*}} vector<16xf32>
// CHECK-NOT: memref.load
// AVX2-LABEL: func @transpose
// AVX2-COUNT-24: vector.shuffle
func.func @transpose(%x: memref<64x64xf32>, %o: memref<64x64xf32>) {
  linalg.transpose ins(%x : memref<64x64xf32>) outs(%o : memref<64x64xf32>) permutation = [1, 0]
  return
}

// The rest of the columns is read under a mask, rows that do not exist repeat
// the last one; a few columns are not worth a block.
// CHECK-LABEL: func @transpose_rest
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<16xi1>
// CHECK-COUNT-16: vector.maskedload {{.*}}, %[[MASK]]
// CHECK-LABEL: func @transpose_few
// CHECK-NOT: vector.shuffle
// CHECK: return
func.func @transpose_rest(%x: memref<19x21xf32>, %o: memref<21x19xf32>) {
  linalg.transpose ins(%x : memref<19x21xf32>) outs(%o : memref<21x19xf32>) permutation = [1, 0]
  return
}
func.func @transpose_few(%x: memref<64x3xf32>, %o: memref<3x64xf32>) {
  linalg.transpose ins(%x : memref<64x3xf32>) outs(%o : memref<3x64xf32>) permutation = [1, 0]
  return
}

// An integer division is never executed for lanes that do not exist.
// CHECK-LABEL: func @divide
// CHECK: arith.divsi {{.*}} : vector<16xi32>
// CHECK: arith.divsi {{.*}} : i32
// CHECK-NOT: mask
func.func @divide(%x: memref<20xi32>, %y: memref<20xi32>, %o: memref<20xi32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x, %y : memref<20xi32>, memref<20xi32>) outs(%o : memref<20xi32>) {
  ^bb0(%a: i32, %d: i32, %b: i32):
    %s = arith.divsi %a, %d : i32
    linalg.yield %s : i32
  }
  return
}

// A row of a table is read as vectors.
// CHECK-LABEL: func @embedding
// CHECK: vector.load %arg0
// CHECK: vector.store
func.func @embedding(%table: memref<100x64xf32>, %ids: memref<?xi32>, %o: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%ids : memref<?xi32>) outs(%o : memref<?x64xf32>) {
  ^bb0(%id: i32, %b: f32):
    %i = arith.index_cast %id : i32 to index
    %j = linalg.index 1 : index
    %v = memref.load %table[%i, %j] : memref<100x64xf32>
    linalg.yield %v : f32
  }
  return
}

// What is read backwards is turned around in registers, the rest one by one.
// CHECK-LABEL: func @flip
// CHECK: vector.load %arg0[%{{.*}}, %c54]
// CHECK: vector.shuffle {{.*}} [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
// CHECK: vector.store
// CHECK: memref.load %arg0
// CHECK: memref.store
// CHECK: return
func.func @flip(%x: memref<8x70xf32>, %o: memref<8x70xf32>) {
  %c69 = arith.constant 69 : index
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%o : memref<8x70xf32>) {
  ^bb0(%b: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %k = arith.subi %c69, %j : index
    %v = memref.load %x[%i, %k] : memref<8x70xf32>
    linalg.yield %v : f32
  }
  return
}
