//===- LamLoopOps.td - loops at run time -*- tablegen -*-===//

#ifndef LAMINA_LAM_LAMLOOPOPS_TD
#define LAMINA_LAM_LAMLOOPOPS_TD

include "lamina/Lam/LamDerivativeOps.td"

// What a step uses is all among the operands, so that who asks what a loop
// depends on, or differentiates it, need not look inside.
def ScanOp : Lam_Op<"scan", [AttrSizedOperandSegments, AttrSizedResultSegments, IsolatedFromAbove, SingleBlock,
                             Lam_Differentiable]> {
  let summary = "A loop that carries values, reads sequences and stacks results";
  let description = [{
    The region is run `count` times, with the carried values (first `inits`),
    the step's slice along dimension 0 of each of `sequences`, whose size is
    `count`, and the `invariants`, which may be of type `index`. It yields the
    next carried values, of the same types, then the step's slices of `stacked`.
    `reverse` begins with the last slices. As everywhere, `sizes` has the
    dynamic sizes of `stacked`.

    ```mlir
    %last, %all = lam.scan %n from (%h : tensor<4xf32>) over (%xs : tensor<?x4xf32>) sizes (%n)
      -> (tensor<4xf32>) stacking (tensor<?x4xf32>) {
    ^bb0(%a: tensor<4xf32>, %x: tensor<4xf32>):
      %0 = lam.add %a, %x : tensor<4xf32>
      lam.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Index:$count, Variadic<Lam_Tensor>:$inits, Variadic<Lam_Tensor>:$sequences,
                       Variadic<AnyTypeOf<[Lam_Tensor, Index]>>:$invariants, Variadic<Index>:$sizes, UnitAttr:$reverse);
  let results = (outs Variadic<Lam_Tensor>:$finals, Variadic<Lam_Tensor>:$stacked);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $count (`reverse` $reverse^)? (`from` `(` $inits^ `:` type($inits) `)`)? (`over` `(` $sequences^ `:` type($sequences) `)`)?
    (`with` `(` $invariants^ `:` type($invariants) `)`)? (`sizes` `(` $sizes^ `)`)?
    (`->` `(` type($finals)^ `)`)? (`stacking` `(` type($stacked)^ `)`)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The arguments of the region that stand for these operands.
    ::mlir::Block::BlockArgListType carriedArguments() {
      return getBody().getArguments().take_front(getInits().size());
    }
    ::mlir::Block::BlockArgListType sliceArguments() {
      return getBody().getArguments().slice(getInits().size(), getSequences().size());
    }
    ::mlir::Block::BlockArgListType invariantArguments() {
      return getBody().getArguments().take_back(getInvariants().size());
    }
    ::mlir::ValueRange yielded() { return getBody().front().getTerminator()->getOperands(); }
    /// The operands of `sizes` for the dynamic dimensions of `getStacked()[i]`.
    ::mlir::ValueRange sizesOf(unsigned i);
  }];
}

def WhileOp : Lam_Op<"while", [AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "A loop whose number of steps depends on what it carries";
  let description = [{
    While the region `condition` yields true for the carried values (first
    `inits`), they become what `body` yields for them. Both regions take the
    carried values and the `invariants`.
    Not differentiable: what each step began with would have to be kept, for a
    number of steps that has no bound.
  }];
  let arguments = (ins Variadic<Lam_Tensor>:$inits, Variadic<AnyTypeOf<[Lam_Tensor, Index]>>:$invariants);
  let results = (outs Variadic<Lam_Tensor>:$finals);
  let regions = (region SizedRegion<1>:$condition, SizedRegion<1>:$body);
  let assemblyFormat = [{
    `from` `(` $inits `:` type($inits) `)` (`with` `(` $invariants^ `:` type($invariants) `)`)?
    `->` `(` type($finals) `)` attr-dict-with-keyword $condition `do` $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

#endif // LAMINA_LAM_LAMLOOPOPS_TD
