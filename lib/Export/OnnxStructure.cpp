//===- OnnxStructure.cpp - lam as ONNX: shapes and places -----------------===//

#include "OnnxWriter.h"
#include "lamina/Lam/Sizes.h"

using namespace mlir;

namespace lamina {

std::string OnnxWriter::reshape(StringRef x, ArrayRef<int64_t> shape,
                                ValueRange sizes) {
  // One unknown size follows from the others, if none of them is 0.
  if (llvm::count(shape, ShapedType::kDynamic) == 1 &&
      !llvm::is_contained(shape, 0)) {
    SmallVector<int64_t> target(shape);
    std::replace(target.begin(), target.end(), ShapedType::kDynamic,
                 int64_t(-1));
    return node("Reshape", {x.str(), integers(target)});
  }
  return node("Reshape", {x.str(), this->shape(shape, sizes)},
              OnnxAttribute("allowzero", 1));
}

std::string OnnxWriter::transpose(StringRef x, ArrayRef<int64_t> perm) {
  bool isIdentity = llvm::all_of(llvm::enumerate(perm), [](auto entry) {
    return int64_t(entry.index()) == entry.value();
  });
  return isIdentity ? x.str()
                    : node("Transpose", {x.str()}, OnnxAttribute("perm", perm));
}

std::string OnnxWriter::slice(StringRef x, Names starts, Names ends,
                              ArrayRef<int64_t> axes, ArrayRef<int64_t> steps) {
  return node("Slice", {x.str(), joined(starts), joined(ends), integers(axes),
                        integers(steps)});
}

void OnnxWriter::broadcast(lam::BroadcastOp op) {
  Written x = part(op.getX());
  Aligned aligned = align(op, x);
  if (!aligned.newDims.empty())
    x.name = node("Unsqueeze", {x.name, integers(aligned.newDims)});
  set(op, x.name, aligned.shape);
}

void OnnxWriter::sliceOp(lam::SliceOp op) {
  auto source = mlir::cast<RankedTensorType>(op.getX().getType());
  auto result = mlir::cast<RankedTensorType>(op.getType());
  ValueRange offsets = op.getOffsets(), sizes = op.getSizes();
  std::vector<std::string> starts, ends;
  SmallVector<int64_t> axes, steps;
  for (int64_t i = 0; i < source.getRank(); ++i) {
    int64_t offset = op.getStaticOffsets()[i], step = op.getStrides()[i];
    OpFoldResult start = Builder(op).getIndexAttr(offset);
    if (ShapedType::isDynamic(offset)) {
      start = offsets.front();
      offsets = offsets.drop_front();
    }
    int64_t count = result.getDimSize(i);
    OpFoldResult size = Builder(op).getIndexAttr(count);
    if (ShapedType::isDynamic(count)) {
      size = sizes.front();
      sizes = sizes.drop_front();
    } else if (offset == 0 && step == 1 && count == source.getDimSize(i)) {
      continue;
    }
    axes.push_back(i);
    steps.push_back(step);
    if (!ShapedType::isDynamic(offset) && !ShapedType::isDynamic(count)) {
      starts.push_back(integers({offset}));
      ends.push_back(integers({offset + count * step})); // is cut at the end
      continue;
    }
    starts.push_back(this->size(start));
    std::string length = this->size(size);
    if (step != 1)
      length = node("Mul", {length, integers({step})});
    ends.push_back(offset == 0 ? length : node("Add", {starts.back(), length}));
  }
  set(op, axes.empty() ? get(op.getX())
                       : slice(get(op.getX()), starts, ends, axes, steps));
}

std::string OnnxWriter::spread(StringRef x, int64_t rank, int64_t dim,
                               int64_t step, StringRef value) {
  if (step == 1)
    return x.str();
  // [..., n, ...] → [..., n, 1, ...] → [..., n, step, ...] → [..., n * step,
  // ...]
  std::string shape = node("Shape", {x.str()});
  std::string y = node("Unsqueeze", {x.str(), integers({dim + 1})});
  SmallVector<int64_t> pads(2 * (rank + 1), 0);
  pads[rank + 1 + dim + 1] = step - 1;
  y = node("Pad", {y, integers(pads), value.str()});
  SmallVector<int64_t> factors(rank, 1);
  factors[dim] = step;
  y = node("Reshape", {y, node("Mul", {shape, integers(factors)})},
           OnnxAttribute("allowzero", 1));
  return slice(y, {integers({0})}, {integers({1 - step})}, {dim}, {1});
}

void OnnxWriter::padOp(lam::PadOp op) {
  auto source = mlir::cast<RankedTensorType>(op.getX().getType());
  auto result = mlir::cast<RankedTensorType>(op.getType());
  int64_t rank = source.getRank();
  std::string x = get(op.getX()), value = get(op.getValue());
  for (int64_t i = 0; i < rank; ++i)
    x = spread(x, rank, i, op.getStrides()[i], value);
  ValueRange offsets = op.getOffsets();
  std::vector<std::string> low, high;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t offset = op.getStaticOffsets()[i], step = op.getStrides()[i];
    int64_t from = source.getDimSize(i), to = result.getDimSize(i);
    bool isKnown = !ShapedType::isDynamic(offset);
    low.push_back(isKnown ? integers({offset})
                          : size(OpFoldResult(offsets.front())));
    if (!isKnown)
      offsets = offsets.drop_front();
    if (isKnown && !ShapedType::isDynamic(from) && !ShapedType::isDynamic(to)) {
      high.push_back(integers(
          {to - offset - std::max<int64_t>(0, (from - 1) * step + 1)}));
      continue;
    }
    std::string length = size(op.getX(), i);
    if (step != 1)
      length = node("Sub", {node("Mul", {length, integers({step})}),
                            integers({step - 1})});
    ValueRange sizes = op.getSizes();
    std::string whole =
        ShapedType::isDynamic(to)
            ? size(OpFoldResult(sizes[result.getDynamicDimIndex(i)]))
            : integers({to});
    high.push_back(node("Sub", {node("Sub", {whole, low.back()}), length}));
  }
  low.insert(low.end(), high.begin(), high.end());
  set(op, node("Pad", {x, joined(low), value}));
}

bool OnnxWriter::structure(Operation *op) {
  if (auto broadcast = dyn_cast<lam::BroadcastOp>(op)) {
    this->broadcast(broadcast);
  } else if (auto reshape = dyn_cast<lam::ReshapeOp>(op)) {
    if (Written x = part(reshape.getX()); x.shape.empty())
      set(reshape, x.name, {}); // the same number everywhere
    else
      set(reshape, this->reshape(get(reshape.getX()), shapeOfType(reshape),
                                 reshape.getSizes()));
  } else if (auto transpose = dyn_cast<lam::TransposeOp>(op)) {
    set(transpose, this->transpose(get(transpose.getX()), transpose.getPerm()));
  } else if (auto slice = dyn_cast<lam::SliceOp>(op)) {
    sliceOp(slice);
  } else if (auto pad = dyn_cast<lam::PadOp>(op)) {
    padOp(pad);
  } else if (auto reverse = dyn_cast<lam::ReverseOp>(op)) {
    size_t count = reverse.getDims().size();
    SmallVector<int64_t> last(count, -1), first(count, INT64_MIN);
    set(reverse,
        node("Slice", {get(reverse.getX()), integers(last), integers(first),
                       integers(reverse.getDims()), integers(last)}));
  } else if (auto concat = dyn_cast<lam::ConcatOp>(op)) {
    std::vector<std::string> parts;
    for (Value x : concat.getXs())
      parts.push_back(get(x));
    set(concat,
        node("Concat", parts, OnnxAttribute("axis", int64_t(concat.getDim()))));
  } else if (auto iota = dyn_cast<lam::IotaOp>(op)) {
    auto type = mlir::cast<RankedTensorType>(iota.getType());
    int64_t dim = iota.getDim();
    std::string count =
        type.isDynamicDim(dim)
            ? size(OpFoldResult(iota.getSizes()[type.getDynamicDimIndex(dim)]))
            : integers({type.getDimSize(dim)});
    Type index = IntegerType::get(op->getContext(), 64);
    std::string range =
        node("Range",
             {scalar(index, 0), node("Squeeze", {count}), scalar(index, 1)});
    if (type.getElementType() != index)
      range = cast(range, type.getElementType());
    SmallVector<int64_t> shape(type.getRank() - dim, 1);
    shape[0] = type.getDimSize(dim);
    SmallVector<int64_t> behind;
    for (int64_t i = 1; i < int64_t(shape.size()); ++i)
      behind.push_back(i);
    if (!behind.empty())
      range = node("Unsqueeze", {range, integers(behind)});
    set(iota, range, shape);
  } else if (auto from = dyn_cast<lam::FromSizeOp>(op)) {
    std::string scalar = node("Squeeze", {size(OpFoldResult(from.getSize()))});
    Type element = elementOf(from);
    set(from, element.isInteger(64) ? scalar : cast(scalar, element));
  } else {
    return false;
  }
  return true;
}

} // namespace lamina
