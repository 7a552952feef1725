// RUN: lamina-opt %s --lamina-results-to-arguments | FileCheck %s
// RUN: lamina-opt %s --lamina-results-to-arguments --eliminate-empty-tensors --empty-tensor-to-alloc-tensor \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --canonicalize | FileCheck %s --check-prefix=BUFFERS

// An update is written as a tensor first, then into the buffer of its argument.
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[W:.*]]: memref<4xf32>, %[[G:.*]]: tensor<4xf32> {bufferization.writable = false}, %[[L:.*]]: memref<4xf32>)
// CHECK: %[[OLD:.*]] = bufferization.to_tensor %[[W]] restrict writable
// CHECK: bufferization.materialize_in_destination %[[G]] in restrict writable %[[L]]
// CHECK: %[[NEW:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[OLD]]
// CHECK: bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[W]]

// The old value is read by nobody else: no temporary, no copy of it.
// BUFFERS-LABEL: func.func @step(
// BUFFERS-SAME: %[[W:[a-z0-9]*]]: memref<4xf32>, %[[G:[a-z0-9]*]]: memref<4xf32>, %[[L:[a-z0-9]*]]: memref<4xf32>
// BUFFERS-NOT: memref.alloc
// BUFFERS: linalg.sub ins(%[[W]], %[[G]] {{.*}} outs(%[[W]]
// BUFFERS-NEXT: memref.copy %[[G]], %[[L]]
// BUFFERS-NOT: memref.copy
// BUFFERS: return
func.func @step(%w: tensor<4xf32>, %g: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32> {lamina.in_place = 0 : i64}) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.sub ins(%w, %g : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %g, %0 : tensor<4xf32>, tensor<4xf32>
}

// The old value is read after the new one is known: the new one waits.
// BUFFERS-LABEL: func.func @late(
// BUFFERS-SAME: %[[W:[a-z0-9]*]]: memref<4xf32>, %[[G:[a-z0-9]*]]: memref<4xf32>, %[[D:[a-z0-9]*]]: memref<4xf32>
// BUFFERS: %[[T:.*]] = memref.alloc
// BUFFERS: linalg.sub ins(%[[W]], %[[G]] {{.*}} outs(%[[T]]
// BUFFERS: linalg.mul ins(%[[W]], %[[T]] {{.*}} outs(%[[D]]
// BUFFERS: memref.copy %[[T]], %[[W]]
func.func @late(%w: tensor<4xf32>, %g: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32> {lamina.in_place = 0 : i64}) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.sub ins(%w, %g : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %f = tensor.empty() : tensor<4xf32>
  %1 = linalg.mul ins(%w, %0 : tensor<4xf32>, tensor<4xf32>) outs(%f : tensor<4xf32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}

// Two states change places.
// BUFFERS-LABEL: func.func @swap(
// BUFFERS-SAME: %[[A:[a-z0-9]*]]: memref<4xf32>, %[[B:[a-z0-9]*]]: memref<4xf32>
// BUFFERS-DAG: memref.copy %[[B]], %[[OLDB:.*]] :
// BUFFERS-DAG: memref.copy %[[A]], %[[OLDA:.*]] :
// BUFFERS: memref.copy %[[OLDB]], %[[A]]
// BUFFERS: memref.copy %[[OLDA]], %[[B]]
// BUFFERS-NOT: memref.copy
// BUFFERS: return
func.func @swap(%a: tensor<4xf32>, %b: tensor<4xf32>)
    -> (tensor<4xf32> {lamina.in_place = 0 : i64}, tensor<4xf32> {lamina.in_place = 1 : i64}) {
  return %b, %a : tensor<4xf32>, tensor<4xf32>
}

// Not changed at all.
// CHECK-LABEL: func.func @same(
// CHECK-NEXT: return
func.func @same(%a: tensor<4xf32>) -> (tensor<4xf32> {lamina.in_place = 0 : i64}) {
  return %a : tensor<4xf32>
}
