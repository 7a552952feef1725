// RUN: lamina-opt %s --lamina-results-to-arguments | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK-SAME: %arg0: tensor<?xf32> {bufferization.writable = false}
// CHECK-SAME: %arg1: memref<?xf32>
// CHECK: bufferization.materialize_in_destination %arg0 in restrict writable %arg1
// CHECK: return{{$}}
func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
