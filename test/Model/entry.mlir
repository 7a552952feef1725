// RUN: lamina-opt %s | lamina-opt | FileCheck %s

// CHECK-LABEL: model.model @model
model.model @model "sequential" : "Sequential" {
  %x = model.input "x" dims ["n", 3] : tensor<?x3xf32>
  %w = model.weight "scale" trainable init (%k) {
    %v = lam.constant dense<1.0> : tensor<3xf32>
    model.yield %v : tensor<3xf32>
  } : tensor<3xf32>
  // CHECK: %sgd_iteration = model.weight "sgd/iteration" optimizer init (%key) {
  %i = model.weight "sgd/iteration" optimizer init (%k) {
    %v = lam.constant dense<0> : tensor<i64>
    model.yield %v : tensor<i64>
  } : tensor<i64>
  // CHECK: model.entry "train_step" (%y_true: tensor<?x3xf32>, %seed: tensor<2xui32>)
  // CHECK-SAME: args [{dims = ["n", 3], name = "y_true", role = "target"}, {dims = [2], name = "seed", role = "seed"}]
  // CHECK-SAME: results [{dims = ["n", 3], name = "y", role = "output"}, {dims = [3], name = "scale", of = "scale", role = "update"}] {
  model.entry "train_step" (%t: tensor<?x3xf32>, %seed: tensor<2xui32>)
      args [{role = "target", name = "y_true", dims = ["n", 3]}, {role = "seed", name = "seed", dims = [2]}]
      results [{role = "output", name = "y", dims = ["n", 3]}, {role = "update", name = "scale", dims = [3], of = "scale"}] {
    // CHECK: %l, %l_effect = model.layer "l" : "Lambda" inputs(%{{.*}} = %x : tensor<?x3xf32>) weights(%scale_{{.*}} = %scale : tensor<3xf32>) -> tensor<?x3xf32> effects tensor<3xf32> {
    %y:2 = model.layer "l" : "Lambda" inputs(%a = %x : tensor<?x3xf32>) weights(%b = %w : tensor<3xf32>) -> tensor<?x3xf32> effects tensor<3xf32> {
      %n = lam.neg %b : tensor<3xf32>
      model.yield %a, %n : tensor<?x3xf32>, tensor<3xf32>
    }
    // CHECK: model.yield %l, %l_effect : tensor<?x3xf32>, tensor<3xf32>
    model.yield %y#0, %y#1 : tensor<?x3xf32>, tensor<3xf32>
  }
  // CHECK: model.entry "metrics" standalone (%acc_0: tensor<f32>) args [{dims = [], name = "acc_0", role = "input"}] results [{dims = [], name = "acc", role = "output"}] {
  model.entry "metrics" standalone (%a: tensor<f32>) args [{role = "input", name = "acc_0", dims = []}]
      results [{role = "output", name = "acc", dims = []}] {
    model.yield %a : tensor<f32>
  }
  // CHECK: model.entry "nothing" () {
  // CHECK-NEXT: model.yield
  model.entry "nothing" () {
    model.yield
  }
  model.output %x names ["y"] dims [["n", 3]] : tensor<?x3xf32>
}
