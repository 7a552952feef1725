//===- Passes.td - passes from one dialect to another ------*- tablegen -*-===//
#ifndef LAMINA_CONVERSION_PASSES
#define LAMINA_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertModelToLam : Pass<"convert-model-to-lam", "mlir::ModuleOp"> {
  let summary = "inline the layers of a model into functions";
  let description = [{
    Turns the `model.model` of the module into `func.func @forward`: the inputs
    and then the weights are its arguments, the outputs its results. Their
    attributes describe them: `lamina.role` ("input", "weight", "output"),
    `lamina.name`, `lamina.dims`, `lamina.dtype`; of a weight also
    `lamina.trainable` and `lamina.value`, the initial value, which the
    reference interpreter computes from the `init` region. The key of a weight
    depends on the seed and the weight's name only, so that a new layer leaves
    the other weights as they are.

    Every `model.entry` becomes a function too. Its arguments are the inputs,
    the entry's own, the weights, the optimizer's state (role "optimizer") if it
    uses any of it, and the seed; a `standalone` entry has its own alone. What
    the entry says of an argument or result gets the prefix `lamina.`.
  }];
  let options = [Option<"seed", "seed", "uint64_t", "0", "seed of the initial weights">];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

def ConvertLamToLinalg : Pass<"convert-lam-to-linalg", "mlir::ModuleOp"> {
  let summary = "lower tensor expressions to loops over scalars";
  let description = [{
    Rewrites every `lam` op to `linalg` on tensors, and what has no structured
    form (sorting, scans, scatters) to `scf` loops on tensors. Unsigned element
    types become signless, in function signatures too; arguments and results
    keep their attributes.

    * A pointwise op is one `linalg.generic` whose body is the op's formula.
      Broadcasts, transposes and unit dimensions of its operands become indexing
      maps, splat constants become scalars in the body.
    * `f16` and `bf16` are computed in `f32` inside a body; reductions and
      contractions accumulate in `f32` and round once.
    * A contraction is `linalg.matmul`, `linalg.batch_matmul` or
      `linalg.contract`; a convolution or window is a `linalg.generic` over a
      padded tensor.
    * Pieces of a concatenation and padded tensors are inserted into their
      destination, so that bufferization can compute them in place.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect"];
}

#endif // LAMINA_CONVERSION_PASSES
