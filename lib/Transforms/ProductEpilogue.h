//===- ProductEpilogue.h - what runs on blocks of a product -----*- C++ -*-===//
//
// A pointwise op that reads the result of a product runs on a block of it as
// soon as the block's sums are complete, while it is in the second-level cache:
//
//   lamina_gemm_T_epilogueN    the product with an epilogue: its operands, then
//     (A, B, panels, C, direct, accumulate, own, row, column, captured …)
//   lamina_epilogueN           the op on one block
//     (block of C, row, column, captured …)
//
// `own`: nobody else reads C, so that one block of it can serve for all. `row`
// and `column` are where C begins in the whole result.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_TRANSFORMS_PRODUCTEPILOGUE_H
#define LAMINA_LIB_TRANSFORMS_PRODUCTEPILOGUE_H

#include "Gemm.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lamina {

/// Attribute of a product with an epilogue: the function that it calls.
inline constexpr llvm::StringLiteral kEpilogue = "lamina.epilogue";
/// Where the operands begin that only such products have.
inline constexpr unsigned kOwnOperand = 6, kRowOperand = 7, kColumnOperand = 8,
                          kCapturedOperand = 9;

/// A pointwise op that alone runs between a product and the next use of its
/// result.
struct ProductEpilogue {
  mlir::linalg::GenericOp op;
  bool own = false; // nobody else reads the product
};

/// The epilogue of `product`, whose result is a matrix, or null. Its op has two
/// loops, and the product may be moved in front of it.
ProductEpilogue findEpilogue(mlir::RewriterBase &rewriter,
                             mlir::linalg::GenericOp product);

/// Makes a function of the op and erases it. `captured` receives what it has
/// to be given, besides the block.
mlir::func::FuncOp
outlineEpilogue(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op,
                mlir::Value matrix,
                llvm::SmallVectorImpl<mlir::Value> &captured);

/// Whether both are the same view of the same memory.
bool isSameMatrix(mlir::Value a, mlir::Value b);

/// Gives a product with an epilogue its body: a call of `blocks`, the function
/// of emitGemmBlocks.
void emitEpilogueCall(mlir::func::FuncOp function, mlir::func::FuncOp blocks,
                      const GemmShape &shape);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_PRODUCTEPILOGUE_H
