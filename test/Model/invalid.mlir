// RUN: lamina-opt %s -split-input-file -verify-diagnostics

model.model @m "m" : "Functional" {
  // expected-error @+1 {{the dims of the input must list the 2 dimensions}}
  %x = model.input "x" dims ["n"] : tensor<?x3xf32>
  model.output %x names ["y"] dims [["n", 3]] : tensor<?x3xf32>
}

// -----

model.model @m "m" : "Functional" {
  // expected-error @+1 {{dimension 1 of the input is 4 in dims}}
  %x = model.input "x" dims ["n", 4] : tensor<?x3xf32>
  model.output %x names ["y"] dims [["n", 3]] : tensor<?x3xf32>
}

// -----

model.model @m "m" : "Functional" {
  // expected-note @+1 {{the first one is here}}
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{is the second one named "x"}}
  %y = model.input "x" dims [3] : tensor<3xf32>
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{two outputs are named "y"}}
  model.output %x, %x names ["y", "y"] dims [[3], [3]] : tensor<3xf32>, tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  // expected-error @+1 {{block with no terminator}}
  %x = model.input "x" dims [3] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{a mask must be a tensor of bool}}
  %y = model.layer "l" : "Lambda" inputs(%a = %x : tensor<3xf32>) masks(%m = %x : tensor<3xf32>) -> tensor<3xf32> {
    model.yield %a : tensor<3xf32>
  }
  model.output %y names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  %y = model.layer "l" : "Lambda" inputs(%a = %x : tensor<3xf32>) -> tensor<3xf32> {
    model.yield %a : tensor<3xf32>
  }
  // expected-error @+1 {{"l" is a Dense here and a Lambda elsewhere}}
  %z = model.layer "l" : "Dense" inputs(%a = %y : tensor<3xf32>) -> tensor<3xf32> {
    model.yield %a : tensor<3xf32>
  }
  model.output %z names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{the shape of a weight must be known}}
  %w = model.weight "w" init (%key) {
    %v = lam.constant dense<0.0> : tensor<2xf32>
    model.yield %v : tensor<2xf32>
  } : tensor<?xf32>
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{state of the optimizer is not trainable}}
  %w = model.weight "w" trainable optimizer init (%key) {
    %v = lam.constant dense<0.0> : tensor<2xf32>
    model.yield %v : tensor<2xf32>
  } : tensor<2xf32>
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{argument 0 has the role "input"; the roles are target, sample_weight, seed}}
  model.entry "e" (%t: tensor<3xf32>) args [{role = "input", name = "t", dims = [3]}] {
    model.yield
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{has 1 arguments and attributes of 0}}
  model.entry "e" (%t: tensor<3xf32>) {
    model.yield
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{the dims of result "l" must list the 1 dimensions}}
  model.entry "e" () results [{role = "loss", name = "l", dims = []}] {
    model.yield %x : tensor<3xf32>
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-error @+1 {{updates "w", which is no weight above it}}
  model.entry "e" () results [{role = "update", name = "w", dims = [3], of = "w"}] {
    model.yield %x : tensor<3xf32>
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-note @+1 {{it is a 'tensor<2xf32>'}}
  %w = model.weight "w" trainable init (%key) {
    %v = lam.constant dense<0.0> : tensor<2xf32>
    model.yield %v : tensor<2xf32>
  } : tensor<2xf32>
  // expected-error @+1 {{updates "w" with a 'tensor<3xf32>'}}
  model.entry "e" () results [{role = "update", name = "w", dims = [3], of = "w"}] {
    model.yield %x : tensor<3xf32>
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  model.entry "e" standalone () results [{role = "output", name = "y", dims = [3]}] {
    // expected-error @+1 {{uses an input or weight of the model in a standalone entry}}
    model.yield %x : tensor<3xf32>
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}

// -----

model.model @m "m" : "Functional" {
  %x = model.input "x" dims [3] : tensor<3xf32>
  // expected-note @+1 {{the first one is here}}
  model.entry "e" () {
    model.yield
  }
  // expected-error @+1 {{is the second one named "e"}}
  model.entry "e" () {
    model.yield
  }
  model.output %x names ["y"] dims [[3]] : tensor<3xf32>
}
