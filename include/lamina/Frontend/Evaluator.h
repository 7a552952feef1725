//===- Evaluator.h - static evaluation with Python's semantics --*- C++ -*-===//
//
// Runs a program at compile time. Whatever involves a tensor goes to the
// Tracer, which emits `lam`; layers and models are in Layers.h.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_FRONTEND_EVALUATOR_H
#define LAMINA_FRONTEND_EVALUATOR_H

#include "lamina/Frontend/Diagnostics.h"
#include "lamina/Frontend/Value.h"
#include "llvm/ADT/StringSet.h"
#include <memory>

namespace lamina::frontend {

class Tracer;
class ModelBuilder;

/// The names that a function body binds: they are local to it wherever they are
/// used.
struct NameTable {
  llvm::StringSet<> locals, globals, nonlocals;
};

/// Names of a function call, a module or a comprehension. Lookup goes outwards.
struct Scope {
  Scope *parent =
      nullptr; // lexically enclosing; null: builtins and library follow
  llvm::StringMap<Value> names;
  const NameTable *table = nullptr; // of a function
  llvm::StringRef nameSpace;        // of a library file's outermost scope
  std::vector<std::string> order;   // of a class body's names
  ClassObject *definedIn = nullptr; // of a method's scope, for super()
  Value self;                       // first argument of a method
  bool isFunction = false, isClass = false, isComprehension = false,
       isLibrary = false;
  bool captured =
      false; // by a function or a generator that may outlive the call
};

/// `mlir::FailureOr` throughout: a failure has already been reported to
/// diagnostics().
using Result = mlir::FailureOr<Value>;

class Evaluator {
public:
  Evaluator(mlir::MLIRContext &context, Diagnostics &diags);
  ~Evaluator();

  // ---- running
  /// Runs the statements in the module's scope. After an error it goes on with
  /// the next top-level statement; names that a failed statement would have set
  /// are poisoned (using them fails silently), so that one mistake gives one
  /// error.
  mlir::LogicalResult run(const ast::Module &module);
  Scope &globals();
  Result evaluate(const ast::Expr *expr, Scope &scope);

  // ---- the object protocol; every one reports its own errors at `at`
  Result call(Value callee, CallArgs args);
  Result call(Value callee, std::vector<Value> positional, llvm::SMRange at);
  Result getAttribute(Value object, llvm::StringRef name, llvm::SMRange at);
  /// Nothing, without an error, if there is no such attribute; a property may
  /// fail.
  std::optional<Result> findAttribute(Value object, llvm::StringRef name,
                                      llvm::SMRange at = {});
  mlir::LogicalResult setAttribute(Value object, llvm::StringRef name,
                                   Value value, llvm::SMRange at);
  mlir::LogicalResult deleteAttribute(Value object, llvm::StringRef name,
                                      llvm::SMRange at);
  Result getItem(Value object, Value index, llvm::SMRange at);
  mlir::LogicalResult setItem(Value object, Value index, Value value,
                              llvm::SMRange at);
  mlir::LogicalResult deleteItem(Value object, Value index, llvm::SMRange at);
  Result unary(ast::UnaryOp op, Value x, llvm::SMRange at);
  Result binary(ast::BinaryOp op, Value a, Value b, llvm::SMRange at);
  /// `a op= b`: in place where Python does so (lists, sets, dicts, `__iadd__`
  /// …).
  Result augmented(ast::BinaryOp op, Value a, Value b, llvm::SMRange at);
  Result compare(ast::CompareOp op, Value a, Value b, llvm::SMRange at);
  /// Python's truth; a tensor is an error that suggests `where`.
  mlir::FailureOr<bool> truth(Value value, llvm::SMRange at);
  mlir::FailureOr<bool> equal(Value a, Value b, llvm::SMRange at);
  mlir::FailureOr<bool> contains(Value container, Value item, llvm::SMRange at);
  /// The elements of a finite iterable, at once.
  mlir::FailureOr<std::vector<Value>> iterate(Value iterable, llvm::SMRange at);
  /// Python's iter() and next(); the end gives nothing.
  mlir::FailureOr<IteratorObject *> iterator(Value iterable, llvm::SMRange at);
  mlir::FailureOr<std::optional<Value>> next(IteratorObject *iterator,
                                             llvm::SMRange at);
  mlir::FailureOr<int64_t> length(Value value, llvm::SMRange at);
  /// The class of any value: `type(x)`.
  ClassObject *classOf(Value value);
  /// `classes` is a class or a (nested) tuple of classes.
  mlir::FailureOr<bool> isInstance(Value value, Value classes,
                                   llvm::SMRange at);
  bool isCallable(Value value);

  // ---- dictionaries and sets; an unhashable key is an error
  /// The value of `key`, or null. Valid until the dictionary changes.
  mlir::FailureOr<Value *> lookup(DictObject *dict, Value key,
                                  llvm::SMRange at);
  mlir::LogicalResult store(DictObject *dict, Value key, Value value,
                            llvm::SMRange at);
  /// Takes `key` out; nothing if it is not there.
  mlir::FailureOr<std::optional<Value>> remove(DictObject *dict, Value key,
                                               llvm::SMRange at);
  /// The value of a string key, or null.
  Value *lookup(DictObject *dict, llvm::StringRef key);
  mlir::FailureOr<bool> lookup(SetObject *set, Value item, llvm::SMRange at);
  mlir::LogicalResult insert(SetObject *set, Value item, llvm::SMRange at);
  mlir::FailureOr<bool> remove(SetObject *set, Value item, llvm::SMRange at);

  // ---- text
  std::string str(Value value);  // Python's str()
  std::string repr(Value value); // Python's repr()
  /// The same where a `__str__` or `__repr__` may fail.
  mlir::FailureOr<std::string> toText(Value value, bool repr, llvm::SMRange at);
  /// Python's format(value, spec).
  mlir::FailureOr<std::string> format(Value value, llvm::StringRef spec,
                                      llvm::SMRange at);
  /// "float", "a list of 3 tensors", "float32[n,10]": for messages.
  std::string describe(Value value);

  // ---- making values
  template <typename T, typename... Args>
  T *make(Args &&...args) {
    auto owned = std::make_unique<T>(std::forward<Args>(args)...);
    T *raw = owned.get();
    heap.push_back(std::move(owned));
    heapBytes += sizeof(T);
    return raw;
  }
  Value string(llvm::StringRef text) {
    heapBytes += text.size();
    return make<StringObject>(text.str());
  }
  Value tuple(std::vector<Value> items) {
    heapBytes += items.size() * sizeof(Value);
    return make<TupleObject>(std::move(items));
  }
  Value list(std::vector<Value> items) {
    heapBytes += items.size() * sizeof(Value);
    return make<ListObject>(std::move(items));
  }
  Value size(const Size &size); // an Int if static
  /// A dictionary with string keys, in this order.
  Value dict(llvm::ArrayRef<std::pair<std::string, Value>> items);
  /// A class written in C++. Its name is not defined anywhere yet.
  ClassObject *makeClass(llvm::StringRef name,
                         llvm::ArrayRef<ClassObject *> bases);

  // ---- names
  /// Defines a name in the builtin scope: visible everywhere, also as an
  /// attribute of the namespaces (`keras.Input`).
  void define(llvm::StringRef name, Value value);
  void define(llvm::StringRef name, BuiltinObject::Function function);
  /// Defines a name in one canonical namespace only: ("math", "floor").
  void defineIn(llvm::StringRef nameSpace, llvm::StringRef name, Value value);
  void defineIn(llvm::StringRef nameSpace, llvm::StringRef name,
                BuiltinObject::Function function);
  /// Defines one of Python's own names: in scope, but not an attribute of any
  /// namespace.
  void definePython(llvm::StringRef name, Value value);
  void definePython(llvm::StringRef name, BuiltinObject::Function function);
  /// Defines `name` in namespace `prim`: the primitives that only library code
  /// sees.
  void definePrimitive(llvm::StringRef name, BuiltinObject::Function function);
  /// A library definition, evaluated on first use ("" is the flat namespace);
  /// null if there is none.
  std::optional<Result> library(llvm::StringRef nameSpace,
                                llvm::StringRef name);
  /// Calls a library function by name (it must exist).
  Result callLibrary(llvm::StringRef name, CallArgs args);

  /// Called when the user's program assigns to a variable: an Input without a
  /// name takes the variable's.
  std::function<void(llvm::StringRef, Value)> onAssign;

  // ---- errors
  /// Reports an error and returns failure. Inside library code the error is
  /// placed at the innermost user range, with the call chain as notes.
  mlir::LogicalResult error(llvm::SMRange at, const llvm::Twine &message);
  Diagnostic &diagnose(llvm::SMRange at, const llvm::Twine &message);
  Diagnostics &diagnostics() { return diags; }

  /// The user's source range that is being evaluated, and its MLIR location.
  llvm::SMRange currentRange() const;
  mlir::Location currentLocation();
  /// Is library code (rather than the user's) being evaluated?
  bool inLibrary() const;
  /// Counts work that is done at compile time; an error when a program does too
  /// much of it.
  mlir::LogicalResult spend(uint64_t steps, llvm::SMRange at);

  mlir::MLIRContext &context() { return mlirContext; }
  Tracer &tracer() { return *tracerValue; }
  ModelBuilder &models() { return *modelBuilder; }

private:
  friend class Interpretation; // Evaluator's implementation, split over several
                               // files
  struct Frame;
  mlir::MLIRContext &mlirContext;
  Diagnostics &diags;
  std::vector<std::unique_ptr<Object>> heap;
  size_t heapBytes = 0;
  std::unique_ptr<Tracer> tracerValue;
  std::unique_ptr<ModelBuilder> modelBuilder;
  struct State;
  std::unique_ptr<State> state;
};

/// Checks and converts call arguments the way Python binds parameters. Usage in
/// a builtin:
///   ArgParser p(evaluator, args, "reshape", {"x", "newshape"});   // "axis="
///   is optional if (p.failed()) return failure(); p["x"] …
class ArgParser {
public:
  /// A name ending in "=" is optional (None if absent); "*name" takes the rest
  /// as a tuple.
  ArgParser(Evaluator &evaluator, CallArgs &args, llvm::StringRef function,
            llvm::ArrayRef<llvm::StringRef> params);
  bool failed() const { return bad; }
  bool has(llvm::StringRef name) const;
  Value operator[](llvm::StringRef name) const;
  llvm::SMRange at(llvm::StringRef name) const;
  // Typed access; each reports an error naming the parameter and what was
  // found.
  mlir::FailureOr<int64_t> integer(llvm::StringRef name);
  mlir::FailureOr<double> number(llvm::StringRef name);
  mlir::FailureOr<bool> boolean(llvm::StringRef name);
  mlir::FailureOr<std::string> string(llvm::StringRef name);
  /// An int or a sequence of ints.
  mlir::FailureOr<llvm::SmallVector<int64_t>> integers(llvm::StringRef name);

private:
  Evaluator &evaluator;
  llvm::StringRef function;
  struct Bound {
    std::string name;
    Value value;
    llvm::SMRange range;
    bool given;
  };
  std::vector<Bound> bound;
  bool bad = false;
  const Bound *find(llvm::StringRef name) const;
};

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_EVALUATOR_H
