//===- VerifyReductions.cpp - verifiers of reductions and contractions ----===//

#include "VerifyHelpers.h"

using namespace mlir;
using namespace lamina::lam;

//===----------------------------------------------------------------------===//
// Reductions, scans, order
//===----------------------------------------------------------------------===//

/// The type of `x` without the dimensions `dims`.
static RankedTensorType without(RankedTensorType x, ArrayRef<int64_t> dims) {
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < x.getRank(); ++i)
    if (!llvm::is_contained(dims, i))
      shape.push_back(x.getDimSize(i));
  return RankedTensorType::get(shape, x.getElementType());
}

static bool isBoolKind(ReduceKind kind) {
  return kind == ReduceKind::Any || kind == ReduceKind::All;
}

/// `any` and `all` are of bool, the others of numbers.
static LogicalResult verifyKind(Operation *op, ReduceKind kind, Value x) {
  bool isBool = getElementTypeOrSelf(x).isInteger(1);
  if (isBoolKind(kind) != isBool)
    return op->emitOpError("of kind '")
           << stringifyReduceKind(kind) << "' expects "
           << (isBoolKind(kind) ? "bool" : "numbers") << ", got "
           << x.getType();
  return success();
}

static LogicalResult verifyDim(Operation *op, Value x, int64_t dim) {
  int64_t rank = tensorType(x).getRank();
  if (dim < 0 || dim >= rank)
    return op->emitOpError("expects a dimension of ")
           << x.getType() << ", got " << dim;
  return success();
}

LogicalResult
ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                           ValueRange operands, DictionaryAttr attributes,
                           OpaqueProperties properties, RegionRange regions,
                           SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto x = dyn_cast<RankedTensorType>(adaptor.getX().getType());
  if (!x || !adaptor.getDimsAttr())
    return failure();
  types.push_back(without(x, adaptor.getDims()));
  return success();
}

LogicalResult ReduceOp::verify() {
  if (failed(verifyKind(*this, getKind(), getX())))
    return failure();
  return verifyDims([&] { return emitOpError(); }, "'dims'", getDims(),
                    tensorType(getX()).getRank(), true);
}

LogicalResult ArgReduceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto x = dyn_cast<RankedTensorType>(adaptor.getX().getType());
  if (!x || !adaptor.getDimAttr())
    return failure();
  int64_t dim = adaptor.getDim();
  types.push_back(without(x, dim).clone(IntegerType::get(context, 32)));
  return success();
}

LogicalResult ArgReduceOp::verify() {
  if (getKind() != ReduceKind::Max && getKind() != ReduceKind::Min)
    return emitOpError("expects the kind 'max' or 'min', got '")
           << stringifyReduceKind(getKind()) << "'";
  if (failed(verifyDim(*this, getX(), getDim())))
    return failure();
  if (tensorType(getX()).getDimSize(getDim()) == 0)
    return emitOpError("has no extreme element along dimension ")
           << getDim() << " of size 0";
  return success();
}

LogicalResult CumulativeOp::verify() {
  if (isBoolKind(getKind()))
    return emitOpError("expects the kind 'sum', 'prod', 'max' or 'min'");
  return verifyDim(*this, getX(), getDim());
}

LogicalResult SortOp::verify() {
  if (tensorType(getX()).getShape() != tensorType(getIndices()).getShape())
    return emitOpError("expects indices of the operand's shape, got ")
           << getIndices().getType();
  return verifyDim(*this, getX(), getDim());
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

LogicalResult
DotOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                        ValueRange operands, DictionaryAttr attributes,
                        OpaqueProperties properties, RegionRange regions,
                        SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto a = dyn_cast<RankedTensorType>(adaptor.getA().getType());
  auto b = dyn_cast<RankedTensorType>(adaptor.getB().getType());
  if (!a || !b || !adaptor.getBatchAAttr() || !adaptor.getBatchBAttr() ||
      !adaptor.getContractAAttr() || !adaptor.getContractBAttr())
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim : adaptor.getBatchA()) {
    if (dim < 0 || dim >= a.getRank())
      return emitOptionalError(location, "'batch_a' has ", dim,
                               ", which is not a dimension of ", a);
    shape.push_back(a.getDimSize(dim));
  }
  auto addFree = [&](RankedTensorType x, ArrayRef<int64_t> batch,
                     ArrayRef<int64_t> contract) {
    for (int64_t i = 0; i < x.getRank(); ++i)
      if (!llvm::is_contained(batch, i) && !llvm::is_contained(contract, i))
        shape.push_back(x.getDimSize(i));
  };
  addFree(a, adaptor.getBatchA(), adaptor.getContractA());
  addFree(b, adaptor.getBatchB(), adaptor.getContractB());
  types.push_back(a.clone(shape));
  return success();
}

LogicalResult DotOp::verify() {
  RankedTensorType a = tensorType(getA()), b = tensorType(getB());
  if (failed(verifySameElement(*this, getA(), getB())))
    return failure();
  auto error = [&] { return emitOpError(); };
  auto verifySide = [&](StringRef what, RankedTensorType x,
                        ArrayRef<int64_t> batch, ArrayRef<int64_t> contract) {
    SmallVector<int64_t> dims(batch);
    dims.append(contract.begin(), contract.end());
    return verifyDims(error, what, dims, x.getRank(), false);
  };
  if (failed(verifySide("batch and contract of the first operand", a,
                        getBatchA(), getContractA())) ||
      failed(verifySide("batch and contract of the second operand", b,
                        getBatchB(), getContractB())))
    return failure();
  auto verifyPairs = [&](StringRef what, ArrayRef<int64_t> left,
                         ArrayRef<int64_t> right) -> LogicalResult {
    if (left.size() != right.size())
      return emitOpError("expects as many ")
             << what << " dimensions of each operand, got " << left.size()
             << " and " << right.size();
    for (auto [i, j] : llvm::zip_equal(left, right))
      if (!compatible(a.getDimSize(i), b.getDimSize(j)))
        return emitOpError("expects equal ")
               << what << " dimensions, got " << a.getDimSize(i)
               << " (dimension " << i << ") and " << b.getDimSize(j)
               << " (dimension " << j << ")";
    return success();
  };
  if (failed(verifyPairs("batch", getBatchA(), getBatchB())))
    return failure();
  return verifyPairs("contracted", getContractA(), getContractB());
}

//===----------------------------------------------------------------------===//
// Windows and random bits
//===----------------------------------------------------------------------===//

/// The number of places of a window in one dimension, or kDynamic.
static int64_t places(int64_t size, int64_t sizeDilation, int64_t low,
                      int64_t high, int64_t window, int64_t dilation,
                      int64_t stride) {
  if (ShapedType::isDynamic(size) || ShapedType::isDynamic(window))
    return ShapedType::kDynamic;
  int64_t padded = low + high + (size ? (size - 1) * sizeDilation + 1 : 0);
  int64_t extent = window ? (window - 1) * dilation + 1 : 0;
  return padded < extent ? 0 : (padded - extent) / stride + 1;
}

/// Attributes of windows are held to 2^31, so that no product overflows.
static LogicalResult verifyPad(Operation *op, StringRef what,
                               ArrayRef<int64_t> values, int64_t count) {
  constexpr int64_t limit = int64_t(1) << 31;
  if (failed(verifyEach(op, what, values, count, -limit)))
    return failure();
  for (int64_t value : values)
    if (value > limit)
      return op->emitOpError("expects ")
             << what << " of at most 2147483648, got " << value;
  return success();
}
static LogicalResult verifyStep(Operation *op, StringRef what,
                                ArrayRef<int64_t> values, int64_t count) {
  if (failed(verifyEach(op, what, values, count, 1)))
    return failure();
  return verifyPad(op, what, values, count);
}

static LogicalResult verifyPlaces(Operation *op, int64_t dim, int64_t expected,
                                  int64_t actual) {
  if (compatible(expected, actual))
    return success();
  return op->emitOpError("expects dimension ")
         << dim << " of the result to be " << expected << ", got " << actual;
}

LogicalResult ConvOp::verify() {
  RankedTensorType x = tensorType(getX()), kernel = tensorType(getKernel()),
                   y = tensorType(getY());
  if (failed(verifySizes(*this, getY(), getSizes())) ||
      failed(verifySameElement(*this, getX(), getKernel())) ||
      failed(verifySameElement(*this, getX(), getY())))
    return failure();
  int64_t rank = x.getRank(), spatial = rank - 2, groups = getGroups();
  if (rank < 2 || kernel.getRank() != rank || y.getRank() != rank)
    return emitOpError("expects operands and result of one rank of at least "
                       "2, got ")
           << x << ", " << kernel << " and " << y;
  if (failed(verifyStep(*this, "'strides'", getStrides(), spatial)) ||
      failed(verifyPad(*this, "'pad_low'", getPadLow(), spatial)) ||
      failed(verifyPad(*this, "'pad_high'", getPadHigh(), spatial)) ||
      failed(verifyStep(*this, "'x_dilation'", getXDilation(), spatial)) ||
      failed(
          verifyStep(*this, "'kernel_dilation'", getKernelDilation(), spatial)))
    return failure();
  int64_t channels = x.getDimSize(rank - 1), out = kernel.getDimSize(rank - 1);
  int64_t inGroup = kernel.getDimSize(rank - 2);
  auto known = [](int64_t size) { return !ShapedType::isDynamic(size); };
  if (groups < 1 || (known(out) && out % groups != 0) ||
      (known(channels) && known(inGroup) &&
       (channels % groups != 0 || channels / groups != inGroup)))
    return emitOpError("cannot divide ") << x << " and the kernel " << kernel
                                         << " into " << groups << " groups";
  if (!compatible(x.getDimSize(0), y.getDimSize(0)))
    return verifyPlaces(*this, 0, x.getDimSize(0), y.getDimSize(0));
  if (!compatible(out, y.getDimSize(rank - 1)))
    return verifyPlaces(*this, rank - 1, out, y.getDimSize(rank - 1));
  for (int64_t i = 0; i < spatial; ++i)
    if (failed(verifyPlaces(*this, i + 1,
                            places(x.getDimSize(i + 1), getXDilation()[i],
                                   getPadLow()[i], getPadHigh()[i],
                                   kernel.getDimSize(i), getKernelDilation()[i],
                                   getStrides()[i]),
                            y.getDimSize(i + 1))))
      return failure();
  return success();
}

LogicalResult WindowOp::verify() {
  RankedTensorType x = tensorType(getX()), y = tensorType(getY());
  int64_t rank = x.getRank();
  if (isBoolKind(getKind()))
    return emitOpError("expects the kind 'sum', 'prod', 'max' or 'min'");
  if (failed(verifySizes(*this, getY(), getSizes())) ||
      failed(verifySameElement(*this, getX(), getY())))
    return failure();
  if (y.getRank() != rank)
    return emitOpError("expects operand and result of one rank, got ")
           << x << " and " << y;
  if (failed(verifyStep(*this, "'window'", getWindow(), rank)) ||
      failed(verifyStep(*this, "'strides'", getStrides(), rank)) ||
      failed(verifyPad(*this, "'pad_low'", getPadLow(), rank)) ||
      failed(verifyPad(*this, "'pad_high'", getPadHigh(), rank)) ||
      failed(verifyStep(*this, "'dilation'", getDilation(), rank)))
    return failure();
  for (int64_t i = 0; i < rank; ++i)
    if (failed(verifyPlaces(*this, i,
                            places(x.getDimSize(i), 1, getPadLow()[i],
                                   getPadHigh()[i], getWindow()[i],
                                   getDilation()[i], getStrides()[i]),
                            y.getDimSize(i))))
      return failure();
  return success();
}

LogicalResult RandomBitsOp::verify() {
  RankedTensorType key = tensorType(getKey());
  if (key.getShape() != ArrayRef<int64_t>{2})
    return emitOpError("expects a key of type tensor<2xui32>, got ") << key;
  if (getStart() && tensorType(getStart()).getRank())
    return emitOpError("expects a start of type tensor<ui64>, got ")
           << getStart().getType();
  return verifySizes(*this, getY(), getSizes());
}
