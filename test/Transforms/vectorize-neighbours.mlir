// RUN: lamina-opt %s -pass-pipeline='builtin.module(func.func(lamina-vectorize{strategy=cpu-avx512}))' | FileCheck %s

// The accumulators begin with the constant of the fill and end in what the bias makes of them: the sums are never
// stored.
// CHECK-LABEL: func @neighbours
// CHECK-SAME: %[[A:.*]]: memref<8x10xf32>, %[[B:.*]]: memref<10x5xf32>, %[[BIAS:.*]]: memref<5xf32>, %[[Y:.*]]: memref<8x5xf32>
// CHECK: arith.constant dense<2.000000e+00> : vector<16xf32>
// CHECK-NOT: store
// CHECK: vector.maskedload %[[BIAS]]
// CHECK-NOT: maskedload
// CHECK: arith.addf
// CHECK-COUNT-8: vector.maskedstore %[[Y]]
// CHECK-NOT: store
// CHECK: return
func.func @neighbours(%a: memref<8x10xf32>, %b: memref<10x5xf32>, %bias: memref<5xf32>, %y: memref<8x5xf32>,
                      %scratch: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.0 : f32
  %sum = memref.view %scratch[%c0][] : memref<?xi8> to memref<8x5xf32>
  linalg.fill ins(%two : f32) outs(%sum : memref<8x5xf32>)
  linalg.matmul ins(%a, %b : memref<8x10xf32>, memref<10x5xf32>) outs(%sum : memref<8x5xf32>)
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(j)>, affine_map<(i,j)->(i,j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%sum, %bias : memref<8x5xf32>, memref<5xf32>) outs(%y : memref<8x5xf32>) {
  ^bb0(%s: f32, %c: f32, %o: f32):
    %r = arith.addf %s, %c : f32
    linalg.yield %r : f32
  }
  return
}

// An operand that is read across rows: its rows are loaded for all rows of the tile, none behind the last one.
// CHECK-LABEL: func @across
// CHECK-SAME: %[[A:.*]]: memref<8x10xf32>, %[[B:.*]]: memref<10x5xf32>, %[[T:.*]]: memref<5x8xf32>, %[[Y:.*]]: memref<8x5xf32>
// CHECK-NOT: store
// CHECK-COUNT-16: vector.maskedload %[[T]]
// CHECK: arith.addf
// CHECK: vector.maskedstore %[[Y]]
// CHECK: return
func.func @across(%a: memref<8x10xf32>, %b: memref<10x5xf32>, %t: memref<5x8xf32>, %y: memref<8x5xf32>,
                  %scratch: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.0 : f32
  %sum = memref.view %scratch[%c0][] : memref<?xi8> to memref<8x5xf32>
  linalg.fill ins(%two : f32) outs(%sum : memref<8x5xf32>)
  linalg.matmul ins(%a, %b : memref<8x10xf32>, memref<10x5xf32>) outs(%sum : memref<8x5xf32>)
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(j,i)>, affine_map<(i,j)->(i,j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%sum, %t : memref<8x5xf32>, memref<5x8xf32>) outs(%y : memref<8x5xf32>) {
  ^bb0(%s: f32, %c: f32, %o: f32):
    %r = arith.addf %s, %c : f32
    linalg.yield %r : f32
  }
  return
}

// The result lies where the product still reads.
// CHECK-LABEL: func @overlap
// CHECK-COUNT-8: vector.maskedstore
// CHECK: math.absf
func.func @overlap(%b: memref<10x5xf32>, %scratch: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %c384 = arith.constant 384 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.view %scratch[%c0][] : memref<?xi8> to memref<8x10xf32>
  %sum = memref.view %scratch[%c384][] : memref<?xi8> to memref<8x5xf32>
  %y = memref.view %scratch[%c128][] : memref<?xi8> to memref<8x5xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<8x5xf32>)
  linalg.matmul ins(%a, %b : memref<8x10xf32>, memref<10x5xf32>) outs(%sum : memref<8x5xf32>)
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(i,j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%sum : memref<8x5xf32>) outs(%y : memref<8x5xf32>) {
  ^bb0(%s: f32, %o: f32):
    %r = math.absf %s : f32
    linalg.yield %r : f32
  }
  return
}

// Another reader of the sums needs them in memory.
// CHECK-LABEL: func @read_again
// CHECK-COUNT-8: vector.maskedstore
// CHECK: math.absf
func.func @read_again(%a: memref<8x10xf32>, %b: memref<10x5xf32>, %y: memref<8x5xf32>, %z: memref<8x5xf32>,
                      %scratch: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %sum = memref.view %scratch[%c0][] : memref<?xi8> to memref<8x5xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<8x5xf32>)
  linalg.matmul ins(%a, %b : memref<8x10xf32>, memref<10x5xf32>) outs(%sum : memref<8x5xf32>)
  linalg.generic {indexing_maps = [affine_map<(i,j)->(i,j)>, affine_map<(i,j)->(i,j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%sum : memref<8x5xf32>) outs(%y : memref<8x5xf32>) {
  ^bb0(%s: f32, %o: f32):
    %r = math.absf %s : f32
    linalg.yield %r : f32
  }
  memref.copy %sum, %z : memref<8x5xf32> to memref<8x5xf32>
  return
}
