// The form of derivatives: what the operators become, and nothing more.
// RUN: lamina-opt %s -lam-differentiate -canonicalize -cse | FileCheck %s

// The antirectifier: concat(relu(z), relu(-z)) of z = l2_normalize(x - mean(x)).
// CHECK-LABEL: func.func @relu_both_ways
// CHECK-SAME: (%[[Z:.*]]: tensor<?x4xf32>, %[[DY:.*]]: tensor<?x8xf32>)
func.func @relu_both_ways(%z: tensor<?x4xf32>, %dy: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = lam.constant dense<0.0> : tensor<f32>
  %y, %dz = lam.vjp (%z : tensor<?x4xf32>) by (%dy : tensor<?x8xf32>) -> (tensor<?x8xf32>), (tensor<?x4xf32>) {
  ^bb0(%a: tensor<?x4xf32>):
    %n = tensor.dim %a, %c0 : tensor<?x4xf32>
    %0 = lam.broadcast %zero dims [] sizes(%n) : tensor<f32> -> tensor<?x4xf32>
    %m = lam.neg %a : tensor<?x4xf32>
    %p = lam.le %a, %0 : tensor<?x4xf32>
    %q = lam.le %m, %0 : tensor<?x4xf32>
    %u = lam.select %p, %0, %a : tensor<?x4xf32>
    %v = lam.select %q, %0, %m : tensor<?x4xf32>
    %c = lam.concat %u, %v dim 1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
    lam.yield %c : tensor<?x8xf32>
  }
  // CHECK-DAG: %[[P:.*]] = lam.le %[[Z]], %[[ZEROS:.*]] :
  // CHECK-DAG: %[[M:.*]] = lam.neg %[[Z]]
  // CHECK-DAG: %[[Q:.*]] = lam.le %[[M]], %[[ZEROS]]
  // CHECK-DAG: %[[LEFT:.*]] = lam.slice %[[DY]] [0, 0]
  // CHECK-DAG: %[[RIGHT:.*]] = lam.slice %[[DY]] [0, 4]
  // CHECK-DAG: %[[DV:.*]] = lam.select %[[Q]], %[[ZEROS]], %[[RIGHT]]
  // CHECK-DAG: %[[DU:.*]] = lam.select %[[P]], %[[ZEROS]], %[[LEFT]]
  // CHECK-NEXT: %[[DZ:.*]] = lam.sub %[[DU]], %[[DV]]
  // CHECK-NEXT: return %[[DZ]]
  return %dz : tensor<?x4xf32>
}

// A matrix product: two products.
// CHECK-LABEL: func.func @dense
func.func @dense(%x: tensor<?x3xf32>, %w: tensor<3x2xf32>, %dy: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<3x2xf32>) {
  %y, %d:2 = lam.vjp (%x, %w : tensor<?x3xf32>, tensor<3x2xf32>) by (%dy : tensor<?x2xf32>)
      -> (tensor<?x2xf32>), (tensor<?x3xf32>, tensor<3x2xf32>) {
  ^bb0(%a: tensor<?x3xf32>, %b: tensor<3x2xf32>):
    %0 = lam.dot %a, %b batch [] x [] contract [1] x [0] : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
    lam.yield %0 : tensor<?x2xf32>
  }
  // CHECK-COUNT-2: lam.dot
  // CHECK-NOT: lam.dot
  // CHECK-NOT: lam.transpose
  // CHECK: return
  return %d#0, %d#1 : tensor<?x3xf32>, tensor<3x2xf32>
}

// Forward mode of a product: (a b)' = a' b + a b'. Nothing is left of the
// transposed derivative that it was made by.
// CHECK-LABEL: func.func @product_rule
// CHECK-SAME: (%[[A:[^:]*]]: tensor<3xf32>, %[[B:[^:]*]]: tensor<3xf32>, %[[U:[^:]*]]: tensor<3xf32>, %[[V:[^:]*]]: tensor<3xf32>)
func.func @product_rule(%a: tensor<3xf32>, %b: tensor<3xf32>, %u: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<3xf32> {
  %y, %t = lam.jvp (%a, %b : tensor<3xf32>, tensor<3xf32>) along (%u, %v : tensor<3xf32>, tensor<3xf32>)
      -> (tensor<3xf32>), (tensor<3xf32>) {
  ^bb0(%c: tensor<3xf32>, %d: tensor<3xf32>):
    %0 = lam.mul %c, %d : tensor<3xf32>
    lam.yield %0 : tensor<3xf32>
  }
  // CHECK-NEXT: %{{.*}} = lam.mul
  // CHECK-NEXT: %{{.*}} = lam.mul
  // CHECK-NEXT: %[[S:.*]] = lam.add
  // CHECK-NEXT: return %[[S]]
  return %t : tensor<3xf32>
}
