// The ops that are not pointwise, in their own assembly, read and printed twice.
// RUN: lamina-opt %s | lamina-opt | FileCheck %s

// CHECK-LABEL: func.func @constants
func.func @constants(%n: index) {
  // CHECK: lam.constant dense<1.000000e+00> : tensor<2xf32>
  %0 = lam.constant dense<1.0> : tensor<2xf32>
  // CHECK: lam.constant dense<[1, 255]> : tensor<2xui8>
  %1 = lam.constant dense<[1, 255]> : tensor<2xui8>
  // CHECK: lam.cast %{{.*}} : tensor<2xui8> -> tensor<2xf16>
  %2 = lam.cast %1 : tensor<2xui8> -> tensor<2xf16>
  // CHECK: lam.bitcast %{{.*}} : tensor<2xf32> -> tensor<2xui32>
  %3 = lam.bitcast %0 : tensor<2xf32> -> tensor<2xui32>
  // CHECK: lam.from_size %{{.*}} : tensor<i32>
  %4 = lam.from_size %n : tensor<i32>
  // CHECK: lam.stop_gradient %{{.*}} : tensor<2xf32>
  %5 = lam.stop_gradient %0 : tensor<2xf32>
  return
}

// CHECK-LABEL: func.func @shapes
func.func @shapes(%x: tensor<?x4xf32>, %v: tensor<f32>, %n: index) {
  // CHECK: lam.broadcast %{{.*}} dims [1, 2] sizes(%{{.*}}, %{{.*}}) : tensor<?x4xf32> -> tensor<?x?x4xf32>
  %0 = lam.broadcast %x dims [1, 2] sizes(%n, %n) : tensor<?x4xf32> -> tensor<?x?x4xf32>
  // CHECK: lam.broadcast %{{.*}} dims [] : tensor<f32> -> tensor<2xf32>
  %1 = lam.broadcast %v dims [] : tensor<f32> -> tensor<2xf32>
  // CHECK: lam.reshape %{{.*}} sizes(%{{.*}}) : tensor<?x4xf32> -> tensor<?x2x2xf32>
  %2 = lam.reshape %x sizes(%n) : tensor<?x4xf32> -> tensor<?x2x2xf32>
  // CHECK: lam.transpose %{{.*}} perm [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  %3 = lam.transpose %x perm [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  // CHECK: lam.slice %{{.*}}[%{{.*}}, 1] strides [1, 2] sizes(%{{.*}}) : tensor<?x4xf32> -> tensor<?x2xf32>
  %4 = lam.slice %x[%n, 1] strides [1, 2] sizes(%n) : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK: lam.pad %{{.*}} value %{{.*}}[0, 1] strides [1, 2] sizes(%{{.*}}) : tensor<?x4xf32>, tensor<f32> -> tensor<?x9xf32>
  %5 = lam.pad %x value %v[0, 1] strides [1, 2] sizes(%n) : tensor<?x4xf32>, tensor<f32> -> tensor<?x9xf32>
  // CHECK: lam.reverse %{{.*}} dims [0, 1] : tensor<?x4xf32>
  %6 = lam.reverse %x dims [0, 1] : tensor<?x4xf32>
  // CHECK: lam.concat %{{.*}}, %{{.*}} dim 1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %7 = lam.concat %x, %x dim 1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  // CHECK: lam.iota 1 sizes(%{{.*}}) : tensor<?x4xi64>
  %8 = lam.iota 1 sizes(%n) : tensor<?x4xi64>
  return
}

// CHECK-LABEL: func.func @places
func.func @places(%x: tensor<?x4x5xf32>, %i: tensor<?x3x1xi32>, %u: tensor<?x3x5xf32>) {
  // CHECK: lam.gather %{{.*}} at %{{.*}} axes [1] {batch_dims = 1 : i64} : tensor<?x4x5xf32>, tensor<?x3x1xi32> -> tensor<?x3x5xf32>
  %0 = lam.gather %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x4x5xf32>, tensor<?x3x1xi32> -> tensor<?x3x5xf32>
  // CHECK: lam.scatter set %{{.*}} into %{{.*}} at %{{.*}} axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  %1 = lam.scatter set %u into %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  // CHECK: lam.scatter add
  %2 = lam.scatter add %u into %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  // CHECK: lam.scatter mul
  %3 = lam.scatter mul %u into %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  // CHECK: lam.scatter max
  %4 = lam.scatter max %u into %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  // CHECK: lam.scatter min
  %5 = lam.scatter min %u into %x at %i axes [1] {batch_dims = 1 : i64} : tensor<?x3x5xf32>, tensor<?x4x5xf32>, tensor<?x3x1xi32>
  return
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<?x4xf32>, %c: tensor<?x4xi1>) {
  // CHECK: lam.reduce sum %{{.*}} dims [0, 1] : tensor<?x4xf32> -> tensor<f32>
  %0 = lam.reduce sum %x dims [0, 1] : tensor<?x4xf32> -> tensor<f32>
  // CHECK: lam.reduce prod %{{.*}} dims [0] : tensor<?x4xf32> -> tensor<4xf32>
  %1 = lam.reduce prod %x dims [0] : tensor<?x4xf32> -> tensor<4xf32>
  // CHECK: lam.reduce max %{{.*}} dims [1] : tensor<?x4xf32> -> tensor<?xf32>
  %2 = lam.reduce max %x dims [1] : tensor<?x4xf32> -> tensor<?xf32>
  // CHECK: lam.reduce min %{{.*}} dims [1]
  %3 = lam.reduce min %x dims [1] : tensor<?x4xf32> -> tensor<?xf32>
  // CHECK: lam.reduce any %{{.*}} dims [1] : tensor<?x4xi1> -> tensor<?xi1>
  %4 = lam.reduce any %c dims [1] : tensor<?x4xi1> -> tensor<?xi1>
  // CHECK: lam.reduce all %{{.*}} dims [1] : tensor<?x4xi1> -> tensor<?xi1>
  %5 = lam.reduce all %c dims [1] : tensor<?x4xi1> -> tensor<?xi1>
  // CHECK: lam.arg_reduce max %{{.*}} dim 1 : tensor<?x4xf32> -> tensor<?xi32>
  %6 = lam.arg_reduce max %x dim 1 : tensor<?x4xf32> -> tensor<?xi32>
  // CHECK: lam.arg_reduce min %{{.*}} dim 0 : tensor<?x4xf32> -> tensor<4xi32>
  %7 = lam.arg_reduce min %x dim 0 : tensor<?x4xf32> -> tensor<4xi32>
  // CHECK: lam.cumulative sum %{{.*}} dim 1 : tensor<?x4xf32>
  %8 = lam.cumulative sum %x dim 1 : tensor<?x4xf32>
  // CHECK: lam.cumulative prod %{{.*}} dim 0 exclusive reverse : tensor<?x4xf32>
  %9 = lam.cumulative prod %x dim 0 exclusive reverse : tensor<?x4xf32>
  // CHECK: lam.sort %{{.*}} dim 1 : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %10:2 = lam.sort %x dim 1 : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  // CHECK: lam.sort %{{.*}} dim 1 descending : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %11:2 = lam.sort %x dim 1 descending : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  return
}

// CHECK-LABEL: func.func @contractions
func.func @contractions(%x: tensor<?x8x6xf32>, %w: tensor<?x6x5xf32>, %k: tensor<3x6x7xf32>, %key: tensor<2xui32>, %n: index) {
  // CHECK: lam.dot %{{.*}}, %{{.*}} batch [0] x [0] contract [2] x [1] : (tensor<?x8x6xf32>, tensor<?x6x5xf32>) -> tensor<?x8x5xf32>
  %0 = lam.dot %x, %w batch [0] x [0] contract [2] x [1] : (tensor<?x8x6xf32>, tensor<?x6x5xf32>) -> tensor<?x8x5xf32>
  // CHECK: lam.conv %{{.*}}, %{{.*}} strides [1] pad [0] x [0] dilation [1] x [1] sizes(%{{.*}}) : tensor<?x8x6xf32>, tensor<3x6x7xf32> -> tensor<?x6x7xf32>
  %1 = lam.conv %x, %k strides [1] pad [0] x [0] dilation [1] x [1] sizes(%n) : tensor<?x8x6xf32>, tensor<3x6x7xf32> -> tensor<?x6x7xf32>
  // CHECK: lam.window max %{{.*}} window [1, 2, 1] strides [1, 2, 1] pad [0, 0, 0] x [0, 0, 0] dilation [1, 1, 1] sizes(%{{.*}}) : tensor<?x8x6xf32> -> tensor<?x4x6xf32>
  %2 = lam.window max %x window [1, 2, 1] strides [1, 2, 1] pad [0, 0, 0] x [0, 0, 0] dilation [1, 1, 1] sizes(%n) : tensor<?x8x6xf32> -> tensor<?x4x6xf32>
  // CHECK: lam.random_bits %{{.*}} sizes(%{{.*}}) : tensor<2xui32> -> tensor<?x3xui32>
  %3 = lam.random_bits %key sizes(%n) : tensor<2xui32> -> tensor<?x3xui32>
  return
}
