//===- ModelOps.cpp - verifiers and assembly of the model dialect ---------===//
#include "VerifyDims.h"
#include "lamina/Model/Model.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace lamina::model;

#define GET_OP_CLASSES
#include "lamina/Model/ModelOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Names of values
//===----------------------------------------------------------------------===//

/// "dense/kernel" as an identifier: "dense_kernel".
static std::string identifier(StringRef name) {
  std::string text;
  for (char c : name)
    text += llvm::isAlnum(c) ? c : '_';
  return text;
}

void InputOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), identifier(getName()));
}

void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), identifier(getName()));
}

void WeightOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  for (BlockArgument arg : region.getArguments())
    setName(arg, "key");
}

void LayerOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  // The first of a group names them all.
  if (!getOutputs().empty())
    setName(getOutputs().front(), identifier(getName()));
  if (!getOutputMasks().empty())
    setName(getOutputMasks().front(), identifier(getName()) + "_mask");
  if (!getEffects().empty())
    setName(getEffects().front(), identifier(getName()) + "_effect");
}

void LayerOp::getAsmBlockArgumentNames(Region &region,
                                       OpAsmSetValueNameFn setName) {
  for (auto [arg, operand] : llvm::zip(region.getArguments(), getOperands())) {
    unsigned i = arg.getArgNumber();
    auto weight = operand.getDefiningOp<WeightOp>();
    if (weight)
      setName(arg, identifier(weight.getName().rsplit('/').second.empty()
                                  ? weight.getName()
                                  : weight.getName().rsplit('/').second));
    else
      setName(arg, i < getInputs().size() ? "x" : "mask");
  }
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

LogicalResult lamina::model::verifyDims(Operation *op, const Twine &what,
                                        Attribute dims, Type type,
                                        bool symbolsOnly) {
  auto tensor = cast<RankedTensorType>(type);
  auto list = dyn_cast<ArrayAttr>(dims);
  if (!list || list.size() != size_t(tensor.getRank()))
    return op->emitOpError() << "the dims of " << what << " must list the "
                             << tensor.getRank() << " dimensions of " << type;
  for (auto [i, dim] : llvm::enumerate(list)) {
    if (auto number = dyn_cast<IntegerAttr>(dim)) {
      if (tensor.isDynamicDim(i) || number.getInt() != tensor.getDimSize(i))
        return op->emitOpError() << "dimension " << i << " of " << what
                                 << " is " << number.getInt() << " in dims but "
                                 << type << " says otherwise";
      continue;
    }
    auto text = dyn_cast<StringAttr>(dim);
    if (!text || text.empty())
      return op->emitOpError() << "dimension " << i << " of " << what
                               << " must be an integer or a name";
    if (symbolsOnly && !tensor.isDynamicDim(i))
      return op->emitOpError()
             << "dimension " << i << " of " << what << " is \""
             << text.getValue() << "\" in dims but is static in " << type;
  }
  return success();
}

LogicalResult InputOp::verify() {
  if (getName().empty())
    return emitOpError("an input needs a name");
  return verifyDims(*this, "the input", getDims(), getType(),
                    /*symbolsOnly=*/true);
}

LogicalResult OutputOp::verify() {
  if (getValues().empty())
    return emitOpError("a model needs an output");
  if (getNames().size() != getValues().size() ||
      getDims().size() != getValues().size())
    return emitOpError() << "has " << getValues().size() << " values, "
                         << getNames().size() << " names and "
                         << getDims().size() << " dims";
  llvm::StringMap<unsigned> seen;
  for (auto [i, value] : llvm::enumerate(getValues())) {
    StringRef name = cast<StringAttr>(getNames()[i]).getValue();
    if (name.empty())
      return emitOpError() << "output " << i << " needs a name";
    if (!seen.try_emplace(name, i).second)
      return emitOpError() << "two outputs are named \"" << name << "\"";
    if (failed(verifyDims(*this, "output \"" + name + "\"", getDims()[i],
                          value.getType(), /*symbolsOnly=*/false)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// ModelOp
//===----------------------------------------------------------------------===//

LogicalResult ModelOp::verifyRegions() {
  Block &block = getBody().front();
  if (!isa<OutputOp>(block.getTerminator()))
    return emitOpError("must end with model.output");
  llvm::StringMap<Operation *> inputs, weights, entries;
  llvm::StringMap<LayerOp> layers;
  auto unique = [&](llvm::StringMap<Operation *> &names, StringRef name,
                    Operation &op) -> LogicalResult {
    auto [entry, isNew] = names.try_emplace(name, &op);
    if (isNew)
      return success();
    InFlightDiagnostic error = op.emitOpError()
                               << "is the second one named \"" << name << "\"";
    error.attachNote(entry->second->getLoc()) << "the first one is here";
    return error;
  };
  for (Operation &op : block) {
    if (auto input = dyn_cast<InputOp>(op)) {
      if (failed(unique(inputs, input.getName(), op)))
        return failure();
    } else if (auto weight = dyn_cast<WeightOp>(op)) {
      if (failed(unique(weights, weight.getName(), op)))
        return failure();
    } else if (auto entry = dyn_cast<EntryOp>(op)) {
      if (failed(unique(entries, entry.getName(), op)) ||
          failed(entry.verifyUpdates(weights)))
        return failure();
    } else if (auto layer = dyn_cast<LayerOp>(op)) {
      auto [entry, isNew] = layers.try_emplace(layer.getName(), layer);
      if (!isNew && entry->second.getClassName() != layer.getClassName())
        return layer.emitOpError()
               << "\"" << layer.getName() << "\" is a " << layer.getClassName()
               << " here and a " << entry->second.getClassName()
               << " elsewhere";
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// WeightOp
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  if (getName().empty())
    return emitOpError("a weight needs a name");
  if (!getType().hasStaticShape())
    return emitOpError() << "the shape of a weight must be known, got "
                         << getType();
  if (getTrainable() && getOptimizer())
    return emitOpError("state of the optimizer is not trainable");
  return success();
}

LogicalResult WeightOp::verifyRegions() {
  Block &block = getInit().front();
  auto isKey = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getShape() == ArrayRef<int64_t>(2) &&
           tensor.getElementType().isUnsignedInteger(32);
  };
  if (block.getNumArguments() != 1 || !isKey(block.getArgument(0).getType()))
    return emitOpError("the init region must take one tensor<2xui32>, the key "
                       "for random bits");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield->getOperandTypes() != TypeRange(getType()))
    return emitOpError() << "the init region must end with model.yield of a "
                         << getType();
  return success();
}

ParseResult WeightOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  if (parser.parseAttribute(name, parser.getBuilder().getType<NoneType>(),
                            "name", result.attributes))
    return failure();
  for (StringRef kind : {"trainable", "optimizer"})
    if (succeeded(parser.parseOptionalKeyword(kind)))
      result.addAttribute(kind, parser.getBuilder().getUnitAttr());
  OpAsmParser::Argument key;
  if (parser.parseKeyword("init") || parser.parseLParen() ||
      parser.parseArgument(key) || parser.parseRParen())
    return failure();
  key.type = RankedTensorType::get(
      {2}, parser.getBuilder().getIntegerType(32, /*isSigned=*/false));
  Type type;
  if (parser.parseRegion(*result.addRegion(), key) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(type))
    return failure();
  result.addTypes(type);
  return success();
}

void WeightOp::print(OpAsmPrinter &p) {
  p << ' ' << getNameAttr();
  if (getTrainable())
    p << " trainable";
  if (getOptimizer())
    p << " optimizer";
  p << " init (";
  // An invalid region must print too, for the verifier's message.
  if (!getInit().empty() && getInit().getNumArguments() == 1)
    p.printOperand(getInit().getArgument(0));
  p << ") ";
  p.printRegion(getInit(), /*printEntryBlockArgs=*/false);
  p.printOptionalAttrDict((*this)->getAttrs(),
                          {"name", "trainable", "optimizer"});
  p << " : " << getType();
}
