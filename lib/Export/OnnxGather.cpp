//===- OnnxGather.cpp - lam as ONNX: computed places ----------------------===//

#include "OnnxWriter.h"
#include "lamina/Support/Elements.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lamina {

/// The dimensions of a tensor with these ones behind the batch.
static SmallVector<int64_t> bringForward(int64_t rank, int64_t batch,
                                         ArrayRef<int64_t> axes) {
  SmallVector<int64_t> perm;
  for (int64_t i = 0; i < batch; ++i)
    perm.push_back(i);
  llvm::append_range(perm, axes);
  for (int64_t i = batch; i < rank; ++i)
    if (!llvm::is_contained(axes, i))
      perm.push_back(i);
  return perm;
}

static SmallVector<int64_t> inverse(ArrayRef<int64_t> perm) {
  SmallVector<int64_t> result(perm.size());
  for (auto [i, p] : llvm::enumerate(perm))
    result[p] = i;
  return result;
}

/// Are all indices known, and inside?
static bool isInside(Value indices, Value x, ArrayRef<int64_t> axes) {
  DenseElementsAttr elements;
  if (!matchPattern(indices, m_Constant(&elements)))
    return false;
  auto type = mlir::cast<RankedTensorType>(x.getType());
  std::optional<NDArray> array = fromElements(elements);
  for (int64_t i = 0; i < array->size(); ++i) {
    int64_t size = type.getDimSize(axes[i % axes.size()]);
    if (array->getInt(i) < 0 || array->getInt(i) >= size) // unknown is negative
      return false;
  }
  return true;
}

std::string OnnxWriter::clamped(Value indices, Value x,
                                ArrayRef<int64_t> axes) {
  Type index = IntegerType::get(function.getContext(), 64);
  std::string places = get(indices);
  if (elementOf(indices) != index)
    places = cast(places, index);
  if (isInside(indices, x, axes))
    return places;
  std::vector<std::string> last;
  for (int64_t axis : axes)
    last.push_back(size(x, axis));
  std::string limit = node("Sub", {joined(last), integers({1})});
  return node("Max", {node("Min", {places, limit}), integers({0})});
}

void OnnxWriter::gather(lam::GatherOp op) {
  int64_t batch = op.getBatchDims();
  ArrayRef<int64_t> axes = op.getAxes();
  std::string indices = clamped(op.getIndices(), op.getX(), axes);
  int64_t rank = mlir::cast<RankedTensorType>(op.getX().getType()).getRank();
  int64_t indexRank =
      mlir::cast<RankedTensorType>(op.getIndices().getType()).getRank();
  // The result has the dimensions of the indices in front.
  if (batch == 0 && axes.size() == 1) {
    SmallVector<int64_t> perm = bringForward(rank, 0, axes);
    std::string x = transpose(get(op.getX()), perm);
    indices = node("Squeeze", {indices, integers({indexRank - 1})});
    set(op, node("Gather", {x, indices}));
    return;
  }
  std::string x = transpose(get(op.getX()), bringForward(rank, batch, axes));
  set(op, node("GatherND", {x, indices}, OnnxAttribute("batch_dims", batch)));
}

void OnnxWriter::scatter(lam::ScatterOp op) {
  static constexpr const char *kinds[] = {"none", "add", "mul", "max", "min"};
  auto type = mlir::cast<RankedTensorType>(op.getX().getType());
  auto indexType = mlir::cast<RankedTensorType>(op.getIndices().getType());
  int64_t batch = op.getBatchDims(), rank = type.getRank();
  Type index = IntegerType::get(function.getContext(), 64);
  SmallVector<int64_t> perm = bringForward(rank, batch, op.getAxes());
  std::string x = transpose(get(op.getX()), perm),
              indices = get(op.getIndices());
  if (elementOf(op.getIndices()) != index)
    indices = cast(indices, index);
  // What is outside goes to a place behind the last one, which is cut off.
  bool mayMiss = !isInside(op.getIndices(), op.getX(), op.getAxes());
  if (mayMiss) {
    std::vector<std::string> counts;
    for (int64_t axis : op.getAxes())
      counts.push_back(size(op.getX(), axis));
    std::string limit = joined(counts);
    std::string isIn =
        node("And", {node("GreaterOrEqual", {indices, integers({0})}),
                     node("Less", {indices, limit})});
    isIn = node("ReduceMin", {cast(isIn, IntegerType::get(op.getContext(), 32)),
                              integers({indexType.getRank() - 1})});
    isIn = cast(isIn, IntegerType::get(op.getContext(), 1));
    std::vector<std::string> miss = counts;
    for (size_t i = 1; i < miss.size(); ++i)
      miss[i] = integers({0});
    indices = node("Where", {isIn, indices, joined(miss)});
    SmallVector<int64_t> pads(2 * rank, 0);
    pads[rank + batch] = 1;
    x = node("Pad", {x, integers(pads)});
  }
  // The places in the batch are further indices.
  for (int64_t dim = batch - 1; dim >= 0; --dim) {
    std::string range =
        node("Range",
             {scalar(index, 0), node("Squeeze", {size(op.getIndices(), dim)}),
              scalar(index, 1)});
    SmallVector<int64_t> shape(indexType.getRank() - dim, 1);
    shape[0] = -1;
    range = node("Reshape", {range, integers(shape)});
    std::string whole = node("Shape", {indices},
                             {OnnxAttribute("end", indexType.getRank() - 1)});
    range = node("Expand", {range, node("Concat", {whole, integers({1})},
                                        OnnxAttribute("axis", int64_t(0)))});
    indices =
        node("Concat", {range, indices}, OnnxAttribute("axis", int64_t(-1)));
  }
  std::string y = node("ScatterND", {x, indices, get(op.getUpdates())},
                       OnnxAttribute("reduction", kinds[int(op.getKind())]));
  if (mayMiss)
    y = slice(y, {integers({0})}, {integers({-1})}, {batch}, {1});
  set(op, transpose(y, inverse(perm)));
}

bool OnnxWriter::indexed(Operation *op) {
  if (auto gather = dyn_cast<lam::GatherOp>(op))
    this->gather(gather);
  else if (auto scatter = dyn_cast<lam::ScatterOp>(op))
    this->scatter(scatter);
  else
    return false;
  return true;
}

} // namespace lamina
