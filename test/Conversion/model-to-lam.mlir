// RUN: lamina-opt %s -convert-model-to-lam | FileCheck %s
// RUN: lamina-opt %s -convert-model-to-lam="seed=3" | FileCheck %s --check-prefix=SEED

// CHECK: module attributes {lamina.compile = {loss = "mse"}, lamina.model = "net"}
// CHECK-LABEL: func.func @forward(
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32> {lamina.dims = ["n", 2], lamina.dtype = "float32", lamina.name = "x", lamina.role = "input"}
// CHECK-SAME: %[[W:.*]]: tensor<2xf32> {lamina.dims = [2], lamina.dtype = "float32", lamina.name = "outer/inner/w", lamina.role = "weight", lamina.trainable = true, lamina.value = dense<{{.*}}> : tensor<2xf32>}
// CHECK-SAME: %{{.*}}: tensor<ui8> {lamina.dims = [], lamina.dtype = "uint8", lamina.name = "step", lamina.role = "weight", lamina.trainable = false, lamina.value = dense<7> : tensor<ui8>}
// CHECK-SAME: -> (tensor<?x2xf32> {lamina.dims = ["n", 2], lamina.dtype = "float32", lamina.name = "y", lamina.role = "output"})
// CHECK-NOT: model.
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[B:.*]] = lam.broadcast %[[W]] dims [1] sizes(%[[N]])
// CHECK: %[[Y:.*]] = lam.mul %[[X]], %[[B]]
// CHECK: %[[Z:.*]] = lam.neg %[[Y]]
// CHECK: return %[[Z]]

// SEED: lamina.value = dense<[1.57918976E+9, 3.25819802E+9]> : tensor<2xf32>

model.model @net "functional" : "Functional" compile {loss = "mse"} {
  %x = model.input "x" dims ["n", 2] : tensor<?x2xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %w = model.weight "outer/inner/w" trainable init (%key) {
    %bits = lam.random_bits %key : tensor<2xui32> -> tensor<2xui32>
    %v = lam.cast %bits : tensor<2xui32> -> tensor<2xf32>
    model.yield %v : tensor<2xf32>
  } : tensor<2xf32>
  %s = model.weight "step" init (%key) {
    %v = lam.constant dense<7> : tensor<ui8>
    model.yield %v : tensor<ui8>
  } : tensor<ui8>
  %y = model.layer "outer" : "Outer" inputs(%a = %x : tensor<?x2xf32>) weights(%v = %w : tensor<2xf32>) -> tensor<?x2xf32> {
    %i = model.layer "inner" : "Inner" inputs(%b = %a : tensor<?x2xf32>) weights(%u = %v : tensor<2xf32>) -> tensor<?x2xf32> {
      %0 = lam.broadcast %u dims [1] sizes(%n) : tensor<2xf32> -> tensor<?x2xf32>
      %1 = lam.mul %b, %0 : tensor<?x2xf32>
      model.yield %1 : tensor<?x2xf32>
    }
    %o = lam.neg %i : tensor<?x2xf32>
    model.yield %o : tensor<?x2xf32>
  }
  model.output %y names ["y"] dims [["n", 2]] : tensor<?x2xf32>
}
