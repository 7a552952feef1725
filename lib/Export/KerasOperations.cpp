//===- KerasOperations.cpp - lam as Keras: numbers ------------------------===//

#include "KerasWriter.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace lamina {

/// The class in keras.src.ops for an operation of lam, and the file it is in.
static std::pair<StringRef, StringRef> classFor(StringRef name) {
  static const llvm::StringMap<std::pair<StringRef, StringRef>> table = {
      {"add", {"numpy", "Add"}},
      {"sub", {"numpy", "Subtract"}},
      {"mul", {"numpy", "Multiply"}},
      {"div", {"numpy", "Divide"}},
      {"floor_div", {"numpy", "FloorDivide"}},
      {"mod", {"numpy", "Mod"}},
      {"rem", {"numpy", "Fmod"}},
      {"pow", {"numpy", "Power"}},
      {"max", {"numpy", "Maximum"}},
      {"min", {"numpy", "Minimum"}},
      {"atan2", {"numpy", "Arctan2"}},
      {"nextafter", {"numpy", "Nextafter"}},
      {"neg", {"numpy", "Negative"}},
      {"abs", {"numpy", "Absolute"}},
      {"sign", {"numpy", "Sign"}},
      {"floor", {"numpy", "Floor"}},
      {"ceil", {"numpy", "Ceil"}},
      {"round", {"numpy", "Round"}},
      {"trunc", {"numpy", "Trunc"}},
      {"exp", {"numpy", "Exp"}},
      {"exp2", {"numpy", "Exp2"}},
      {"expm1", {"numpy", "Expm1"}},
      {"log", {"numpy", "Log"}},
      {"log2", {"numpy", "Log2"}},
      {"log10", {"numpy", "Log10"}},
      {"log1p", {"numpy", "Log1p"}},
      {"sqrt", {"numpy", "Sqrt"}},
      {"rsqrt", {"math", "Rsqrt"}},
      {"cbrt", {"numpy", "Cbrt"}},
      {"sin", {"numpy", "Sin"}},
      {"cos", {"numpy", "Cos"}},
      {"tan", {"numpy", "Tan"}},
      {"asin", {"numpy", "Arcsin"}},
      {"acos", {"numpy", "Arccos"}},
      {"atan", {"numpy", "Arctan"}},
      {"sinh", {"numpy", "Sinh"}},
      {"cosh", {"numpy", "Cosh"}},
      {"tanh", {"numpy", "Tanh"}},
      {"asinh", {"numpy", "Arcsinh"}},
      {"acosh", {"numpy", "Arccosh"}},
      {"atanh", {"numpy", "Arctanh"}},
      {"erf", {"math", "Erf"}},
      {"erfc", {"math", "Erfc"}},
      {"erfinv", {"math", "Erfinv"}},
      {"sigmoid", {"nn", "Sigmoid"}},
      {"softplus", {"nn", "Softplus"}},
      {"is_nan", {"numpy", "Isnan"}},
      {"is_inf", {"numpy", "Isinf"}},
      {"is_finite", {"numpy", "Isfinite"}},
      {"eq", {"numpy", "Equal"}},
      {"ne", {"numpy", "NotEqual"}},
      {"lt", {"numpy", "Less"}},
      {"le", {"numpy", "LessEqual"}},
      {"gt", {"numpy", "Greater"}},
      {"ge", {"numpy", "GreaterEqual"}},
      {"shift_left", {"numpy", "LeftShift"}},
      {"shift_right", {"numpy", "RightShift"}},
      {"select", {"numpy", "Where"}},
      {"stop_gradient", {"core", "StopGradient"}},
      {"cast", {"core", "Cast"}},
      {"bitcast", {"numpy", "View"}}};
  return table.lookup(name);
}

/// The result of an operation of constants is one.
bool KerasWriter::fold(Operation *op) {
  if (auto value = dyn_cast<lam::ConstantOp>(op)) {
    auto elements =
        toElements(*fromElements(value.getValue()), op->getContext());
    // One number needs no shape.
    bool isNumber = elements.isSplat() && elements.getType().getRank() > 0;
    if (isNumber)
      elements = DenseElementsAttr::get(
          RankedTensorType::get({}, elements.getElementType()),
          elements.getSplatValue<Attribute>());
    std::string name = constant(elements);
    // What is too large for text is stored with the weights.
    constexpr int64_t most = 4096;
    if (elements.getNumElements() > most)
      name =
          holder(nameOf(op, "constant", '_'), *fromElements(elements), false);
    set(value, name, elements.getType().getShape());
    return true;
  }
  bool isPossible =
      op->getNumRegions() == 0 && op->getDialect()->getNamespace() == "lam" &&
      !isa<lam::BroadcastOp, lam::RandomBitsOp, lam::FromSizeOp>(op);
  SmallVector<Written> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(written.lookup(operand));
    isPossible &= isConstant(operands.back().name);
  }
  if (!isPossible)
    return false;
  // The operation as a function of its own, on as little as there is.
  bool isSmall = op->hasTrait<OpTrait::Elementwise>();
  SmallVector<int64_t> shape = shapeOf(operands);
  Block block;
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToEnd(&block);
  SmallVector<NDArray> inputs;
  IRMapping mapping;
  auto typeFor = [&](Value value) {
    return isSmall ? typeOf(value).clone(shape) : typeOf(value);
  };
  for (auto [value, operand] : llvm::zip(op->getOperands(), operands)) {
    RankedTensorType type = typeFor(value);
    if (!type.hasStaticShape())
      return false;
    inputs.push_back(repeated(valueOf(operand.name), type.getShape()));
    mapping.map(value, block.addArgument(type, op->getLoc()));
  }
  Operation *copy = builder.clone(*op, mapping);
  for (OpResult result : copy->getResults()) {
    result.setType(typeFor(result));
    if (!typeOf(result).hasStaticShape())
      return false;
  }
  lam::YieldOp::create(builder, op->getLoc(), copy->getResults());
  FailureOr<std::vector<NDArray>> results = interpret(block, inputs);
  if (failed(results))
    return false;
  for (auto [result, value] : llvm::zip(op->getResults(), *results))
    set(result, constant(toElements(value, op->getContext())), value.shape());
  return true;
}

bool KerasWriter::pointwise(Operation *op) {
  auto [module, className] = classFor(op->getName().stripDialect());
  MLIRContext *context = op->getContext();
  if (isa<lam::AndOp, lam::OrOp, lam::XorOp, lam::NotOp>(op)) {
    bool isBool = typeOf(op->getOperand(0)).getElementType().isInteger(1);
    StringRef kind = isa<lam::AndOp>(op)   ? "And"
                     : isa<lam::OrOp>(op)  ? "Or"
                     : isa<lam::XorOp>(op) ? "Xor"
                                           : "Not";
    module = "numpy";
    className =
        StringAttr::get(context, (isBool ? "Logical" : "Bitwise") + kind);
  }
  if (className.empty())
    return false;
  SmallVector<Written> operands;
  for (Value operand : op->getOperands())
    operands.push_back(written.lookup(operand));
  Type element = typeOf(op->getResult(0)).getElementType();
  // Numbers take the type of a tensor; if there is none, they say what they
  // are.
  bool hasTensor = llvm::any_of(llvm::enumerate(operands), [&](auto entry) {
    bool isCondition = isa<lam::SelectOp>(op) && entry.index() == 0;
    return !isCondition && !isConstant(entry.value().name);
  });
  Array arguments;
  for (const Written &operand : operands)
    arguments.push_back(argument(operand.name, !hasTensor));
  Object config;
  if (isa<lam::CastOp, lam::BitcastOp>(op))
    config["dtype"] = lamina::name(*fromMLIR(element));
  if (isa<lam::RoundOp>(op))
    config["decimals"] = 0;
  SmallVector<int64_t> shape = shapeOf(operands);
  set(op->getResult(0),
      this->op(module, className, std::move(config), std::move(arguments),
               shape, element),
      shape);
  return true;
}

//===----------------------------------------------------------------------===//
// Reductions and order
//===----------------------------------------------------------------------===//

/// Indices are int64 where Keras's backend has it switched on.
std::string KerasWriter::toInt32(StringRef indices) {
  SmallVector<int64_t> shape(shapeOfValue(indices));
  return op("core", "Cast", Object{{"dtype", "int32"}},
            Array{argument(indices)}, shape, int32());
}

bool KerasWriter::cumulative(lam::CumulativeOp op) {
  bool isSum = op.getKind() == lam::ReduceKind::Sum;
  if (!isSum && op.getKind() != lam::ReduceKind::Prod)
    return false;
  RankedTensorType type = typeOf(op);
  Type element = type.getElementType();
  int64_t dim = op.getDim(), rank = type.getRank();
  auto apply = [&](StringRef name, std::string x, Shape shape) {
    return this->op("numpy", name, Object{{"axis", dim}}, Array{argument(x)},
                    shape, element);
  };
  std::string x = get(op.getX());
  if (x.empty())
    return false;
  if (op.getReverse())
    x = apply("Flip", x, type.getShape());
  if (op.getExclusive()) {
    // One step later.
    SmallVector<int64_t> low(rank, 0), high(rank, 0), step(rank, 1);
    low[dim] = 1;
    x = pad(x, low, high, isSum ? 0 : 1);
    SmallVector<int64_t> stop(rank, ShapedType::kDynamic);
    stop[dim] = -1;
    x = slice(x, high, stop, step, type.getShape());
  }
  x = apply(isSum ? "Cumsum" : "Cumprod", x, type.getShape());
  if (isa<IntegerType>(element))
    x = this->op("core", "Cast",
                 Object{{"dtype", lamina::name(*fromMLIR(element))}},
                 Array{argument(x)}, type.getShape(), element);
  if (op.getReverse())
    x = apply("Flip", x, type.getShape());
  set(op, x);
  return true;
}

bool KerasWriter::sort(lam::SortOp op) {
  RankedTensorType type = typeOf(op.getX());
  int64_t dim = op.getDim();
  std::string x = get(op.getX());
  auto apply = [&](StringRef name, std::string x, Type element) {
    return this->op("numpy", name, Object{{"axis", dim}}, Array{argument(x)},
                    type.getShape(), element);
  };
  if (x.empty())
    return false;
  if (op.getDescending()) // equal elements keep their order
    x = apply("Flip", x, type.getElementType());
  std::string places;
  if (!op.getIndices().use_empty()) {
    places = toInt32(apply("Argsort", x, int32()));
    if (op.getDescending()) {
      std::string count = type.isDynamicDim(dim)
                              ? size(op.getX(), dim)
                              : size(OpFoldResult(Builder(op).getIndexAttr(
                                    type.getDimSize(dim))));
      if (count.empty())
        return false;
      places = apply("Flip", places, int32());
      std::string last = isConstant(count)
                             ? size(OpFoldResult(Builder(op).getIndexAttr(
                                   type.getDimSize(dim) - 1)))
                             : this->op("numpy", "Subtract", {},
                                        Array{argument(count), 1}, {}, int32());
      places = this->op("numpy", "Subtract", Object{},
                        Array{argument(last), argument(places)},
                        type.getShape(), int32());
    }
    set(op.getIndices(), places);
  }
  if (!op.getValues().use_empty()) {
    std::string y = apply("Sort", x, type.getElementType());
    if (op.getDescending())
      y = apply("Flip", y, type.getElementType());
    set(op.getValues(), y);
  }
  return true;
}

bool KerasWriter::reduction(Operation *op) {
  if (auto cumulative = dyn_cast<lam::CumulativeOp>(op))
    return this->cumulative(cumulative);
  if (auto sort = dyn_cast<lam::SortOp>(op))
    return this->sort(sort);
  if (auto arg = dyn_cast<lam::ArgReduceOp>(op)) {
    bool isMax = arg.getKind() == lam::ReduceKind::Max;
    std::string x = get(arg.getX());
    if (x.empty())
      return false;
    std::string place =
        this->op("numpy", isMax ? "Argmax" : "Argmin",
                 Object{{"axis", int64_t(arg.getDim())}, {"keepdims", false}},
                 Array{argument(x)}, typeOf(arg).getShape(), int32());
    set(arg, toInt32(place));
    return true;
  }
  auto reduce = dyn_cast<lam::ReduceOp>(op);
  if (!reduce)
    return false;
  static constexpr const char *names[] = {"Sum", "Prod", "Max",
                                          "Min", "Any",  "All"};
  Written x = written.lookup(reduce.getX());
  RankedTensorType from = typeOf(reduce.getX());
  // What is not whole elsewhere may stay so.
  bool isEnough = x.shape.size() == size_t(from.getRank()) &&
                  llvm::all_of(reduce.getDims(), [&](int64_t dim) {
                    return x.shape[dim] == from.getDimSize(dim);
                  });
  std::string name = isEnough ? x.name : get(reduce.getX());
  if (name.empty())
    return false;
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < from.getRank(); ++i)
    if (!llvm::is_contained(reduce.getDims(), i))
      result.push_back(isEnough ? x.shape[i] : from.getDimSize(i));
  Type element = from.getElementType();
  if (!reduce.getDims().empty()) {
    bool isNarrow = element.isF16() || element.isBF16();
    Type wide = isNarrow ? Type(Float32Type::get(op->getContext())) : element;
    auto toType = [&](Type to, Shape shape) {
      name = this->op("core", "Cast",
                      Object{{"dtype", lamina::name(*fromMLIR(to))}},
                      Array{argument(name)}, shape, to);
    };
    if (isNarrow)
      toType(wide, SmallVector<int64_t>(shapeOfValue(name)));
    name =
        this->op("numpy", names[int(reduce.getKind())],
                 Object{{"axis", Array(reduce.getDims())}, {"keepdims", false}},
                 Array{argument(name)}, result, wide);
    // Keras widens sums of integers.
    bool isSum = reduce.getKind() == lam::ReduceKind::Sum ||
                 reduce.getKind() == lam::ReduceKind::Prod;
    if (isNarrow || (isSum && isa<IntegerType>(element)))
      toType(element, result);
  }
  set(reduce, name, result);
  return true;
}

} // namespace lamina
