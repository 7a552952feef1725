//===- Gemm.h - the functions that matrix products share --------*- C++ -*-===//
//
// Every large product of a module is a call of the same few functions, after
// BLIS (https://github.com/flame/blis) and libxsmm:
//
//   lamina_gemm_T       blocks of rows and of the summed dimension, panels of
//                       columns, register tiles of rows
//   lamina_gemm_T_RxC   the register tile: R rows, C columns
//   lamina_pack_T       the right operand as panels [N / NR][K][NR]
//   lamina_transpose_T  blocks of lanes x lanes
//
// lamina-outline-products makes the calls and declares the functions,
// lamina-emit-gemm gives these their bodies.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_TRANSFORMS_GEMM_H
#define LAMINA_LIB_TRANSFORMS_GEMM_H

#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace lamina {

/// The shape of the shared functions for one element type on one machine.
struct GemmShape {
  GemmShape(mlir::FloatType type, const Strategy &strategy);

  mlir::FloatType type;
  int64_t lanes;
  /// The widest register tile, in vectors and in columns.
  int64_t vectors, columns;

  /// The numbers of rows for which there is a register tile of `vectors`
  /// columns, largest first; the last is 1.
  llvm::SmallVector<int64_t> rowTiles(int64_t vectors) const;
  /// Rows and summed elements of a cache block.
  int64_t rowBlock = 0, depthBlock = 0;

  /// "lamina_gemm_f32" for `kind` gemm.
  std::string name(llvm::StringRef kind) const;

private:
  const Strategy &strategy;
};

/// Attribute of a declared function: which numbers of column vectors a last
/// panel may have.
inline constexpr llvm::StringLiteral kTailVectors = "lamina.tail_vectors";

/// The register tile: C[rows, vectors * lanes] = (C +) A * B. Arguments:
///   k       the number of terms
///   a, rsA, csA   the left operand and its strides
///   b, ldb  the right operand: rows of `vectors` full vectors
///   c, ldc  the result; `last` columns of the last vector are written
///   accumulate    whether to add to C
///   first         whether nobody has read B lately: fetches it ahead
/// Strides are in bytes. Alignment is the element's.
mlir::func::FuncOp registerTile(mlir::ModuleOp module, const GemmShape &shape,
                                int64_t rows, int64_t vectors);

/// Bodies of lamina_gemm_T, lamina_pack_T and lamina_transpose_T.
void emitGemm(mlir::func::FuncOp function, const GemmShape &shape);
void emitPack(mlir::func::FuncOp function, const GemmShape &shape);
void emitTranspose(mlir::func::FuncOp function, const GemmShape &shape);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_GEMM_H
