// RUN: lamina-opt %s | lamina-opt | FileCheck %s

// CHECK-LABEL: model.model @model "sequential" : "Sequential" compile {loss = "mse"} {
model.model @model "sequential" : "Sequential" compile {loss = "mse"} {
  // CHECK: %x = model.input "x" dims ["n", 10] : tensor<?x10xf32>
  %x = model.input "x" dims ["n", 10] : tensor<?x10xf32>
  // CHECK: %dense_kernel = model.weight "dense/kernel" trainable init (%key) {
  // CHECK:   lam.random_bits %key
  // CHECK: } : tensor<10x5xf32>
  %w = model.weight "dense/kernel" trainable init (%k) {
    %bits = lam.random_bits %k : tensor<2xui32> -> tensor<10x5xui32>
    %v = lam.cast %bits : tensor<10x5xui32> -> tensor<10x5xf32>
    model.yield %v : tensor<10x5xf32>
  } : tensor<10x5xf32>
  // CHECK: %dense = model.layer "dense" : "Dense" inputs(%x{{.*}} = %x : tensor<?x10xf32>) weights(%kernel = %dense_kernel : tensor<10x5xf32>) config {units = 5 : i64} -> tensor<?x5xf32> {
  %y = model.layer "dense" : "Dense" inputs(%a = %x : tensor<?x10xf32>) weights(%b = %w : tensor<10x5xf32>)
      config {units = 5} -> tensor<?x5xf32> {
    // CHECK: lam.dot %{{.*}}, %kernel
    %0 = lam.dot %a, %b batch [] x [] contract [1] x [0] : (tensor<?x10xf32>, tensor<10x5xf32>) -> tensor<?x5xf32>
    model.yield %0 : tensor<?x5xf32>
  }
  // CHECK: %twice:2, %twice_mask = model.layer "twice" : "Lambda" inputs({{.*}}) -> (tensor<?x5xf32>, tensor<?x5xf32>) masks tensor<?x5xi1> {
  %z:3 = model.layer "twice" : "Lambda" inputs(%a = %y : tensor<?x5xf32>)
      -> (tensor<?x5xf32>, tensor<?x5xf32>) masks tensor<?x5xi1> {
    %m = lam.gt %a, %a : tensor<?x5xf32>
    model.yield %a, %a, %m : tensor<?x5xf32>, tensor<?x5xf32>, tensor<?x5xi1>
  }
  // CHECK: model.layer "masked" : "Lambda" inputs(%{{.*}} = %twice#1 : tensor<?x5xf32>) masks(%mask = %twice_mask : tensor<?x5xi1>) -> tensor<?x5xf32> {
  %o = model.layer "masked" : "Lambda" inputs(%a = %z#1 : tensor<?x5xf32>) masks(%m = %z#2 : tensor<?x5xi1>) -> tensor<?x5xf32> {
    %0 = lam.select %m, %a, %a : tensor<?x5xf32>
    model.yield %0 : tensor<?x5xf32>
  }
  // CHECK: model.output %masked, %twice#0 names ["y", "z"] dims {{\[\[}}"n", 5], ["n", 5]] : tensor<?x5xf32>, tensor<?x5xf32>
  model.output %o, %z#0 names ["y", "z"] dims [["n", 5], ["n", 5]] : tensor<?x5xf32>, tensor<?x5xf32>
}
