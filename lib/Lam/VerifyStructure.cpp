//===- VerifyStructure.cpp - verifiers of casts and structural ops --------===//

#include "VerifyHelpers.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace lamina::lam;

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

LogicalResult lamina::lam::verifySizes(Operation *op, Value result,
                                       ValueRange sizes) {
  int64_t dynamic = tensorType(result).getNumDynamicDims();
  if (static_cast<int64_t>(sizes.size()) != dynamic)
    return op->emitOpError("expects one size per dynamic dimension of the "
                           "result: ")
           << dynamic << " for " << result.getType() << ", got "
           << sizes.size();
  return success();
}

LogicalResult lamina::lam::verifyDims(EmitError emitError, StringRef what,
                                      ArrayRef<int64_t> dims, int64_t rank,
                                      bool increasing) {
  SmallVector<bool> seen(rank, false);
  int64_t last = -1;
  for (int64_t dim : dims) {
    if (dim < 0 || dim >= rank)
      return emitError() << what << " has " << dim
                         << ", which is not a dimension of a tensor of rank "
                         << rank;
    if (seen[dim])
      return emitError() << what << " has dimension " << dim << " twice";
    if (increasing && dim < last)
      return emitError() << what << " must be increasing, but " << dim
                         << " follows " << last;
    seen[dim] = true;
    last = dim;
  }
  return success();
}

LogicalResult lamina::lam::verifyEach(Operation *op, StringRef what,
                                      ArrayRef<int64_t> values, int64_t count,
                                      int64_t least) {
  if (static_cast<int64_t>(values.size()) != count)
    return op->emitOpError("expects ")
           << count << " entries in " << what << ", got " << values.size();
  for (int64_t value : values)
    if (value < least)
      return op->emitOpError("expects ")
             << what << " of at least " << least << ", got " << value;
  return success();
}

LogicalResult lamina::lam::verifySameElement(Operation *op, Value a, Value b) {
  Type x = getElementTypeOrSelf(a), y = getElementTypeOrSelf(b);
  if (x != y)
    return op->emitOpError("expects one element type, got ")
           << x << " and " << y;
  return success();
}

static InFlightDiagnostic mismatch(Operation *op, int64_t dim, int64_t expected,
                                   int64_t actual) {
  return op->emitOpError("expects dimension ")
         << dim << " of the result to be " << expected << ", got " << actual;
}

//===----------------------------------------------------------------------===//
// Casts and sizes
//===----------------------------------------------------------------------===//

LogicalResult BitcastOp::verify() {
  unsigned from = getElementTypeOrSelf(getX()).getIntOrFloatBitWidth();
  unsigned to = getElementTypeOrSelf(getY()).getIntOrFloatBitWidth();
  if (from != to)
    return emitOpError("expects element types of the same width, got ")
           << from << " and " << to << " bits";
  return success();
}

LogicalResult FromSizeOp::verify() {
  if (tensorType(getY()).getRank() != 0)
    return emitOpError("expects a result of rank 0, got ") << getY().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::verify() {
  RankedTensorType x = tensorType(getX()), y = tensorType(getY());
  auto error = [&] { return emitOpError(); };
  if (failed(verifySizes(*this, getY(), getSizes())) ||
      failed(verifySameElement(*this, getX(), getY())) ||
      failed(verifyDims(error, "'dims'", getDims(), y.getRank(), true)))
    return failure();
  if (static_cast<int64_t>(getDims().size()) != x.getRank())
    return emitOpError("expects one entry of 'dims' per dimension of ")
           << x << ", got " << getDims().size();
  for (auto [i, dim] : llvm::enumerate(getDims())) {
    int64_t from = x.getDimSize(i), to = y.getDimSize(dim);
    if (from != 1 && !compatible(from, to))
      return emitOpError("cannot repeat dimension ")
             << i << " of size " << from << " to size " << to;
  }
  return success();
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType x = tensorType(getX()), y = tensorType(getY());
  if (failed(verifySizes(*this, getY(), getSizes())) ||
      failed(verifySameElement(*this, getX(), getY())))
    return failure();
  if (x.hasStaticShape() && y.hasStaticShape() &&
      x.getNumElements() != y.getNumElements())
    return emitOpError("cannot reshape ")
           << x.getNumElements() << " elements to " << y.getNumElements();
  return success();
}

LogicalResult
TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                              ValueRange operands, DictionaryAttr attributes,
                              OpaqueProperties properties, RegionRange regions,
                              SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto x = dyn_cast<RankedTensorType>(adaptor.getX().getType());
  if (!x || !adaptor.getPermAttr())
    return failure();
  ArrayRef<int64_t> perm = adaptor.getPerm();
  if (static_cast<int64_t>(perm.size()) != x.getRank() ||
      !isPermutationVector(perm))
    return emitOptionalError(location, "'perm' must be a permutation of the ",
                             x.getRank(), " dimensions of ", x);
  SmallVector<int64_t> shape;
  for (int64_t dim : perm)
    shape.push_back(x.getDimSize(dim));
  types.push_back(x.clone(shape));
  return success();
}

/// What slice and pad share: `inner` lies at offsets with strides in `outer`.
static LogicalResult verifyWindow(Operation *op, Value inner, Value outer,
                                  ArrayRef<int64_t> staticOffsets,
                                  ArrayRef<int64_t> strides,
                                  ValueRange offsets) {
  RankedTensorType in = tensorType(inner), out = tensorType(outer);
  int64_t rank = out.getRank();
  if (in.getRank() != rank)
    return op->emitOpError("expects operand and result of one rank, got ")
           << tensorType(op->getOperand(0)) << " and "
           << op->getResult(0).getType();
  if (failed(verifySameElement(op, inner, outer)) ||
      failed(verifyEach(op, "'strides'", strides, rank, 1)))
    return failure();
  if (static_cast<int64_t>(staticOffsets.size()) != rank)
    return op->emitOpError("expects ")
           << rank << " offsets, got " << staticOffsets.size();
  int64_t dynamic = llvm::count(staticOffsets, ShapedType::kDynamic);
  if (dynamic != static_cast<int64_t>(offsets.size()))
    return op->emitOpError("expects ")
           << dynamic << " dynamic offsets, got " << offsets.size();
  for (int64_t i = 0; i < rank; ++i) {
    int64_t offset = staticOffsets[i], size = in.getDimSize(i);
    if (ShapedType::isDynamic(offset))
      continue;
    if (offset < 0)
      return op->emitOpError("expects offsets of at least 0, got ") << offset;
    if (ShapedType::isDynamic(size) || out.isDynamicDim(i) || size == 0)
      continue;
    // Divided, not multiplied: strides may be as large as they like.
    int64_t room = out.getDimSize(i) - 1 - offset;
    if (room < 0 || (size - 1) > room / strides[i])
      return op->emitOpError("places ")
             << size << " elements from " << offset << " by " << strides[i]
             << " in dimension " << i << ", which has size "
             << out.getDimSize(i);
  }
  return success();
}

LogicalResult SliceOp::verify() {
  if (failed(verifySizes(*this, getY(), getSizes())))
    return failure();
  return verifyWindow(*this, getY(), getX(), getStaticOffsets(), getStrides(),
                      getOffsets());
}

LogicalResult PadOp::verify() {
  if (failed(verifySizes(*this, getY(), getSizes())) ||
      failed(verifySameElement(*this, getX(), getValue())))
    return failure();
  if (tensorType(getValue()).getRank() != 0)
    return emitOpError("expects a 'value' of rank 0, got ")
           << getValue().getType();
  return verifyWindow(*this, getX(), getY(), getStaticOffsets(), getStrides(),
                      getOffsets());
}

LogicalResult ReverseOp::verify() {
  return verifyDims([&] { return emitOpError(); }, "'dims'", getDims(),
                    tensorType(getX()).getRank(), true);
}

LogicalResult ConcatOp::verify() {
  RankedTensorType y = tensorType(getY());
  int64_t dim = getDim(), sum = 0;
  if (getXs().empty())
    return emitOpError("expects at least one operand");
  if (dim < 0 || dim >= y.getRank())
    return emitOpError("cannot join along dimension ")
           << dim << " of a tensor of rank " << y.getRank();
  for (Value value : getXs()) {
    RankedTensorType x = tensorType(value);
    if (failed(verifySameElement(*this, value, getY())))
      return failure();
    if (x.getRank() != y.getRank())
      return emitOpError("expects operands of the result's rank, got ")
             << x << " for " << y;
    for (int64_t i = 0; i < y.getRank(); ++i)
      if (i != dim && !compatible(x.getDimSize(i), y.getDimSize(i)))
        return mismatch(*this, i, x.getDimSize(i), y.getDimSize(i));
    int64_t size = x.getDimSize(dim);
    sum = ShapedType::isDynamic(size) || ShapedType::isDynamic(sum)
              ? ShapedType::kDynamic
              : sum + size;
  }
  if (!compatible(sum, y.getDimSize(dim)))
    return mismatch(*this, dim, sum, y.getDimSize(dim));
  return success();
}

LogicalResult IotaOp::verify() {
  RankedTensorType y = tensorType(getY());
  int64_t dim = getDim();
  if (dim < 0 || dim >= y.getRank())
    return emitOpError("expects a dimension of the result, got ")
           << dim << " for " << y;
  return verifySizes(*this, getY(), getSizes());
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

/// `part` has the shape of `whole` gathered at `indices`.
static LogicalResult verifyGather(Operation *op, Value whole, Value indices,
                                  Value part, ArrayRef<int64_t> axes,
                                  int64_t batchDims) {
  RankedTensorType x = tensorType(whole), at = tensorType(indices),
                   y = tensorType(part);
  if (failed(verifySameElement(op, whole, part)) ||
      failed(verifyDims([&] { return op->emitOpError(); }, "'axes'", axes,
                        x.getRank(), true)))
    return failure();
  if (batchDims < 0 || batchDims > x.getRank() || batchDims >= at.getRank())
    return op->emitOpError("expects batch_dims within ")
           << x << " and the leading dimensions of " << at << ", got "
           << batchDims;
  if (!axes.empty() && axes.front() < batchDims)
    return op->emitOpError("indexes dimension ")
           << axes.front() << ", which is a batch dimension";
  int64_t last = at.getRank() - 1;
  if (!compatible(at.getDimSize(last), axes.size()) || at.isDynamicDim(last))
    return op->emitOpError("expects the last dimension of the indices to be ")
           << axes.size() << " (one per entry of 'axes'), got " << at;
  for (int64_t i = 0; i < batchDims; ++i)
    if (!compatible(x.getDimSize(i), at.getDimSize(i)))
      return op->emitOpError("expects equal batch dimensions, got ")
             << x << " and " << at;

  SmallVector<int64_t> shape(at.getShape().drop_back());
  for (int64_t i = batchDims; i < x.getRank(); ++i)
    if (!llvm::is_contained(axes, i))
      shape.push_back(x.getDimSize(i));
  bool same = y.getRank() == static_cast<int64_t>(shape.size());
  for (int64_t i = 0; same && i < y.getRank(); ++i)
    same = compatible(shape[i], y.getDimSize(i));
  if (!same)
    return op->emitOpError("expects the gathered shape ")
           << x.clone(shape) << ", got " << y;
  return success();
}

LogicalResult GatherOp::verify() {
  return verifyGather(*this, getX(), getIndices(), getY(), getAxes(),
                      getBatchDims());
}

LogicalResult ScatterOp::verify() {
  if (getElementTypeOrSelf(getX()).isInteger(1) &&
      getKind() != ScatterKind::Set)
    return emitOpError("of bool expects the kind 'set'");
  return verifyGather(*this, getX(), getIndices(), getUpdates(), getAxes(),
                      getBatchDims());
}
