//===- Weights.cpp - the function a model became, and its weights ------------===//

#include "Driver.h"
#include "lamina/Support/Elements.h"
#include "lamina/Support/Safetensors.h"
#include "lamina/Training/Checkpoint.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

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

namespace {
/// Calls `visit` with every argument of a function that is a weight or the state of an optimizer.
void forEachState(ModuleOp module,
                  llvm::function_ref<void(func::FuncOp, unsigned, llvm::StringRef role, llvm::StringRef name)> visit) {
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto role = function.getArgAttrOfType<StringAttr>(i, "lamina.role");
      auto name = function.getArgAttrOfType<StringAttr>(i, "lamina.name");
      if (role && name && (role.getValue() == "weight" || role.getValue() == "optimizer"))
        visit(function, i, role.getValue(), name.getValue());
    }
}
} // namespace

ModelState driver::stateOf(ModuleOp module) {
  ModelState state;
  llvm::StringSet<> seen;
  forEachState(module, [&](func::FuncOp function, unsigned i, llvm::StringRef role, llvm::StringRef name) {
    if (!seen.insert(name).second)
      return;
    auto type = cast<RankedTensorType>(function.getArgumentTypes()[i]);
    ArraySpec spec{name.str(), *fromMLIR(type.getElementType()), llvm::SmallVector<int64_t>(type.getShape())};
    (role == "weight" ? state.weights : state.optimizer).push_back(std::move(spec));
  });
  return state;
}

/// Takes the optimizer's state out of the arrays: what has its name before it, as the count of its steps has.
static void dropOptimizer(NamedArrays &arrays) {
  std::string prefix;
  for (const auto &[name, array] : arrays)
    if (llvm::StringRef(name).ends_with("/iteration") && array.dtype() == DType::Int64 && array.shape().empty())
      prefix = llvm::StringRef(name).drop_back(strlen("iteration")).str();
  if (!prefix.empty())
    llvm::erase_if(arrays, [&](const auto &entry) { return llvm::StringRef(entry.first).starts_with(prefix); });
}

bool Session::setWeights(ModuleOp module) {
  if (!hasWeights())
    return true;
  llvm::StringRef source = arguments.weights.empty() ? arguments.input : arguments.weights;
  std::optional<NamedArrays> loaded;
  bool isHdf5 = source.ends_with(".h5") || source.ends_with(".hdf5");
  if (isHdf5 && !arguments.weights.empty() && !readKerasWeights())
    return false;
  if (arguments.weights.empty() || isHdf5) {
    loaded = importedWeights(module);
    if (!loaded)
      return false;
  } else {
    llvm::Expected<NamedArrays> read = loadArrays(arguments.weights);
    if (!read)
      return !error(read.takeError(), arguments.weights);
    loaded = std::move(*read);
  }
  // A checkpoint is a file of weights with more in it.
  llvm::erase_if(*loaded, [](const auto &entry) { return isLoopState(entry.first); });
  // The state of the optimizer is in the file or it is not; half of it is an error.
  ModelState state = stateOf(module);
  std::vector<ArraySpec> specs = std::move(state.weights);
  if (state.optimizer.empty())
    dropOptimizer(*loaded);
  if (llvm::any_of(state.optimizer, [&](const ArraySpec &spec) {
        return llvm::any_of(*loaded, [&](const auto &entry) { return entry.first == spec.name; });
      }))
    llvm::append_range(specs, state.optimizer);
  llvm::Expected<std::vector<NDArray>> values = matchArrays(std::move(*loaded), specs);
  if (!values)
    return !error(values.takeError(), source);
  llvm::StringMap<Attribute> attributes;
  for (auto [spec, value] : llvm::zip_equal(specs, *values))
    attributes[spec.name] = toElements(value, &context);
  forEachState(module, [&](func::FuncOp function, unsigned i, llvm::StringRef role, llvm::StringRef name) {
    if (Attribute value = attributes.lookup(name))
      function.setArgAttr(i, "lamina.value", value);
  });
  return true;
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
  session.write(arguments.output, writeArraysFor(arguments.output, arrays));
  return session.finish();
}
