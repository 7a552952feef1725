//===- EntryOp.cpp - verifier and assembly of model.entry -----------------===//
#include "VerifyDims.h"
#include "lamina/Model/Model.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lamina::model;

static StringRef textOf(Attribute attrs, StringRef key) {
  auto dict = dyn_cast_if_present<DictionaryAttr>(attrs);
  auto text = dict ? dict.getAs<StringAttr>(key) : StringAttr();
  return text ? text.getValue() : "";
}

StringRef EntryOp::roleOf(Attribute attrs) { return textOf(attrs, "role"); }

void EntryOp::getAsmBlockArgumentNames(Region &region,
                                       OpAsmSetValueNameFn setName) {
  for (auto [arg, attrs] : llvm::zip(region.getArguments(), getArgAttrs()))
    setName(arg, textOf(attrs, "name"));
}

/// Checks the dictionaries of the arguments or results against their types.
static LogicalResult verifyAttrs(EntryOp op, StringRef what, ArrayAttr attrs,
                                 TypeRange types, ArrayRef<StringRef> roles,
                                 bool symbolsOnly) {
  if (attrs.size() != types.size())
    return op.emitOpError() << "has " << types.size() << " " << what
                            << "s and attributes of " << attrs.size();
  for (auto [i, dict, type] : llvm::enumerate(attrs, types)) {
    StringRef role = EntryOp::roleOf(dict), name = textOf(dict, "name");
    if (!llvm::is_contained(roles, role))
      return op.emitOpError()
             << what << " " << i << " has the role \"" << role
             << "\"; the roles are " << llvm::join(roles, ", ");
    if (name.empty())
      return op.emitOpError() << what << " " << i << " needs a name";
    Attribute dims = cast<DictionaryAttr>(dict).get("dims");
    if (failed(verifyDims(op, what + " \"" + name + "\"", dims, type,
                          symbolsOnly)))
      return failure();
  }
  return success();
}

LogicalResult EntryOp::verifyRegions() {
  if (getName().empty())
    return emitOpError("an entry needs a name");
  Block &block = getBody().front();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("must end with model.yield");
  static const StringRef roles[] = {"target", "sample_weight", "seed"};
  static const StringRef standaloneRoles[] = {"input"};
  static const StringRef results[] = {"output", "loss", "metric", "update"};
  if (failed(verifyAttrs(
          *this, "argument", getArgAttrs(), block.getArgumentTypes(),
          getStandalone() ? ArrayRef(standaloneRoles) : ArrayRef(roles),
          /*symbolsOnly=*/true)) ||
      failed(verifyAttrs(*this, "result", getResultAttrs(),
                         yield->getOperandTypes(), results,
                         /*symbolsOnly=*/false)))
    return failure();
  if (!getStandalone())
    return success();
  WalkResult uses = getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp<InputOp>() || operand.getDefiningOp<WeightOp>())
        return WalkResult(op->emitOpError("uses an input or weight of the "
                                          "model in a standalone entry"));
    return WalkResult::advance();
  });
  return failure(uses.wasInterrupted());
}

LogicalResult
EntryOp::verifyUpdates(const llvm::StringMap<Operation *> &weights) {
  Operation *yield = getBody().front().getTerminator();
  llvm::StringSet<> updated;
  for (auto [attrs, type] :
       llvm::zip(getResultAttrs(), yield->getOperandTypes())) {
    if (roleOf(attrs) != "update")
      continue;
    StringRef name = textOf(attrs, "of");
    auto weight = cast_if_present<WeightOp>(weights.lookup(name));
    if (!weight)
      return emitOpError() << "updates \"" << name
                           << "\", which is no weight above it";
    if (!updated.insert(name).second)
      return emitOpError() << "updates \"" << name << "\" twice";
    if (type != weight.getType()) {
      InFlightDiagnostic error = emitOpError() << "updates \"" << name
                                               << "\" with a " << type;
      error.attachNote(weight.getLoc()) << "it is a " << weight.getType();
      return error;
    }
  }
  return success();
}

ParseResult EntryOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  if (parser.parseAttribute(name, builder.getType<NoneType>(), "name",
                            result.attributes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("standalone")))
    result.addAttribute("standalone", builder.getUnitAttr());
  SmallVector<OpAsmParser::Argument> args;
  ArrayAttr argAttrs = builder.getArrayAttr({}), resultAttrs = argAttrs;
  if (parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("args")) &&
      parser.parseAttribute(argAttrs))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("results")) &&
      parser.parseAttribute(resultAttrs))
    return failure();
  result.addAttribute("arg_attrs", argAttrs);
  result.addAttribute("result_attrs", resultAttrs);
  return failure(parser.parseRegion(*result.addRegion(), args) ||
                 parser.parseOptionalAttrDictWithKeyword(result.attributes));
}

void EntryOp::print(OpAsmPrinter &p) {
  p << ' ' << getNameAttr();
  if (getStandalone())
    p << " standalone";
  p << " (";
  // An invalid region must print too, for the verifier's message.
  if (!getBody().empty())
    llvm::interleaveComma(getBody().getArguments(), p, [&](BlockArgument arg) {
      p.printRegionArgument(arg);
    });
  p << ')';
  if (!getArgAttrs().empty())
    p << " args " << getArgAttrs();
  if (!getResultAttrs().empty())
    p << " results " << getResultAttrs();
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {"name", "standalone", "arg_attrs", "result_attrs"});
}
