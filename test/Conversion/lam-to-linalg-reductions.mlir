// RUN: lamina-opt %s -convert-lam-to-linalg | FileCheck %s

// CHECK-DAG:   #[[$TURNED:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[$WINDOW:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 * 2 + d3, d4)>

// CHECK-LABEL: func.func @reduce(
// CHECK:         %[[I:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         %[[F:.*]] = linalg.fill ins(%[[I]] : f32)
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%{{.*}} : tensor<?x8xf32>) outs(%[[F]]
// CHECK:           arith.maximumf
func.func @reduce(%x: tensor<?x8xf32>) -> tensor<?xf32> {
  %y = lam.reduce max %x dims [1] : tensor<?x8xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// Half precision accumulates in f32 and rounds once.
// CHECK-LABEL: func.func @half(
// CHECK:         %[[S:.*]] = linalg.generic {{.*}}"reduction"{{.*}} outs(%{{.*}} : tensor<f32>)
// CHECK:           arith.extf
// CHECK:           arith.addf {{.*}} : f32
// CHECK:         linalg.generic {{.*}} ins(%[[S]] : tensor<f32>)
// CHECK:           arith.truncf
func.func @half(%x: tensor<8xbf16>) -> tensor<bf16> {
  %y = lam.reduce sum %x dims [0] : tensor<8xbf16> -> tensor<bf16>
  return %y : tensor<bf16>
}

// Along rows: the extreme, then the first place where it is, as lanes can.
// CHECK-LABEL: func.func @arg_reduce(
// CHECK:         %[[BEST:.*]] = linalg.generic
// CHECK:           arith.maximumf
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[BEST]] :
// CHECK-DAG:       %[[SAME:.*]] = arith.cmpf oeq
// CHECK-DAG:       %[[NAN:.*]] = arith.cmpf uno
// CHECK:           %[[FOUND:.*]] = arith.ori %[[SAME]], %[[NAN]]
// CHECK:           arith.select %[[FOUND]]
// CHECK:           arith.minsi
func.func @arg_reduce(%x: tensor<4x8xf32>) -> tensor<4xi32> {
  %y = lam.arg_reduce max %x dim 1 : tensor<4x8xf32> -> tensor<4xi32>
  return %y : tensor<4xi32>
}

// Across rows one pass will do.
// CHECK-LABEL: func.func @arg_reduce_columns(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<8xf32>, tensor<8xi32>)
// CHECK:           %[[GREATER:.*]] = arith.cmpf ugt
// CHECK:           %[[NUMBER:.*]] = arith.cmpf ord
// CHECK:           arith.andi %[[GREATER]], %[[NUMBER]]
func.func @arg_reduce_columns(%x: tensor<4x8xf32>) -> tensor<8xi32> {
  %y = lam.arg_reduce max %x dim 0 : tensor<4x8xf32> -> tensor<8xi32>
  return %y : tensor<8xi32>
}

// A matrix product, and one with a transposed operand.
// CHECK-LABEL: func.func @matmul(
// CHECK-SAME:    %[[A:.*]]: tensor<?x8xf32>, %[[B:.*]]: tensor<8x5xf32>, %[[C:.*]]: tensor<9x5xf32>)
// CHECK:         %[[Y:.*]] = linalg.matmul ins(%[[A]], %[[B]]
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.contract indexing_maps = [{{.*}}, #[[$TURNED]], {{.*}}] ins(%[[Y]], %[[C]]
func.func @matmul(%a: tensor<?x8xf32>, %b: tensor<8x5xf32>, %c: tensor<9x5xf32>) -> tensor<?x9xf32> {
  %0 = lam.dot %a, %b batch [] x [] contract [1] x [0] : (tensor<?x8xf32>, tensor<8x5xf32>) -> tensor<?x5xf32>
  %t = lam.transpose %c perm [1, 0] : tensor<9x5xf32> -> tensor<5x9xf32>
  %1 = lam.dot %0, %t batch [] x [] contract [1] x [0] : (tensor<?x5xf32>, tensor<5x9xf32>) -> tensor<?x9xf32>
  return %1 : tensor<?x9xf32>
}

// CHECK-LABEL: func.func @batched(
// CHECK:         linalg.batch_matmul
func.func @batched(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  %0 = lam.dot %a, %b batch [0] x [0] contract [2] x [1] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// CHECK-LABEL: func.func @conv(
// CHECK:         %[[P:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 1, 0]
// CHECK:         linalg.generic {indexing_maps = [#[[$WINDOW]], {{.*}}]{{.*}}ins(%[[P]]
func.func @conv(%x: tensor<2x9x3xf32>, %k: tensor<3x3x4xf32>) -> tensor<2x5x4xf32> {
  %y = lam.conv %x, %k strides [2] pad [1] x [1] dilation [1] x [1] : tensor<2x9x3xf32>, tensor<3x3x4xf32> -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// A window of one element is a matrix product.
// CHECK-LABEL: func.func @conv1(
// CHECK:         linalg.contract
func.func @conv1(%x: tensor<2x9x3xf32>, %k: tensor<1x3x4xf32>) -> tensor<2x9x4xf32> {
  %y = lam.conv %x, %k strides [1] pad [0] x [0] dilation [1] x [1] : tensor<2x9x3xf32>, tensor<1x3x4xf32> -> tensor<2x9x4xf32>
  return %y : tensor<2x9x4xf32>
}

// CHECK-LABEL: func.func @window(
// CHECK:         %[[SHAPE:.*]] = tensor.empty() : tensor<3xf32>
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[SHAPE]]
// CHECK:           arith.maximumf
func.func @window(%x: tensor<2x9xf32>) -> tensor<2x4xf32> {
  %y = lam.window max %x window [1, 3] strides [1, 2] pad [0, 0] x [0, 0] dilation [1, 1] : tensor<2x9xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// Rows in the last dimension carry a number, others a slice.
// CHECK-LABEL: func.func @cumulative(
// CHECK:         scf.for
// CHECK:           scf.for {{.*}} -> (f32, tensor<4x8xf32>)
// CHECK:         scf.for {{.*}} -> (tensor<8xf32>, tensor<4x8xf32>)
func.func @cumulative(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = lam.cumulative sum %x dim 1 : tensor<4x8xf32>
  %1 = lam.cumulative max %0 dim 0 : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @sort(
// CHECK:         scf.for {{.*}} -> (tensor<4x8xf32>, tensor<4x8xi32>)
// CHECK:           scf.for {{.*}} -> (tensor<8xf32>, tensor<8xi32>)
// CHECK:             arith.cmpf ult
func.func @sort(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi32>) {
  %y, %i = lam.sort %x dim 1 : tensor<4x8xf32> -> tensor<4x8xf32>, tensor<4x8xi32>
  return %y, %i : tensor<4x8xf32>, tensor<4x8xi32>
}

// CHECK-LABEL: func.func @random_bits(
// CHECK:         linalg.generic
// CHECK-COUNT-20: arith.shli
// CHECK-NOT:     arith.shli
func.func @random_bits(%key: tensor<2xui32>) -> tensor<4x2xui32> {
  %y = lam.random_bits %key : tensor<2xui32> -> tensor<4x2xui32>
  return %y : tensor<4x2xui32>
}

// -----

// A single place whose number the type does not know: the elements behind its
// window would be taken for more of the window.
// CHECK-LABEL: func.func @conv_at_one_place
// CHECK: tensor.extract_slice {{.*}}[0, 0, 0] [%{{.*}}, 3, 2] [1, 1, 1] : tensor<?x?x2xf32> to tensor<?x3x2xf32>
func.func @conv_at_one_place(%x: tensor<?x?x2xf32>, %k: tensor<3x2x4xf32>) -> tensor<?x?x4xf32> {
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %y = lam.conv %x, %k strides [3] pad [0] x [0] dilation [1] x [1] sizes(%n, %c1) : tensor<?x?x2xf32>, tensor<3x2x4xf32> -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
