//===- Gemm.h - the functions that matrix products share --------*- C++ -*-===//
//
// Every large product of a module is a call of the same few functions, after
// BLIS (https://github.com/flame/blis) and libxsmm:
//
//   lamina_gemm_T       blocks of rows and of the summed dimension, panels of
//                       columns, register tiles of rows
//   lamina_gemm_T_RxC   the register tile: R rows, C columns
//   lamina_pack_T       a block of the right operand as panels [N / NR][K][NR]
//   lamina_transpose_T  blocks of lanes x lanes
//
// lamina-outline-products makes the calls and declares the functions,
// lamina-emit-gemm gives these their bodies.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_TRANSFORMS_GEMM_H
#define LAMINA_LIB_TRANSFORMS_GEMM_H

#include "PointerBuilder.h"
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
  /// Rows, columns and terms of a cache block; whole panels of columns.
  int64_t rowBlock = 0, columnBlock = 0, depthBlock = 0;
  /// Rows of a block that an epilogue reads; blocks are made of whole ones.
  int64_t epilogueRows = 0;
  /// Where the right operand is not packed, see GemmStrategy.
  int64_t fewRows = 0, nearBytes = 0, smallBytes = 0;
  /// Columns of whole panels that are read, or packed, at once.
  int64_t wideColumns = 0;

  /// "lamina_gemm_f32" for `kind` gemm.
  std::string name(llvm::StringRef kind) const;

private:
  const Strategy &strategy;
};

/// A memref of rank 2 as an address and strides in bytes.
struct MatrixView {
  MatrixView(PointerBuilder &b, mlir::Value memref);
  mlir::Value at(PointerBuilder &b, mlir::Value row, mlir::Value column) const;

  mlir::Value pointer, rows, columns, rowStride, columnStride;
};

/// No symbol of the object, so that several objects can be in one program.
void makeInternal(mlir::func::FuncOp function);
/// An internal function of the module with a body to come.
mlir::func::FuncOp createSharedFunction(mlir::ModuleOp module,
                                        llvm::StringRef name,
                                        llvm::ArrayRef<mlir::Type> types);
/// Starts the body of a shared function.
PointerBuilder beginBody(mlir::func::FuncOp function, const GemmShape &shape);

/// Attribute of a declared function: which numbers of column vectors a last
/// panel may have.
inline constexpr llvm::StringLiteral kTailVectors = "lamina.tail_vectors";

/// The register tile: C[rows, vectors * lanes] = (C +) A * B. Arguments:
///   k       the number of terms
///   a, rsA, csA   the left operand and its strides
///   b, ldb  the right operand: rows of `vectors` full vectors
///   c, ldc  the result; `last` columns of the last vector are written
///   accumulate    whether to add to C
///   fetch, rows   what to bring into the cache meanwhile: for every four terms
///                 0, 1 or 4 rows like those of B
/// Strides are in bytes. Alignment is the element's.
mlir::func::FuncOp registerTile(mlir::ModuleOp module, const GemmShape &shape,
                                int64_t rows, int64_t vectors);

/// `lamina_gemm_T_row`: the tile of a single row, `wideColumns` wide.
/// Arguments:
///   k, a, csA     the terms, the left operand and the distance of its terms
///   b, ldb, next  the right operand, its rows and its panels of `columns`
///   c, accumulate the result, and whether to add to it
mlir::func::FuncOp rowTile(mlir::ModuleOp module, const GemmShape &shape);

/// `lamina_transpose_T_block`(from, its row stride, to, its row stride, rows,
/// columns, width): to[c][r] = from[r][c], and 0 for rows <= r < width.
mlir::func::FuncOp transposeFunction(mlir::ModuleOp module,
                                     const GemmShape &shape);

/// `lamina_pack_T_block`(from, row stride, column stride, to, rows, columns):
/// panels of columns, each with its rows one after the other, the last one
/// filled up with zeros to whole vectors.
mlir::func::FuncOp packFunction(mlir::ModuleOp module, const GemmShape &shape);

/// `lamina_gemm_T`(A, B, panels, C, direct, accumulate): C = (C +) A B. A and B
/// have any strides, C's rows are contiguous. `panels` has space for one packed
/// block of B and, if A may be transposed, for the copy of a block of A in
/// `rowBlock` further columns. `direct`: B's rows are contiguous, and it is not
/// packed. A B whose rows have distance 0 is made of panels (PackWeights.cpp),
/// its columns as far apart as those.
void emitGemm(mlir::func::FuncOp function, const GemmShape &shape);

/// `lamina_gemm_T_blocks`: the same with five further arguments (own, row,
/// column, epilogue, context; see ProductEpilogue.h). `epilogue`, if not null,
/// is called for every complete block of C:
///   (context, block, distance of its rows in bytes, rows, columns,
///    its first row, its first column)
mlir::func::FuncOp gemmBlocks(mlir::func::FuncOp gemm, const GemmShape &shape);
/// The type of such a function.
mlir::LLVM::LLVMFunctionType epilogueType(mlir::MLIRContext *context);
/// `lamina_transpose_T`(from, to): both with contiguous rows.
void emitTranspose(mlir::func::FuncOp function, const GemmShape &shape);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_GEMM_H
