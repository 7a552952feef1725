//===- OnnxPointwise.cpp - lam as ONNX: element by element ----------------===//

#include "OnnxWriter.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace lamina {

/// The operators that do what an operation of lam does.
static StringRef operatorFor(StringRef name) {
  static const llvm::StringMap<StringRef> table = {
      {"add", "Add"},           {"sub", "Sub"},
      {"mul", "Mul"},           {"div", "Div"},
      {"pow", "Pow"},           {"max", "Max"},
      {"min", "Min"},           {"neg", "Neg"},
      {"abs", "Abs"},           {"sign", "Sign"},
      {"floor", "Floor"},       {"ceil", "Ceil"},
      {"round", "Round"},       {"exp", "Exp"},
      {"log", "Log"},           {"sqrt", "Sqrt"},
      {"sin", "Sin"},           {"cos", "Cos"},
      {"tan", "Tan"},           {"asin", "Asin"},
      {"acos", "Acos"},         {"atan", "Atan"},
      {"sinh", "Sinh"},         {"cosh", "Cosh"},
      {"tanh", "Tanh"},         {"asinh", "Asinh"},
      {"acosh", "Acosh"},       {"atanh", "Atanh"},
      {"erf", "Erf"},           {"sigmoid", "Sigmoid"},
      {"is_nan", "IsNaN"},      {"is_inf", "IsInf"},
      {"eq", "Equal"},          {"lt", "Less"},
      {"le", "LessOrEqual"},    {"gt", "Greater"},
      {"ge", "GreaterOrEqual"}, {"select", "Where"},
      {"softplus", "Softplus"}};
  return table.lookup(name);
}

std::string OnnxWriter::shift(Operation *op, Names inputs) {
  // BitShift takes unsigned numbers; x86 shifts by the count modulo the width.
  Type element = elementOf(op->getOperand(0));
  unsigned width = element.getIntOrFloatBitWidth();
  Type bits = IntegerType::get(op->getContext(), width, IntegerType::Unsigned);
  bool isLeft = isa<lam::ShiftLeftOp>(op);
  std::string x = inputs[0], zero = scalar(element, 0), flip;
  if (!isLeft && !element.isUnsignedInteger()) {
    // Rounds down: the bits of a negative number are shifted as those of ~x.
    flip = node("Less", {x, zero});
    x = node("Where", {flip, node("BitwiseNot", {x}), x});
  }
  std::string y = node("BitShift", {cast(x, bits), cast(inputs[1], bits)},
                       OnnxAttribute("direction", isLeft ? "LEFT" : "RIGHT"));
  std::string isFar =
      node("GreaterOrEqual", {inputs[1], scalar(element, width)});
  y = node("Where", {isFar, zero, cast(y, element)});
  return flip.empty() ? y : node("Where", {flip, node("BitwiseNot", {y}), y});
}

std::string OnnxWriter::pointwiseNode(Operation *op, Names inputs) {
  Type element = elementOf(op->getOperand(0));
  bool isBool = element.isInteger(1);
  StringRef name = op->getName().stripDialect();
  if (isa<lam::CastOp>(op))
    return cast(inputs[0], elementOf(op->getResult(0)));
  if (isa<lam::NotOp>(op))
    return node(isBool ? "Not" : "BitwiseNot", inputs);
  if (isa<lam::AndOp>(op))
    return node(isBool ? "And" : "BitwiseAnd", inputs);
  if (isa<lam::OrOp>(op))
    return node(isBool ? "Or" : "BitwiseOr", inputs);
  if (isa<lam::XorOp>(op))
    return node(isBool ? "Xor" : "BitwiseXor", inputs);
  if (isa<lam::NeOp>(op))
    return node("Not", {node("Equal", inputs)});
  if (isa<lam::IsFiniteOp>(op))
    return node("Not",
                {node("Or", {node("IsNaN", inputs), node("IsInf", inputs)})});
  if (isa<lam::RemOp>(op))
    return node("Mod", inputs, OnnxAttribute("fmod", 1));
  if (isa<lam::ModOp>(op) && !isa<FloatType>(element))
    return node("Mod", inputs);
  if (isa<lam::FloorDivOp>(op) && isa<FloatType>(element))
    return node("Floor", {node("Div", inputs)});
  if (isa<lam::FloorDivOp>(op)) // Div rounds towards zero
    return node("Div",
                {node("Sub", {inputs[0], node("Mod", inputs)}), inputs[1]});
  if (isa<lam::ShiftLeftOp, lam::ShiftRightOp>(op))
    return shift(op, inputs);
  StringRef type = operatorFor(name);
  if (type.empty())
    return "";
  // The order of truth values is that of 0 and 1.
  if (isBool && isa<lam::LtOp, lam::LeOp, lam::GtOp, lam::GeOp>(op)) {
    Type number = IntegerType::get(op->getContext(), 32);
    return node(type, {cast(inputs[0], number), cast(inputs[1], number)});
  }
  return node(type, inputs);
}

bool OnnxWriter::pointwise(Operation *op) {
  if (isa<lam::StopGradientOp>(op)) {
    written[op->getResult(0)] = part(op->getOperand(0));
    return true;
  }
  if (!op->hasTrait<OpTrait::Elementwise>())
    return false;
  std::vector<std::string> inputs;
  SmallVector<Written> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(part(operand));
    inputs.push_back(operands.back().name);
  }
  std::string result = pointwiseNode(op, inputs);
  if (result.empty())
    return false;
  set(op->getResult(0), result, shapeOf(operands));
  return true;
}

} // namespace lamina
