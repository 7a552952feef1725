//===- KerasStructure.cpp - lam as Keras: shapes and places ---------------===//

#include "KerasWriter.h"
#include "lamina/Lam/Sizes.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lamina {

std::string KerasWriter::transpose(StringRef x, Shape perm) {
  bool isIdentity = llvm::all_of(llvm::enumerate(perm), [](auto entry) {
    return int64_t(entry.index()) == entry.value();
  });
  if (isIdentity)
    return x.str();
  SmallVector<int64_t> from(shapeOfValue(x)), to;
  for (int64_t dim : perm)
    to.push_back(from[dim]);
  Type element = elementOfValue(x);
  return op("numpy", "Transpose", Object{{"axes", Array(perm)}},
            Array{argument(x)}, to, element);
}

std::string KerasWriter::pad(StringRef x, Shape low, Shape high, double value) {
  SmallVector<int64_t> shape(shapeOfValue(x));
  Array widths;
  bool isNothing = true;
  for (size_t i = 0; i < shape.size(); ++i) {
    widths.push_back(Array{low[i], high[i]});
    isNothing &= low[i] == 0 && high[i] == 0;
    if (!ShapedType::isDynamic(shape[i]))
      shape[i] += low[i] + high[i];
  }
  if (isNothing)
    return x.str();
  Type element = elementOfValue(x);
  NDArray filler(*fromMLIR(element), {});
  filler.setDouble(0, value);
  Array args{argument(x)};
  if (value != 0)
    args.push_back(
        argument(constant(toElements(filler, function.getContext()))));
  return op("numpy", "Pad",
            Object{{"pad_width", std::move(widths)}, {"mode", "constant"}},
            std::move(args), shape, element);
}

std::string KerasWriter::slice(StringRef x, Shape start, Shape stop, Shape step,
                               Shape result) {
  Array key;
  for (size_t i = 0; i < start.size(); ++i)
    key.push_back(Object{
        {"class_name", "__slice__"},
        {"config",
         Object{{"start", start[i] ? JSON(start[i]) : JSON(nullptr)},
                {"stop", ShapedType::isDynamic(stop[i]) ? JSON(nullptr)
                                                        : JSON(stop[i])},
                {"step", step[i] == 1 ? JSON(nullptr) : JSON(step[i])}}}});
  Type element = elementOfValue(x);
  return op("numpy", "GetItem", Object{}, Array{argument(x), std::move(key)},
            result, element);
}

/// An index from the end, which is nothing at the end itself.
static int64_t fromEnd(int64_t index) {
  return index == 0 ? ShapedType::kDynamic : index;
}

bool KerasWriter::sliceOp(lam::SliceOp op) {
  RankedTensorType from = typeOf(op.getX()), to = typeOf(op);
  ValueRange offsets = op.getOffsets();
  SmallVector<int64_t> starts, stops;
  bool isWhole = from == to;
  for (int64_t i = 0; i < from.getRank(); ++i) {
    int64_t step = op.getStrides()[i], count = to.getDimSize(i);
    OpFoldResult offset = Builder(op).getIndexAttr(op.getStaticOffsets()[i]);
    if (ShapedType::isDynamic(op.getStaticOffsets()[i])) {
      offset = offsets.front();
      offsets = offsets.drop_front();
    }
    OpFoldResult size = Builder(op).getIndexAttr(count);
    if (ShapedType::isDynamic(count))
      size = op.getSizes()[to.getDynamicDimIndex(i)];
    std::optional<int64_t> start = constantOf(offset, op.getX(), i);
    std::optional<int64_t> startFromEnd =
        start ? std::nullopt : excess(offset, op.getX(), i);
    std::optional<int64_t> known = constantOf(size, op.getX(), i);
    if (known && start) {
      int64_t last = *start + *known * step;
      bool toEnd = !from.isDynamicDim(i) && last >= from.getDimSize(i);
      starts.push_back(*start);
      stops.push_back(toEnd ? ShapedType::kDynamic : last);
    } else if (known && startFromEnd && step == 1) {
      starts.push_back(*startFromEnd);
      stops.push_back(fromEnd(*startFromEnd + *known));
    } else if (start && agrees(size, op.getX(), i, [&](int64_t n) {
                 return llvm::divideCeilSigned(n - *start, step);
               })) {
      starts.push_back(*start);
      stops.push_back(ShapedType::kDynamic);
    } else if (std::optional<int64_t> more = excess(size, op.getX(), i);
               start && step == 1 && more && *more + *start <= 0) {
      starts.push_back(*start);
      stops.push_back(fromEnd(*more + *start));
    } else {
      return false;
    }
    isWhole &=
        starts.back() == 0 && step == 1 && ShapedType::isDynamic(stops.back());
  }
  std::string x = get(op.getX());
  if (x.empty())
    return false;
  set(op,
      isWhole ? x : slice(x, starts, stops, op.getStrides(), to.getShape()));
  return true;
}

bool KerasWriter::padOp(lam::PadOp op) {
  RankedTensorType from = typeOf(op.getX()), to = typeOf(op);
  std::optional<double> value = splatOf(op.getValue());
  std::string x = get(op.getX());
  if (!value || x.empty())
    return false;
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < from.getRank(); ++i) {
    int64_t offset = op.getStaticOffsets()[i];
    if (ShapedType::isDynamic(offset) || op.getStrides()[i] != 1)
      return false;
    OpFoldResult size = Builder(op).getIndexAttr(to.getDimSize(i));
    if (to.isDynamicDim(i))
      size = op.getSizes()[to.getDynamicDimIndex(i)];
    std::optional<int64_t> more;
    if (!to.isDynamicDim(i) && !from.isDynamicDim(i))
      more = to.getDimSize(i) - from.getDimSize(i);
    else
      more = excess(size, op.getX(), i);
    if (!more)
      return false;
    low.push_back(offset);
    high.push_back(*more - offset);
  }
  set(op, pad(x, low, high, *value));
  return true;
}

bool KerasWriter::reshapeOp(lam::ReshapeOp op) {
  RankedTensorType from = typeOf(op.getX()), to = typeOf(op);
  Written part = written.lookup(op.getX());
  if (part.shape.empty() && from.getRank() > 0) {
    set(op, part.name, {}); // the same number everywhere
    return true;
  }
  std::string x = get(op.getX());
  if (x.empty())
    return false;
  if (to.getNumDynamicDims() <= 1 && !llvm::is_contained(to.getShape(), 0)) {
    set(op, reshape(x, to.getShape()));
    return true;
  }
  // Sizes of 1 come and go.
  SmallVector<int64_t> drop, add;
  int64_t i = 0, j = 0;
  auto agrees = [&] {
    int64_t a = from.getDimSize(i), b = to.getDimSize(j);
    if (ShapedType::isDynamic(b))
      return isSame(op.getSizes()[to.getDynamicDimIndex(j)], op.getX(), i);
    return a == b;
  };
  while (i < from.getRank() || j < to.getRank()) {
    if (i < from.getRank() && j < to.getRank() && agrees()) {
      ++i, ++j;
    } else if (i < from.getRank() && from.getDimSize(i) == 1) {
      drop.push_back(i++);
    } else if (j < to.getRank() && to.getDimSize(j) == 1) {
      add.push_back(j++);
    } else {
      break;
    }
  }
  if (i == from.getRank() && j == to.getRank()) {
    if (!drop.empty()) {
      SmallVector<int64_t> shape;
      for (int64_t k = 0; k < from.getRank(); ++k)
        if (!llvm::is_contained(drop, k))
          shape.push_back(from.getDimSize(k));
      x = this->op("numpy", "Squeeze", Object{{"axis", Array(drop)}},
                   Array{argument(x)}, shape, to.getElementType());
    }
    set(op, expandDims(x, add));
    return true;
  }
  // The layer keeps the batch, and one more size may be unknown.
  if (to.getNumDynamicDims() == 2 && to.isDynamicDim(0) &&
      from.isDynamicDim(0) && isSame(op.getSizes()[0], op.getX(), 0)) {
    Array target;
    for (int64_t size : to.getShape().drop_front())
      target.push_back(ShapedType::isDynamic(size) ? -1 : size);
    unsigned node =
        addNode("keras.layers", "Reshape", nameOf(op, "reshape", '_'),
                Object{{"target_shape", std::move(target)}});
    set(op, call(node, Array{argument(x)}, Object{}, 0, to.getShape(),
                 to.getElementType()));
    return true;
  }
  return false;
}

bool KerasWriter::iota(lam::IotaOp op) {
  RankedTensorType type = typeOf(op);
  int64_t dim = op.getDim();
  SmallVector<int64_t> shape(type.getRank() - dim, 1), behind;
  shape[0] = type.getDimSize(dim);
  for (int64_t i = 1; i < int64_t(shape.size()); ++i)
    behind.push_back(i);
  Type element = type.getElementType();
  std::string line;
  if (!type.isDynamicDim(dim)) {
    SmallVector<int64_t> places;
    for (int64_t i = 0; i < shape[0]; ++i)
      places.push_back(i);
    NDArray values = valueOf(numbers(places)).cast(*fromMLIR(element));
    line = constant(toElements(values, op.getContext()));
  } else {
    auto from = op.getSizes()[type.getDynamicDimIndex(dim)]
                    .getDefiningOp<tensor::DimOp>();
    if (!from)
      return false;
    line = zerosOf(from.getSource(), *from.getConstantIndex());
    if (line.empty())
      return false;
    // 1 + 1 + …, minus 1
    int64_t n = ShapedType::kDynamic;
    line = this->op("numpy", "OnesLike", Object{{"dtype", "int32"}},
                    Array{argument(line)}, {n}, int32());
    line = this->op("numpy", "Cumsum", Object{{"axis", 0}},
                    Array{argument(line)}, {n}, int32());
    line = this->op("numpy", "Subtract", Object{}, Array{argument(line), 1},
                    {n}, int32());
    if (!element.isSignlessInteger(32))
      line = this->op("core", "Cast",
                      Object{{"dtype", lamina::name(*fromMLIR(element))}},
                      Array{argument(line)}, {n}, element);
  }
  set(op, expandDims(line, behind), shape);
  return true;
}

bool KerasWriter::structure(Operation *op) {
  if (auto broadcast = dyn_cast<lam::BroadcastOp>(op)) {
    Written x = written.lookup(broadcast.getX());
    Aligned aligned = align(broadcast, x);
    set(broadcast, expandDims(x.name, aligned.newDims), aligned.shape);
    return true;
  }
  if (auto reshape = dyn_cast<lam::ReshapeOp>(op))
    return reshapeOp(reshape);
  if (auto slice = dyn_cast<lam::SliceOp>(op))
    return sliceOp(slice);
  if (auto pad = dyn_cast<lam::PadOp>(op))
    return padOp(pad);
  if (auto gather = dyn_cast<lam::GatherOp>(op))
    return this->gather(gather);
  if (auto scatter = dyn_cast<lam::ScatterOp>(op))
    return this->scatter(scatter);
  if (auto iota = dyn_cast<lam::IotaOp>(op))
    return this->iota(iota);
  if (auto transpose = dyn_cast<lam::TransposeOp>(op)) {
    std::string x = get(transpose.getX());
    if (x.empty())
      return false;
    set(transpose, this->transpose(x, transpose.getPerm()));
    return true;
  }
  if (auto reverse = dyn_cast<lam::ReverseOp>(op)) {
    std::string x = get(reverse.getX());
    if (x.empty())
      return false;
    RankedTensorType type = typeOf(reverse);
    set(reverse,
        this->op("numpy", "Flip", Object{{"axis", Array(reverse.getDims())}},
                 Array{argument(x)}, type.getShape(), type.getElementType()));
    return true;
  }
  if (auto concat = dyn_cast<lam::ConcatOp>(op)) {
    Array parts;
    for (Value x : concat.getXs()) {
      std::string part = get(x);
      if (part.empty())
        return false;
      parts.push_back(argument(part, true));
    }
    RankedTensorType type = typeOf(concat);
    set(concat, this->op("numpy", "Concatenate",
                         Object{{"axis", int64_t(concat.getDim())}},
                         Array{std::move(parts)}, type.getShape(),
                         type.getElementType()));
    return true;
  }
  if (auto from = dyn_cast<lam::FromSizeOp>(op)) {
    std::string number = size(OpFoldResult(from.getSize()));
    if (number.empty())
      return false;
    Type element = typeOf(from).getElementType();
    if (!element.isSignlessInteger(32))
      number = this->op("core", "Cast", Object{{"dtype", "int64"}},
                        Array{argument(number)}, {}, element);
    set(from, number);
    return true;
  }
  return false;
}

} // namespace lamina
