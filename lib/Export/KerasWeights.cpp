//===- KerasWeights.cpp - lam as Keras: inputs, weights, layers -----------===//

#include "KerasLayers.h"
#include "KerasWriter.h"
#include "lamina/Support/Elements.h"

using namespace mlir;

namespace lamina {

void KerasWriter::input(BlockArgument argument) {
  DictionaryAttr attrs = function.getArgAttrDict(argument.getArgNumber());
  RankedTensorType type = typeOf(argument);
  std::string dtype = dtypeOf(type.getElementType());
  unsigned node = addNode(
      "keras.layers", "InputLayer", unique(text(attrs, "lamina.name")),
      Object{{"batch_shape", shapeList(type.getShape())}, {"dtype", dtype}});
  tensors.push_back({node, 0, 0, SmallVector<int64_t>(type.getShape()),
                     type.getElementType()});
  set(argument, std::to_string(tensors.size() - 1));
}

/// No layer of Keras gives its weight away; what comes closest is an Embedding
/// whose rows are all looked up, in order.
std::string KerasWriter::holder(StringRef name, const NDArray &value,
                                bool isTrainable) {
  Type element = toMLIR(value.dtype(), function.getContext());
  int64_t rows = value.rank() > 1 ? value.shape()[0] : 1;
  int64_t columns = rows > 0 ? value.size() / rows : 0;
  NDArray table(value.dtype(), {rows, columns});
  for (int64_t i = 0; i < table.size(); ++i)
    if (isFloat(value.dtype()))
      table.setDouble(i, value.getDouble(i));
    else
      table.setInt(i, value.getInt(i));
  if (zero.empty()) {
    // A number that comes from an input, whatever is in that.
    const Tensor &x = tensors.front();
    zero = op("numpy", "ZerosLike", Object{{"dtype", "int32"}},
              Array{reference(x)}, SmallVector<int64_t>(tensors.front().shape),
              int32());
    if (!tensors.front().shape.empty())
      zero = op("numpy", "Sum", Object{{"axis", nullptr}, {"keepdims", false}},
                Array{argument(zero)}, {}, int32());
  }
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < rows; ++i)
    places.push_back(i);
  std::string &index = zeroLines[{"rows", rows}];
  if (index.empty())
    index =
        op("numpy", "Add", Object{},
           Array{argument(zero), argument(numbers(places))}, {rows}, int32());
  std::string own = name.str();
  llvm::replace(own, '/', '_');
  unsigned node = addNode("keras.layers", "Embedding", unique(own),
                          Object{{"input_dim", rows},
                                 {"output_dim", columns},
                                 {"embeddings_initializer", "zeros"},
                                 {"dtype", dtypeOf(element)},
                                 {"trainable", isTrainable}});
  nodes[node].weights.push_back({"vars", {table}});
  std::string rowsOf =
      call(node, Array{argument(index)}, Object{}, 0, {rows, columns}, element);
  return reshape(rowsOf, value.shape());
}

bool KerasWriter::weight(BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  DictionaryAttr attrs = function.getArgAttrDict(number);
  auto value = attrs.getAs<ElementsAttr>("lamina.value");
  if (!value)
    return false;
  // Those of layers that were kept are theirs.
  bool isUsed = llvm::any_of(argument.getUsers(), [](Operation *user) {
    return !isa<func::CallOp>(user);
  });
  auto trainable = attrs.getAs<BoolAttr>("lamina.trainable");
  if (isUsed)
    set(argument, holder(text(attrs, "lamina.name"), *fromElements(value),
                         trainable && trainable.getValue()));
  else
    set(argument, ""); // only passed on
  return true;
}

bool KerasWriter::layerCall(func::CallOp op) {
  auto name = op->getAttrOfType<StringAttr>(keptLayer);
  auto className = op->getAttrOfType<StringAttr>(keptClass);
  auto config = op->getAttrOfType<DictionaryAttr>(keptConfig);
  if (!name || !className || !config)
    return false;
  unsigned inputs = op->getAttrOfType<IntegerAttr>(keptInputs).getInt();
  unsigned masks = op->getAttrOfType<IntegerAttr>(keptMasks).getInt();
  ValueRange operands = op.getOperands(),
             weights = operands.drop_front(inputs + masks);
  auto [entry, isNew] = layers.try_emplace(name.getValue(), nodes.size());
  if (isNew) {
    std::optional<KerasLayer> layer = kerasLayer(className, config);
    Object *options = &layer->config;
    Type element = typeOf(op.getResult(0)).getElementType();
    if (isa<FloatType>(element))
      (*options)["dtype"] = dtypeOf(element);
    if (!weights.empty())
      (*options)["trainable"] =
          op->getAttrOfType<BoolAttr>("lamina.trainable").getValue();
    std::string own = name.str();
    llvm::replace(own, '/', '_');
    unsigned node = addNode("keras.layers", layer->className, unique(own),
                            std::move(*options));
    ValueRange rest = weights;
    for (auto [group, count] :
         weightGroups(className, config, weights.size())) {
      std::vector<NDArray> arrays;
      for (Value weight : rest.take_front(count)) {
        unsigned number = cast<BlockArgument>(weight).getArgNumber();
        arrays.push_back(*fromElements(
            function.getArgAttrOfType<ElementsAttr>(number, "lamina.value")));
      }
      rest = rest.drop_front(count);
      nodes[node].weights.push_back({group, std::move(arrays)});
    }
  }
  Array tensorsIn;
  for (Value operand : operands.take_front(inputs)) {
    std::string x = get(operand);
    if (x.empty())
      return false;
    tensorsIn.push_back(argument(x));
  }
  Object kwargs;
  if (isRecurrent(className) && inputs > 1) {
    Array states;
    for (JSON &state : llvm::drop_begin(tensorsIn))
      states.push_back(std::move(state));
    JSON first = tensorsIn[0];
    tensorsIn = Array{std::move(first)};
    kwargs["initial_state"] = std::move(states);
  }
  if (isRecurrent(className) && masks == 1)
    kwargs["mask"] = argument(get(operands[inputs]));
  Array args;
  if (takesList(className))
    args.push_back(std::move(tensorsIn));
  else
    args = std::move(tensorsIn);
  RankedTensorType type = typeOf(op.getResult(0));
  std::string first = call(entry->second, std::move(args), std::move(kwargs), 0,
                           type.getShape(), type.getElementType());
  unsigned index = nodes[entry->second].calls.size() - 1;
  set(op.getResult(0), first);
  for (unsigned i = 1; i < op.getNumResults(); ++i) {
    RankedTensorType next = typeOf(op.getResult(i));
    tensors.push_back({entry->second, index, i,
                       SmallVector<int64_t>(next.getShape()),
                       next.getElementType()});
    set(op.getResult(i), std::to_string(tensors.size() - 1));
  }
  return true;
}

} // namespace lamina
