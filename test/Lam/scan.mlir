// RUN: lamina-opt %s | lamina-opt | FileCheck %s
// RUN: lamina-opt %s --canonicalize | FileCheck %s --check-prefix=CANON
// RUN: lamina-opt %s --convert-lam-to-linalg | FileCheck %s --check-prefix=LINALG

// CHECK-LABEL: func @running
// CHECK: lam.scan %{{.*}} reverse from(%{{.*}} : tensor<4xf32>) over(%{{.*}} : tensor<?x4xf32>) sizes(%{{.*}}) -> (tensor<4xf32>) stacking(tensor<?x4xf32>) {
// LINALG-LABEL: func @running
// LINALG: scf.for %[[I:.*]] = {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[ALL:.*]] = %{{.*}})
// LINALG: tensor.extract_slice %{{.*}}[%[[PLACE:.*]], 0] [1, 4] [1, 1]
// LINALG: tensor.insert_slice %{{.*}} into %[[ALL]][%[[PLACE]], 0]
func.func @running(%h: tensor<4xf32>, %xs: tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  %zero = arith.constant 0 : index
  %n = tensor.dim %xs, %zero : tensor<?x4xf32>
  %last, %all = lam.scan %n reverse from (%h : tensor<4xf32>) over (%xs : tensor<?x4xf32>) sizes (%n) -> (tensor<4xf32>) stacking (tensor<?x4xf32>) {
  ^bb0(%a: tensor<4xf32>, %x: tensor<4xf32>):
    %0 = lam.add %a, %x : tensor<4xf32>
    lam.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
  }
  return %last, %all : tensor<4xf32>, tensor<?x4xf32>
}

// What nobody uses is not carried, read or stacked; constants are inside.
// CANON-LABEL: func @unused
// CANON-SAME: (%[[H:.*]]: tensor<4xf32>, %[[XS:.*]]: tensor<3x4xf32>, %[[YS:.*]]: tensor<3x4xf32>)
// CANON: lam.scan %{{.*}} from(%[[H]] : tensor<4xf32>) over(%[[YS]] : tensor<3x4xf32>) -> (tensor<4xf32>) {
// CANON-NEXT: ^bb0(%[[A:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>):
// CANON-NEXT: %[[TWO:.*]] = lam.constant
// CANON-NEXT: %[[TERM:.*]] = lam.mul %[[Y]], %[[TWO]]
// CANON-NEXT: %[[NEXT:.*]] = lam.add %[[A]], %[[TERM]]
// CANON-NEXT: lam.yield %[[NEXT]] : tensor<4xf32>
func.func @unused(%h: tensor<4xf32>, %xs: tensor<3x4xf32>, %ys: tensor<3x4xf32>) -> tensor<4xf32> {
  %n = arith.constant 3 : index
  %two = lam.constant dense<2.0> : tensor<4xf32>
  %last:2, %all = lam.scan %n from (%h, %h : tensor<4xf32>, tensor<4xf32>) over (%xs, %ys : tensor<3x4xf32>, tensor<3x4xf32>) with (%two : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) stacking (tensor<3x4xf32>) {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>, %x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<4xf32>):
    %0 = lam.mul %y, %c : tensor<4xf32>
    %1 = lam.add %a, %0 : tensor<4xf32>
    %2 = lam.mul %b, %x : tensor<4xf32>
    lam.yield %1, %2, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  return %last#0 : tensor<4xf32>
}

// CHECK-LABEL: func @until
// CHECK: lam.while from(%{{.*}} : tensor<i32>) -> (tensor<i32>) {
// LINALG-LABEL: func @until
// LINALG: scf.while
func.func @until(%i: tensor<i32>) -> tensor<i32> {
  %last = lam.while from (%i : tensor<i32>) -> (tensor<i32>) {
  ^bb0(%a: tensor<i32>):
    %0 = lam.constant dense<7> : tensor<i32>
    %1 = lam.lt %a, %0 : tensor<i32>
    lam.yield %1 : tensor<i1>
  } do {
  ^bb0(%a: tensor<i32>):
    %0 = lam.add %a, %a : tensor<i32>
    lam.yield %0 : tensor<i32>
  }
  return %last : tensor<i32>
}
