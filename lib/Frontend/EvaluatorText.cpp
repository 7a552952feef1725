//===- EvaluatorText.cpp - str(), repr() and descriptions for messages ----===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using namespace lamina;
using namespace lamina::frontend;

std::string Evaluator::str(Value value) {
  auto text = toText(value, /*repr=*/false, {});
  return succeeded(text) ? *text : "<" + classOf(value)->name + " object>";
}

std::string Evaluator::repr(Value value) {
  auto text = toText(value, /*repr=*/true, {});
  return succeeded(text) ? *text : "<" + classOf(value)->name + " object>";
}

static std::string tensorText(const TensorObject *tensor) {
  std::string text = lamina::name(Tracer::dtypeOf(tensor)).str() + "[";
  llvm::interleave(
      tensor->shape, [&](const Size &size) { text += size.str(); },
      [&] { text += ","; });
  return text + "]";
}

static FailureOr<std::string>
itemsText(Evaluator &ev, llvm::ArrayRef<Value> items, SMRange at) {
  std::string text;
  for (auto [i, item] : llvm::enumerate(items)) {
    auto inner = ev.toText(item, /*repr=*/true, at);
    if (failed(inner))
      return failure();
    if (i)
      text += ", ";
    text += *inner;
    if (text.size() > limits::text)
      return ev.error(at, "the text is too long");
  }
  return text;
}

static FailureOr<std::string> dictText(Evaluator &ev, const DictObject *dict,
                                       SMRange at) {
  std::string text = "{";
  for (auto [i, entry] : llvm::enumerate(dict->items)) {
    auto key = ev.toText(entry.first, /*repr=*/true, at);
    auto value = failed(key) ? key : ev.toText(entry.second, true, at);
    if (failed(value))
      return failure();
    if (i)
      text += ", ";
    text += *key + ": " + *value;
    if (text.size() > limits::text)
      return ev.error(at, "the text is too long");
  }
  return text + "}";
}

/// An exception's str is its argument, or the tuple of them.
static FailureOr<std::string> exceptionText(Evaluator &ev,
                                            const InstanceObject *exception,
                                            bool repr, SMRange at) {
  auto own = exception->attributes.find("args");
  std::vector<Value> args;
  if (own != exception->attributes.end())
    if (auto *tuple = own->second.as<TupleObject>())
      args = tuple->items;
  if (!repr && args.size() == 1)
    return ev.toText(args[0], /*repr=*/false, at);
  if (!repr && args.empty())
    return std::string();
  auto items = itemsText(ev, args, at);
  if (failed(items))
    return failure();
  return (repr ? exception->type->name : "") + "(" + *items + ")";
}

FailureOr<std::string> Evaluator::toText(Value value, bool repr, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (value.kind()) {
  case ValueKind::None:
    return std::string("None");
  case ValueKind::Ellipsis:
    return std::string("Ellipsis");
  case ValueKind::NotImplemented:
    return std::string("NotImplemented");
  case ValueKind::Bool:
    return std::string(value.asBool() ? "True" : "False");
  case ValueKind::Int:
    return std::to_string(value.asInt());
  case ValueKind::Float:
    return floatRepr(value.asDouble());
  case ValueKind::String: {
    const std::string &text = value.as<StringObject>()->text;
    return repr ? stringRepr(text) : text;
  }
  case ValueKind::DType: {
    llvm::StringRef text = lamina::name(value.as<DTypeObject>()->dtype);
    return repr ? stringRepr(text) : text.str();
  }
  case ValueKind::Size:
    return value.as<SizeObject>()->size.str();
  case ValueKind::Tensor:
    return "<tensor " + tensorText(value.as<TensorObject>()) + ">";
  case ValueKind::Namespace:
    return "<module '" + value.as<NamespaceObject>()->path + "'>";
  case ValueKind::Function:
    return "<function " + in.nameOf(value.as<FunctionObject>()) + ">";
  case ValueKind::Builtin:
    return "<built-in function " + value.as<BuiltinObject>()->name + ">";
  case ValueKind::Class: {
    auto *type = value.as<ClassObject>();
    bool isUsers = type->definedAt.isValid() && !type->fromLibrary;
    return "<class '" + std::string(isUsers ? "__main__." : "") + type->name +
           "'>";
  }
  case ValueKind::Super:
    return std::string("<super object>");
  case ValueKind::Descriptor:
    return "<" + classOf(value)->name + " object>";
  case ValueKind::Iterator:
    return std::string("<generator object>");
  case ValueKind::Range: {
    auto *range = value.as<RangeObject>();
    std::string text = "range(" + std::to_string(range->start) + ", " +
                       std::to_string(range->stop);
    if (range->step != 1)
      text += ", " + std::to_string(range->step);
    return text + ")";
  }
  default:
    break;
  }

  // Containers and instances, which may contain themselves.
  const Object *object = value.object();
  NestingGuard guard(state->nesting);
  if (state->nesting > limits::nesting)
    return in.error(at, "the value is nested too deeply to be shown as text");
  if (llvm::is_contained(state->printing, object)) {
    if (value.is(ValueKind::List))
      return std::string("[...]");
    if (value.is(ValueKind::Dict))
      return std::string("{...}");
    return std::string("(...)");
  }
  state->printing.push_back(object);
  llvm::scope_exit done([&] { state->printing.pop_back(); });
  switch (value.kind()) {
  case ValueKind::Tuple: {
    const auto &items = value.as<TupleObject>()->items;
    auto text = itemsText(*this, items, at);
    if (failed(text))
      return failure();
    return "(" + *text + (items.size() == 1 ? ",)" : ")");
  }
  case ValueKind::List: {
    auto text = itemsText(*this, value.as<ListObject>()->items, at);
    if (failed(text))
      return failure();
    return "[" + *text + "]";
  }
  case ValueKind::Set: {
    const auto &items = value.as<SetObject>()->items;
    auto text = itemsText(*this, items, at);
    if (failed(text))
      return failure();
    return items.empty() ? "set()" : "{" + *text + "}";
  }
  case ValueKind::Dict:
    return dictText(*this, value.as<DictObject>(), at);
  case ValueKind::Slice: {
    auto *slice = value.as<SliceObject>();
    auto text = itemsText(*this, {slice->lower, slice->upper, slice->step}, at);
    if (failed(text))
      return failure();
    return "slice(" + *text + ")";
  }
  case ValueKind::BoundMethod: {
    auto *method = value.as<BoundMethodObject>();
    if (auto *function = method->function.as<FunctionObject>())
      return "<bound method " + in.nameOf(function) + ">";
    return std::string("<bound method>");
  }
  case ValueKind::Instance: {
    auto *instance = value.as<InstanceObject>();
    std::optional<Value> method;
    if (!repr)
      method = in.special(value, "__str__");
    if (!method &&
        !(instance->type->isSubclassOf(state->exceptionClass) && !repr))
      method = in.special(value, "__repr__");
    if (!method) {
      if (instance->type->isSubclassOf(state->exceptionClass))
        return exceptionText(*this, instance, repr, at);
      bool isUsers = !instance->type->fromLibrary;
      return "<" + std::string(isUsers ? "__main__." : "") +
             instance->type->name + " object>";
    }
    Result result = call(*method, std::vector<Value>{}, at);
    if (failed(result))
      return failure();
    if (auto *text = result->as<StringObject>())
      return text->text;
    return in.error(at, std::string(repr ? "__repr__" : "__str__") +
                            " returned non-string (type " +
                            classOf(*result)->name + ")");
  }
  default:
    return std::string("<object>");
  }
}

/// "the int 3", "a list of 3 tensors", "float32[n,10]".
std::string Evaluator::describe(Value value) {
  auto sequence = [&](llvm::StringRef type, llvm::ArrayRef<Value> items) {
    std::string text = ("a " + type + " of " + llvm::Twine(items.size())).str();
    bool plural = items.size() != 1;
    if (!items.empty() &&
        llvm::all_of(items, [](Value v) { return v.isTensor(); }))
      return text + (plural ? " tensors" : " tensor");
    return text + (plural ? " elements" : " element");
  };
  switch (value.kind()) {
  case ValueKind::None:
    return "None";
  case ValueKind::Bool:
  case ValueKind::Int:
  case ValueKind::Float:
    return "the " + classOf(value)->name + " " + repr(value);
  case ValueKind::String: {
    std::string text = repr(value);
    return text.size() <= 40 ? "the string " + text : "a string";
  }
  case ValueKind::DType:
    return "the dtype " + str(value);
  case ValueKind::Size:
    return "the size " + str(value);
  case ValueKind::Tensor:
    return tensorText(value.as<TensorObject>());
  case ValueKind::Tuple:
    return sequence("tuple", value.as<TupleObject>()->items);
  case ValueKind::List:
    return sequence("list", value.as<ListObject>()->items);
  case ValueKind::Set:
    return sequence("set", value.as<SetObject>()->items);
  case ValueKind::Dict:
    return "a dictionary";
  case ValueKind::Function: {
    auto *function = value.as<FunctionObject>();
    return function->expression ? "a lambda"
                                : "the function '" + function->name + "'";
  }
  case ValueKind::Builtin:
    return "the function '" + value.as<BuiltinObject>()->name + "'";
  case ValueKind::BoundMethod:
    return "a method";
  case ValueKind::Class:
    return "the class '" + value.as<ClassObject>()->name + "'";
  case ValueKind::Namespace:
    return "the module '" + value.as<NamespaceObject>()->path + "'";
  case ValueKind::Instance:
    return "an object of class '" + classOf(value)->name + "'";
  case ValueKind::Ellipsis:
    return "...";
  default:
    return "a " + classOf(value)->name + " object";
  }
}
