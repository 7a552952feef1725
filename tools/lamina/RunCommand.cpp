//===- RunCommand.cpp - lamina run, lamina eval ------------------------------===//

#include "Driver.h"
#include "lamina/Frontend/EvalModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "lamina/Target/CompiledModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
std::string typeText(llvm::StringRef dtype, llvm::ArrayRef<int64_t> shape) {
  std::string text = dtype.str() + "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? "," : "") + (ShapedType::isDynamic(size) ? std::string("?") : std::to_string(size));
  return text + "]";
}

/// Checks an array against the type of its input, converting floats of another width.
bool fit(Session &session, NDArray &array, llvm::StringRef name, RankedTensorType type) {
  DType wanted = *fromMLIR(type.getElementType());
  bool shapeFits = array.rank() == type.getRank();
  for (int64_t i = 0; shapeFits && i < type.getRank(); ++i)
    shapeFits = type.isDynamicDim(i) || type.getDimSize(i) == array.shape()[i];
  bool kindFits = isFloat(wanted) == isFloat(array.dtype()) && (wanted == DType::Bool) == (array.dtype() == DType::Bool);
  if (!shapeFits || !kindFits) {
    session.diagnostics.errorInFile(session.arguments.input,
                                    "input '" + name + "' must be " + typeText(lamina::name(wanted), type.getShape()) +
                                        ", the array is " + typeText(lamina::name(array.dtype()), array.shape()));
    return false;
  }
  if (array.dtype() != wanted)
    array = array.cast(wanted);
  return true;
}

std::optional<std::vector<NDArray>> interpretForward(Session &session, ForwardFunction forward,
                                                     std::vector<NDArray> inputs) {
  std::vector<NDArray> operands;
  size_t next = 0;
  for (unsigned i = 0; i < forward.function.getNumArguments(); ++i) {
    auto value = forward.function.getArgAttrOfType<ElementsAttr>(i, "lamina.value");
    operands.push_back(value ? *fromElements(value) : std::move(inputs[next++]));
  }
  FailureOr<std::vector<NDArray>> results = interpret(forward.function, operands);
  if (failed(results))
    return std::nullopt;
  return std::move(*results);
}

std::optional<std::vector<NDArray>> runCompiled(Session &session, ModuleOp module, std::vector<NDArray> inputs) {
  if (!session.lower(module, "llvm-mlir"))
    return std::nullopt;
  auto compiled = CompiledModel::create(module, session.arguments.options);
  if (!compiled) {
    session.error(compiled.takeError(), session.arguments.input);
    return std::nullopt;
  }
  llvm::Expected<std::vector<NDArray>> results = (*compiled)->run("forward", inputs);
  if (!results) {
    session.error(results.takeError(), session.arguments.input);
    return std::nullopt;
  }
  return std::move(*results);
}

/// Results without -o go to the terminal, as NumPy prints them, in short.
void printArray(llvm::raw_ostream &os, const NDArray &array, int64_t &offset, unsigned axis) {
  if (axis == array.rank()) {
    int64_t i = offset++;
    if (array.dtype() == DType::Bool)
      os << (array.getInt(i) ? "True" : "False");
    else if (isFloat(array.dtype()))
      os << llvm::format("%.6g", array.getDouble(i));
    else
      os << array.getInt(i);
    return;
  }
  constexpr int64_t shown = 6; // at each end of a long axis
  int64_t count = array.shape()[axis], stride = 1;
  for (unsigned i = axis + 1; i < array.rank(); ++i)
    stride *= array.shape()[i];
  os << "[";
  for (int64_t i = 0; i < count; ++i) {
    if (count > 2 * shown && i == shown) {
      os << ", …";
      offset += (count - 2 * shown) * stride;
      i = count - shown;
    }
    os << (i ? (axis + 1 == array.rank() ? ", " : ",\n" + std::string(axis + 1, ' ')) : std::string());
    printArray(os, array, offset, axis + 1);
  }
  os << "]";
}

int deliver(Session &session, const NamedArrays &results) {
  if (!session.arguments.output.empty()) {
    session.writeArrays(session.arguments.output, results);
    return session.finish();
  }
  for (const auto &[name, array] : results) {
    llvm::outs() << name << ": " << typeText(lamina::name(array.dtype()), array.shape()) << "\n";
    int64_t offset = 0;
    printArray(llvm::outs(), array, offset, 0);
    llvm::outs() << "\n";
  }
  return session.finish();
}
} // namespace

std::optional<NamedArrays> driver::execute(Session &session, ModuleOp module, std::vector<NDArray> inputs) {
  // The interpreter has no derivative operators.
  if (!session.lower(module, "grad"))
    return std::nullopt;
  std::optional<ForwardFunction> forward = forwardOf(session, module);
  if (!forward)
    return std::nullopt;
  for (auto [array, name, type] : llvm::zip_equal(inputs, forward->inputs, forward->inputTypes))
    if (!fit(session, array, name, type))
      return std::nullopt;
  std::optional<std::vector<NDArray>> results = session.arguments.interpret
                                                    ? interpretForward(session, *forward, std::move(inputs))
                                                    : runCompiled(session, module, std::move(inputs));
  if (!results)
    return std::nullopt;
  NamedArrays named;
  for (auto [name, array] : llvm::zip_equal(forward->outputs, *results))
    named.emplace_back(name, std::move(array));
  return named;
}

int driver::run(Arguments &arguments) {
  arguments.options.entries = {"forward"};
  Session session(arguments);
  std::optional<NamedArrays> arrays = session.loadInputs();
  OwningOpRef<ModuleOp> module = session.loadModel();
  if (!arrays || !module || !session.lower(*module, "lam") || !session.setWeights(*module))
    return session.finish();
  std::optional<ForwardFunction> forward = forwardOf(session, *module);
  std::optional<std::vector<NDArray>> inputs;
  if (forward)
    inputs = bindInputs(session, std::move(*arrays), forward->inputs);
  if (!inputs)
    return session.finish();
  std::optional<NamedArrays> results = execute(session, *module, std::move(*inputs));
  return results ? deliver(session, *results) : session.finish();
}

int driver::eval(Arguments &arguments) {
  arguments.options.entries = {"forward"};
  Session session(arguments);
  std::string expression = std::move(arguments.input);
  arguments.input = "<expression>";
  std::optional<NamedArrays> arrays = session.loadInputs();
  unsigned id = session.diagnostics.addBuffer(expression, arguments.input);
  ast::Expr *parsed = parseExpression(id, session.ast(), session.diagnostics);
  if (!arrays || !parsed)
    return session.finish();
  frontend::Evaluator &evaluator = session.evaluator();
  frontend::Result function = evaluator.evaluate(parsed, evaluator.globals());
  if (failed(function))
    return session.finish();
  std::vector<std::pair<std::string, const NDArray *>> types;
  for (const auto &[name, array] : *arrays)
    types.emplace_back(name, &array);
  OwningOpRef<ModuleOp> module = frontend::buildEvalModule(evaluator, *function, types, arguments.gradient);
  if (!module || session.diagnostics.hasErrors())
    return session.finish();
  if (!arguments.emit.empty()) {
    for (const std::string &stage : arguments.emit)
      if (!findStage(stage)) {
        session.diagnostics.errorInFile(arguments.input, "--emit: there is no stage '" + stage + "'");
        return session.finish();
      }
    if (session.lower(*module, arguments.emit.back()))
      session.write(arguments.output.empty() ? "-" : arguments.output, printModule(*module));
    return session.finish();
  }
  std::optional<ForwardFunction> forward = forwardOf(session, *module);
  std::optional<std::vector<NDArray>> inputs;
  if (forward)
    inputs = bindInputs(session, std::move(*arrays), forward->inputs);
  if (!inputs)
    return session.finish();
  std::optional<NamedArrays> results = execute(session, *module, std::move(*inputs));
  return results ? deliver(session, *results) : session.finish();
}
