//===- EvalModule.cpp - a function applied to inputs, as a module ---------===//

#include "lamina/Frontend/EvalModule.h"
#include "Derivatives.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {
namespace {

class EvalModuleBuilder {
public:
  EvalModuleBuilder(Evaluator &evaluator, Value function,
                    ArrayRef<EvalInput> inputs, bool gradient)
      : evaluator(evaluator), tracer(evaluator.tracer()), function(function),
        inputs(inputs), gradient(gradient), names(inputs.size()),
        parameterOf(inputs.size()) {}

  mlir::OwningOpRef<mlir::ModuleOp> build();

private:
  LogicalResult bindByName(FunctionObject *callee);
  FailureOr<CallArgs> callArgs(ArrayRef<Value> tensors);
  std::vector<Value> bindArguments(mlir::Block *body);
  LogicalResult callForward(ArrayRef<Value> tensors);
  LogicalResult callGradient(ArrayRef<Value> tensors);
  LogicalResult flatten(Value value, SmallVectorImpl<TensorObject *> &results,
                        unsigned depth);
  mlir::DictionaryAttr attributes(StringRef role, StringRef name, DType dtype,
                                  ArrayRef<Size> shape);
  SMRange at() const {
    auto *callee = function.as<FunctionObject>();
    return callee ? callee->definedAt : SMRange();
  }

  Evaluator &evaluator;
  Tracer &tracer;
  Value function;
  ArrayRef<EvalInput> inputs;
  bool gradient;
  std::vector<std::string> names;
  SmallVector<TensorObject *> results;
  std::vector<std::string> resultNames;
  /// The parameter that each input is for, if it is a named one.
  std::vector<std::optional<size_t>> parameterOf;
};

/// Finds the parameter of every input and completes the names.
LogicalResult EvalModuleBuilder::bindByName(FunctionObject *callee) {
  using Kind = ast::Parameter::Kind;
  bool takesAnyName = any_of(callee->params, [](const ast::Parameter &p) {
    return p.kind == Kind::VarKeywords;
  });
  bool takesMore = any_of(callee->params, [](const ast::Parameter &p) {
    return p.kind == Kind::VarArgs;
  });
  SmallVector<StringRef> candidates;
  for (const ast::Parameter &p : callee->params)
    if (p.kind == Kind::Positional || p.kind == Kind::KeywordOnly)
      candidates.push_back(p.name);
  std::vector<bool> isBound(callee->params.size());
  auto bind = [&](size_t input, size_t param) {
    parameterOf[input] = param;
    isBound[param] = true;
    names[input] = callee->params[param].name.str();
  };
  for (auto [i, input] : enumerate(inputs)) {
    names[i] = input.name;
    if (input.name.empty())
      continue;
    const auto *param = find_if(callee->params, [&](const ast::Parameter &p) {
      return p.name == input.name &&
             (p.kind == Kind::Positional || p.kind == Kind::KeywordOnly);
    });
    if (param != callee->params.end()) {
      size_t index = size_t(param - callee->params.begin());
      if (isBound[index])
        return evaluator.error(at(),
                               "the input '" + input.name + "' is given twice");
      bind(i, index);
    } else if (!takesAnyName) {
      auto &error = evaluator.diagnose(at(), "the function has no parameter '" +
                                                 Twine(input.name) + "'");
      if (auto close = didYouMean(input.name, candidates))
        error.note("did you mean '" + *close + "'?");
      else if (!candidates.empty())
        error.note("its parameters are " + llvm::join(candidates, ", "));
      return failure();
    }
  }
  for (auto [i, input] : enumerate(inputs)) {
    if (!input.name.empty())
      continue;
    size_t param = 0;
    while (param < isBound.size() &&
           (isBound[param] || callee->params[param].kind != Kind::Positional))
      ++param;
    if (param < isBound.size())
      bind(i, param);
    else if (takesMore)
      names[i] = "input" + std::to_string(i);
    else
      return evaluator.error(at(), "there are " + Twine(inputs.size()) +
                                       " inputs, but the function takes " +
                                       Twine(candidates.size()));
  }
  for (auto [i, p] : enumerate(callee->params)) {
    bool isNeeded =
        (p.kind == Kind::Positional || p.kind == Kind::KeywordOnly) &&
        !callee->hasDefault[i];
    if (isNeeded && !isBound[i])
      return evaluator.error(p.range, "no input is given for the parameter '" +
                                          p.name + "'");
  }
  return success();
}

FailureOr<CallArgs> EvalModuleBuilder::callArgs(ArrayRef<Value> tensors) {
  CallArgs args;
  auto *callee = function.as<FunctionObject>();
  if (!callee) {
    args.positional.assign(tensors.begin(), tensors.end());
    return args;
  }
  // Positional as long as no parameter is left out, so that *args follow.
  using Kind = ast::Parameter::Kind;
  std::vector<bool> isPassed(inputs.size());
  for (auto [p, param] : enumerate(callee->params)) {
    auto it = find(parameterOf, std::optional<size_t>(p));
    if (param.kind != Kind::Positional || it == parameterOf.end())
      break;
    size_t input = size_t(it - parameterOf.begin());
    args.positional.push_back(tensors[input]);
    isPassed[input] = true;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (isPassed[i])
      continue;
    if (inputs[i].name.empty() && !parameterOf[i])
      args.positional.push_back(tensors[i]);
    else
      args.keywords.push_back({names[i], tensors[i]});
  }
  return args;
}

LogicalResult EvalModuleBuilder::flatten(
    Value value, SmallVectorImpl<TensorObject *> &results, unsigned depth) {
  if (depth > 64)
    return evaluator.error(at(), "the function returns a structure that is "
                                 "nested too deeply");
  if (auto *dict = value.as<DictObject>()) {
    std::vector<Value> values;
    for (const auto &[key, item] : dict->items)
      values.push_back(item);
    value = evaluator.tuple(std::move(values));
  }
  if (value.isTensor() || value.isNumber() || value.is(ValueKind::Size)) {
    FailureOr<TensorObject *> x = tracer.asTensor(value, std::nullopt, at());
    if (mlir::failed(x))
      return failure();
    results.push_back(*x);
    return success();
  }
  if (value.is(ValueKind::Tuple) || value.is(ValueKind::List) ||
      value.is(ValueKind::Range) || value.is(ValueKind::Iterator)) {
    FailureOr<std::vector<Value>> items = evaluator.iterate(value, at());
    if (mlir::failed(items))
      return failure();
    for (Value item : *items)
      if (mlir::failed(flatten(item, results, depth + 1)))
        return failure();
    return success();
  }
  return evaluator.error(
      at(),
      "the function returns " +
          (value.isNone() ? std::string("None") : evaluator.describe(value)) +
          ", which is not a tensor or a number");
}

/// The role of an argument or result, as passes and the driver read it.
mlir::DictionaryAttr EvalModuleBuilder::attributes(StringRef role,
                                                   StringRef name, DType dtype,
                                                   ArrayRef<Size> shape) {
  mlir::OpBuilder &builder = tracer.builder();
  SmallVector<mlir::Attribute> dims;
  for (const Size &size : shape) {
    if (auto value = size.value())
      dims.push_back(builder.getI64IntegerAttr(*value));
    else
      dims.push_back(builder.getStringAttr(size.str()));
  }
  auto named = [&](StringRef key, mlir::Attribute value) {
    return builder.getNamedAttr(key, value);
  };
  return builder.getDictionaryAttr(
      {named("lamina.role", builder.getStringAttr(role)),
       named("lamina.name", builder.getStringAttr(name)),
       named("lamina.dims", builder.getArrayAttr(dims)),
       named("lamina.dtype", builder.getStringAttr(lamina::name(dtype)))});
}

/// The arguments as tensors; the first place of every symbol gives its value.
std::vector<Value> EvalModuleBuilder::bindArguments(mlir::Block *body) {
  mlir::OpBuilder &builder = tracer.builder();
  std::vector<Value> tensors;
  StringSet<> bound;
  auto *callee = function.as<FunctionObject>();
  for (auto [input, argument, param] :
       zip_equal(inputs, body->getArguments(), parameterOf)) {
    for (auto [i, size] : enumerate(input.shape))
      if (!size.isStatic() && bound.insert(size.str()).second)
        tracer.bindSymbol(
            size.str(), mlir::tensor::DimOp::create(builder, argument.getLoc(),
                                                    argument, i));
    tensors.push_back(tracer.tensor(argument, input.shape));
    if (callee && param)
      tensors.back().object()->definedAt = callee->params[*param].range;
  }
  return tensors;
}

LogicalResult EvalModuleBuilder::callForward(ArrayRef<Value> tensors) {
  FailureOr<CallArgs> args = callArgs(tensors);
  if (mlir::failed(args))
    return failure();
  Result result = evaluator.call(function, std::move(*args));
  if (mlir::failed(result) || mlir::failed(flatten(*result, results, 0)))
    return failure();
  for (size_t i = 0; i < results.size(); ++i)
    resultNames.push_back("out" + std::to_string(i));
  return success();
}

/// The derivative of the sum of all outputs by every float input.
LogicalResult EvalModuleBuilder::callGradient(ArrayRef<Value> tensors) {
  std::vector<TensorObject *> primals;
  for (auto [tensor, name] : zip_equal(tensors, names)) {
    auto *x = tensor.as<TensorObject>();
    if (!isFloat(Tracer::dtypeOf(x)))
      continue;
    primals.push_back(x);
    resultNames.push_back("d_" + name);
  }
  auto call = [&](ArrayRef<TensorObject *> inner) -> Result {
    std::vector<Value> replaced(tensors);
    size_t next = 0;
    for (Value &tensor : replaced)
      if (next < primals.size() && tensor.object() == primals[next])
        tensor = inner[next++];
    FailureOr<CallArgs> args = callArgs(replaced);
    if (mlir::failed(args))
      return failure();
    Result result = evaluator.call(function, std::move(*args));
    SmallVector<TensorObject *> outputs;
    if (mlir::failed(result) || mlir::failed(flatten(*result, outputs, 0)))
      return failure();
    return evaluator.list(std::vector<Value>(outputs.begin(), outputs.end()));
  };
  FailureOr<Vjp> vjp = traceVjp(evaluator, call, primals, VjpOptions(), at());
  if (mlir::failed(vjp))
    return failure();
  append_range(results, vjp->gradients);
  return success();
}

mlir::OwningOpRef<mlir::ModuleOp> EvalModuleBuilder::build() {
  unsigned errorsBefore = evaluator.diagnostics().errors();
  if (auto *callee = function.as<FunctionObject>()) {
    if (mlir::failed(bindByName(callee)))
      return nullptr;
  } else {
    if (!evaluator.isCallable(function)) {
      (void)evaluator.error(at(), "expected a function, found " +
                                      Twine(evaluator.describe(function)));
      return nullptr;
    }
    for (auto [i, input] : enumerate(inputs))
      names[i] = input.name.empty() ? "input" + std::to_string(i) : input.name;
  }

  mlir::OpBuilder &builder = tracer.builder();
  mlir::OpBuilder::InsertionGuard guard(builder);
  mlir::Location loc = evaluator.currentLocation();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  (*module)->setAttr("lamina.model", builder.getStringAttr("model"));
  (*module)->setAttr("lamina.stage", builder.getStringAttr("lam"));
  builder.setInsertionPointToEnd(module->getBody());
  SmallVector<mlir::Type> types;
  SmallVector<mlir::DictionaryAttr> argAttrs;
  for (auto [i, input] : enumerate(inputs)) {
    types.push_back(tracer.tensorType(input.shape, input.dtype));
    argAttrs.push_back(attributes("input", names[i], input.dtype, input.shape));
  }
  auto forward = mlir::func::FuncOp::create(builder, loc, "forward",
                                            builder.getFunctionType(types, {}));
  forward.setAllArgAttrs(argAttrs);
  mlir::Block *body = forward.addEntryBlock();
  builder.setInsertionPointToEnd(body);

  std::vector<Value> tensors = bindArguments(body);
  LogicalResult called =
      gradient ? callGradient(tensors) : callForward(tensors);
  if (mlir::failed(called) || evaluator.diagnostics().errors() != errorsBefore)
    return nullptr;
  if (results.empty()) {
    (void)evaluator.error(at(), "the function returns nothing");
    return nullptr;
  }
  SmallVector<mlir::Value> values;
  SmallVector<mlir::Type> resultTypes;
  SmallVector<mlir::DictionaryAttr> resultAttrs;
  for (auto [i, x] : enumerate(results)) {
    values.push_back(x->value);
    resultTypes.push_back(x->value.getType());
    resultAttrs.push_back(attributes("output", resultNames[i],
                                     Tracer::dtypeOf(x), x->shape));
  }
  mlir::func::ReturnOp::create(builder, loc, values);
  forward.setType(builder.getFunctionType(types, resultTypes));
  forward.setAllResultAttrs(resultAttrs);
  return module;
}

} // namespace

mlir::OwningOpRef<mlir::ModuleOp> buildEvalModule(Evaluator &evaluator,
                                                  Value function,
                                                  ArrayRef<EvalInput> inputs,
                                                  bool gradient) {
  return EvalModuleBuilder(evaluator, function, inputs, gradient).build();
}

mlir::OwningOpRef<mlir::ModuleOp>
buildEvalModule(Evaluator &evaluator, Value function,
                ArrayRef<std::pair<std::string, const NDArray *>> inputs,
                bool gradient) {
  std::vector<EvalInput> types;
  for (const auto &[name, array] : inputs)
    types.push_back({name, array->dtype(), Shape(array->shape())});
  return buildEvalModule(evaluator, function, types, gradient);
}

} // namespace lamina::frontend
