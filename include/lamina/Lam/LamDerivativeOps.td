//===- LamDerivativeOps.td - derivatives as operators -*- tablegen -*-===//

#ifndef LAMINA_LAM_LAMDERIVATIVEOPS_TD
#define LAMINA_LAM_LAMDERIVATIVEOPS_TD

include "lamina/Lam/LamBase.td"

//===----------------------------------------------------------------------===//
// Derivative operators: lam-differentiate replaces them by what they mean
//===----------------------------------------------------------------------===//

// A function as a region: its arguments are the primals, its terminator is
// `lam.yield`. Values of the enclosing region may be used; they are constants
// of the derivative.
class Lam_FunctionOp<string mnemonic, list<Trait> traits>
    : Lam_Op<mnemonic, !listconcat([SingleBlock], traits)> {
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}
def VjpOp : Lam_FunctionOp<"vjp", [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "A function's value and its vector-Jacobian product (reverse mode)";
  let description = [{
    The region computes `outputs` from `primals`. The first outputs, as many as
    there are `cotangents`, have the cotangents' types; the others are
    carried along. `gradients` is one tensor per primal, of its type: the sum
    over the outputs of cotangent times Jacobian.

    ```mlir
    %y, %dx = lam.vjp (%x : tensor<3xf32>) by (%dy : tensor<3xf32>) -> (tensor<3xf32>), (tensor<3xf32>) {
    ^bb0(%a: tensor<3xf32>):
      %0 = lam.mul %a, %a : tensor<3xf32>
      lam.yield %0 : tensor<3xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Lam_FloatTensor>:$primals, Variadic<Lam_FloatTensor>:$cotangents);
  let results = (outs Variadic<Lam_Tensor>:$outputs, Variadic<Lam_FloatTensor>:$gradients);
  let assemblyFormat = [{
    `(` $primals `:` type($primals) `)` `by` `(` $cotangents `:` type($cotangents) `)`
    `->` `(` type($outputs) `)` `,` `(` type($gradients) `)` attr-dict-with-keyword $body
  }];
}
def JvpOp : Lam_FunctionOp<"jvp", [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let summary = "A function's value and its Jacobian-vector product (forward mode)";
  let description = [{
    The region computes outputs from `primals`. `directions` are tangents, one per primal, of its
    type; `derivatives` are the tangents of the outputs, all of which are floats.
  }];
  let arguments = (ins Variadic<Lam_FloatTensor>:$primals, Variadic<Lam_FloatTensor>:$directions);
  let results = (outs Variadic<Lam_FloatTensor>:$outputs, Variadic<Lam_FloatTensor>:$derivatives);
  let assemblyFormat = [{
    `(` $primals `:` type($primals) `)` `along` `(` $directions `:` type($directions) `)`
    `->` `(` type($outputs) `)` `,` `(` type($derivatives) `)` attr-dict-with-keyword $body
  }];
}
def CustomGradientOp : Lam_FunctionOp<"custom_gradient", [AttrSizedOperandSegments, Lam_Differentiable]> {
  let summary = "The identity on `values`, with a pullback of its own to `inputs`";
  let description = [{
    `values` were computed from `inputs`; the region says how cotangents of the
    values become cotangents of the inputs, instead of the derivative of that
    computation. Its arguments have the types of `values`, and it yields one
    tensor per input, of the input's type.
  }];
  let arguments = (ins Variadic<Lam_FloatTensor>:$values, Variadic<Lam_FloatTensor>:$inputs);
  let results = (outs Variadic<Lam_FloatTensor>:$results);
  let assemblyFormat = [{
    `(` $values `:` type($values) `)` `of` `(` $inputs `:` type($inputs) `)` `->` `(` type($results) `)` attr-dict-with-keyword $body
  }];
}
def YieldOp : Lam_Op<"yield", [Terminator, ParentOneOf<["VjpOp", "JvpOp", "CustomGradientOp", "ScanOp", "WhileOp"]>]> {
  let summary = "The results of the region of a derivative operator or a loop";
  let arguments = (ins Variadic<Lam_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

#endif // LAMINA_LAM_LAMDERIVATIVEOPS_TD
