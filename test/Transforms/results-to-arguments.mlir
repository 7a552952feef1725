// RUN: lamina-opt %s --lamina-results-to-arguments | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK-SAME: %arg0: tensor<?xf32> {bufferization.writable = false}
// CHECK-SAME: %arg1: memref<?xf32>
// CHECK: bufferization.materialize_in_destination %arg0 in restrict writable %arg1
// CHECK: return{{$}}
func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// What is reshaped last is computed in the caller's buffer all the same.
// CHECK-LABEL: func.func @reshaped
// CHECK-SAME: %[[Y:arg1]]: memref<?x6xf32>, %[[Z:arg2]]: memref<?x1x2x3xf32>
// CHECK-DAG: %[[ROWS:.*]] = memref.dim %[[Y]], %c0
// CHECK-DAG: %[[WIDE:.*]] = memref.expand_shape %[[Y]] {{\[}}[0, 1], [2, 3]] output_shape [%[[ROWS]], 1, 2, 3]
// CHECK: bufferization.materialize_in_destination %arg0 in restrict writable %[[WIDE]]
// CHECK: %[[NARROW:.*]] = memref.collapse_shape %[[Z]] {{\[}}[0, 1], [2, 3]]
// CHECK: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[NARROW]]
func.func @reshaped(%x: tensor<?x1x2x3xf32>) -> (tensor<?x6xf32>, tensor<?x1x2x3xf32>) {
  %c0 = arith.constant 0 : index
  %y = tensor.collapse_shape %x [[0, 1], [2, 3]] : tensor<?x1x2x3xf32> into tensor<?x6xf32>
  %n = tensor.dim %x, %c0 : tensor<?x1x2x3xf32>
  %a = tensor.empty(%n) : tensor<?x6xf32>
  %t = linalg.copy ins(%y : tensor<?x6xf32>) outs(%a : tensor<?x6xf32>) -> tensor<?x6xf32>
  %z = tensor.expand_shape %t [[0, 1], [2, 3]] output_shape [%n, 1, 2, 3] : tensor<?x6xf32> into tensor<?x1x2x3xf32>
  return %y, %z : tensor<?x6xf32>, tensor<?x1x2x3xf32>
}
