//===- OnnxWriter.cpp - lam as ONNX: nodes, constants, sizes --------------===//

#include "OnnxWriter.h"
#include "lamina/Export/Export.h"
#include "lamina/Lam/Sizes.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lamina {

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

int64_t onnx::dataType(mlir::Type elementType) {
  switch (*fromMLIR(elementType)) {
  case DType::Float32:
    return 1;
  case DType::UInt8:
    return 2;
  case DType::Int8:
    return 3;
  case DType::UInt16:
    return 4;
  case DType::Int16:
    return 5;
  case DType::Int32:
    return 6;
  case DType::Int64:
    return 7;
  case DType::Bool:
    return 9;
  case DType::Float16:
    return 10;
  case DType::Float64:
    return 11;
  case DType::UInt32:
    return 12;
  case DType::UInt64:
    return 13;
  case DType::BFloat16:
    return 16;
  }
  llvm_unreachable("every element type has a number");
}

OnnxAttribute::OnnxAttribute(StringRef name, int64_t value) {
  bytes(onnx::AttributeName, name).number(onnx::Int, value);
  number(onnx::Type, onnx::IntType);
}
OnnxAttribute::OnnxAttribute(StringRef name, ArrayRef<int64_t> values) {
  bytes(onnx::AttributeName, name);
  for (int64_t value : values)
    number(onnx::Ints, value);
  number(onnx::Type, onnx::IntsType);
}
OnnxAttribute::OnnxAttribute(StringRef name, StringRef value) {
  bytes(onnx::AttributeName, name).bytes(onnx::String, value);
  number(onnx::Type, onnx::StringType);
}
OnnxAttribute::OnnxAttribute(StringRef name, const ProtoMessage &graph) {
  bytes(onnx::AttributeName, name).message(onnx::SubGraph, graph);
  number(onnx::Type, onnx::GraphType);
}

ProtoMessage OnnxWriter::valueInfo(StringRef name, Type type,
                                   DictionaryAttr attrs) {
  auto tensor = mlir::cast<RankedTensorType>(type);
  auto dims = attrs ? attrs.getAs<ArrayAttr>("lamina.dims") : ArrayAttr();
  ProtoMessage shape;
  for (auto [i, size] : llvm::enumerate(tensor.getShape())) {
    ProtoMessage dim;
    if (!ShapedType::isDynamic(size))
      dim.number(onnx::DimValue, size);
    else if (dims)
      if (auto symbol = dyn_cast<StringAttr>(dims[i]))
        dim.bytes(onnx::DimParam, symbol.getValue());
    shape.message(onnx::Dim, dim);
  }
  ProtoMessage typeMessage, result;
  typeMessage.message(
      onnx::TensorType,
      ProtoMessage()
          .number(onnx::ElementType, onnx::dataType(tensor.getElementType()))
          .message(onnx::Shape, shape));
  return result.bytes(onnx::ValueName, name)
      .message(onnx::ValueType, typeMessage);
}

std::vector<std::string> OnnxWriter::node(StringRef type, Names inputs,
                                          Attributes attributes,
                                          unsigned results) {
  ProtoMessage message;
  for (const std::string &input : inputs)
    message.bytes(onnx::NodeInput, input);
  std::vector<std::string> outputs;
  std::string name = nameOf(current, type);
  outputs.push_back(name);
  while (outputs.size() < results)
    outputs.push_back(unique(name + "_" + std::to_string(outputs.size())));
  for (const std::string &output : outputs)
    message.bytes(onnx::NodeOutput, output);
  message.bytes(onnx::NodeName, name).bytes(onnx::OpType, type);
  for (const OnnxAttribute &attribute : attributes)
    message.message(onnx::NodeAttribute, attribute);
  graph->message(onnx::Node, message);
  return outputs;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

void OnnxWriter::initializer(StringRef name, ElementsAttr value) {
  std::optional<NDArray> array = fromElements(value);
  ProtoMessage tensor;
  for (int64_t size : array->shape())
    tensor.number(onnx::Dims, size);
  tensor.number(onnx::DataType, onnx::dataType(value.getElementType()))
      .bytes(onnx::TensorName, name)
      .bytes(onnx::RawData, StringRef(static_cast<const char *>(array->data()),
                                      array->bytes()));
  weightBytes += array->bytes();
  if (weightBytes < size_t(1) << 31)
    top.message(onnx::Initializer, tensor);
}

std::string OnnxWriter::constant(DenseElementsAttr value) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << value.getType() << " ";
  ArrayRef<char> data = value.getRawData();
  os << StringRef(data.data(), data.size());
  std::string &name = constants[key];
  if (name.empty()) {
    name = unique("constant");
    initializer(name, value);
  }
  return name;
}

std::string OnnxWriter::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(
      {int64_t(values.size())}, IntegerType::get(function.getContext(), 64));
  return constant(DenseElementsAttr::get(type, values));
}

std::string OnnxWriter::scalar(Type elementType, double value) {
  NDArray array(*fromMLIR(elementType), {});
  array.setDouble(0, value);
  return constant(toElements(array, function.getContext()));
}

std::string OnnxWriter::cast(StringRef x, Type elementType) {
  return node("Cast", {x.str()},
              OnnxAttribute("to", onnx::dataType(elementType)));
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

std::string OnnxWriter::size(Value tensor, int64_t dim) {
  lam::SizeSource source = lam::sourceOfSize(tensor, dim);
  if (source.known)
    return size(source.known);
  std::string name = get(source.tensor);
  std::string &result = dims[{name, source.dim}];
  if (result.empty())
    result = node("Shape", {name},
                  {OnnxAttribute("start", source.dim),
                   OnnxAttribute("end", source.dim + 1)});
  return result;
}

std::string OnnxWriter::size(OpFoldResult size) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return integers({*known});
  auto value = mlir::cast<Value>(size);
  if (std::string known = sizes.lookup(value); !known.empty())
    return known;
  Operation *op = value.getDefiningOp();
  std::string result;
  auto operand = [&](unsigned i) { return this->size(op->getOperand(i)); };
  auto floorDiv = [&] { // Div rounds towards zero
    std::string a = operand(0), b = operand(1);
    return node("Div", {node("Sub", {a, node("Mod", {a, b})}), b});
  };
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    result = this->size(dim.getSource(), *dim.getConstantIndex());
  else if (isa<arith::AddIOp>(op))
    result = node("Add", {operand(0), operand(1)});
  else if (isa<arith::SubIOp>(op))
    result = node("Sub", {operand(0), operand(1)});
  else if (isa<arith::MulIOp>(op))
    result = node("Mul", {operand(0), operand(1)});
  else if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    result = node("Div", {operand(0), operand(1)});
  else if (isa<arith::FloorDivSIOp>(op))
    result = floorDiv();
  else if (isa<arith::RemSIOp>(op))
    result = node("Mod", {operand(0), operand(1)}, OnnxAttribute("fmod", 1));
  else if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
    result = node("Max", {operand(0), operand(1)});
  else if (isa<arith::MinSIOp, arith::MinUIOp>(op))
    result = node("Min", {operand(0), operand(1)});
  else if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    using P = arith::CmpIPredicate;
    std::string a = operand(0), b = operand(1);
    switch (compare.getPredicate()) {
    case P::eq:
      result = node("Equal", {a, b});
      break;
    case P::ne:
      result = node("Not", {node("Equal", {a, b})});
      break;
    case P::slt:
    case P::ult:
      result = node("Less", {a, b});
      break;
    case P::sle:
    case P::ule:
      result = node("LessOrEqual", {a, b});
      break;
    case P::sgt:
    case P::ugt:
      result = node("Greater", {a, b});
      break;
    case P::sge:
    case P::uge:
      result = node("GreaterOrEqual", {a, b});
      break;
    }
  } else if (isa<arith::SelectOp>(op))
    result = node("Where", {operand(0), operand(1), operand(2)});
  else {
    reject(op, "computes a size");
    result = "?";
  }
  return sizes[value] = result;
}

std::string OnnxWriter::joined(ArrayRef<std::string> sizes) {
  if (sizes.empty())
    return integers({});
  return sizes.size() == 1
             ? sizes.front()
             : node("Concat", sizes, OnnxAttribute("axis", int64_t(0)));
}

std::string OnnxWriter::shape(ArrayRef<int64_t> shape, ValueRange dynamic) {
  if (!llvm::is_contained(shape, ShapedType::kDynamic))
    return integers(shape);
  std::vector<std::string> parts;
  for (int64_t known : shape) {
    if (!ShapedType::isDynamic(known)) {
      parts.push_back(integers({known}));
      continue;
    }
    parts.push_back(size(OpFoldResult(dynamic.front())));
    dynamic = dynamic.drop_front();
  }
  return joined(parts);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void OnnxWriter::set(Value result, std::string name) {
  set(result, std::move(name), shapeOfType(result));
}

void OnnxWriter::set(Value result, std::string name, ArrayRef<int64_t> shape) {
  written[result] = {std::move(name), SmallVector<int64_t>(shape)};
}

std::string OnnxWriter::get(Value value) {
  Written tensor = part(value);
  if (isWhole(tensor, value.getType()))
    return tensor.name;
  if (std::string known = whole.lookup(value); !known.empty())
    return known;
  std::vector<std::string> parts;
  ArrayRef<int64_t> shape = shapeOfType(value);
  for (auto [i, known] : llvm::enumerate(shape))
    parts.push_back(ShapedType::isDynamic(known) ? size(value, i) : "");
  std::string target;
  if (!llvm::is_contained(shape, ShapedType::kDynamic)) {
    target = integers(shape);
  } else {
    for (auto [i, known] : llvm::enumerate(shape))
      if (!ShapedType::isDynamic(known))
        parts[i] = integers({known});
    target = joined(parts);
  }
  return whole[value] = node("Expand", {tensor.name, target});
}

void OnnxWriter::weights() {
  for (BlockArgument argument : function.getArguments()) {
    DictionaryAttr attrs = function.getArgAttrDict(argument.getArgNumber());
    std::string name = unique(text(attrs, "lamina.name"));
    set(argument, name);
    if (auto value = attrs.getAs<ElementsAttr>("lamina.value"))
      initializer(name, value);
    else
      top.message(onnx::Input, valueInfo(name, argument.getType(), attrs));
  }
}

bool OnnxWriter::write(Operation *op) {
  current = op;
  if (isa<tensor::DimOp>(op) ||
      isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
    return true; // written where it is used
  if (auto constant = dyn_cast<lam::ConstantOp>(op)) {
    auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!value)
      value = toElements(*fromElements(constant.getValue()), op->getContext());
    // One number needs no shape.
    if (value.isSplat() && value.getType().getRank() > 0)
      set(constant,
          this->constant(DenseElementsAttr::get(
              RankedTensorType::get({}, value.getElementType()),
              value.getSplatValue<Attribute>())),
          {});
    else
      set(constant, this->constant(value));
    return true;
  }
  return pointwise(op) || structure(op) || indexed(op) || reduction(op) ||
         contraction(op) || loop(op);
}

FailureOr<std::string> OnnxWriter::run() {
  graph = &top;
  current = function;
  // The names of results are theirs before anything else takes them.
  std::vector<std::string> outputs;
  Operation *end = function.getBody().front().getTerminator();
  for (unsigned i = 0; i < end->getNumOperands(); ++i)
    outputs.push_back(
        unique(text(function.getResultAttrDict(i), "lamina.name")));
  weights();
  writeBlock(function.getBody().front());
  if (failed(report("ONNX")))
    return failure();
  current = end;
  for (auto [i, result] : llvm::enumerate(end->getOperands())) {
    std::string name = get(result);
    ProtoMessage copy;
    copy.bytes(onnx::NodeInput, name)
        .bytes(onnx::NodeOutput, outputs[i])
        .bytes(onnx::NodeName, nameOf(end, "Output"))
        .bytes(onnx::OpType, "Identity");
    top.message(onnx::Node, copy);
    top.message(onnx::Output, valueInfo(outputs[i], result.getType(),
                                        function.getResultAttrDict(i)));
  }
  if (weightBytes >= size_t(1) << 31)
    return emitError(function.getLoc())
           << "an ONNX file holds less than 2 GB, and the weights are "
           << weightBytes << " bytes";
  auto model = function->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(
      "lamina.model");
  top.bytes(onnx::GraphName, model ? model.getValue() : "model");
  return ProtoMessage()
      .number(onnx::IrVersion, 8)
      .bytes(onnx::Producer, "lamina")
      .message(onnx::Graph, top)
      .message(onnx::Opset,
               ProtoMessage().bytes(onnx::Domain, "").number(onnx::Version, 18))
      .str();
}

FailureOr<std::string> exportOnnx(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("forward");
  expandFunctions(function);
  return OnnxWriter(function).run();
}

} // namespace lamina
