//===- KerasWriter.cpp - lam as a functional model of Keras ---------------===//

#include "KerasWriter.h"
#include "KerasLayers.h"
#include "lamina/Export/Export.h"
#include "lamina/Import/ModelFile.h"
#include "lamina/Support/Elements.h"
#include "lamina/Support/Npy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
namespace json = llvm::json;

namespace lamina {

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Python's JSON has numbers that others do not; `finish` puts them in.
static constexpr const char *specials[] = {"NaN", "Infinity", "-Infinity"};

static json::Value number(double value) {
  if (std::isfinite(value))
    return value;
  const char *text =
      std::isnan(value) ? specials[0] : specials[value < 0 ? 2 : 1];
  return ("<number " + Twine(text) + ">").str();
}

static std::string finish(const json::Value &value) {
  std::string text = llvm::formatv("{0}", value).str();
  for (StringRef special : specials) {
    std::string mark = ("\"<number " + special + ">\"").str();
    for (size_t at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at))
      text.replace(at, mark.size(), special);
  }
  return text;
}

static json::Value element(const NDArray &array, int64_t i) {
  if (array.dtype() == DType::Bool)
    return array.getInt(i) != 0;
  return isFloat(array.dtype()) ? number(array.getDouble(i))
                                : json::Value(array.getInt(i));
}

/// As nested lists.
static json::Value listOf(const NDArray &array, int64_t &next, unsigned axis) {
  if (axis == array.rank())
    return element(array, next++);
  json::Array result;
  for (int64_t i = 0; i < array.shape()[axis]; ++i)
    result.push_back(listOf(array, next, axis + 1));
  return result;
}

json::Value KerasWriter::shapeList(ArrayRef<int64_t> shape) {
  json::Array result;
  for (int64_t size : shape)
    result.push_back(ShapedType::isDynamic(size) ? json::Value(nullptr)
                                                 : json::Value(size));
  return result;
}

std::string KerasWriter::dtypeOf(Type element) {
  return lamina::name(*fromMLIR(element)).str();
}

json::Value KerasWriter::reference(const Tensor &tensor) {
  const KerasNode &node = nodes[tensor.node];
  return Object{
      {"class_name", "__keras_tensor__"},
      {"config", Object{{"shape", shapeList(tensor.shape)},
                        {"dtype", dtypeOf(tensor.element)},
                        {"keras_history", Array{node.name, int64_t(tensor.call),
                                                int64_t(tensor.output)}}}}};
}

json::Value KerasWriter::argument(StringRef value, bool isTyped) {
  unsigned index = 0;
  if (!value.consume_front("c")) {
    value.getAsInteger(10, index);
    return reference(tensors[index]);
  }
  value.getAsInteger(10, index);
  NDArray array = *fromElements(constants[index]);
  if (array.rank() == 0 && !isTyped)
    return element(array, 0);
  int64_t next = 0;
  return Object{{"class_name", "__numpy__"},
                {"config", Object{{"value", listOf(array, next, 0)},
                                  {"dtype", lamina::name(array.dtype())}}}};
}

std::string KerasWriter::constant(DenseElementsAttr value) {
  constants.push_back(value);
  return "c" + std::to_string(constants.size() - 1);
}

std::string KerasWriter::numbers(ArrayRef<int64_t> values) {
  SmallVector<int32_t> narrow(values);
  return constant(DenseElementsAttr::get(
      RankedTensorType::get({int64_t(values.size())}, int32()),
      ArrayRef<int32_t>(narrow)));
}

NDArray KerasWriter::valueOf(StringRef constant) {
  unsigned index = 0;
  constant.drop_front().getAsInteger(10, index);
  return *fromElements(constants[index]);
}

NDArray KerasWriter::repeated(const NDArray &array, Shape shape) {
  NDArray result(array.dtype(), shape);
  size_t width = sizeOf(array.dtype()), missing = shape.size() - array.rank();
  for (int64_t i = 0; i < result.size(); ++i) {
    int64_t from = 0, rest = i, stride = 1;
    for (size_t axis = shape.size(); axis-- > missing;) {
      int64_t size = array.shape()[axis - missing];
      from += size == 1 ? 0 : rest % shape[axis] * stride;
      stride *= size;
      rest /= shape[axis];
    }
    memcpy(static_cast<char *>(result.data()) + i * width,
           static_cast<const char *>(array.data()) + from * width, width);
  }
  return result;
}

ArrayRef<int64_t> KerasWriter::shapeOfValue(StringRef value) {
  unsigned index = 0;
  if (value.consume_front("c")) {
    value.getAsInteger(10, index);
    return constants[index].getType().getShape();
  }
  value.getAsInteger(10, index);
  return tensors[index].shape;
}

Type KerasWriter::elementOfValue(StringRef value) {
  unsigned index = 0;
  if (value.consume_front("c")) {
    value.getAsInteger(10, index);
    return constants[index].getElementType();
  }
  value.getAsInteger(10, index);
  return tensors[index].element;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

unsigned KerasWriter::addNode(StringRef module, StringRef className,
                              StringRef name, Object config) {
  KerasNode node;
  node.module = module.str();
  node.className = className.str();
  node.name = name.str();
  node.config = std::move(config);
  node.config["name"] = node.name; // a copy: JSON refers to a StringRef
  node.isLayer = module == "keras.layers";
  nodes.push_back(std::move(node));
  return nodes.size() - 1;
}

/// The calls that an argument comes from, in Keras's order.
static void parentsOf(const json::Value &value,
                      function_ref<void(StringRef, int64_t)> found) {
  if (const json::Array *list = value.getAsArray()) {
    for (const json::Value &item : *list)
      parentsOf(item, found);
  } else if (const json::Object *object = value.getAsObject()) {
    const json::Object *config = object->getObject("config");
    const json::Array *history =
        config ? config->getArray("keras_history") : nullptr;
    if (history)
      found(*(*history)[0].getAsString(), *(*history)[1].getAsInteger());
  }
}

std::string KerasWriter::call(unsigned node, Array args, Object kwargs,
                              unsigned output, Shape shape, Type element) {
  KerasNode::Call made{std::move(args), std::move(kwargs), {}};
  auto add = [&](StringRef name, int64_t index) {
    for (unsigned i = 0; i < nodes.size(); ++i)
      if (nodes[i].name == name)
        made.parents.emplace_back(i, index);
  };
  for (const JSON &argument : made.args)
    parentsOf(argument, add);
  for (StringRef key : {"initial_state", "mask"})
    if (const JSON *value = made.kwargs.get(key))
      parentsOf(*value, add);
  nodes[node].calls.push_back(std::move(made));
  tensors.push_back({node, unsigned(nodes[node].calls.size() - 1), output,
                     SmallVector<int64_t>(shape), element});
  return std::to_string(tensors.size() - 1);
}

std::string KerasWriter::op(StringRef module, StringRef className,
                            Object config, Array args, Shape shape,
                            Type element) {
  std::string name = nameOf(current, import::snakeCase(className), '_');
  unsigned node = addNode(("keras.src.ops." + module).str(), className, name,
                          std::move(config));
  return call(node, std::move(args), Object{}, 0, shape, element);
}

void KerasWriter::set(Value result, std::string name) {
  set(result, std::move(name), typeOf(result).getShape());
}

void KerasWriter::set(Value result, std::string name, Shape shape) {
  written[result] = {std::move(name), SmallVector<int64_t>(shape)};
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

bool KerasWriter::write(Operation *op) {
  current = op;
  if (isa<tensor::DimOp>(op) ||
      isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
    return true; // written where it is used
  if (auto call = dyn_cast<func::CallOp>(op))
    return layerCall(call);
  return fold(op) || pointwise(op) || structure(op) || reduction(op) ||
         contraction(op);
}

/// Keras calls an output what the layer is called that it comes from.
std::string KerasWriter::named(std::string result, unsigned number) {
  std::string name =
      text(function.getResultAttrDict(number), "lamina.name").str();
  llvm::replace(name, '/', '_');
  if (result.empty() || name.empty() || function.getNumResults() == 1)
    return result;
  const Tensor &tensor = tensors[std::stoul(result)];
  SmallVector<int64_t> shape = tensor.shape;
  Type element = tensor.element;
  if (nodes[tensor.node].isLayer || nodes[tensor.node].name == name)
    return result;
  Object config;
  if (isa<FloatType>(element))
    config["dtype"] = dtypeOf(element);
  unsigned node =
      addNode("keras.layers", "Identity", unique(name), std::move(config));
  return call(node, Array{argument(result)}, Object{}, 0, shape, element);
}

FailureOr<std::string> KerasWriter::run() {
  current = function;
  // Layers have their names before operations take any.
  for (BlockArgument argument : function.getArguments())
    if (!function.getArgAttr(argument.getArgNumber(), "lamina.value"))
      input(argument);
  if (nodes.empty())
    return emitError(function.getLoc()) << "a model of Keras needs an input";
  for (BlockArgument argument : function.getArguments())
    if (!written.contains(argument))
      weight(argument);
  writeBlock(function.getBody().front());
  SmallVector<std::string> results;
  Operation *end = function.getBody().front().getTerminator();
  current = end;
  for (Value value : end->getOperands()) {
    std::string result = written.contains(value) ? get(value) : "";
    // An output must be computed.
    if (isConstant(result) && !result.empty())
      result = holder(unique("constant"), valueOf(result), false);
    if (result.empty() && written.contains(value))
      reject(end, "the size of an output");
    // Keras makes float32 of float64 in places.
    else if (!result.empty() && elementOfValue(result).isF64())
      result = op("core", "Cast", Object{{"dtype", "float64"}},
                  Array{argument(result)}, typeOf(value).getShape(),
                  elementOfValue(result));
    results.push_back(named(result, results.size()));
  }
  if (failed(report("Keras", "a file of ONNX (-o NAME.onnx) can have more")))
    return failure();

  Array layersOut, inputsOut, outputsOut;
  std::vector<std::pair<unsigned, unsigned>> outputCalls;
  for (const std::string &result : results) {
    const Tensor &tensor = tensors[std::stoul(result)];
    outputsOut.push_back(Array{nodes[tensor.node].name, int64_t(tensor.call),
                               int64_t(tensor.output)});
    outputCalls.emplace_back(tensor.node, tensor.call);
  }
  std::vector<unsigned> order = kerasOrder(nodes, outputCalls);
  // Inputs that nothing comes from are still inputs.
  for (unsigned i = 0; i < nodes.size(); ++i)
    if (nodes[i].className == "InputLayer") {
      inputsOut.push_back(Array{nodes[i].name, 0, 0});
      if (!llvm::is_contained(order, i))
        order.push_back(i);
    }
  std::vector<std::pair<std::string, NDArray>> arrays;
  std::map<std::string, unsigned> counts;
  for (unsigned index : order) {
    KerasNode &node = nodes[index];
    if (node.isLayer) {
      std::string group = import::snakeCase(node.className);
      if (unsigned count = counts[group]++)
        group += "_" + std::to_string(count);
      for (auto &[path, values] : node.weights)
        for (auto [i, value] : llvm::enumerate(values))
          arrays.emplace_back("layers/" + group + "/" + path + "/" +
                                  std::to_string(i),
                              std::move(value));
    }
    Array calls;
    for (KerasNode::Call &call : node.calls)
      calls.push_back(Object{{"args", std::move(call.args)},
                             {"kwargs", std::move(call.kwargs)}});
    layersOut.push_back(
        Object{{"module", node.module},
               {"class_name", node.className},
               {"config", std::move(node.config)},
               {"registered_name",
                node.isLayer ? JSON(nullptr) : JSON(node.className)},
               {"name", node.name},
               {"inbound_nodes", std::move(calls)}});
  }
  auto model = function->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(
      "lamina.model");
  Object config{{"name", model ? model.getValue() : "model"},
                {"trainable", true},
                {"layers", std::move(layersOut)},
                {"input_layers", std::move(inputsOut)},
                {"output_layers", std::move(outputsOut)}};
  // One tensor is no list.
  for (StringRef key : {"input_layers", "output_layers"})
    if (Array &list = *config.getArray(key); list.size() == 1) {
      JSON only = std::move(list[0]);
      config[key] = std::move(only);
    }
  Object whole{{"module", "keras.src.models.functional"},
               {"class_name", "Functional"},
               {"config", std::move(config)},
               {"registered_name", "Functional"},
               {"build_config", Object{{"input_shape", nullptr}}}};
  llvm::Expected<std::string> weights = writeHdf5(arrays);
  if (!weights)
    return emitError(function.getLoc()) << llvm::toString(weights.takeError());
  std::vector<std::pair<std::string, std::string>> members = {
      {"metadata.json", "{\"keras_version\": \"3.15.1\"}"},
      {"config.json", finish(std::move(whole))},
      {"model.weights.h5", std::move(*weights)}};
  return writeZip(members);
}

FailureOr<std::string> exportKeras(ModuleOp module) {
  return KerasWriter(module.lookupSymbol<func::FuncOp>("forward")).run();
}

} // namespace lamina
