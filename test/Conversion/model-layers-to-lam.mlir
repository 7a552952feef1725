// Layers are inlined into @forward; weights become arguments with their initial values.
// RUN: lamina-opt -convert-model-to-lam %s | FileCheck %s

// CHECK: lamina.model = "m"
// CHECK: func.func @forward(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32> {lamina.dims = ["n", 4], lamina.dtype = "float32", lamina.name = "x", lamina.role = "input"}
// CHECK-SAME: %[[W:.*]]: tensor<4x3xf32> {lamina.dims = [4, 3], lamina.dtype = "float32", lamina.name = "d/kernel", lamina.role = "weight", lamina.trainable = true, lamina.value = dense<5.000000e-01> : tensor<4x3xf32>}
// CHECK-SAME: %[[S:.*]]: tensor<3xf32> {{{.*}}lamina.name = "s/moving", lamina.role = "weight", lamina.trainable = false, lamina.value = dense<2.000000e+00> : tensor<3xf32>}
// CHECK-SAME: -> (tensor<?x3xf32> {lamina.dims = ["n", 3], lamina.dtype = "float32", lamina.name = "y", lamina.role = "output"})
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[D:.*]] = lam.dot %[[X]], %[[W]]
// CHECK: %[[B:.*]] = lam.broadcast %[[S]] dims [1] sizes(%[[N]])
// CHECK: %[[Y:.*]] = lam.mul %[[D]], %[[B]]
// CHECK: return %[[Y]]
// CHECK-NOT: model.
module attributes {lamina.model = "m"} {
  model.model @m "functional" : "Functional" {
    %x = model.input "x" dims ["n", 4] : tensor<?x4xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x4xf32>
    %w = model.weight "d/kernel" trainable init (%key) {
      %0 = lam.constant dense<0.5> : tensor<f32>
      %1 = lam.broadcast %0 dims [] : tensor<f32> -> tensor<4x3xf32>
      model.yield %1 : tensor<4x3xf32>
    } : tensor<4x3xf32>
    %s = model.weight "s/moving" init (%key) {
      %0 = lam.constant dense<2.0> : tensor<3xf32>
      model.yield %0 : tensor<3xf32>
    } : tensor<3xf32>
    %d = model.layer "d" : "Dense" inputs(%a = %x : tensor<?x4xf32>) weights(%k = %w : tensor<4x3xf32>) config {units = 3 : i64} -> tensor<?x3xf32> {
      %0 = lam.dot %a, %k batch [] x [] contract [1] x [0] : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
      model.yield %0 : tensor<?x3xf32>
    }
    %y = model.layer "s" : "Scale" inputs(%a = %d : tensor<?x3xf32>) weights(%k = %s : tensor<3xf32>) config {} -> tensor<?x3xf32> {
      %0 = lam.broadcast %k dims [1] sizes(%n) : tensor<3xf32> -> tensor<?x3xf32>
      %1 = lam.mul %a, %0 : tensor<?x3xf32>
      model.yield %1 : tensor<?x3xf32>
    }
    model.output %y names ["y"] dims [["n", 3]] : tensor<?x3xf32>
  }
}
