// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx512}))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// Four vectors of partial maxima; then a tree over columns and lanes.
// CHECK-LABEL: func @row_max
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4: arith.maximumf {{.*}} : vector<16xf32>
// CHECK: arith.maximumf {{.*}} : vector<8xf32>
// CHECK: arith.maximumf {{.*}} : vector<1xf32>
// CHECK: memref.store
// CHECK-NOT: linalg
func.func @row_max(%x: memref<?x1024xf32>, %o: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x1024xf32>) outs(%o : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.maximumf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// A sum whose length is unknown is compensated: block sums, then the rounding
// error of adding them.
// CHECK-LABEL: func @sum
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.subf {{.*}} : vector<16xf32>
func.func @sum(%x: memref<?xf32>, %o: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<?xf32>) outs(%o : memref<f32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// Down the columns, the accumulators are loaded and stored once.
// CHECK-LABEL: func @column_sum
// CHECK: vector.load %arg1
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: vector.store
// CHECK: scf.yield
// CHECK: vector.store {{.*}} %arg1
func.func @column_sum(%x: memref<100x64xf32>, %o: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<100x64xf32>) outs(%o : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// Outputs that depend on each other keep their order: scalar loops.
// CHECK-LABEL: func @argmax
// CHECK-NOT: vector
// CHECK: return
func.func @argmax(%x: memref<4x9xf32>, %v: memref<4xf32>, %p: memref<4xi64>) {
  linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x9xf32>) outs(%v, %p : memref<4xf32>, memref<4xi64>) {
  ^bb0(%a: f32, %best: f32, %at: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %c = arith.cmpf ogt, %a, %best : f32
    %s = arith.select %c, %a, %best : f32
    %k = arith.select %c, %j, %at : i64
    linalg.yield %s, %k : f32, i64
  }
  return
}
