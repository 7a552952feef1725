//===- Weights.cpp - the function a model became, and its weights ------------===//

#include "Driver.h"
#include "lamina/Support/Elements.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  return "(" + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), ", ") + ")";
}
} // namespace

std::optional<ForwardFunction> driver::forwardOf(Session &session, ModuleOp module) {
  ForwardFunction result;
  result.function = module.lookupSymbol<func::FuncOp>("forward");
  if (!result.function) {
    session.diagnostics.errorInFile(session.arguments.input, "the module has no function @forward to run");
    return std::nullopt;
  }
  for (unsigned i = 0; i < result.function.getNumArguments(); ++i) {
    auto role = result.function.getArgAttrOfType<StringAttr>(i, "lamina.role");
    auto name = result.function.getArgAttrOfType<StringAttr>(i, "lamina.name");
    std::string text = name ? name.getValue().str() : "arg" + std::to_string(i);
    auto type = dyn_cast<RankedTensorType>(result.function.getArgumentTypes()[i]);
    bool isWeight = role && role.getValue() == "weight";
    (isWeight ? result.weights : result.inputs).push_back(text);
    (isWeight ? result.weightTypes : result.inputTypes).push_back(type);
  }
  for (unsigned i = 0; i < result.function.getNumResults(); ++i) {
    auto name = result.function.getResultAttrOfType<StringAttr>(i, "lamina.name");
    result.outputs.push_back(name ? name.getValue().str() : "out" + std::to_string(i));
  }
  return result;
}

bool Session::setWeights(ModuleOp module) {
  if (arguments.weights.empty())
    return true;
  llvm::Expected<NamedArrays> loaded = loadNpz(arguments.weights);
  if (!loaded)
    return !error(loaded.takeError(), arguments.weights);
  std::optional<ForwardFunction> forward = forwardOf(*this, module);
  if (!forward)
    return false;

  std::vector<std::string> missing, extra;
  auto report = [&](const llvm::Twine &message) { diagnostics.errorInFile(arguments.weights, message); };
  for (auto &[name, array] : *loaded)
    if (!llvm::is_contained(forward->weights, name))
      extra.push_back(name);
  size_t next = 0;
  for (unsigned i = 0; i < forward->function.getNumArguments(); ++i) {
    auto role = forward->function.getArgAttrOfType<StringAttr>(i, "lamina.role");
    if (!role || role.getValue() != "weight")
      continue;
    const std::string &name = forward->weights[next];
    RankedTensorType type = forward->weightTypes[next++];
    auto found = llvm::find_if(*loaded, [&](const auto &entry) { return entry.first == name; });
    if (found == loaded->end()) {
      missing.push_back(name);
      continue;
    }
    const NDArray &array = found->second;
    std::optional<DType> dtype = fromMLIR(type.getElementType());
    if (array.shape() != type.getShape()) {
      report("weight '" + name + "' has shape " + shapeText(array.shape()) + ", the model needs " +
             shapeText(type.getShape()));
      continue;
    }
    if (isFloat(array.dtype()) != isFloat(*dtype)) {
      report("weight '" + name + "' is " + lamina::name(array.dtype()) + ", the model needs " + lamina::name(*dtype));
      continue;
    }
    forward->function.setArgAttr(i, "lamina.value", toElements(array.cast(*dtype), &context));
  }
  if (!missing.empty())
    report("no weight " + llvm::join(missing, ", ") + (extra.empty() ? "" : "; it has " + llvm::join(extra, ", ")));
  else if (!extra.empty())
    report("the model has no weight " + llvm::join(extra, ", ") + "; it has " + llvm::join(forward->weights, ", "));
  return !diagnostics.hasErrors();
}

/// lamina weights: the initial values by name.
int driver::weights(Arguments &arguments) {
  Session session(arguments);
  OwningOpRef<ModuleOp> module = session.loadModel();
  if (!module || !session.lower(*module, "lam") || !session.setWeights(*module))
    return session.finish();
  std::optional<ForwardFunction> forward = forwardOf(session, *module);
  if (!forward)
    return session.finish();
  NamedArrays arrays;
  for (unsigned i = 0; i < forward->function.getNumArguments(); ++i) {
    auto value = forward->function.getArgAttrOfType<ElementsAttr>(i, "lamina.value");
    if (value)
      arrays.emplace_back(forward->weights[arrays.size()], *fromElements(value));
  }
  session.write(arguments.output, writeNpz(arrays));
  return session.finish();
}
