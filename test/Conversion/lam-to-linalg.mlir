// What the main ops of lam become, and that no copy is made on the way.
// RUN: lamina-opt -convert-lam-to-linalg -split-input-file -mlir-print-local-scope %s | FileCheck %s

// CHECK-LABEL: func.func @pointwise(
// CHECK-COUNT-1: linalg.generic
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK-NEXT: linalg.yield %[[Y]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @pointwise(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = lam.mul %x, %y : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----
// CHECK-LABEL: func.func @broadcast(
// CHECK-NOT: linalg.broadcast
// CHECK: linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<4xf32>)
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @broadcast(%x: tensor<?x4xf32>, %v: tensor<4xf32>, %n: index) -> tensor<?x4xf32> {
  %b = lam.broadcast %v dims [1] sizes(%n) : tensor<4xf32> -> tensor<?x4xf32>
  %0 = lam.add %x, %b : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----
// CHECK-LABEL: func.func @matmul(
// CHECK: %[[F:.*]] = linalg.fill
// CHECK-NEXT: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<8x5xf32>) outs(%[[F]] : tensor<?x5xf32>)
func.func @matmul(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>) -> tensor<?x5xf32> {
  %0 = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x8xf32>, tensor<8x5xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// -----
// CHECK-LABEL: func.func @batch_matmul(
// CHECK: linalg.batch_matmul ins(%{{.*}}, %{{.*}} : tensor<?x8x6xf32>, tensor<?x6x5xf32>)
func.func @batch_matmul(%x: tensor<?x8x6xf32>, %w: tensor<?x6x5xf32>) -> tensor<?x8x5xf32> {
  %0 = lam.dot %x, %w batch [0] x [0] contract [2] x [1] : (tensor<?x8x6xf32>, tensor<?x6x5xf32>) -> tensor<?x8x5xf32>
  return %0 : tensor<?x8x5xf32>
}

// -----
// CHECK-LABEL: func.func @contract(
// CHECK: linalg.contract indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1)>]
func.func @contract(%x: tensor<3x8x6xf32>, %w: tensor<5x8x6xf32>) -> tensor<3x5xf32> {
  %0 = lam.dot %x, %w batch [] x [] contract [1, 2] x [1, 2] : (tensor<3x8x6xf32>, tensor<5x8x6xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// -----
// CHECK-LABEL: func.func @reduce(
// CHECK: %[[Z:.*]] = arith.constant 0.000000e+00
// CHECK: %[[F:.*]] = linalg.fill ins(%[[Z]] : f32)
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%{{.*}} : tensor<?x4xf32>) outs(%[[F]] : tensor<?xf32>)
// CHECK: arith.addf
func.func @reduce(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  %0 = lam.reduce sum %x dims [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----
// CHECK-LABEL: func.func @reduce_max(
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.maximumf
func.func @reduce_max(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  %0 = lam.reduce max %x dims [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----
// CHECK-LABEL: func.func @concat(
// CHECK: %[[E:.*]] = tensor.empty
// CHECK: %[[A:.*]] = tensor.insert_slice %{{.*}} into %[[E]][0, 0] [%{{.*}}, 4] [1, 1]
// CHECK: tensor.insert_slice %{{.*}} into %[[A]][0, 4] [%{{.*}}, 2] [1, 1]
func.func @concat(%x: tensor<?x4xf32>, %y: tensor<?x2xf32>) -> tensor<?x6xf32> {
  %0 = lam.concat %x, %y dim 1 : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// -----
// CHECK-LABEL: func.func @gather(
// Places outside are clamped.
// CHECK-DAG: %[[LAST:.*]] = arith.constant 6 : index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = arith.index_cast
// CHECK: %[[L:.*]] = arith.maxsi %[[I]], %[[ZERO]]
// CHECK: %[[C:.*]] = arith.minsi %[[L]], %[[LAST]]
// CHECK: tensor.extract %{{.*}}[%[[C]], %{{.*}}]
func.func @gather(%x: tensor<7x4xf32>, %i: tensor<?x1xi32>) -> tensor<?x4xf32> {
  %0 = lam.gather %x at %i axes [0] : tensor<7x4xf32>, tensor<?x1xi32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----
// CHECK-LABEL: func.func @transpose(
// CHECK: linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>]
func.func @transpose(%x: tensor<?x4xf32>) -> tensor<4x?xf32> {
  %0 = lam.transpose %x perm [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----
// CHECK-LABEL: func.func @slice(
// CHECK-NEXT: %[[S:.*]] = tensor.extract_slice %{{.*}}[0, 1] [%{{.*}}, 3] [1, 2]
// CHECK-NEXT: return %[[S]]
func.func @slice(%x: tensor<?x8xf32>, %n: index) -> tensor<?x3xf32> {
  %0 = lam.slice %x[0, 1] strides [1, 2] sizes(%n) : tensor<?x8xf32> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----
// CHECK-LABEL: func.func @unsigned(
// CHECK-SAME: %{{.*}}: tensor<4xi8>
// CHECK: arith.maxui
// CHECK: arith.cmpi ult
func.func @unsigned(%x: tensor<4xui8>, %y: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xi1>) {
  %0 = lam.max %x, %y : tensor<4xui8>
  %1 = lam.lt %x, %y : tensor<4xui8>
  return %0, %1 : tensor<4xui8>, tensor<4xi1>
}

// -----
// CHECK-LABEL: func.func @sort(
// CHECK: scf.for
// CHECK: arith.cmpf ult
// CHECK-NOT: lam.
func.func @sort(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0:2 = lam.sort %x dim 1 : tensor<?x4xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  return %0#0 : tensor<?x4xf32>
}

// -----
// CHECK-LABEL: func.func @shape_only(
// CHECK-NOT: linalg.
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]]
// CHECK-NEXT: return
func.func @shape_only(%x: tensor<?x4xf32>) -> tensor<?x2x2xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = lam.reshape %x sizes(%n) : tensor<?x4xf32> -> tensor<?x2x2xf32>
  return %0 : tensor<?x2x2xf32>
}
