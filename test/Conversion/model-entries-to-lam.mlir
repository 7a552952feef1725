// RUN: lamina-opt %s -convert-model-to-lam | FileCheck %s

// The function of an entry takes the inputs, its own arguments, the weights, the
// state of the optimizer if it uses it, and the seed at the end.

// CHECK-LABEL: func.func @forward(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x3xf32> {{{.*}}lamina.role = "input"}
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<3xf32> {{{.*}}lamina.role = "weight"
// CHECK-NOT: optimizer
// CHECK: return %[[X]]

// CHECK-LABEL: func.func @train_step(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x3xf32> {{{.*}}lamina.role = "input"}
// CHECK-SAME: %[[T:[a-z0-9]+]]: tensor<?x3xf32> {lamina.dims = ["n", 3], lamina.dtype = "float32", lamina.name = "y_true", lamina.role = "target"}
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<3xf32> {{{.*}}lamina.role = "weight"
// CHECK-SAME: %[[I:[a-z0-9]+]]: tensor<i64> {lamina.dims = [], lamina.dtype = "int64", lamina.name = "sgd/iteration", lamina.role = "optimizer", lamina.trainable = false, lamina.value = dense<0> : tensor<i64>}
// CHECK-SAME: %[[K:[a-z0-9]+]]: tensor<2xui32> {{{.*}}lamina.role = "seed"}
// CHECK-SAME: -> (tensor<?x3xf32> {{{.*}}lamina.role = "output"}
// CHECK-SAME: tensor<3xf32> {lamina.dims = [3], lamina.dtype = "float32", lamina.name = "scale", lamina.of = "scale", lamina.role = "update"}
// CHECK-SAME: tensor<i64> {{{.*}}lamina.of = "sgd/iteration"
// CHECK: %[[N:.*]] = lam.neg %[[W]]
// CHECK: %[[O:.*]] = lam.constant dense<1>
// CHECK: %[[J:.*]] = lam.add %[[I]], %[[O]]
// CHECK: return %[[X]], %[[N]], %[[J]]

// CHECK-LABEL: func.func @evaluate(
// CHECK-NOT: optimizer
// CHECK: lam.abs %{{.*}} : tensor<?x3xf32>

// CHECK-LABEL: func.func @metrics(
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "acc_0", lamina.role = "input"})
// CHECK: return %[[A]]

model.model @model "sequential" : "Sequential" {
  %x = model.input "x" dims ["n", 3] : tensor<?x3xf32>
  %w = model.weight "scale" trainable init (%k) {
    %v = lam.constant dense<1.0> : tensor<3xf32>
    model.yield %v : tensor<3xf32>
  } : tensor<3xf32>
  %i = model.weight "sgd/iteration" optimizer init (%k) {
    %v = lam.constant dense<0> : tensor<i64>
    model.yield %v : tensor<i64>
  } : tensor<i64>
  model.entry "train_step" (%t: tensor<?x3xf32>, %seed: tensor<2xui32>)
      args [{role = "target", name = "y_true", dims = ["n", 3]}, {role = "seed", name = "seed", dims = [2]}]
      results [{role = "output", name = "y", dims = ["n", 3]}, {role = "update", name = "scale", dims = [3], of = "scale"},
               {role = "update", name = "sgd/iteration", dims = [], of = "sgd/iteration"}] {
    %y:2 = model.layer "l" : "Lambda" inputs(%a = %x : tensor<?x3xf32>) weights(%b = %w : tensor<3xf32>) -> tensor<?x3xf32> effects tensor<3xf32> {
      %n = lam.neg %b : tensor<3xf32>
      model.yield %a, %n : tensor<?x3xf32>, tensor<3xf32>
    }
    %one = lam.constant dense<1> : tensor<i64>
    %j = lam.add %i, %one : tensor<i64>
    model.yield %y#0, %y#1, %j : tensor<?x3xf32>, tensor<3xf32>, tensor<i64>
  }
  %y = lam.abs %x : tensor<?x3xf32>
  model.entry "evaluate" () results [{role = "output", name = "y", dims = ["n", 3]}] {
    model.yield %y : tensor<?x3xf32>
  }
  model.entry "metrics" standalone (%a: tensor<f32>) args [{role = "input", name = "acc_0", dims = []}]
      results [{role = "output", name = "acc", dims = []}] {
    model.yield %a : tensor<f32>
  }
  model.output %x names ["y"] dims [["n", 3]] : tensor<?x3xf32>
}
