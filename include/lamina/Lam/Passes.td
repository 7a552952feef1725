//===- Passes.td - passes inside the lam dialect -----------*- tablegen -*-===//
#ifndef LAMINA_LAM_PASSES
#define LAMINA_LAM_PASSES

include "mlir/Pass/PassBase.td"

def LamDifferentiate : Pass<"lam-differentiate", "mlir::ModuleOp"> {
  let summary = "replace lam.vjp, lam.jvp and lam.custom_gradient by what they compute";
  let description = [{
    Innermost operators first, so that derivatives of derivatives need nothing
    of their own. `lam.vjp` becomes its region followed by the pullbacks of the
    ops between primals and outputs, last op first, with the cotangents of a
    value added up. `lam.jvp` is the vjp of the vjp: a vjp is linear in its
    cotangents, so its own pullback maps tangents forward.

    An op on the way without a pullback is an error at its place in the source.
    Where a cotangent comes out of a `lam.select`, the branch that was not
    taken gets exactly 0, even if its derivative is infinite or NaN there.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

#endif // LAMINA_LAM_PASSES
