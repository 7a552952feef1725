// RUN: lamina-opt %s --lamina-storage-types | FileCheck %s

#m = affine_map<(i)->(i)>

// CHECK-LABEL: @bools(%arg0: tensor<?xi8>, %arg1: tensor<?xi8>) -> tensor<?xi8>
// CHECK: ^bb0(%[[A:.*]]: i8, %{{.*}}: i8):
// CHECK: %[[T:.*]] = arith.cmpi ne, %[[A]], %{{.*}} : i8
// CHECK: %[[N:.*]] = arith.xori %[[T]], %{{.*}} : i1
// CHECK: %[[B:.*]] = arith.extui %[[N]] : i1 to i8
// CHECK: linalg.yield %[[B]] : i8
func.func @bools(%x: tensor<?xi1>, %e: tensor<?xi1>) -> tensor<?xi1> {
  %true = arith.constant true
  %0 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel"]} ins(%x : tensor<?xi1>) outs(%e : tensor<?xi1>) {
  ^bb0(%a: i1, %o: i1):
    %1 = arith.xori %a, %true : i1
    linalg.yield %1 : i1
  } -> tensor<?xi1>
  return %0 : tensor<?xi1>
}

// CHECK-LABEL: @constant
// CHECK: arith.constant dense<[1, 0, 1]> : tensor<3xi8>
// CHECK: arith.constant dense<15360> : tensor<2xi16>
func.func @constant() -> (tensor<3xi1>, tensor<2xf16>) {
  %0 = arith.constant dense<[true, false, true]> : tensor<3xi1>
  %1 = arith.constant dense<1.0> : tensor<2xf16>
  return %0, %1 : tensor<3xi1>, tensor<2xf16>
}

// CHECK-LABEL: @halves(%arg0: tensor<?xi16>
// CHECK: arith.bitcast %{{.*}} : i16 to f16
// CHECK: arith.negf
// CHECK: arith.bitcast %{{.*}} : f16 to i16
func.func @halves(%x: tensor<?xf16>, %e: tensor<?xf16>) -> tensor<?xf16> {
  %0 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel"]} ins(%x : tensor<?xf16>) outs(%e : tensor<?xf16>) {
  ^bb0(%a: f16, %o: f16):
    %1 = arith.negf %a : f16
    linalg.yield %1 : f16
  } -> tensor<?xf16>
  return %0 : tensor<?xf16>
}

// A product that accumulates in f32 keeps its name.
// CHECK-LABEL: @product
// CHECK-COUNT-2: arith.extf
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x8xf32>, tensor<8x2xf32>)
func.func @product(%a: tensor<4x8xbf16>, %b: tensor<8x2xbf16>, %c: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<4x8xbf16>, tensor<8x2xbf16>) outs(%c : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// CHECK-LABEL: @scalar
// CHECK: %[[E:.*]] = tensor.extract %{{.*}} : tensor<3xi8>
// CHECK: arith.cmpi ne, %[[E]]
func.func @scalar(%x: tensor<3xi1>) -> i1 {
  %c1 = arith.constant 1 : index
  %0 = tensor.extract %x[%c1] : tensor<3xi1>
  return %0 : i1
}

// Whether any element is set is a reduction of bytes.
// CHECK-LABEL: @any
// CHECK: ^bb0(%[[A:.*]]: f32, %[[O:.*]]: i8):
// CHECK: %[[T:.*]] = arith.cmpf
// CHECK-NEXT: %[[B:.*]] = arith.extui %[[T]] : i1 to i8
// CHECK-NEXT: %[[R:.*]] = arith.ori %[[B]], %[[O]] : i8
// CHECK-NEXT: linalg.yield %[[R]] : i8
func.func @any(%x: tensor<?xf32>, %e: tensor<i1>) -> tensor<i1> {
  %zero = arith.constant 0.0 : f32
  %0 = linalg.generic {indexing_maps = [#m, affine_map<(i) -> ()>], iterator_types = ["reduction"]} ins(%x : tensor<?xf32>) outs(%e : tensor<i1>) {
  ^bb0(%a: f32, %o: i1):
    %1 = arith.cmpf ogt, %a, %zero : f32
    %2 = arith.ori %1, %o : i1
    linalg.yield %2 : i1
  } -> tensor<i1>
  return %0 : tensor<i1>
}
