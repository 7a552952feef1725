// RUN: lamina-opt %s --lamina-record-signature --lamina-add-size-functions | FileCheck %s

// CHECK: lamina.signature = {entries = [{arguments = [{dims = ["n", 10], dtype = "uint8", name = "x", role = "input"}], name = "forward", results = [{dims = ["2*n", 10], dtype = "uint8", name = "y", role = "output"}]}], model = "model"}
// CHECK-LABEL: @forward(%arg0: tensor<?x10xi8>)
// CHECK: func.func private @forward_dims(%arg0: index) -> index
// CHECK: arith.muli %arg0
func.func @forward(%x: tensor<?x10xi8> {lamina.role = "input", lamina.name = "x", lamina.dims = ["n", 10], lamina.dtype = "uint8"})
    -> (tensor<?x10xi8> {lamina.role = "output", lamina.name = "y", lamina.dims = ["2*n", 10], lamina.dtype = "uint8"}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?x10xi8>
  %m = arith.muli %n, %c2 : index
  %e = tensor.empty(%m) : tensor<?x10xi8>
  %z = arith.constant 0 : i8
  %y = linalg.fill ins(%z : i8) outs(%e : tensor<?x10xi8>) -> tensor<?x10xi8>
  return %y : tensor<?x10xi8>
}
