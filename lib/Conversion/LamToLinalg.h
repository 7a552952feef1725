//===- LamToLinalg.h - what the lowering patterns share ---------*- C++ -*-===//
#ifndef LAMINA_LIB_CONVERSION_LAMTOLINALG_H
#define LAMINA_LIB_CONVERSION_LAMTOLINALG_H

#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace lamina::lam {

//===----------------------------------------------------------------------===//
// Types and sizes
//===----------------------------------------------------------------------===//

/// `type` (a scalar or tensor type) with signless integers.
mlir::Type signless(mlir::Type type);
/// The signless tensor type of an op's result.
mlir::RankedTensorType signlessTensor(mlir::Value value);
mlir::Type elementType(mlir::Value value);
/// Bools and unsigned integers compare and widen as unsigned numbers.
bool readsUnsigned(mlir::Type type);
/// The type that arithmetic on elements of `type` (signless) happens in.
mlir::Type computeType(mlir::Type type);

mlir::Value indexConstant(mlir::OpBuilder &b, mlir::Location loc,
                          int64_t value);
/// `size` as a value, a constant where it is static.
mlir::Value sizeValue(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::OpFoldResult size);
/// Whether two sizes are evidently the same number.
bool sameSize(mlir::OpFoldResult a, mlir::OpFoldResult b);

/// Arithmetic on sizes; folds where both are static.
mlir::OpFoldResult addSizes(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::OpFoldResult x, mlir::OpFoldResult y);
mlir::OpFoldResult mulSizes(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::OpFoldResult x, mlir::OpFoldResult y);

/// The size of dimension `dim` of `value`, a value of the lam function that is
/// converted. It follows the ops that preserve sizes back to where the size
/// was known first, so that no tensor is kept for its shape only.
mlir::OpFoldResult sizeOf(mlir::ConversionPatternRewriter &b,
                          mlir::Location loc, mlir::Value value, int64_t dim);
llvm::SmallVector<mlir::OpFoldResult>
sizesOf(mlir::ConversionPatternRewriter &b, mlir::Location loc,
        mlir::Value value);

/// An uninitialized tensor.
mlir::Value emptyTensor(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);
/// A tensor of `scalar` everywhere.
mlir::Value filledTensor(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::RankedTensorType type,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         mlir::Value scalar);
/// A tensor to write a result of `value`'s type and sizes into.
mlir::Value emptyLike(mlir::ConversionPatternRewriter &b, mlir::Location loc,
                      mlir::Value value);

//===----------------------------------------------------------------------===//
// Loop bodies
//===----------------------------------------------------------------------===//

/// What a loop body reads: an element of a tensor, or one number (`scalar`).
struct Input {
  mlir::Value tensor;
  mlir::AffineMap map;
  mlir::TypedAttr scalar;
};

/// How far an operand may be traced back into the maps.
enum class Absorb {
  Transposes, ///< permutations only: every loop stays in the map
  All,        ///< broadcasts and unit dimensions as well
};

/// Reads `value` (of the lam function) through `map`, from loops to its
/// dimensions. Transposes, broadcasts, unit dimensions and splats between it
/// and where it is computed become part of the map.
Input resolve(mlir::ConversionPatternRewriter &b, mlir::Location loc,
              mlir::Value value, mlir::AffineMap map,
              Absorb absorb = Absorb::All);

/// The value of a splat constant (signless), also behind shape changes.
mlir::TypedAttr splatOf(mlir::Value value);

using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange inputs,
    mlir::ValueRange outputs)>;

/// A linalg.generic. `body` sees one scalar per input and per destination.
llvm::SmallVector<mlir::Value>
loops(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<Input> inputs,
      mlir::ValueRange destinations, llvm::ArrayRef<mlir::AffineMap> outputMaps,
      llvm::ArrayRef<mlir::utils::IteratorType> iterators, Body body);
/// The same with one destination and all loops parallel over its dimensions.
mlir::Value pointwise(mlir::OpBuilder &b, mlir::Location loc,
                      llvm::ArrayRef<Input> inputs, mlir::Value destination,
                      Body body);

/// Scalar conversions between types: `from` and `to` are lam's (with signs).
mlir::Value castScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Type from, mlir::Type to);
/// A float to another float type; anything else unchanged.
mlir::Value convertFloat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                         mlir::Type to);
/// A tensor of floats rounded to `type`, or the tensor itself.
mlir::Value roundTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        mlir::RankedTensorType type);

/// The neutral element of a reduction over elements of `type` (lam's), in
/// computeType.
mlir::TypedAttr identity(ReduceKind kind, mlir::Type type);
/// `a kind b` for scalars in the compute type of `type` (lam's).
mlir::Value combine(mlir::OpBuilder &b, mlir::Location loc, ReduceKind kind,
                    mlir::Type type, mlir::Value a, mlir::Value x);

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// The elements of `x` at `offsets`; dimensions with `drop` set have size 1
/// and disappear.
mlir::Value extractSlice(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                         llvm::ArrayRef<mlir::OpFoldResult> offsets,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         llvm::ArrayRef<bool> drop);
mlir::Value insertSlice(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        mlir::Value into,
                        llvm::ArrayRef<mlir::OpFoldResult> offsets,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// A nest of sequential loops from 0 to `bounds` that carries tensors.
llvm::SmallVector<mlir::Value>
sequentialLoops(mlir::OpBuilder &b, mlir::Location loc,
                llvm::ArrayRef<mlir::OpFoldResult> bounds,
                mlir::ValueRange carried,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(
                    mlir::OpBuilder &, mlir::Location, mlir::ValueRange indices,
                    mlir::ValueRange carried)>
                    body);

/// `x` placed at `offsets` (with `strides`) in a tensor of `scalar`s.
mlir::Value padTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                      mlir::Value scalar, mlir::RankedTensorType type,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes,
                      llvm::ArrayRef<mlir::OpFoldResult> sourceSizes,
                      llvm::ArrayRef<mlir::OpFoldResult> offsets,
                      llvm::ArrayRef<int64_t> strides);
/// `x` with `dilation - 1` holes between elements and `low` and `high` more
/// elements (fewer if negative) at the ends of each dimension, all `scalar`.
mlir::Value padWindowed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Value scalar, llvm::ArrayRef<int64_t> low,
                        llvm::ArrayRef<int64_t> high,
                        llvm::ArrayRef<int64_t> dilation);
/// Without the elements behind the last window: `places` windows of `window`
/// elements in each dimension, where these numbers and the size are known. A
/// rest would contradict the size that the loops imply.
mlir::Value trimToWindows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                          llvm::ArrayRef<mlir::OpFoldResult> places,
                          llvm::ArrayRef<int64_t> window,
                          llvm::ArrayRef<int64_t> strides,
                          llvm::ArrayRef<int64_t> dilation);
/// `x` under another shape of the same elements.
mlir::Value reshapeTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                          llvm::ArrayRef<mlir::OpFoldResult> sizes,
                          mlir::RankedTensorType type,
                          llvm::ArrayRef<mlir::OpFoldResult> newSizes);

/// The contraction sum over the loops behind those of `resultMap`; `a` and `b`
/// are read through their maps. Accumulates in the compute type.
mlir::Value contract(mlir::OpBuilder &b, mlir::Location loc, Input a, Input x,
                     mlir::AffineMap resultMap, mlir::RankedTensorType type,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes);

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// Loops of lam, whose ops are still lam's, become loops of scf.
void lowerRegions(mlir::ModuleOp module);

void populateRegionPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populatePointwisePatterns(mlir::RewritePatternSet &,
                               mlir::TypeConverter &);
void populateShapePatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populatePlacePatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateGatherPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateReducePatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateScanPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateSortPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateContractPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateConvPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);
void populateRandomPatterns(mlir::RewritePatternSet &, mlir::TypeConverter &);

} // namespace lamina::lam

#endif // LAMINA_LIB_CONVERSION_LAMTOLINALG_H
