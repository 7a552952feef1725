// Folds and rewrites of -canonicalize, and what must stay as it is.
// RUN: lamina-opt -canonicalize -split-input-file %s | FileCheck %s

// CHECK-LABEL: func.func @neutral
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xi32>)
// CHECK: return %[[X]], %[[X]], %[[X]], %[[X]], %[[I]], %[[I]]
func.func @neutral(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xi32>) {
  %one = lam.constant dense<1.0> : tensor<4xf32>
  %mz = lam.constant dense<-0.0> : tensor<4xf32>
  %i0 = lam.constant dense<0> : tensor<4xi32>
  %i1 = lam.constant dense<1> : tensor<4xi32>
  %0 = lam.mul %x, %one : tensor<4xf32>
  %1 = lam.div %x, %one : tensor<4xf32>
  %2 = lam.add %x, %mz : tensor<4xf32>
  %3 = lam.pow %x, %one : tensor<4xf32>
  %4 = lam.add %i, %i0 : tensor<4xi32>
  %5 = lam.mul %i, %i1 : tensor<4xi32>
  return %0, %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>, tensor<4xi32>
}

// -----
// x + 0 is +0 for x = -0, and x * 0 is NaN for x = inf.
// CHECK-LABEL: func.func @not_neutral
// CHECK: lam.add
// CHECK: lam.mul
func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %z = lam.constant dense<0.0> : tensor<4xf32>
  %0 = lam.add %x, %z : tensor<4xf32>
  %1 = lam.mul %x, %z : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----
// CHECK-LABEL: func.func @integer_times_zero
// CHECK: %[[Z:.*]] = lam.constant dense<0> : tensor<4xi32>
// CHECK: return %[[Z]]
func.func @integer_times_zero(%x: tensor<4xi32>) -> tensor<4xi32> {
  %z = lam.constant dense<0> : tensor<4xi32>
  %0 = lam.mul %x, %z : tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----
// CHECK-LABEL: func.func @small_powers
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>
// CHECK: %[[S:.*]] = lam.mul %[[X]], %[[X]]
// CHECK-NOT: lam.pow
// CHECK: return
func.func @small_powers(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %two = lam.constant dense<2.0> : tensor<f32>
  %b = lam.broadcast %two dims [] sizes(%n) : tensor<f32> -> tensor<?xf32>
  %0 = lam.pow %x, %b : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----
// At -0 and -inf a square root is not the power 0.5.
// CHECK-LABEL: func.func @root
// CHECK: lam.pow
// CHECK-NOT: lam.sqrt
func.func @root(%x: tensor<4xf32>) -> tensor<4xf32> {
  %h = lam.constant dense<0.5> : tensor<4xf32>
  %0 = lam.pow %x, %h : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----
// CHECK-LABEL: func.func @signs
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
// CHECK-DAG: %[[D:.*]] = lam.sub %[[X]], %[[Y]]
// CHECK-DAG: %[[N:.*]] = lam.neg %[[Y]]
// CHECK: return %[[X]], %[[D]], %[[N]]
func.func @signs(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %m = lam.constant dense<-1.0> : tensor<4xf32>
  %0 = lam.neg %x : tensor<4xf32>
  %1 = lam.neg %0 : tensor<4xf32>
  %2 = lam.neg %y : tensor<4xf32>
  %3 = lam.add %x, %2 : tensor<4xf32>
  %4 = lam.mul %y, %m : tensor<4xf32>
  return %1, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----
// CHECK-LABEL: func.func @choices
// CHECK-SAME: (%[[C:.*]]: tensor<4xi1>, %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
// CHECK: return %[[C]], %[[X]], %[[Y]]
func.func @choices(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) {
  %f = lam.constant dense<false> : tensor<4xi1>
  %0 = lam.not %c : tensor<4xi1>
  %1 = lam.not %0 : tensor<4xi1>
  %2 = lam.select %c, %x, %x : tensor<4xf32>
  %3 = lam.select %f, %x, %y : tensor<4xf32>
  return %1, %2, %3 : tensor<4xi1>, tensor<4xf32>, tensor<4xf32>
}

// -----
// CHECK-LABEL: func.func @casts
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK: %[[H:.*]] = lam.cast %[[X]] : tensor<4xf32> -> tensor<4xf16>
// CHECK: %[[B:.*]] = lam.cast %[[H]] : tensor<4xf16> -> tensor<4xf32>
// CHECK: return %[[X]], %[[X]], %[[B]]
func.func @casts(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = lam.cast %x : tensor<4xf32> -> tensor<4xf32>
  %1 = lam.cast %x : tensor<4xf32> -> tensor<4xf64>
  %2 = lam.cast %1 : tensor<4xf64> -> tensor<4xf32>
  %3 = lam.cast %x : tensor<4xf32> -> tensor<4xf16>
  %4 = lam.cast %3 : tensor<4xf16> -> tensor<4xf32>
  return %0, %2, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----
// CHECK-LABEL: func.func @known_size
// CHECK: lam.constant dense<7> : tensor<i32>
// CHECK-NOT: lam.from_size
func.func @known_size() -> tensor<i32> {
  %c = arith.constant 7 : index
  %0 = lam.from_size %c : tensor<i32>
  return %0 : tensor<i32>
}

// -----
// CHECK-LABEL: func.func @shapes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK: %[[B:.*]] = lam.broadcast %[[X]] dims [1, 2] : tensor<2x3xf32> -> tensor<5x2x3xf32>
// CHECK: %[[R:.*]] = lam.reshape %[[X]] : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK: return %[[X]], %[[X]], %[[B]], %[[R]]
func.func @shapes(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<5x2x3xf32>, tensor<3x2xf32>) {
  %0 = lam.transpose %x perm [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = lam.transpose %0 perm [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  %2 = lam.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  %3 = lam.reshape %2 : tensor<6xf32> -> tensor<2x3xf32>
  %4 = lam.broadcast %x dims [1, 2] : tensor<2x3xf32> -> tensor<1x2x3xf32>
  %5 = lam.broadcast %4 dims [0, 1, 2] : tensor<1x2x3xf32> -> tensor<5x2x3xf32>
  %6 = lam.reshape %2 : tensor<6xf32> -> tensor<3x2xf32>
  return %1, %3, %5, %6 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<5x2x3xf32>, tensor<3x2xf32>
}

// -----
// A reshape to the same type may permute unknown sizes: it stays.
// CHECK-LABEL: func.func @unknown_sizes
// CHECK: lam.reshape
func.func @unknown_sizes(%x: tensor<?x?xf32>, %a: index, %b: index) -> tensor<?x?xf32> {
  %0 = lam.reshape %x sizes(%b, %a) : tensor<?x?xf32> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----
// CHECK-LABEL: func.func @whole
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %{{.*}}: tensor<f32>, %[[U:.*]]: tensor<1x4xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[U]]
func.func @whole(%x: tensor<4xf32>, %v: tensor<f32>, %u: tensor<1x4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1x4xf32>) {
  %0 = lam.slice %x[0] strides [1] : tensor<4xf32> -> tensor<4xf32>
  %1 = lam.pad %x value %v[0] strides [1] : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %2 = lam.reverse %x dims [] : tensor<4xf32>
  %3 = lam.concat %x dim 0 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = lam.reduce sum %x dims [] : tensor<4xf32> -> tensor<4xf32>
  %5 = lam.reverse %u dims [0] : tensor<1x4xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<1x4xf32>
}
