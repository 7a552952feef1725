//===- KerasShapes.cpp - lam as Keras: whole tensors, sizes ---------------===//
//
// Operations of a functional model have no sizes as operands: those that are
// not known come from tensors.
//
//===----------------------------------------------------------------------===//

#include "KerasLayers.h"
#include "KerasWriter.h"
#include "lamina/Lam/Sizes.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lamina {

std::string KerasWriter::expandDims(std::string x, Shape newDims) {
  for (int64_t dim : newDims) {
    SmallVector<int64_t> shape(shapeOfValue(x));
    shape.insert(shape.begin() + dim, 1);
    if (isConstant(x)) {
      x = reshape(x, shape);
      continue;
    }
    Type element = elementOfValue(x);
    x = op("numpy", "ExpandDims", Object{{"axis", dim}},
           Array{argument(x, true)}, shape, element);
  }
  return x;
}

std::string KerasWriter::reshape(StringRef x, Shape shape) {
  SmallVector<int64_t> from(shapeOfValue(x));
  if (ArrayRef<int64_t>(from) == shape)
    return x.str();
  Type element = elementOfValue(x);
  if (isConstant(x)) {
    unsigned index = 0;
    x.drop_front().getAsInteger(10, index);
    return constant(
        constants[index].reshape(RankedTensorType::get(shape, element)));
  }
  Array target;
  for (int64_t size : shape)
    target.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return op("numpy", "Reshape", Object{{"newshape", std::move(target)}},
            Array{argument(x, true)}, shape, element);
}

std::string KerasWriter::zeros(StringRef tensor, int64_t dim) {
  std::string &line = zeroLines[{tensor.str(), dim}];
  if (!line.empty())
    return line;
  SmallVector<int64_t> shape(shapeOfValue(tensor));
  std::string all = op("numpy", "ZerosLike", Object{{"dtype", "int32"}},
                       Array{argument(tensor)}, shape, int32());
  Array others;
  for (int64_t i = 0; i < int64_t(shape.size()); ++i)
    if (i != dim)
      others.push_back(i);
  if (!others.empty())
    all = op("numpy", "Sum",
             Object{{"axis", std::move(others)}, {"keepdims", false}},
             Array{argument(all)}, {shape[dim]}, int32());
  return zeroLines[{tensor.str(), dim}] = all;
}

lam::SizeSource KerasWriter::originOf(Value tensor, int64_t dim) {
  for (;;) {
    lam::SizeSource source = lam::sourceOfSize(tensor, dim);
    if (auto value = dyn_cast_if_present<Value>(source.known)) {
      auto from = value.getDefiningOp<tensor::DimOp>();
      if (!from)
        return source;
      tensor = from.getSource();
      dim = *from.getConstantIndex();
      continue;
    }
    if (source.known)
      return source;
    // A layer says which of its operands has the size.
    StringRef symbol;
    if (auto call = source.tensor.getDefiningOp<func::CallOp>()) {
      auto sizes = call->getAttrOfType<ArrayAttr>(keptSizes);
      unsigned number = mlir::cast<OpResult>(source.tensor).getResultNumber();
      Attribute size = sizes ? mlir::cast<ArrayAttr>(sizes[number])[source.dim]
                             : Attribute();
      if (auto place = dyn_cast_if_present<ArrayAttr>(size)) {
        tensor = call.getOperand(mlir::cast<IntegerAttr>(place[0]).getInt());
        dim = mlir::cast<IntegerAttr>(place[1]).getInt();
        continue;
      }
      if (auto name = dyn_cast_if_present<StringAttr>(size))
        symbol = name.getValue();
    }
    // Inputs share sizes by their names; the first one stands for all.
    auto symbolOf = [&](BlockArgument argument, int64_t i) -> StringRef {
      DictionaryAttr attrs = function.getArgAttrDict(argument.getArgNumber());
      auto dims = attrs ? attrs.getAs<ArrayAttr>("lamina.dims") : ArrayAttr();
      auto name = dims ? dyn_cast<StringAttr>(dims[i]) : StringAttr();
      return name ? name.getValue() : "";
    };
    auto argument = dyn_cast<BlockArgument>(source.tensor);
    if (argument && argument.getOwner() == &function.getBody().front())
      symbol = symbolOf(argument, source.dim);
    if (!symbol.empty())
      for (BlockArgument other : function.getArguments())
        for (int64_t i = 0; i < typeOf(other).getRank(); ++i)
          if (symbolOf(other, i) == symbol)
            return {{}, other, i};
    return source;
  }
}

std::string KerasWriter::zerosOf(Value tensor, int64_t dim) {
  lam::SizeSource source = originOf(tensor, dim);
  bool isThere = !source.known && written.contains(source.tensor);
  std::string x = isThere ? get(source.tensor) : "";
  return x.empty() ? "" : zeros(x, source.dim);
}

std::string KerasWriter::size(Value tensor, int64_t dim) {
  lam::SizeSource source = originOf(tensor, dim);
  if (source.known)
    return size(source.known);
  std::string line = zerosOf(tensor, dim);
  if (line.empty())
    return "";
  std::string ones = op("numpy", "OnesLike", Object{{"dtype", "int32"}},
                        Array{argument(line)}, shapeOfValue(line), int32());
  return op("numpy", "Sum", Object{{"axis", nullptr}, {"keepdims", false}},
            Array{argument(ones)}, {}, int32());
}

std::string KerasWriter::size(OpFoldResult size) {
  if (std::optional<int64_t> known = getConstantIntValue(size)) {
    auto type = RankedTensorType::get({}, int32());
    return constant(DenseElementsAttr::get(type, int32_t(*known)));
  }
  Operation *from = mlir::cast<Value>(size).getDefiningOp();
  if (!from)
    return "";
  if (auto dim = dyn_cast<tensor::DimOp>(from))
    return this->size(dim.getSource(), *dim.getConstantIndex());
  StringRef name;
  if (isa<arith::AddIOp>(from))
    name = "Add";
  else if (isa<arith::SubIOp>(from))
    name = "Subtract";
  else if (isa<arith::MulIOp>(from))
    name = "Multiply";
  else if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(from))
    name = "FloorDivide";
  else if (isa<arith::MaxSIOp>(from))
    name = "Maximum";
  else if (isa<arith::MinSIOp>(from))
    name = "Minimum";
  if (name.empty())
    return "";
  std::string a = this->size(OpFoldResult(from->getOperand(0)));
  std::string b = this->size(OpFoldResult(from->getOperand(1)));
  if (a.empty() || b.empty())
    return "";
  return op("numpy", name, Object{}, Array{argument(a), argument(b)}, {},
            int32());
}

bool KerasWriter::isSame(Value size, Value tensor, int64_t dim) {
  lam::SizeSource source = originOf(tensor, dim);
  if (source.known)
    return source.known == OpFoldResult(size);
  auto from = size.getDefiningOp<tensor::DimOp>();
  if (!from)
    return false;
  lam::SizeSource other = originOf(from.getSource(), *from.getConstantIndex());
  return !other.known && other.tensor == source.tensor &&
         other.dim == source.dim;
}

/// The size if `source` is `n`; nothing if it depends on something else.
std::optional<int64_t> KerasWriter::evaluate(OpFoldResult size,
                                             const lam::SizeSource &source,
                                             int64_t n) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return known;
  if (source.known && source.known == size)
    return n;
  Operation *op = mlir::cast<Value>(size).getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    lam::SizeSource from = originOf(dim.getSource(), *dim.getConstantIndex());
    if (from.known)
      return evaluate(from.known, source, n);
    bool isIt =
        !source.known && from.tensor == source.tensor && from.dim == source.dim;
    return isIt ? std::optional<int64_t>(n) : std::nullopt;
  }
  if (op->getNumOperands() != 2)
    return std::nullopt;
  std::optional<int64_t> a =
      evaluate(OpFoldResult(op->getOperand(0)), source, n);
  std::optional<int64_t> b =
      evaluate(OpFoldResult(op->getOperand(1)), source, n);
  if (!a || !b)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return *a + *b;
  if (isa<arith::SubIOp>(op))
    return *a - *b;
  if (isa<arith::MulIOp>(op))
    return *a * *b;
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op))
    return *b == 0 ? 0 : llvm::divideFloorSigned(*a, *b);
  if (isa<arith::MaxSIOp>(op))
    return std::max(*a, *b);
  if (isa<arith::MinSIOp>(op))
    return std::min(*a, *b);
  return std::nullopt;
}

bool KerasWriter::agrees(OpFoldResult size, Value tensor, int64_t dim,
                         llvm::function_ref<int64_t(int64_t)> formula) {
  lam::SizeSource source = originOf(tensor, dim);
  // Sizes of what programs write are polynomials of low degree and quotients by
  // small numbers: if they agree here, they agree. Small ones, where indices
  // are clamped, Keras clamps as well.
  for (int64_t n = 120; n < 180; ++n)
    if (evaluate(size, source, n) != formula(n))
      return false;
  return true;
}

std::optional<int64_t> KerasWriter::excess(OpFoldResult size, Value tensor,
                                           int64_t dim) {
  constexpr int64_t n = 120;
  std::optional<int64_t> value = evaluate(size, originOf(tensor, dim), n);
  if (!value ||
      !agrees(size, tensor, dim, [&](int64_t m) { return m + *value - n; }))
    return std::nullopt;
  return *value - n;
}

std::optional<int64_t> KerasWriter::constantOf(OpFoldResult size, Value tensor,
                                               int64_t dim) {
  std::optional<int64_t> value = evaluate(size, originOf(tensor, dim), 120);
  if (!value || !agrees(size, tensor, dim, [&](int64_t) { return *value; }))
    return std::nullopt;
  return value;
}

std::string KerasWriter::get(Value value) {
  Written tensor = written.lookup(value);
  if (tensor.name.empty() || isWhole(tensor, value.getType()))
    return tensor.name;
  std::string &known = whole[value];
  if (!known.empty())
    return known;
  RankedTensorType type = typeOf(value);
  int64_t rank = type.getRank();
  // A number is repeated like a tensor of as many dimensions.
  std::string x = tensor.name;
  SmallVector<int64_t> shape(rank - tensor.shape.size(), 1);
  llvm::append_range(shape, tensor.shape);
  constexpr int64_t most = 4096;
  bool isStatic = type.hasStaticShape();
  if (isConstant(x) && isStatic && type.getNumElements() <= most)
    return whole[value] = constant(toElements(
               repeated(valueOf(x), type.getShape()), type.getContext()));
  if (isConstant(x) && isStatic)
    x = holder(nameOf(current, "constant", '_'), valueOf(x), false);
  if (isStatic)
    return whole[value] = op("numpy", "BroadcastTo",
                             Object{{"shape", Array(type.getShape())}},
                             Array{argument(x, true)}, type.getShape(),
                             type.getElementType());
  // Unknown sizes come from zeros of that size.
  Type element = type.getElementType();
  bool isBool = element.isInteger(1);
  Array repeats;
  bool isRepeated = false;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t size = type.getDimSize(i);
    bool isNew = shape[i] != size && !ShapedType::isDynamic(size);
    repeats.push_back(isNew ? size : 1);
    isRepeated |= isNew;
    if (shape[i] == size || !ShapedType::isDynamic(size))
      continue;
    std::string line = zerosOf(value, i);
    if (line.empty())
      return "";
    line =
        op("core", "Cast", Object{{"dtype", lamina::name(*fromMLIR(element))}},
           Array{argument(line)}, shapeOfValue(line), element);
    SmallVector<int64_t> behind;
    for (int64_t j = i + 1; j < rank; ++j)
      behind.push_back(j - i);
    line = expandDims(line, behind);
    shape[i] = size;
    x = op("numpy", isBool ? "LogicalOr" : "Add", {},
           Array{argument(x), argument(line)},
           ArrayRef<int64_t>(shape).take_back(
               std::max<size_t>(shapeOfValue(x).size(), rank - i)),
           element);
  }
  // In front of the first unknown size there may be more.
  SmallVector<int64_t> missing;
  for (int64_t i = shapeOfValue(x).size(); i < rank; ++i)
    missing.push_back(0);
  x = expandDims(x, missing);
  if (isRepeated)
    x = op("numpy", "Tile", Object{{"repeats", std::move(repeats)}},
           Array{argument(x)}, type.getShape(), element);
  return whole[value] = x;
}

} // namespace lamina
