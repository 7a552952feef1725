//===- InterpretationAttributes.cpp - attributes of every kind of value ---===//
#include "Interpretation.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/STLExtras.h"

using namespace lamina;
using namespace lamina::frontend;

Result Interpretation::bindAttribute(Value attribute, Value self,
                                     ClassObject *type, SMRange at) {
  switch (attribute.kind()) {
  case ValueKind::Function:
    return Value(ev.make<BoundMethodObject>(self, attribute));
  case ValueKind::Builtin:
    if (!attribute.as<BuiltinObject>()->isMethod)
      return attribute;
    return Value(ev.make<BoundMethodObject>(self, attribute));
  case ValueKind::Descriptor: {
    auto *descriptor = attribute.as<DescriptorObject>();
    switch (descriptor->type) {
    case DescriptorObject::Property:
      return ev.call(descriptor->function, {self}, at);
    case DescriptorObject::StaticMethod:
      return descriptor->function;
    case DescriptorObject::ClassMethod:
      return Value(
          ev.make<BoundMethodObject>(Value(type), descriptor->function));
    }
    return failure();
  }
  case ValueKind::Instance:
    if (std::optional<Value> get = special(attribute, "__get__"))
      return ev.call(*get, {self, Value(type)}, at);
    return attribute;
  default:
    return attribute;
  }
}

std::optional<Value> Interpretation::special(Value value,
                                             llvm::StringRef name) {
  ClassObject *type = ev.classOf(value);
  std::string key = name.str();
  for (ClassObject *base : type->mro) {
    if (base == state.objectClass)
      break;
    auto found = base->attributes.find(key);
    if (found == base->attributes.end())
      continue;
    if (found->second.isNone())
      return std::nullopt; // __hash__ = None
    Result bound = bindAttribute(found->second, value, type, {});
    if (failed(bound))
      return std::nullopt;
    return *bound;
  }
  return std::nullopt;
}

std::optional<Result> Interpretation::instanceAttribute(InstanceObject *object,
                                                        llvm::StringRef name,
                                                        SMRange at) {
  ClassObject *type = object->type;
  const Value *inClass = type->find(name);
  if (inClass && inClass->is(ValueKind::Descriptor) &&
      inClass->as<DescriptorObject>()->type == DescriptorObject::Property)
    return bindAttribute(*inClass, object, type, at);
  auto own = object->attributes.find(name.str());
  if (own != object->attributes.end())
    return Result(own->second);
  if (inClass)
    return bindAttribute(*inClass, object, type, at);
  if (name == "__class__")
    return Result(Value(type));
  if (name == "__dict__") {
    auto *dict = ev.make<DictObject>();
    for (const auto &[key, value] : object->attributes)
      dict->items.emplace_back(ev.string(key), value);
    return Result(Value(dict));
  }
  if (std::optional<Value> fallback = special(object, "__getattr__"))
    return ev.call(*fallback, {ev.string(name)}, at);
  return std::nullopt;
}

std::optional<Result> Interpretation::classAttribute(ClassObject *type,
                                                     llvm::StringRef name,
                                                     SMRange at) {
  if (const Value *found = type->find(name)) {
    auto *descriptor = found->as<DescriptorObject>();
    if (descriptor && descriptor->type != DescriptorObject::Property)
      return bindAttribute(*found, Value(type), type, at);
    return Result(*found);
  }
  auto tupleOf = [&](llvm::ArrayRef<ClassObject *> classes) {
    std::vector<Value> items(classes.begin(), classes.end());
    return Result(ev.tuple(std::move(items)));
  };
  if (name == "__name__" || name == "__qualname__")
    return Result(ev.string(type->name));
  if (name == "__mro__")
    return tupleOf(type->mro);
  if (name == "__bases__")
    return tupleOf(type->bases);
  if (name == "__doc__")
    return Result(Value::none());
  if (name == "__module__")
    return Result(ev.string(type->fromLibrary ? "keras" : "__main__"));
  if (name == "__dict__") {
    auto *dict = ev.make<DictObject>();
    for (const auto &[key, value] : type->attributes)
      dict->items.emplace_back(ev.string(key), value);
    return Result(Value(dict));
  }
  return std::nullopt;
}

/// `.start` of a slice, `.name` of a dtype, `.__name__` of a function, …
static std::optional<Value> builtinAttribute(Evaluator &ev, Value object,
                                             llvm::StringRef name) {
  switch (object.kind()) {
  case ValueKind::Bool:
  case ValueKind::Int:
  case ValueKind::Float:
    if (name == "real")
      return object.is(ValueKind::Bool) ? Value::integer(object.asInt())
                                        : object;
    if (name == "imag")
      return object.is(ValueKind::Float) ? Value::floating(0)
                                         : Value::integer(0);
    if (name == "numerator" && object.isInteger())
      return Value::integer(object.asInt());
    if (name == "denominator" && object.isInteger())
      return Value::integer(1);
    return std::nullopt;
  case ValueKind::Slice: {
    auto *slice = object.as<SliceObject>();
    if (name == "start")
      return slice->lower;
    if (name == "stop")
      return slice->upper;
    if (name == "step")
      return slice->step;
    return std::nullopt;
  }
  case ValueKind::Range: {
    auto *range = object.as<RangeObject>();
    if (name == "start")
      return Value::integer(range->start);
    if (name == "stop")
      return Value::integer(range->stop);
    if (name == "step")
      return Value::integer(range->step);
    return std::nullopt;
  }
  case ValueKind::Tuple: // tf.TensorShape
    if (name == "rank" || name == "ndims")
      return Value::integer(object.as<TupleObject>()->items.size());
    if (name == "dims")
      return ev.list(object.as<TupleObject>()->items);
    return std::nullopt;
  case ValueKind::DType: {
    DType dtype = object.as<DTypeObject>()->dtype;
    if (name == "name" || name == "__name__")
      return ev.string(lamina::name(dtype));
    if (name == "is_floating")
      return Value::boolean(isFloat(dtype));
    if (name == "is_integer")
      return Value::boolean(isInteger(dtype));
    if (name == "is_bool")
      return Value::boolean(dtype == DType::Bool);
    if (name == "is_unsigned")
      return Value::boolean(isUnsigned(dtype));
    if (name == "is_complex")
      return Value::boolean(false);
    if (name == "size" || name == "itemsize")
      return Value::integer(sizeOf(dtype));
    if (name == "as_numpy_dtype" || name == "base_dtype" || name == "type")
      return object;
    return std::nullopt;
  }
  case ValueKind::Function: {
    auto *function = object.as<FunctionObject>();
    auto own = function->attributes.find(name.str());
    if (own != function->attributes.end())
      return own->second;
    if (name == "__name__" || name == "__qualname__")
      return ev.string(function->name);
    if (name == "__doc__")
      return function->docstring.empty() ? Value::none()
                                         : ev.string(function->docstring);
    if (name == "__module__")
      return ev.string("__main__");
    if (name == "__defaults__") {
      std::vector<Value> values;
      for (auto [i, param] : llvm::enumerate(function->params))
        if (param.kind == ast::Parameter::Kind::Positional &&
            function->hasDefault[i])
          values.push_back(function->defaults[i]);
      return values.empty() ? Value::none() : ev.tuple(std::move(values));
    }
    return std::nullopt;
  }
  case ValueKind::Builtin:
    if (name == "__name__" || name == "__qualname__")
      return ev.string(object.as<BuiltinObject>()->name);
    return std::nullopt;
  case ValueKind::BoundMethod: {
    auto *method = object.as<BoundMethodObject>();
    if (name == "__self__")
      return method->self;
    if (name == "__func__")
      return method->function;
    return builtinAttribute(ev, method->function, name);
  }
  case ValueKind::Descriptor: {
    auto *property = object.as<DescriptorObject>();
    if (property->type != DescriptorObject::Property)
      return name == "__func__" ? std::optional(property->function)
                                : std::nullopt;
    if (name == "fget")
      return property->function;
    if (name != "setter" && name != "getter" && name != "deleter")
      return std::nullopt;
    std::string which = name.str();
    return Value(ev.make<BuiltinObject>(
        which, [property, which](Evaluator &ev, CallArgs &args) -> Result {
          ArgParser p(ev, args, which, {"function"});
          if (p.failed())
            return failure();
          auto *result = ev.make<DescriptorObject>(*property);
          if (which == "setter")
            result->setter = p["function"];
          else if (which == "getter")
            result->function = p["function"];
          return Value(result);
        }));
  }
  default:
    return std::nullopt;
  }
}

std::optional<Result>
Evaluator::findAttribute(Value object, llvm::StringRef name, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (object.kind()) {
  case ValueKind::Instance:
    return in.instanceAttribute(object.as<InstanceObject>(), name, at);
  case ValueKind::Class:
    if (auto found = in.classAttribute(object.as<ClassObject>(), name, at))
      return found;
    break;
  case ValueKind::Namespace:
    return in.namespaceAttribute(object.as<NamespaceObject>()->path, name);
  case ValueKind::Tensor:
    return tracer().attribute(object.as<TensorObject>(), name, at);
  case ValueKind::Super: {
    auto *super = object.as<SuperObject>();
    auto *self = super->self.as<ClassObject>();
    ClassObject *type = self ? self : classOf(super->self);
    auto position = llvm::find(type->mro, super->after);
    for (ClassObject *base : llvm::make_range(position + 1, type->mro.end())) {
      auto found = base->attributes.find(name.str());
      if (found == base->attributes.end())
        continue;
      if (self && found->second.is(ValueKind::Function))
        return Result(found->second);
      return in.bindAttribute(found->second, super->self, type, at);
    }
    return std::nullopt;
  }
  default:
    break;
  }
  if (std::optional<Value> value = builtinAttribute(*this, object, name))
    return Result(*value);
  if (name == "__class__")
    return Result(Value(classOf(object)));
  // A dtype is Keras's string as well.
  if (auto *dtype = object.as<DTypeObject>())
    object = string(lamina::name(dtype->dtype));
  if (const Value *method = classOf(object)->find(name);
      method && method->is(ValueKind::Builtin))
    return in.bindAttribute(*method, object, classOf(object), at);
  return std::nullopt;
}

Result Evaluator::getAttribute(Value object, llvm::StringRef name, SMRange at) {
  if (std::optional<Result> found = findAttribute(object, name, at))
    return *found;
  Interpretation &in = *state->interpretation;
  if (auto *space = object.as<NamespaceObject>())
    return in.missingInNamespace(space->path, name, at);
  std::vector<llvm::StringRef> candidates;
  auto addClass = [&](ClassObject *type) {
    for (ClassObject *base : type->mro)
      for (const auto &entry : base->attributes)
        if (!llvm::StringRef(entry.first).starts_with("__"))
          candidates.push_back(entry.first);
  };
  if (auto *instance = object.as<InstanceObject>())
    for (const auto &entry : instance->attributes)
      candidates.push_back(entry.first);
  auto *type = object.as<ClassObject>();
  addClass(type ? type : classOf(object));
  if (object.isTensor())
    llvm::append_range(candidates, Tracer::attributeNames());
  std::string what = type ? "type object '" + type->name + "'"
                     : object.is(ValueKind::Super)
                         ? "'super' object"
                         : "'" + classOf(object)->name + "' object";
  return in.error(at, what + " has no attribute '" + name + "'" +
                          suggestion(name, candidates));
}

LogicalResult Evaluator::setAttribute(Value object, llvm::StringRef name,
                                      Value value, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (object.kind()) {
  case ValueKind::Instance: {
    auto *instance = object.as<InstanceObject>();
    if (std::optional<Value> hook = in.special(object, "__setattr__"))
      return call(*hook, {string(name), value}, at);
    return in.setOwnAttribute(instance, name, value, at);
  }
  case ValueKind::Class:
    object.as<ClassObject>()->attributes[name.str()] = value;
    return success();
  case ValueKind::Function:
    object.as<FunctionObject>()->attributes[name.str()] = value;
    return success();
  case ValueKind::Tensor:
    if (auto weight = models().weightOf(object.as<TensorObject>());
        weight && name == "trainable" && value.is(ValueKind::Bool)) {
      weight.setTrainable(value.asBool());
      return success();
    }
    return error(at, "a tensor has no attribute that can be set");
  default:
    return error(at, "'" + classOf(object)->name +
                         "' object has no attribute '" + name +
                         "' that can be set");
  }
}

/// What object.__setattr__ does: a property's setter, or the instance's own.
LogicalResult Interpretation::setOwnAttribute(InstanceObject *object,
                                              llvm::StringRef name, Value value,
                                              SMRange at) {
  if (const Value *inClass = object->type->find(name)) {
    auto *property = inClass->as<DescriptorObject>();
    if (property && property->type == DescriptorObject::Property) {
      if (property->setter.isNone())
        return ev.error(at, "property '" + name + "' of '" +
                                object->type->name + "' object has no setter");
      return ev.call(property->setter, {Value(object), value}, at);
    }
    if (inClass->is(ValueKind::Instance))
      if (std::optional<Value> set = special(*inClass, "__set__"))
        return ev.call(*set, {Value(object), value}, at);
  }
  object->attributes[name.str()] = value;
  return success();
}

LogicalResult Evaluator::deleteAttribute(Value object, llvm::StringRef name,
                                         SMRange at) {
  if (auto *instance = object.as<InstanceObject>()) {
    if (std::optional<Value> hook =
            state->interpretation->special(object, "__delattr__"))
      return call(*hook, {string(name)}, at);
    auto own = instance->attributes.find(name.str());
    if (own != instance->attributes.end()) {
      instance->attributes.erase(own);
      return success();
    }
  } else if (auto *type = object.as<ClassObject>()) {
    auto own = type->attributes.find(name.str());
    if (own != type->attributes.end()) {
      type->attributes.erase(own);
      return success();
    }
  }
  return error(at, "'" + classOf(object)->name + "' object has no attribute '" +
                       name + "'");
}
