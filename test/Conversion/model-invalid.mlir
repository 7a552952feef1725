// The dims of an input must fit its type.
// RUN: not lamina-opt -convert-model-to-lam %s 2>&1 | FileCheck %s
// CHECK: error: 'model.input' op the dims of the input must list the 2 dimensions of 'tensor<?x4xf32>'
module {
  model.model @m "functional" : "Functional" {
    %x = model.input "x" dims ["n"] : tensor<?x4xf32>
    model.output %x names ["y"] dims [["n", 4]] : tensor<?x4xf32>
  }
}
