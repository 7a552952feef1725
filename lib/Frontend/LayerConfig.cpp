//===- LayerConfig.cpp - what a layer was constructed with, as attributes -===//
#include "LayerCall.h"

using namespace lamina;
using namespace lamina::frontend;

/// The text between two places of the source, on one line.
static std::string textOf(const char *begin, const char *end) {
  std::string text;
  for (const char *c = begin; c < end; ++c) {
    bool space = *c == ' ' || *c == '\n' || *c == '\t' || *c == '\r';
    if (!space)
      text += *c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  constexpr size_t limit = 120;
  if (text.size() > limit) {
    size_t cut = limit;
    while (cut > 0 && (text[cut] & 0xc0) == 0x80) // not inside a character
      --cut;
    text = text.substr(0, cut) + "…";
  }
  return text;
}

/// A lambda is its source, a function its name.
static std::string describeFunction(const FunctionObject *function) {
  if (!function->expression || !function->expression->range.isValid())
    return function->name;
  std::string text = "lambda";
  for (auto [i, param] : llvm::enumerate(function->params))
    text += (i ? ", " : " ") + textOf(param.range.Start.getPointer(),
                                      param.range.End.getPointer());
  llvm::SMRange body = function->expression->range;
  return text + ": " + textOf(body.Start.getPointer(), body.End.getPointer());
}

static mlir::Attribute toAttribute(Evaluator &evaluator, Value value,
                                   unsigned depth) {
  // A container may contain itself; no configuration is nested like that.
  if (depth > 8)
    return {};
  mlir::Builder builder(&evaluator.context());
  auto toArray = [&](llvm::ArrayRef<Value> items) -> mlir::Attribute {
    llvm::SmallVector<mlir::Attribute> attributes;
    for (Value item : items) {
      mlir::Attribute attribute = item.isNone()
                                      ? builder.getUnitAttr()
                                      : toAttribute(evaluator, item, depth + 1);
      if (!attribute)
        return {};
      attributes.push_back(attribute);
    }
    return builder.getArrayAttr(attributes);
  };
  if (value.is(ValueKind::Bool))
    return builder.getBoolAttr(value.asBool());
  if (value.is(ValueKind::Int))
    return builder.getI64IntegerAttr(value.asInt());
  if (value.is(ValueKind::Float))
    return builder.getF64FloatAttr(value.asDouble());
  if (auto *text = value.as<StringObject>())
    return builder.getStringAttr(text->text);
  if (auto *dtype = value.as<DTypeObject>())
    return builder.getStringAttr(lamina::name(dtype->dtype));
  if (auto *size = value.as<SizeObject>())
    return builder.getStringAttr(size->size.str());
  if (auto *list = value.as<ListObject>())
    return toArray(list->items);
  if (auto *tuple = value.as<TupleObject>())
    return toArray(tuple->items);
  if (auto *function = value.as<FunctionObject>())
    return builder.getStringAttr(describeFunction(function));
  if (auto *builtin = value.as<BuiltinObject>())
    return builder.getStringAttr(builtin->name);
  if (auto *bound = value.as<BoundMethodObject>())
    return toAttribute(evaluator, bound->function, depth + 1);
  if (auto *type = value.as<ClassObject>())
    return builder.getStringAttr(type->name);
  if (auto *dict = value.as<DictObject>()) {
    llvm::SmallVector<mlir::NamedAttribute> entries;
    llvm::StringSet<> names;
    for (auto &[key, item] : dict->items) {
      auto *name = key.as<StringObject>();
      mlir::Attribute attribute = toAttribute(evaluator, item, depth + 1);
      if (name && !name->text.empty() && attribute &&
          names.insert(name->text).second)
        entries.emplace_back(builder.getStringAttr(name->text), attribute);
    }
    return builder.getDictionaryAttr(entries);
  }
  // An object such as an optimizer or an initializer: class and configuration.
  if (auto *instance = value.as<InstanceObject>()) {
    llvm::SmallVector<mlir::NamedAttribute> entries;
    for (auto &[name, item] : instance->attributes)
      if (!name.empty() && name[0] != '_' && !item.is(ValueKind::Instance))
        if (mlir::Attribute attribute = toAttribute(evaluator, item, depth + 1))
          entries.emplace_back(name, attribute);
    mlir::StringAttr className = builder.getStringAttr(instance->type->name);
    if (entries.empty())
      return className;
    return builder.getDictionaryAttr(
        {{"class_name", className},
         {"config", builder.getDictionaryAttr(entries)}});
  }
  return {};
}

mlir::Attribute frontend::toAttribute(Evaluator &evaluator, Value value) {
  return ::toAttribute(evaluator, value, 0);
}

/// A layer that another one consists of, such as a cell.
static mlir::Attribute partOf(Evaluator &evaluator, Value value) {
  mlir::Builder builder(&evaluator.context());
  auto *part = value.as<InstanceObject>();
  return builder.getDictionaryAttr(
      {{"class_name", builder.getStringAttr(part->type->name)},
       {"config", frontend::configOf(evaluator, part)}});
}

mlir::DictionaryAttr frontend::configOf(Evaluator &evaluator,
                                        InstanceObject *layer) {
  static constexpr llvm::StringLiteral ofEveryLayer[] = {
      "name",     "trainable",        "built",
      "autocast", "supports_masking", "input_spec"};
  // Of cells and wrappers, whose own options say little.
  static constexpr llvm::StringLiteral parts[] = {
      "cell", "layer", "forward_layer", "backward_layer"};
  mlir::Builder builder(&evaluator.context());
  llvm::SmallVector<mlir::NamedAttribute> entries;
  for (auto &[name, value] : layer->attributes) {
    if (name.empty() || name[0] == '_' ||
        llvm::is_contained(ofEveryLayer, name) || hasTensors(value))
      continue;
    if (evaluator.models().stateOf(value)) {
      bool isPart = llvm::is_contained(parts, name) &&
                    layer->type->fromLibrary &&
                    value.as<InstanceObject>()->type->fromLibrary;
      if (isPart)
        entries.emplace_back(name, partOf(evaluator, value));
      continue;
    }
    auto *dict = value.as<DictObject>();
    if (dict && dict->items.empty())
      continue;
    if (mlir::Attribute attribute = toAttribute(evaluator, value))
      entries.emplace_back(name, attribute);
  }
  return builder.getDictionaryAttr(entries);
}
