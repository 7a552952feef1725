//===- Passes.td - passes from one dialect to another ------*- tablegen -*-===//
#ifndef LAMINA_CONVERSION_PASSES
#define LAMINA_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

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
