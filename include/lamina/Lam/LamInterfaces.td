//===- LamInterfaces.td - what passes ask of lam ops ----------*- tablegen -*-===//

#ifndef LAMINA_LAM_LAMINTERFACES_TD
#define LAMINA_LAM_LAMINTERFACES_TD

include "mlir/IR/OpBase.td"

def PointwiseOpInterface : OpInterface<"PointwiseOpInterface"> {
  let cppNamespace = "::lamina::lam";
  let description = [{
    An op that computes every element of its result from the elements at the
    same place in its operands, by one formula that is written once (in
    TableGen) and instantiated for IR values, doubles and integers.
  }];
  let methods = [
    InterfaceMethod<"The formula over IR values: scalars in a loop body, or tensors.",
      "::lamina::lam::Expr", "formulaOf", (ins "::llvm::ArrayRef<::lamina::lam::Expr>":$args)>,
    InterfaceMethod<"The formula over float64 numbers (the interpreter's arithmetic).",
      "double", "evaluate", (ins "::llvm::ArrayRef<double>":$args)>,
    InterfaceMethod<"The formula over 64-bit integers; the caller wraps the result to its width.",
      "::lamina::lam::Integer", "evaluateInteger", (ins "::llvm::ArrayRef<::lamina::lam::Integer>":$args)>,
  ];
}

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::lamina::lam";
  let description = [{An op that knows its own pullback.}];
  let methods = [
    InterfaceMethod<[{
        Given the cotangents `dys` of the results, one cotangent per operand. The
        number 0 stands for no cotangent, in both; at least one of `dys` is a
        value. Rules emit differentiable ops only, so that differentiating twice
        works, and read sizes with `tensor.dim`.
      }], "::llvm::SmallVector<::lamina::lam::Expr>", "pullback", (ins "::llvm::ArrayRef<::lamina::lam::Expr>":$dys)>,
  ];
}

#endif // LAMINA_LAM_LAMINTERFACES_TD
