//===- Value.h - the values of the static evaluator -------------*- C++ -*-===//
//
// Numbers, strings and containers are evaluated at compile time with Python's
// semantics; a TensorObject stands for a value of the compiled program.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_FRONTEND_VALUE_H
#define LAMINA_FRONTEND_VALUE_H

#include "lamina/Frontend/AST.h"
#include "lamina/Frontend/Size.h"
#include "lamina/Support/NDArray.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace lamina::frontend {

class Evaluator;
struct NameTable;
struct Scope;

enum class ValueKind {
  // immediate
  None,
  Ellipsis,
  NotImplemented,
  Bool,
  Int,
  Float,
  // objects
  String,
  DType,
  Size,
  Tuple,
  List,
  Dict,
  Set,
  Range,
  Slice,
  Iterator,
  Function,
  Builtin,
  BoundMethod,
  Class,
  Instance,
  Descriptor,
  Super,
  Namespace,
  Tensor,
};

/// What all heap values share. They live as long as their Evaluator.
struct Object {
  const ValueKind kind;
  llvm::SMRange definedAt; // where it was made, for notes
  explicit Object(ValueKind kind) : kind(kind) {}
  virtual ~Object() = default;
};

/// A handle: an immediate, or a reference to an object (assignment shares it,
/// as in Python).
class Value {
public:
  Value() : kindValue(ValueKind::None), intValue(0) {}
  static Value none() { return {}; }
  static Value ellipsis() { return Value(ValueKind::Ellipsis, int64_t(0)); }
  static Value notImplemented() {
    return Value(ValueKind::NotImplemented, int64_t(0));
  }
  static Value boolean(bool b) { return Value(ValueKind::Bool, int64_t(b)); }
  static Value integer(int64_t i) { return Value(ValueKind::Int, i); }
  static Value floating(double d) {
    Value v;
    v.kindValue = ValueKind::Float;
    v.floatValue = d;
    return v;
  }
  Value(Object *object) : kindValue(object->kind), objectValue(object) {}

  ValueKind kind() const { return kindValue; }
  bool is(ValueKind k) const { return kindValue == k; }
  bool isNone() const { return is(ValueKind::None); }
  /// Bool counts as a number, as in Python.
  bool isInteger() const { return is(ValueKind::Int) || is(ValueKind::Bool); }
  bool isNumber() const { return isInteger() || is(ValueKind::Float); }
  bool isTensor() const { return is(ValueKind::Tensor); }

  bool asBool() const { return intValue != 0; }
  int64_t asInt() const { return intValue; }
  double asDouble() const {
    return is(ValueKind::Float) ? floatValue : double(intValue);
  }
  Object *object() const {
    return kindValue >= ValueKind::String ? objectValue : nullptr;
  }
  /// The object as `T`, or null.
  template <typename T>
  T *as() const {
    return kindValue == T::Kind ? static_cast<T *>(objectValue) : nullptr;
  }
  /// Python's `is`.
  bool same(const Value &other) const {
    if (kindValue != other.kindValue)
      return false;
    return is(ValueKind::Float) ? std::bit_cast<int64_t>(floatValue) ==
                                      std::bit_cast<int64_t>(other.floatValue)
                                : intValue == other.intValue;
  }

private:
  Value(ValueKind k, int64_t i) : kindValue(k), intValue(i) {}
  ValueKind kindValue;
  union {
    int64_t intValue;
    double floatValue;
    Object *objectValue;
  };
};

template <ValueKind K>
struct ObjectOf : Object {
  static constexpr ValueKind Kind = K;
  ObjectOf() : Object(K) {}
};

struct StringObject : ObjectOf<ValueKind::String> {
  std::string text;
  explicit StringObject(std::string t) : text(std::move(t)) {}
};
/// `tf.float32`, `x.dtype`; equal to its name as a string.
struct DTypeObject : ObjectOf<ValueKind::DType> {
  lamina::DType dtype;
  explicit DTypeObject(lamina::DType d) : dtype(d) {}
};
/// A size that is only known as a symbol; a static one is an Int.
struct SizeObject : ObjectOf<ValueKind::Size> {
  Size size;
  explicit SizeObject(Size s) : size(std::move(s)) {}
};
struct TupleObject : ObjectOf<ValueKind::Tuple> {
  std::vector<Value> items;
  explicit TupleObject(std::vector<Value> i) : items(std::move(i)) {}
};
struct ListObject : ObjectOf<ValueKind::List> {
  std::vector<Value> items;
  explicit ListObject(std::vector<Value> i) : items(std::move(i)) {}
};
/// Positions of keys by their hash. `covered` keys are in it; keys that were
/// appended since are added at the next lookup, after a removal it is built
/// anew.
struct KeyIndex {
  std::unordered_multimap<uint64_t, size_t> positions;
  size_t covered = 0;
};
/// Keeps insertion order. Read `items` freely; lookup, insertion and removal by
/// Python's hash and
/// `==` are Evaluator::lookup, store and remove.
struct DictObject : ObjectOf<ValueKind::Dict> {
  std::vector<std::pair<Value, Value>> items;
  KeyIndex index;
};
struct SetObject : ObjectOf<ValueKind::Set> {
  std::vector<Value> items;
  KeyIndex index;
};
struct RangeObject : ObjectOf<ValueKind::Range> {
  int64_t start, stop, step;
  RangeObject(int64_t a, int64_t b, int64_t c) : start(a), stop(b), step(c) {}
};
struct SliceObject : ObjectOf<ValueKind::Slice> {
  Value lower, upper, step;
  SliceObject(Value l, Value u, Value s) : lower(l), upper(u), step(s) {}
};
/// The result of a generator expression, zip, map, enumerate, reversed, iter:
/// consumed once. Either over `items`, or lazily by `step`, which gives nothing
/// at the end (see Evaluator::next).
struct IteratorObject : ObjectOf<ValueKind::Iterator> {
  using Step =
      std::function<mlir::FailureOr<std::optional<Value>>(Evaluator &)>;
  std::vector<Value> items;
  size_t position = 0;
  Step step;
  explicit IteratorObject(std::vector<Value> i) : items(std::move(i)) {}
  explicit IteratorObject(Step s) : step(std::move(s)) {}
};

/// Arguments of a call after unpacking.
struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
  llvm::SMRange range;                     // the whole call
  std::vector<llvm::SMRange> positionalAt; // may be shorter than positional
  std::vector<llvm::SMRange> keywordsAt;

  llvm::SMRange at(size_t i) const {
    return i < positionalAt.size() ? positionalAt[i] : range;
  }
  /// The keyword's value, or null.
  const Value *keyword(llvm::StringRef name) const;
};

struct ClassObject;

/// A `def` or `lambda` with its closure and evaluated defaults.
struct FunctionObject : ObjectOf<ValueKind::Function> {
  std::string name; // "<lambda>" for a lambda
  llvm::ArrayRef<ast::Parameter> params;
  std::vector<Value> defaults; // one per parameter, meaningful where hasDefault
  std::vector<bool> hasDefault;
  ast::Block body;                       // of a def
  const ast::Expr *expression = nullptr; // of a lambda
  Scope *closure = nullptr;
  const NameTable *names = nullptr; // which names are local
  ClassObject *definedIn = nullptr; // for super()
  bool fromLibrary = false; // errors inside are reported at the user's call
  std::string docstring;
  llvm::MapVector<std::string, Value, std::map<std::string, unsigned>>
      attributes;
};

/// A function written in C++.
struct BuiltinObject : ObjectOf<ValueKind::Builtin> {
  using Function =
      std::function<mlir::FailureOr<Value>(Evaluator &, CallArgs &)>;
  std::string name;
  Function function;
  bool isMethod = false; // as a class attribute it binds the instance as first argument
  BuiltinObject(std::string n, Function f)
      : name(std::move(n)), function(std::move(f)) {}
};
struct BoundMethodObject : ObjectOf<ValueKind::BoundMethod> {
  Value self, function;
  BoundMethodObject(Value s, Value f) : self(s), function(f) {}
};
/// property, staticmethod and classmethod.
struct DescriptorObject : ObjectOf<ValueKind::Descriptor> {
  enum Type { Property, StaticMethod, ClassMethod } type;
  Value function;
  Value setter; // of a property, or None
  DescriptorObject(Type t, Value f) : type(t), function(f) {}
};
/// A class. A builtin one (`int`, `list`, …) has its constructor in the
/// attribute `__new__`, which is called with the class and the arguments.
struct ClassObject : ObjectOf<ValueKind::Class> {
  std::string name;
  std::vector<ClassObject *> bases;
  std::vector<ClassObject *> mro; // itself first
  llvm::MapVector<std::string, Value, std::map<std::string, unsigned>>
      attributes;
  bool fromLibrary = false;
  bool isSubclassOf(const ClassObject *other) const;
  const Value *find(llvm::StringRef name) const; // along the mro
};
struct InstanceObject : ObjectOf<ValueKind::Instance> {
  ClassObject *type;
  llvm::MapVector<std::string, Value, std::map<std::string, unsigned>>
      attributes;
  /// State of built-in classes (Layer, Model, Variable, …), owned by the C++
  /// that implements them.
  std::shared_ptr<void> native;
  explicit InstanceObject(ClassObject *t) : type(t) {}
};
struct SuperObject : ObjectOf<ValueKind::Super> {
  ClassObject *after; // attribute lookup starts behind this class in self's mro
  Value self;
  SuperObject(ClassObject *a, Value s) : after(a), self(s) {}
};
/// `tf`, `keras.layers`, `np.linalg`: attributes resolve through the library
/// (see Library.h).
struct NamespaceObject : ObjectOf<ValueKind::Namespace> {
  std::string path; // canonical: "tf.math", "keras.ops"
  explicit NamespaceObject(std::string p) : path(std::move(p)) {}
};
/// A tensor of the compiled program. `weak`: made of Python scalars only, so
/// that it takes the dtype of what it meets.
struct TensorObject : ObjectOf<ValueKind::Tensor> {
  mlir::Value value; // of ranked tensor type
  Shape shape;       // symbolic; agrees with the type of `value`
  bool weak = false;
  Value keras; // mask or history attached by layers, else None
  /// The `model.weight` that this is; `value` is another one where training has
  /// assigned to it.
  mlir::Operation *variable = nullptr;
  TensorObject(mlir::Value v, Shape s) : value(v), shape(std::move(s)) {}
};

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_VALUE_H
