//===- ValueWriter.cpp - values of a configuration ------------------------===//

#include "ModelWriter.h"
#include "lamina/Frontend/ASTPrint.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace lamina::import {

using namespace ast;
using llvm::StringRef;

std::string ModelWriter::text(const Expr *expr) {
  std::string result;
  llvm::raw_string_ostream os(result);
  ast::print(*expr, os);
  return result;
}

/// The namespace of a class: where Keras has it, or what the option is for.
static StringRef namespaceOf(StringRef module, StringRef key) {
  for (StringRef space : {"initializers", "regularizers", "constraints",
                          "losses", "metrics", "optimizers", "activations"})
    if (module.contains(space))
      return space;
  return llvm::StringSwitch<StringRef>(
             key.rsplit('_').second.empty() ? key : key.rsplit('_').second)
      .Case("initializer", "initializers")
      .Case("regularizer", "regularizers")
      .Case("constraint", "constraints")
      .Case("loss", "losses")
      .Case("metrics", "metrics")
      .Case("optimizer", "optimizers")
      .Default("");
}

Expr *ModelWriter::value(const JSONValue &json, StringRef key) {
  if (++depth > 100) {
    --depth;
    fail("the configuration is nested too deeply");
    return tree.none();
  }
  auto leave = [&](Expr *result) {
    --depth;
    return result;
  };
  if (json.getAsNull())
    return leave(tree.none());
  if (std::optional<bool> truth = json.getAsBoolean())
    return leave(tree.constant(*truth ? ConstantExpr::Type::True
                                      : ConstantExpr::Type::False));
  if (std::optional<int64_t> number = json.getAsInteger())
    return leave(tree.integer(*number));
  if (std::optional<double> number = json.getAsNumber())
    return leave(tree.real(*number));
  if (std::optional<StringRef> text = json.getAsString()) {
    // Keras 3 has another function under this name.
    if (isBeforeKeras3 && *text == "hard_sigmoid" &&
        key.ends_with("activation"))
      return leave(
          tree.attribute(tree.attribute(tree.name("keras"), "backend"), *text));
    return leave(tree.string(*text));
  }
  if (const JSONObject *found = json.getAsObject())
    return leave(object(*found, key));
  llvm::SmallVector<Expr *> items;
  for (const JSONValue &item : *json.getAsArray())
    items.push_back(value(item, key));
  // Shapes and the like are tuples, which JSON has not.
  bool isList = key.empty() || key == "closure" || key == "axis" ||
                key == "metrics" || key == "arguments" || key == "args";
  return leave(tree.sequence(isList ? ExprKind::List : ExprKind::Tuple, items));
}

/// An object of Keras: its class says what it stands for.
Expr *ModelWriter::object(const JSONObject &json, StringRef key) {
  std::optional<StringRef> className = json.getString("class_name");
  const JSONValue *config = json.get("config");
  auto call = [&](Expr *callee, llvm::ArrayRef<Expr *> values) {
    llvm::SmallVector<Argument> arguments;
    for (Expr *e : values)
      arguments.push_back({Argument::Kind::Positional, {}, e, {}});
    return tree.call(callee, arguments);
  };
  if (!className) { // a dict
    llvm::SmallVector<Expr *> keys, values;
    for (const auto &[name, item] : json) {
      keys.push_back(tree.string(name));
      values.push_back(value(item));
    }
    return tree.dict(keys, values);
  }
  const JSONObject *fields = config ? config->getAsObject() : nullptr;
  if (*className == "__float__") {
    StringRef digits =
        config && config->getAsString() ? *config->getAsString() : "0";
    double number = 0;
    if (digits == "NaN")
      number = std::numeric_limits<double>::quiet_NaN();
    else if (digits.ends_with("Infinity"))
      number = digits.starts_with("-") ? -HUGE_VAL : HUGE_VAL;
    else
      (void)digits.getAsDouble(number);
    return tree.real(number);
  }
  if (*className == "__tuple__" || *className == "TensorShape" ||
      *className == "ListWrapper") {
    const JSONValue *items = json.get("items");
    if (!items && fields)
      items = fields->get("value");
    llvm::SmallVector<Expr *> list;
    if (const JSONArray *array = items    ? items->getAsArray()
                                 : config ? config->getAsArray()
                                          : nullptr)
      for (const JSONValue &item : *array)
        list.push_back(value(item, key));
    return tree.sequence(ExprKind::Tuple, list);
  }
  if (*className == "__ellipsis__")
    return tree.constant(ConstantExpr::Type::Ellipsis);
  if ((*className == "__numpy__" || *className == "__tensor__") && fields) {
    const JSONValue *content = fields->get("value");
    llvm::SmallVector<Argument> arguments{
        {Argument::Kind::Positional,
         {},
         content ? value(*content) : tree.none(),
         {}},
        {Argument::Kind::Keyword,
         "dtype",
         tree.string(fields->getString("dtype").value_or("float32")),
         {}}};
    return tree.call(tree.attribute(tree.name("np"), "array"), arguments);
  }
  if (*className == "__slice__" && fields) {
    llvm::SmallVector<Expr *> parts;
    for (StringRef part : {"start", "stop", "step"})
      parts.push_back(fields->get(part) ? value(*fields->get(part), "slice")
                                        : tree.none());
    if (key == "index") {
      for (Expr *&part : parts)
        if (auto *constant = llvm::dyn_cast<ConstantExpr>(part);
            constant && constant->type == ConstantExpr::Type::None)
          part = nullptr;
      return tree.slice(parts[0], parts[1], parts[2]);
    }
    return call(tree.name("slice"), parts);
  }
  if (*className == "__keras_tensor__" && fields) {
    const JSONArray *history = fields->getArray("keras_history");
    std::string found;
    if (history && history->size() == 3 && tensors &&
        (*history)[0].getAsString()) {
      auto entry = tensors->find({(*history)[0].getAsString()->str(),
                                  (*history)[1].getAsInteger().value_or(-1),
                                  (*history)[2].getAsInteger().value_or(-1)});
      if (entry != tensors->end())
        found = entry->second;
    }
    if (found.empty())
      fail("a call takes a tensor that no layer gives");
    return found.empty() ? tree.none() : tree.name(found);
  }
  if (className->ends_with("DTypePolicy") || *className == "Policy")
    return tree.string(fields ? fields->getString("name").value_or("float32")
                              : "float32");
  if (*className == "function" && config && config->getAsString())
    return tree.string(*config->getAsString());
  StringRef module = json.getString("module").value_or("");
  StringRef space = namespaceOf(module, key);
  if (!space.empty() && fields && isName(*className)) {
    llvm::SmallVector<Argument> arguments;
    const Library::Definition *definition =
        Library::get().resolve(("keras." + space).str(), *className);
    for (const auto &[name, item] : *fields)
      if (StringRef(name) != "name" && !item.getAsNull() && isName(name) &&
          (!definition || definition->text.contains(name)))
        arguments.push_back(
            {Argument::Kind::Keyword,
             context.text(name),
             value(item, StringRef(name) == "l1" ? "" : StringRef(name)),
             {}});
    llvm::sort(arguments, [](const Argument &a, const Argument &b) {
      return a.name < b.name;
    });
    return tree.call(
        tree.attribute(tree.attribute(tree.name("keras"), space), *className),
        arguments);
  }
  fail("there is no way to write " + *className +
       (module.empty() ? llvm::Twine() : " of " + module) + " down");
  return tree.none();
}

} // namespace lamina::import
