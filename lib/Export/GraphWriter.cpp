//===- GraphWriter.cpp - what writing graphs has in common ----------------===//

#include "GraphWriter.h"
#include "lamina/Export/Export.h"
#include "lamina/Model/Model.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lamina {

void rememberLayers(ModuleOp module) {
  // Inner layers first, so that the outermost name is the outermost location.
  module.walk([](model::LayerOp layer) {
    layer.getBody().walk([&](Operation *op) {
      op->setLoc(NameLoc::get(layer.getNameAttr(), op->getLoc()));
    });
  });
}

std::string layersOf(Location location) {
  if (auto name = dyn_cast<NameLoc>(location)) {
    std::string inner = layersOf(name.getChildLoc());
    StringRef own = name.getName();
    return inner.empty() ? own.str() : (own + "/" + inner).str();
  }
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string found = layersOf(part); !found.empty())
        return found;
  return "";
}

std::optional<double> splatOf(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  Attribute element = elements.getSplatValue<Attribute>();
  if (auto number = dyn_cast<FloatAttr>(element))
    return number.getValueAsDouble();
  auto number = dyn_cast<IntegerAttr>(element);
  if (!number)
    return std::nullopt;
  return number.getType().isUnsignedInteger() || number.getType().isInteger(1)
             ? double(number.getValue().getZExtValue())
             : double(number.getValue().getSExtValue());
}

void GraphWriter::writeBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    // What depends on something that cannot be written is not at fault, unless
    // it could not be written anyhow.
    bool isPossible = llvm::all_of(op.getOperands(), [&](Value operand) {
      return !isa<RankedTensorType>(operand.getType()) ||
             written.contains(operand);
    });
    if (isPossible ? !write(&op) : isUnknown(&op))
      reject(&op, "");
  }
}

/// What a user would call an operation.
static std::string describe(Operation *op) {
  if (isa<lam::RandomBitsOp>(op))
    return "random numbers";
  if (isa<lam::ScanOp, lam::WhileOp>(op))
    return "a loop";
  return "'" + op->getName().stripDialect().str() + "'";
}

void GraphWriter::reject(Operation *op, const Twine &why) {
  std::string layers = layersOf(op->getLoc());
  std::string what = describe(op);
  if (std::string reason = why.str(); !reason.empty())
    what += ": " + reason;
  if (!layers.empty())
    what += " (layer '" + layers + "')";
  rejected.emplace_back(op->getLoc(), what);
}

LogicalResult GraphWriter::report(StringRef format, StringRef suggestion) {
  if (rejected.empty())
    return success();
  auto error = emitError(rejected.front().first);
  error << format << " has no operation for " << rejected.front().second;
  for (auto &[location, what] : llvm::drop_begin(rejected))
    error.attachNote(location) << "nor for " << what;
  bool isMore = llvm::any_of(rejected, [](const auto &entry) {
    return !StringRef(entry.second).starts_with("random");
  });
  if (isMore && !suggestion.empty())
    error.attachNote(rejected.front().first) << suggestion;
  return failure();
}

std::string GraphWriter::unique(StringRef name) {
  unsigned count = names[name]++;
  if (count == 0)
    return name.str();
  return unique((name + "_" + Twine(count)).str());
}

std::string GraphWriter::nameOf(Operation *op, StringRef kind, char separator) {
  std::string layers = layersOf(op->getLoc());
  if (separator != '/')
    llvm::replace(layers, '/', separator);
  return unique(layers.empty() ? kind.str()
                               : (layers + Twine(separator) + kind).str());
}

bool GraphWriter::isWhole(const Written &tensor, Type type) {
  return ArrayRef<int64_t>(tensor.shape) ==
         cast<RankedTensorType>(type).getShape();
}

SmallVector<int64_t> GraphWriter::shapeOf(ArrayRef<Written> operands) {
  size_t rank = 0;
  for (const Written &operand : operands)
    rank = std::max(rank, operand.shape.size());
  SmallVector<int64_t> shape(rank, 1);
  for (const Written &operand : operands)
    for (auto [i, size] : llvm::enumerate(llvm::reverse(operand.shape)))
      if (size != 1)
        shape[rank - 1 - i] = size;
  return shape;
}

GraphWriter::Aligned GraphWriter::align(lam::BroadcastOp op, const Written &x) {
  Aligned result;
  int64_t rank = cast<RankedTensorType>(op.getType()).getRank();
  ArrayRef<int64_t> dims = op.getDims().take_back(x.shape.size());
  if (dims.empty())
    return result;
  // Leading dimensions of 1 say nothing.
  for (int64_t i = dims.front(), next = 0; i < rank; ++i) {
    bool isOld = next < int64_t(dims.size()) && dims[next] == i;
    if (!isOld)
      result.newDims.push_back(i - dims.front());
    result.shape.push_back(isOld ? x.shape[next++] : 1);
  }
  return result;
}

StringRef GraphWriter::text(DictionaryAttr attrs, StringRef key) {
  auto value = attrs ? attrs.getAs<StringAttr>(key) : StringAttr();
  return value ? value.getValue() : "";
}

} // namespace lamina
