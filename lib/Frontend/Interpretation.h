//===- Interpretation.h - the evaluator's inside ----------------*- C++ -*-===//
//
// Evaluator's state and the evaluation of expressions, statements, calls and
// attributes. Private to lib/Frontend.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LIB_FRONTEND_INTERPRETATION_H
#define LAMINA_LIB_FRONTEND_INTERPRETATION_H

#include "lamina/Frontend/AST.h"
#include "lamina/Frontend/Evaluator.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace lamina::frontend {

using llvm::SMRange;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::succeeded;
using mlir::success;

/// Bounds of what a program may do at compile time.
namespace limits {
constexpr size_t frames = 1000; // nested calls, as in CPython
// Loop iterations, calls, elements visited.
constexpr uint64_t steps = 2'000'000;
constexpr size_t bytes = size_t(1) << 30; // of all values together
constexpr size_t elements = 1'000'000;    // of one list, tuple or range
constexpr size_t text = 16'000'000;       // bytes of one string
constexpr size_t nesting = 1000;       // of a value that is printed or compared
constexpr unsigned stack = 512u << 20; // bytes of native stack
} // namespace limits

/// A call in progress; the first one is the module.
struct Evaluator::Frame {
  std::string function;
  llvm::SMRange callRange; // in the caller
  llvm::SMRange current;   // the expression being evaluated
  bool isLibrary = false;
};

/// The names that the statements bind in their own scope.
void collectNames(ast::Block block, NameTable &table);
/// Only `:=` binds names in an expression.
void collectNames(const ast::Expr *expr, NameTable &table);

/// "; did you mean 'x'?", or "".
std::string suggestion(llvm::StringRef name,
                       llvm::ArrayRef<llvm::StringRef> candidates);

/// -1, 0 or 1; 2 if one of them is NaN. Exact, also for large integers.
int compareNumbers(Value a, Value b);
/// A dtype equals itself and its name.
bool sameDType(const DTypeObject *dtype, Value other);

/// How a statement ended.
enum class Flow { Next, Break, Continue, Return, Error };

class Interpretation {
public:
  explicit Interpretation(Evaluator &evaluator)
      : ev(evaluator), state(*evaluator.state) {}

  static Interpretation &of(Evaluator &evaluator);
  void registerClasses();
  void registerScopeBuiltins();

  // ---- running
  void runModule(const ast::Module &module);
  /// Runs `work` on a stack that is deep enough for limits::frames calls.
  void onDeepStack(llvm::function_ref<void()> work);
  LogicalResult checkStack(llvm::SMRange at);

  // ---- expressions
  Result evaluate(const ast::Expr *expr, Scope &scope);
  FailureOr<CallArgs> arguments(llvm::ArrayRef<ast::Argument> args,
                                Scope &scope, llvm::SMRange range);

  // ---- statements
  Flow execute(ast::Block block, Scope &scope);
  Flow execute(const ast::Stmt *stmt, Scope &scope);
  LogicalResult assign(const ast::Expr *target, Value value, Scope &scope);
  void announce(const ast::Expr *target, Value value);
  Value returned; // by the last Flow::Return

  // ---- names
  Result lookupName(llvm::StringRef name, Scope &scope, llvm::SMRange at);
  std::optional<Result> lookupGlobal(llvm::StringRef name, Scope &root);
  LogicalResult bind(llvm::StringRef name, Value value, Scope &scope,
                     llvm::SMRange at);
  const NameTable *namesOf(ast::Block body,
                           llvm::ArrayRef<ast::Parameter> params);
  const NameTable *namesOf(const ast::Expr *body,
                           llvm::ArrayRef<ast::Parameter> params);
  std::vector<llvm::StringRef> visibleNames(Scope &scope);

  // ---- namespaces and the library
  std::optional<Result> namespaceAttribute(llvm::StringRef path,
                                           llvm::StringRef name);
  std::optional<Result> library(llvm::StringRef nameSpace,
                                llvm::StringRef name);
  Result missingInNamespace(llvm::StringRef path, llvm::StringRef name,
                            llvm::SMRange at);
  LogicalResult import(const ast::ImportStmt *stmt, Scope &scope);
  LogicalResult importFrom(const ast::ImportFromStmt *stmt, Scope &scope);
  LogicalResult unknownModule(llvm::StringRef path, llvm::SMRange at);

  // ---- functions and classes
  Result makeFunction(llvm::StringRef name,
                      llvm::ArrayRef<ast::Parameter> params, ast::Block body,
                      const ast::Expr *expression, Scope &scope,
                      llvm::SMRange range);
  Result callFunction(FunctionObject *function, CallArgs &args);
  LogicalResult bindParameters(FunctionObject *function, CallArgs &args,
                               Scope &scope);
  Result callClass(ClassObject *type, CallArgs &args);
  LogicalResult defineClass(const ast::ClassDefStmt *stmt, Scope &scope);
  Result decorate(llvm::ArrayRef<ast::Expr *> decorators, Value value,
                  Scope &scope);
  /// Fills in the method resolution order; false if there is none.
  bool linearize(ClassObject *type);
  Result makeSuper(CallArgs &args);
  std::string nameOf(const FunctionObject *function);

  // ---- attributes
  std::optional<Result> instanceAttribute(InstanceObject *object,
                                          llvm::StringRef name,
                                          llvm::SMRange at);
  std::optional<Result> classAttribute(ClassObject *type, llvm::StringRef name,
                                       llvm::SMRange at);
  /// A class attribute as seen through `self` (methods bound, properties read).
  Result bindAttribute(Value attribute, Value self, ClassObject *type,
                       llvm::SMRange at);
  LogicalResult setOwnAttribute(InstanceObject *object, llvm::StringRef name,
                                Value value, llvm::SMRange at);
  /// A special method that a class of the program (or a builtin class other
  /// than `object`) defines, bound to `value`.
  std::optional<Value> special(Value value, llvm::StringRef name);

  // ---- operators on static values
  Result number(ast::BinaryOp op, Value a, Value b, llvm::SMRange at);
  Result sizes(ast::BinaryOp op, Value a, Value b, llvm::SMRange at);
  std::optional<Result> sequence(ast::BinaryOp op, Value a, Value b,
                                 llvm::SMRange at);
  std::optional<Result> setOperator(ast::BinaryOp op, Value a, Value b,
                                    llvm::SMRange at);
  std::optional<Result> instanceOperator(ast::BinaryOp op, Value a, Value b,
                                         llvm::SMRange at);
  FailureOr<Value> percentFormat(llvm::StringRef text, Value args,
                                 llvm::SMRange at);
  /// `==` that needs no tensor; counts nesting.
  FailureOr<bool> equal(Value a, Value b, llvm::SMRange at);
  /// `==` of values that are no instances, tensors or sizes.
  FailureOr<bool> equalStatic(Value a, Value b, llvm::SMRange at);
  Result order(ast::CompareOp op, Value a, Value b, llvm::SMRange at);
  FailureOr<uint64_t> hash(Value value, llvm::SMRange at);
  FailureOr<size_t> find(KeyIndex &index, size_t count,
                         llvm::function_ref<Value(size_t)> keyAt, Value key,
                         llvm::SMRange at);

  int64_t idOf(Value value);
  /// Calls the `__next__` of an instance.
  FailureOr<std::optional<Value>> callNext(Value method, llvm::SMRange at);

  LogicalResult error(llvm::SMRange at, const llvm::Twine &message) {
    return ev.error(at, message);
  }
  void here(llvm::SMRange range);
  bool isLibraryText(llvm::SMLoc loc) const;
  void capture(Scope &scope);

  Evaluator &ev;
  Evaluator::State &state;

private:
  struct Generator;
  Result fString(const ast::FStringExpr *expr, Scope &scope);
  FailureOr<std::string> fStringText(const ast::FStringExpr *expr,
                                     Scope &scope);
  Result constant(const ast::ConstantExpr *expr);
  Result compareChain(const ast::CompareExpr *expr, Scope &scope);
  Result display(const ast::SequenceExpr *expr, Scope &scope);
  Result dictionary(const ast::DictExpr *expr, Scope &scope);
  Result comprehension(const ast::ComprehensionExpr *expr, Scope &scope);
  Result subscript(const ast::SubscriptExpr *expr, Scope &scope);
  Result callExpr(const ast::CallExpr *expr, Scope &scope);
  Flow forLoop(const ast::ForStmt *stmt, Scope &scope);
  Flow whileLoop(const ast::WhileStmt *stmt, Scope &scope);
  LogicalResult augmentedAssign(const ast::AugAssignStmt *stmt, Scope &scope);
  LogicalResult unpack(llvm::ArrayRef<ast::Expr *> targets, Value value,
                       Scope &scope, llvm::SMRange at);
  LogicalResult remove(const ast::Expr *target, Scope &scope);
  LogicalResult raise(const ast::RaiseStmt *stmt, Scope &scope);
  LogicalResult assertion(const ast::AssertStmt *stmt, Scope &scope);
  LogicalResult defineFunction(const ast::FunctionDefStmt *stmt, Scope &scope);
  LogicalResult callHook(llvm::StringRef hook, ClassObject *type,
                         CallArgs &args);
};

struct Evaluator::State {
  explicit State(Evaluator &evaluator) : evaluator(evaluator) {}

  Evaluator &evaluator;
  std::unique_ptr<Interpretation> interpretation;
  Scope globals;
  llvm::StringMap<Value> python;      // Python's own names
  llvm::StringMap<Value> defined;     // in scope and in every namespace
  llvm::StringMap<Value> inNamespace; // "math.floor"
  std::vector<std::string> starImports;
  llvm::StringSet<> poisoned;
  std::vector<Frame> frames;
  std::vector<std::unique_ptr<Scope>> scopes;
  llvm::DenseMap<const void *, std::unique_ptr<NameTable>> nameTables;
  llvm::DenseMap<const void *, Value> constants; // of string literals
  Scope *callScope = nullptr; // where the current call is written, for super()

  // The library
  struct Loaded {
    bool loading = false;
    Result value = failure();
  };
  ast::ASTContext libraryTrees;
  llvm::StringMap<std::unique_ptr<Loaded>> loaded; // "namespace:name"
  std::vector<std::pair<const char *, const char *>> libraryText;
  llvm::StringMap<std::unique_ptr<Scope>> libraryScopes;

  // Classes of builtin values
  std::vector<ClassObject *> classes; // by ValueKind
  ClassObject *objectClass = nullptr;
  ClassObject *exceptionClass = nullptr; // BaseException
  ClassObject *stopIterationClass = nullptr;

  llvm::DenseMap<const Object *, int64_t> ids; // given out by id()
  unsigned nextCalls = 0;                      // of `__next__` in progress
  bool stopIteration = false;                  // one of them ended

  uint64_t steps = 0;
  bool exhausted = false; // a limit was reached: stop after this statement
  size_t nesting = 0;     // of a value being printed, compared or hashed
  std::vector<const Object *> printing; // to end the text of a cyclic value
  char *stackLimit = nullptr;           // null: not on the deep stack
};

inline Interpretation &Interpretation::of(Evaluator &evaluator) {
  return *evaluator.state->interpretation;
}

/// Element `i` of a range, or what lies beyond its end.
inline int64_t elementOf(const RangeObject *range, int64_t i) {
  return static_cast<int64_t>(static_cast<uint64_t>(range->start) +
                              static_cast<uint64_t>(i) *
                                  static_cast<uint64_t>(range->step));
}

/// Counts a level of nesting while in scope.
struct NestingGuard {
  size_t &count;
  explicit NestingGuard(size_t &c) : count(c) { ++count; }
  ~NestingGuard() { --count; }
};

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_INTERPRETATION_H
