// Ops of constants are constants.
// RUN: lamina-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @constants
func.func @constants() -> (tensor<2xf32>, tensor<2xi1>, tensor<4xi8>, tensor<2x2xi32>, tensor<i32>, tensor<2xi32>) {
  %a = lam.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = lam.constant dense<[0.5, 4.0]> : tensor<2xf32>
  // CHECK-DAG: %[[SUM:.*]] = lam.constant dense<[1.500000e+00, 6.000000e+00]> : tensor<2xf32>
  %0 = lam.add %a, %b : tensor<2xf32>
  // CHECK-DAG: %[[LESS:.*]] = lam.constant dense<[false, true]> : tensor<2xi1>
  %1 = lam.lt %a, %b : tensor<2xf32>
  %c = lam.constant dense<100> : tensor<4xi8>
  // CHECK-DAG: %[[WRAPPED:.*]] = lam.constant dense<-56> : tensor<4xi8>
  %2 = lam.add %c, %c : tensor<4xi8>
  %d = lam.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  // CHECK-DAG: %[[T:.*]] = lam.constant dense<{{\[\[}}1, 3], [2, 4]]> : tensor<2x2xi32>
  %3 = lam.transpose %d perm [1, 0] : tensor<2x2xi32> -> tensor<2x2xi32>
  %n = arith.constant 7 : index
  // CHECK-DAG: %[[N:.*]] = lam.constant dense<7> : tensor<i32>
  %4 = lam.from_size %n : tensor<i32>
  // CHECK-DAG: %[[CAST:.*]] = lam.constant dense<[1, 2]> : tensor<2xi32>
  %5 = lam.cast %a : tensor<2xf32> -> tensor<2xi32>
  // CHECK: return %[[SUM]], %[[LESS]], %[[WRAPPED]], %[[T]], %[[N]], %[[CAST]]
  return %0, %1, %2, %3, %4, %5 : tensor<2xf32>, tensor<2xi1>, tensor<4xi8>, tensor<2x2xi32>, tensor<i32>, tensor<2xi32>
}

// CHECK-LABEL: func.func @moved_constants
func.func @moved_constants() -> (tensor<2xi32>, tensor<3xi32>, tensor<2x3xi32>) {
  %a = lam.constant dense<[1, 2, 3]> : tensor<3xi32>
  // CHECK-DAG: %[[S:.*]] = lam.constant dense<[1, 3]> : tensor<2xi32>
  %0 = lam.slice %a [0] strides [2] : tensor<3xi32> -> tensor<2xi32>
  // CHECK-DAG: %[[R:.*]] = lam.constant dense<[3, 2, 1]> : tensor<3xi32>
  %1 = lam.reverse %a dims [0] : tensor<3xi32>
  // CHECK-DAG: %[[B:.*]] = lam.constant dense<{{\[\[}}1, 2, 3], [1, 2, 3]]> : tensor<2x3xi32>
  %2 = lam.broadcast %a dims [1] : tensor<3xi32> -> tensor<2x3xi32>
  // CHECK: return %[[S]], %[[R]], %[[B]]
  return %0, %1, %2 : tensor<2xi32>, tensor<3xi32>, tensor<2x3xi32>
}
