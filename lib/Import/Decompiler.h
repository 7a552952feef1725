//===- Decompiler.h - one code object on its way to a tree ------*- C++ -*-===//
#ifndef LAMINA_IMPORT_DECOMPILER_H
#define LAMINA_IMPORT_DECOMPILER_H

#include "TreeBuilder.h"
#include "lamina/Import/Decompile.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include <optional>

namespace lamina::import {

using ast::Expr;
using ast::Stmt;
using Statements = llvm::SmallVector<Stmt *>;

/// What all code objects of one body share.
struct Shared {
  TreeBuilder tree;
  Version version;
  unsigned fuel = 200'000; // instructions, whichever code object they are of
  unsigned depth = 0;      // of functions inside each other
  unsigned nesting = 0;    // of branches inside each other
  unsigned temporaries = 0;
  unsigned repaired = 0;
  bool overflow = false;
  std::set<std::string> globals, names;

  Shared(ast::ASTContext &context, Version version)
      : tree(context), version(version) {}
};

/// A function before it is called or stored.
struct FunctionValue {
  const CodeObject *code;
  llvm::SmallVector<Expr *> defaults;
  llvm::SmallVector<std::pair<llvm::StringRef, Expr *>> keywordDefaults;
};

/// What a slot of the stack holds.
struct Item {
  enum class Kind {
    Value,
    Null,
    Code,
    Function,
    Iterator,
    Element,
    Saved,
    Module
  };
  Kind kind = Kind::Value;
  Expr *expr = nullptr;              // of Value; what an Iterator goes over
  const CodeObject *code = nullptr;  // of Code
  FunctionValue *function = nullptr; // of Function
  llvm::StringRef text;              // the name of a Module
  bool fromModule = false;           // a Module whose names are imported

  static Item just(Kind kind, Expr *expr = nullptr) {
    Item item;
    item.kind = kind;
    item.expr = expr;
    return item;
  }
  static Item value(Expr *expr) { return just(Kind::Value, expr); }
};
using Stack = llvm::SmallVector<Item, 8>;

class Decompiler {
public:
  Decompiler(Shared &shared, const CodeObject &code)
      : shared(shared), tree(shared.tree), code(code), version(shared.version) {
  }

  /// The statements of the function; errors are in `error`.
  bool run(Statements &out);
  /// The parameters, with the defaults of `function`, if it is not null.
  llvm::SmallVector<ast::Parameter> parameters(const FunctionValue *function);
  std::string error;
  bool unsupported =
      false; // the code is valid, but says what the language cannot
  /// What `.0` stands for, in the code of a comprehension.
  Expr *comprehended = nullptr;

private:
  enum class End { Join, Return, Break, Continue };
  struct Loop {
    int header, exit;
    size_t depth;         // of the stack, with the iterator
    int breakTarget = -1; // where `break` goes, if there was one
  };
  /// A conditional jump: to `target` if `condition` is `jumpIf`, else on to
  /// `next`.
  struct Test {
    Expr *condition;
    bool jumpIf, keeps; // keeps: the value stays on the stack where it jumps
    int target, next, index;
  };

  Shared &shared;
  TreeBuilder &tree;
  const CodeObject &code;
  Version version;
  std::vector<Instruction> instructions;
  std::vector<int> postDominators;
  llvm::DenseSet<Expr *> inPlace; // results of `x += y`, before they are stored
  llvm::ArrayRef<const PyValue *> keywordNames; // 3.11, 3.12: of the next call
  int afterLoop = -1; // up to 3.7: where `break` of the next loop goes
  llvm::SpecificBumpPtrAllocator<FunctionValue> functionArena;
  llvm::SetVector<llvm::StringRef> nonlocals;
  Expr *generated = nullptr; // what a generator expression is
  size_t maxStack = 0;

  bool is(Version from) const { return version >= from; }
  bool failed() const { return !error.empty(); }
  void fail(const llvm::Twine &message); // the bytes are not of this version
  void refuse(const llvm::Twine
                  &message); // they are, but cannot be said in the language

  // Decompile.cpp, DecompileFunctions.cpp
  void findPostDominators();
  Expr *constant(const PyValue *value);
  Expr *functionExpr(FunctionValue *function, Statements *out);
  bool nested(const FunctionValue &function, Expr *comprehended,
              Statements &body);
  void comprehend(const FunctionValue &function, Expr *iterable, Stack &stack);

  // DecompileStack.cpp, DecompileOperators.cpp, DecompileCalls.cpp,
  // DecompileStores.cpp
  void push(Stack &stack, Item item);
  void push(Stack &stack, Expr *expr) { push(stack, Item::value(expr)); }
  Item pop(Stack &stack);
  Expr *popValue(Stack &stack, Statements *out);
  llvm::SmallVector<Expr *> popValues(Stack &stack, unsigned count,
                                      Statements *out);
  Item *peek(Stack &stack, unsigned depth);
  llvm::StringRef name(unsigned index);
  llvm::StringRef local(unsigned index);
  llvm::StringRef cell(unsigned index);
  const PyValue *constantAt(unsigned index);
  std::string temporary();

  /// Runs an instruction that is no jump; false if it is not known here.
  bool simple(const Instruction &instruction, Stack &stack, Statements &out);
  bool operators(const Instruction &instruction, Stack &stack, Statements &out);
  bool displays(const Instruction &instruction, Stack &stack, Statements &out);
  bool calls(const Instruction &instruction, Stack &stack, Statements &out);
  bool stores(const Instruction &instruction, Stack &stack, Statements &out);
  void makeFunction(const Instruction &instruction, Stack &stack,
                    Statements &out);
  void call(Stack &stack, Item callee, llvm::ArrayRef<ast::Argument> arguments,
            Statements &out);
  void callOld(const Instruction &instruction, Stack &stack, Statements &out);
  void callUnpacked(const Instruction &instruction, Stack &stack,
                    Statements &out);
  void store(llvm::StringRef variable, Stack &stack, Statements &out);
  void assign(Expr *target, Item item, Stack &stack, Statements &out);
  void spill(Stack &stack, llvm::StringRef variable, Statements &out);
  void load(llvm::StringRef variable, Stack &stack);

  // DecompileConditions.cpp, DecompileFlow.cpp: jumps. `at` is an index of an
  // instruction, and goes on.
  End flow(int &at, int stop, Stack &stack, Statements &out, Loop *loop);
  std::optional<End> step(int &at, int stop, Stack &stack, Statements &out,
                          Loop *loop);
  std::optional<Test> test(int at, Stack &stack, Statements &out);
  std::optional<Test> nextTest(int at, const Test &first, Stack &stack);
  void combine(Test &test, Stack &stack);
  bool chain(Test &test, Stack &stack);
  int threaded(int at) const;
  std::optional<End> branch(const Test &test, int &at, int stop, Stack &stack,
                            Statements &out, Loop *loop);
  void merge(const Test &test, Stack &fallen, const Stack &jumped,
             Statements &whenFallen, Statements &whenJumped, Statements &out);
  Expr *select(const Test &test, Expr *fallen, Expr *jumped);
  void explain(Op op);

  // DecompileLoops.cpp
  void forLoop(int &at, Stack &stack, Statements &out);
  bool isComprehension(const Stack &stack) const;
  void comprehension(int &at, Stack &stack);
  void clauses(int header, Stack &stack,
               llvm::SmallVectorImpl<ast::ForClause> &list, Expr *&key,
               Expr *&element, Op &kind);
  Expr *storeTarget(int &at, Stack &stack);
  void storeTargets(unsigned count, int &at, Stack &stack,
                    llvm::SmallVectorImpl<Expr *> &targets);
  Expr *unpackTarget(int &at, Stack &stack);
  int afterExit(int exit) const;
  Expr *conditionToJump(const Test &test) {
    return test.jumpIf ? test.condition : tree.negation(test.condition);
  }
  Expr *conditionToFall(const Test &test) {
    return test.jumpIf ? tree.negation(test.condition) : test.condition;
  }
};

} // namespace lamina::import

#endif // LAMINA_IMPORT_DECOMPILER_H
