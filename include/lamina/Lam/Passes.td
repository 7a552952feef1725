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

def LamSelectEntries : Pass<"lam-select-entries", "mlir::ModuleOp"> {
  let summary = "make and keep the entry points that are asked for";
  let description = [{
    `entries` lists names of entry points: those of the model (`forward`,
    `train_step`, …), `vjp` (the derivative of `forward` by its float inputs and
    weights), and `forward_residuals` and `backward`, its two parts, which
    `lam-split-residuals` makes later. Others are removed.

    An empty list means `forward`, `vjp` and `train_step`, as far as the model has
    them; if `forward` cannot be differentiated, a warning says why and `vjp` is
    left out. The name `all` keeps what is there and makes nothing.
  }];
  let options = [ListOption<"entries", "entries", "std::string", "names; empty for the usual ones">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def LamSplitResiduals : Pass<"lam-split-residuals", "mlir::ModuleOp"> {
  let summary = "divide a vjp into a forward and a backward function";
  let description = [{
    A function with the attribute `lamina.split` becomes `forward_residuals`,
    whose results are the outputs and the residuals, and `backward`, which takes
    the arguments and the residuals and gives the gradients.

    A value of the forward part that the backward part reads is kept as a
    residual, unless it is cheaper to compute again: at most `budget`
    multiplications per element, out of arguments, constants and values that are
    kept anyway (or that are smaller than what they replace). Contractions,
    convolutions, reductions, scans, sorts, gathers and random bits are never
    repeated. `explain` prints a remark for every decision.
  }];
  let options = [Option<"budget", "budget", "unsigned", "16", "multiplications per element worth repeating">,
                 Option<"explain", "explain", "bool", "false", "print a remark for every decision">];
}

#endif // LAMINA_LAM_PASSES
