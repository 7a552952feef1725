//===- ModelPrimitives.cpp - what layer.lam is written on -----------------===//
#include "LayerCall.h"
#include "lamina/Frontend/ModelBuilder.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;

static FailureOr<InstanceObject *> layerArgument(Evaluator &ev, CallArgs &args,
                                                 llvm::StringRef what) {
  auto *instance = args.positional.empty()
                       ? nullptr
                       : args.positional.front().as<InstanceObject>();
  if (!instance)
    return ev.error(args.range, what + " needs a layer");
  return instance;
}

/// The same, and Layer.__init__ has run.
static FailureOr<InstanceObject *>
initializedLayer(Evaluator &ev, CallArgs &args, llvm::StringRef what) {
  FailureOr<InstanceObject *> layer = layerArgument(ev, args, what);
  if (failed(layer))
    return failure();
  if (!ev.models().stateOf(*layer))
    return ev.error(args.range, "'" + (*layer)->type->name +
                                    "' was not initialized: its __init__ must "
                                    "call super().__init__() first");
  return layer;
}

static FailureOr<DType> dtypeArgument(Evaluator &ev, Value value,
                                      llvm::SMRange at) {
  if (auto *dtype = value.as<DTypeObject>())
    return dtype->dtype;
  if (auto *text = value.as<StringObject>())
    if (std::optional<DType> dtype = parseDType(text->text))
      return *dtype;
  return ev.error(at, "unknown dtype " + ev.repr(value));
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

static Result layerInit(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "layer_init",
              {"self", "name", "class_name", "is_model"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> layer = layerArgument(ev, args, "layer_init");
  FailureOr<std::string> className = p.string("class_name");
  if (failed(layer) || failed(className))
    return failure();
  return ev.models().initLayer(*layer, p["name"], *className,
                               p["is_model"].asBool(), args.range);
}

static Result layerCall(Evaluator &ev, CallArgs &args) {
  FailureOr<InstanceObject *> layer = layerArgument(ev, args, "layer_call");
  if (failed(layer))
    return failure();
  args.positional.erase(args.positional.begin());
  if (!args.positionalAt.empty())
    args.positionalAt.erase(args.positionalAt.begin());
  return ev.models().callLayer(*layer, args);
}

static Result inScope(Evaluator &ev, CallArgs &args) {
  FailureOr<InstanceObject *> layer = initializedLayer(ev, args, "in_scope");
  if (failed(layer) || args.positional.size() < 2)
    return failure();
  Value function = args.positional[1];
  CallArgs rest;
  rest.range = args.range;
  rest.positional.assign(args.positional.begin() + 2, args.positional.end());
  rest.keywords = args.keywords;
  return ev.models().inScope(*layer, function, std::move(rest));
}

static Result addWeight(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "add_weight",
              {"self", "shape", "initializer", "dtype", "trainable", "name"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> layer = initializedLayer(ev, args, "add_weight");
  FailureOr<DType> dtype = dtypeArgument(ev, p["dtype"], args.range);
  FailureOr<bool> trainable = p.boolean("trainable");
  if (failed(layer) || failed(dtype) || failed(trainable))
    return failure();
  std::optional<Result> get = ev.library("initializers", "get");
  if (!get || failed(*get))
    return failure();
  Result initializer = ev.call(**get, {p["initializer"]}, args.range);
  if (failed(initializer))
    return failure();
  return ev.models().addWeight(*layer, p["shape"], *initializer, *dtype,
                               *trainable, p["name"], args.range);
}

static Result variable(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "variable", {"value", "dtype", "trainable", "name"});
  if (p.failed())
    return failure();
  std::optional<DType> dtype;
  if (!p["dtype"].isNone()) {
    FailureOr<DType> given = dtypeArgument(ev, p["dtype"], args.range);
    if (failed(given))
      return failure();
    dtype = *given;
  }
  FailureOr<bool> trainable = p.boolean("trainable");
  if (failed(trainable))
    return failure();
  return ev.models().variable(p["value"], dtype, *trainable, p["name"],
                              args.range);
}

static Result input(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "input", {"batch_shape", "dtype", "name"});
  if (p.failed())
    return failure();
  FailureOr<DType> dtype = dtypeArgument(ev, p["dtype"], args.range);
  FailureOr<std::vector<Value>> dims = ev.iterate(p["batch_shape"], args.range);
  if (failed(dtype) || failed(dims))
    return failure();
  return ev.models().input(*dims, *dtype, p["name"], args.range);
}

/// layer_weights(self, kind): "all", "trainable" or "non_trainable".
static Result layerWeights(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "layer_weights", {"self", "kind"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> layer =
      initializedLayer(ev, args, "layer_weights");
  FailureOr<std::string> kind = p.string("kind");
  if (failed(layer) || failed(kind))
    return failure();
  std::vector<Value> result;
  for (const WeightUse &use : ev.models().weightsOf(*layer))
    if (*kind == "all" || (*kind == "trainable") == use.trainable)
      result.push_back(use.weight);
  return ev.list(std::move(result));
}

static Result sublayers(Evaluator &ev, CallArgs &args) {
  FailureOr<InstanceObject *> layer = initializedLayer(ev, args, "sublayers");
  if (failed(layer))
    return failure();
  std::vector<Value> result;
  for (InstanceObject *inner : ev.models().contentsOf(*layer).layers)
    result.push_back(inner);
  return ev.list(std::move(result));
}

/// Does a class other than Layer define the method?
static Result overrides(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "overrides", {"self", "method"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> layer = layerArgument(ev, args, "overrides");
  FailureOr<std::string> method = p.string("method");
  if (failed(layer) || failed(method))
    return failure();
  for (ClassObject *type : (*layer)->type->mro)
    if (type->attributes.contains(*method))
      return Value::boolean(!type->fromLibrary || type->name != "Layer");
  return Value::boolean(false);
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static Result setGraph(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "set_graph", {"self", "inputs", "outputs"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> model = initializedLayer(ev, args, "set_graph");
  if (failed(model))
    return failure();
  return ev.models().setGraph(*model, p["inputs"], p["outputs"], args.range);
}

static Result callGraph(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "call_graph", {"self", "inputs"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> model = initializedLayer(ev, args, "call_graph");
  if (failed(model))
    return failure();
  return ev.models().callGraph(*model, p["inputs"], args.range);
}

/// graph_of(self): (inputs, outputs), or None.
static Result graphOf(Evaluator &ev, CallArgs &args) {
  FailureOr<InstanceObject *> model = initializedLayer(ev, args, "graph_of");
  if (failed(model))
    return failure();
  LayerState *state = ev.models().stateOf(*model);
  if (!state->graph)
    return Value();
  return ev.tuple({state->graph->inputs, state->graph->outputs});
}

static Result setCompile(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "set_compile", {"self", "arguments"});
  if (p.failed())
    return failure();
  FailureOr<InstanceObject *> model = initializedLayer(ev, args, "compile");
  auto *dict = p["arguments"].as<DictObject>();
  if (failed(model) || !dict)
    return failure();
  LayerState *state = ev.models().stateOf(*model);
  state->compiledAt = ev.currentRange();
  state->compileArgs.clear();
  for (auto &[key, value] : dict->items)
    state->compileArgs.emplace_back(ev.str(key), value);
  return Value();
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

/// signature(f): (names of the parameters, how many have no default, whether
/// there is a `*args`), without self; None if it is not known.
static Result signature(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "signature", {"function"});
  if (p.failed())
    return failure();
  Value value = p["function"];
  size_t skip = 0;
  if (auto *instance = value.as<InstanceObject>())
    if (std::optional<Result> call =
            ev.findAttribute(instance, "__call__", args.range);
        call && mlir::succeeded(*call))
      value = **call;
  if (auto *bound = value.as<BoundMethodObject>()) {
    value = bound->function;
    skip = 1;
  }
  auto *function = value.as<FunctionObject>();
  if (!function)
    return Value();
  std::vector<Value> names;
  int64_t required = 0;
  bool variadic = false;
  for (size_t i = skip; i < function->params.size(); ++i) {
    const ast::Parameter &param = function->params[i];
    if (param.kind == ast::Parameter::Kind::VarArgs)
      variadic = true;
    else if (param.kind != ast::Parameter::Kind::VarKeywords)
      names.push_back(ev.string(param.name));
    if (param.kind == ast::Parameter::Kind::Positional &&
        !function->hasDefault[i])
      ++required;
  }
  return ev.tuple({ev.list(std::move(names)), Value::integer(required),
                   Value::boolean(variadic)});
}

/// library(name, namespace): the definition of a namespace or else the flat
/// one.
static Result libraryName(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "library", {"name", "namespace"});
  if (p.failed())
    return failure();
  FailureOr<std::string> name = p.string("name");
  FailureOr<std::string> nameSpace = p.string("namespace");
  if (failed(name) || failed(nameSpace))
    return failure();
  for (llvm::StringRef place : {llvm::StringRef(*nameSpace), llvm::StringRef()})
    if (std::optional<Result> found = ev.library(place, *name))
      return *found;
  return ev.error(args.range, "'" + *name + "' is not in the library");
}

/// did_you_mean(name, candidates): "; did you mean 'x'?", or nothing.
static Result suggestion(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "did_you_mean", {"name", "candidates"});
  if (p.failed())
    return failure();
  FailureOr<std::vector<Value>> items = ev.iterate(p["candidates"], args.range);
  if (failed(items))
    return failure();
  llvm::SmallVector<llvm::StringRef> names;
  for (Value item : *items)
    if (auto *text = item.as<StringObject>())
      names.push_back(text->text);
  std::optional<llvm::StringRef> best = didYouMean(ev.str(p["name"]), names);
  return ev.string(best ? "; did you mean '" + best->str() + "'?" : "");
}

static BuiltinObject::Function
question(std::function<Value(Evaluator &, Value)> answer) {
  return [answer](Evaluator &ev, CallArgs &args) -> Result {
    if (args.positional.size() != 1)
      return ev.error(args.range, "takes one argument");
    return answer(ev, args.positional.front());
  };
}

void frontend::registerModelBuiltins(Evaluator &evaluator) {
  evaluator.definePrimitive("layer_init", layerInit);
  evaluator.definePrimitive("layer_call", layerCall);
  evaluator.definePrimitive("layer_weights", layerWeights);
  evaluator.definePrimitive("sublayers", sublayers);
  evaluator.definePrimitive("overrides", overrides);
  evaluator.definePrimitive("in_scope", inScope);
  evaluator.definePrimitive("add_weight", addWeight);
  evaluator.definePrimitive("variable", variable);
  evaluator.definePrimitive("input", input);
  evaluator.definePrimitive("set_graph", setGraph);
  evaluator.definePrimitive("call_graph", callGraph);
  evaluator.definePrimitive("graph_of", graphOf);
  evaluator.definePrimitive("set_compile", setCompile);
  evaluator.definePrimitive("signature", signature);
  evaluator.definePrimitive("library", libraryName);
  evaluator.definePrimitive("did_you_mean", suggestion);
  evaluator.definePrimitive("is_layer", question([](Evaluator &ev, Value x) {
                              return Value::boolean(ev.models().stateOf(x) !=
                                                    nullptr);
                            }));
  evaluator.definePrimitive("is_input", question([](Evaluator &ev, Value x) {
                              auto *tensor = x.as<TensorObject>();
                              return Value::boolean(
                                  tensor && ev.models().isInput(tensor));
                            }));
  evaluator.definePrimitive("is_weight", question([](Evaluator &ev, Value x) {
                              auto *tensor = x.as<TensorObject>();
                              return Value::boolean(tensor &&
                                                    ev.models().infoOf(tensor));
                            }));
  evaluator.definePrimitive("shapes_of", question([](Evaluator &ev, Value x) {
                              return shapesOf(ev, x);
                            }));
  evaluator.definePrimitive("mask_of", question([](Evaluator &ev, Value x) {
                              return masksOf(ev, x);
                            }));
  evaluator.definePrimitive("class_name", question([](Evaluator &ev, Value x) {
                              return ev.string(ev.classOf(x)->name);
                            }));
  evaluator.definePrimitive("count_name", question([](Evaluator &ev, Value x) {
                              return ev.string(ev.models().autoName(ev.str(x)));
                            }));
  evaluator.definePrimitive("note", question([](Evaluator &ev, Value x) {
                              ev.diagnostics().remark(ev.currentRange(),
                                                      ev.str(x));
                              return Value();
                            }));
  evaluator.definePrimitive("clear_names",
                            [](Evaluator &ev, CallArgs &) -> Result {
                              ev.models().clearNames();
                              return Value();
                            });
  evaluator.definePrimitive("default_key",
                            [](Evaluator &ev, CallArgs &args) -> Result {
                              return ev.models().randomKey(Value(), args.range);
                            });
  // A SeedGenerator draws from its seed, in training other numbers each time.
  evaluator.definePrimitive(
      "seed_of", [](Evaluator &ev, CallArgs &args) -> Result {
        Value seed = args.positional.empty() ? Value() : args.positional[0];
        auto *generator = seed.as<InstanceObject>();
        if (generator) {
          Result inner = ev.getAttribute(seed, "seed", args.range);
          if (failed(inner))
            return failure();
          seed = *inner;
        }
        if (!seed.isNone() && !seed.isInteger())
          return ev.error(args.range,
                          "a seed must be an int, got " + ev.describe(seed));
        return ev.models().randomKey(seed, args.range, generator);
      });
}
