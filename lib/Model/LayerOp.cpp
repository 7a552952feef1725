//===- LayerOp.cpp - verifier and assembly of model.layer -----------------===//
#include "lamina/Model/Model.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lamina::model;

LogicalResult LayerOp::verifyRegions() {
  if (getName().empty())
    return emitOpError("a layer needs a name");
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getOperandTypes())
    return emitOpError("the block's arguments must have the types of the "
                       "inputs, masks and weights");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("must end with model.yield");
  if (yield->getOperandTypes() != getResultTypes())
    return yield.emitOpError()
           << "yields (" << yield->getOperandTypes()
           << ") but the layer gives (" << getResultTypes() << ")";
  auto isMask = [](Type type) {
    return cast<RankedTensorType>(type).getElementType().isInteger(1);
  };
  if (!llvm::all_of(getMasks().getTypes(), isMask) ||
      !llvm::all_of(getOutputMasks().getTypes(), isMask))
    return emitOpError("a mask must be a tensor of bool (i1)");
  return success();
}

/// Parses `keyword (%arg = %value : type, …)` if the keyword is there.
static ParseResult parseBindings(OpAsmParser &parser, StringRef keyword,
                                 OperationState &result,
                                 SmallVectorImpl<OpAsmParser::Argument> &args,
                                 int32_t &count) {
  count = 0;
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  auto binding = [&]() -> ParseResult {
    if (parser.parseArgument(args.emplace_back()) || parser.parseEqual() ||
        parser.parseOperand(operands.emplace_back()) ||
        parser.parseColonType(types.emplace_back()))
      return failure();
    args.back().type = types.back();
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, binding) ||
      parser.resolveOperands(operands, types, loc, result.operands))
    return failure();
  count = operands.size();
  return success();
}

/// Parses a type, or a list of types in parentheses.
static ParseResult parseTypes(OpAsmParser &parser,
                              SmallVectorImpl<Type> &types) {
  if (failed(parser.parseOptionalLParen()))
    return parser.parseType(types.emplace_back());
  return failure(parser.parseTypeList(types) || parser.parseRParen());
}

ParseResult LayerOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name, className;
  Type none = parser.getBuilder().getType<NoneType>();
  if (parser.parseAttribute(name, none, "name", result.attributes) ||
      parser.parseColon() ||
      parser.parseAttribute(className, none, "class_name", result.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> args;
  int32_t inputs, masks, weights;
  if (parseBindings(parser, "inputs", result, args, inputs) ||
      parseBindings(parser, "masks", result, args, masks) ||
      parseBindings(parser, "weights", result, args, weights))
    return failure();
  DictionaryAttr config = parser.getBuilder().getDictionaryAttr({});
  if (succeeded(parser.parseOptionalKeyword("config")) &&
      parser.parseAttribute(config))
    return failure();
  SmallVector<Type> types;
  if (parser.parseArrow() || parseTypes(parser, types))
    return failure();
  int32_t outputs = types.size();
  if (succeeded(parser.parseOptionalKeyword("masks")) &&
      parseTypes(parser, types))
    return failure();
  Properties &properties = result.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {inputs, masks, weights};
  int32_t masksEnd = types.size();
  if (succeeded(parser.parseOptionalKeyword("effects")) &&
      parseTypes(parser, types))
    return failure();
  properties.resultSegmentSizes = {outputs, masksEnd - outputs,
                                   int32_t(types.size()) - masksEnd};
  result.addTypes(types);
  result.addAttribute("config", config);
  return failure(parser.parseRegion(*result.addRegion(), args) ||
                 parser.parseOptionalAttrDictWithKeyword(result.attributes));
}

static void printBindings(OpAsmPrinter &p, StringRef keyword, ValueRange values,
                          ArrayRef<BlockArgument> args) {
  if (values.empty())
    return;
  p << ' ' << keyword << '(';
  llvm::interleaveComma(llvm::enumerate(values), p, [&](auto it) {
    // An invalid region must print too, for the verifier's message.
    if (it.index() < args.size())
      p.printOperand(args[it.index()]);
    p << " = " << it.value() << " : " << it.value().getType();
  });
  p << ')';
}

static void printTypes(OpAsmPrinter &p, TypeRange types) {
  if (types.size() == 1)
    p << types.front();
  else
    p << '(' << types << ')';
}

void LayerOp::print(OpAsmPrinter &p) {
  p << ' ' << getNameAttr() << " : " << getClassNameAttr();
  ArrayRef<BlockArgument> args;
  if (!getBody().empty())
    args = getBody().getArguments();
  size_t inputs = getInputs().size(), masks = getMasks().size();
  printBindings(p, "inputs", getInputs(), args);
  printBindings(p, "masks", getMasks(),
                args.drop_front(std::min(inputs, args.size())));
  printBindings(p, "weights", getWeights(),
                args.drop_front(std::min(inputs + masks, args.size())));
  if (!getConfig().empty())
    p << " config " << getConfig();
  p << " -> ";
  printTypes(p, getOutputs().getTypes());
  if (!getOutputMasks().empty()) {
    p << " masks ";
    printTypes(p, getOutputMasks().getTypes());
  }
  if (!getEffects().empty()) {
    p << " effects ";
    printTypes(p, getEffects().getTypes());
  }
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"name", "class_name", "config",
                            "operandSegmentSizes", "resultSegmentSizes"});
}
