//===- DecompileFunctions.cpp - functions in functions --------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

void Decompiler::makeFunction(const Instruction &instruction, Stack &stack,
                              Statements &out) {
  unsigned argument = instruction.argument;
  auto defaults = [&](FunctionValue &function) {
    auto *tuple = llvm::dyn_cast<SequenceExpr>(popValue(stack, &out));
    if (!tuple)
      return refuse("the defaults of a function are computed");
    function.defaults.assign(tuple->items.begin(), tuple->items.end());
  };
  auto keywordDefaults = [&](FunctionValue &function) {
    auto *dict = llvm::dyn_cast<DictExpr>(popValue(stack, &out));
    if (!dict)
      return refuse("the defaults of a function are computed");
    for (auto [key, value] : llvm::zip_equal(dict->keys, dict->values))
      if (auto *name = llvm::dyn_cast_or_null<ConstantExpr>(key))
        function.keywordDefaults.emplace_back(name->stringValue, value);
  };
  if (instruction.op == Op::SET_FUNCTION_ATTRIBUTE) {
    Item item = pop(stack);
    if (item.kind != Item::Kind::Function)
      return fail("there is no function to change");
    if (argument == 1)
      defaults(*item.function);
    else if (argument == 2)
      keywordDefaults(*item.function);
    else
      pop(stack); // annotations, the closure
    return push(stack, item);
  }
  if (is(Version::V35) && !is(Version::V311))
    pop(stack); // the qualified name
  Item item = pop(stack);
  if (item.kind != Item::Kind::Code)
    return fail("there is no code for a function");
  auto *function = new (functionArena.Allocate()) FunctionValue();
  function->code = item.code;
  if (!is(Version::V36)) {
    unsigned named = argument >> 8 & 255;
    if (instruction.op == Op::MAKE_CLOSURE)
      pop(stack);
    // 3.5 has the defaults of keywords above the others, with their names.
    SmallVector<Expr *> pairs = popValues(stack, 2 * named, &out);
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      if (auto *name = llvm::dyn_cast<ConstantExpr>(pairs[i]))
        function->keywordDefaults.emplace_back(name->stringValue, pairs[i + 1]);
    function->defaults = popValues(stack, argument & 255, &out);
  } else if (!is(Version::V313)) {
    if (argument & 8)
      pop(stack);
    if (argument & 4)
      pop(stack);
    if (argument & 2)
      keywordDefaults(*function);
    if (argument & 1)
      defaults(*function);
  }
  push(stack, {Item::Kind::Function, nullptr, nullptr, function, {}, false});
}

SmallVector<Parameter> Decompiler::parameters(const FunctionValue *function) {
  SmallVector<Parameter> list;
  unsigned index = 0;
  auto add = [&](Parameter::Kind kind) {
    StringRef name = index < code.locals.size() ? code.locals[index] : "";
    if (!isName(name))
      refuse("a parameter has no name");
    list.push_back({kind,
                    tree.context.text(name),
                    nullptr,
                    {},
                    kind == Parameter::Kind::Positional &&
                        int(index) < code.positionalOnly});
    ++index;
  };
  for (int i = 0; i < code.argCount; ++i)
    add(Parameter::Kind::Positional);
  size_t keywordsBegin = list.size();
  for (int i = 0; i < code.keywordOnly; ++i)
    add(Parameter::Kind::KeywordOnly);
  if (code.flags & CodeObject::VarArgs) {
    add(Parameter::Kind::VarArgs);
    Parameter star = list.pop_back_val();
    list.insert(list.begin() + keywordsBegin, star);
  }
  if (code.flags & CodeObject::VarKeywords)
    add(Parameter::Kind::VarKeywords);
  if (!function)
    return list;
  if (function->defaults.size() > size_t(code.argCount)) {
    fail("a function has more defaults than parameters");
    return list;
  }
  for (auto [i, value] : llvm::enumerate(function->defaults))
    list[code.argCount - function->defaults.size() + i].defaultValue = value;
  for (auto &[name, value] : function->keywordDefaults)
    for (Parameter &parameter : list)
      if (parameter.kind == Parameter::Kind::KeywordOnly &&
          parameter.name == name)
        parameter.defaultValue = value;
  return list;
}

bool Decompiler::nested(const FunctionValue &function, Expr *comprehended,
                        Statements &body) {
  if (shared.depth > 20) {
    refuse("functions are nested too deeply");
    return false;
  }
  Decompiler inner(shared, *function.code);
  inner.comprehended = comprehended;
  ++shared.depth;
  bool ok = inner.run(body);
  --shared.depth;
  if (!ok)
    inner.unsupported ? refuse(inner.error) : fail(inner.error);
  return ok;
}

/// Up to 3.11 a comprehension is a function, called with what it goes over.
void Decompiler::comprehend(const FunctionValue &function, Expr *iterable,
                            Stack &stack) {
  Statements body;
  if (!nested(function, iterable, body))
    return;
  auto *result =
      body.size() == 1 ? llvm::dyn_cast<ReturnStmt>(body[0]) : nullptr;
  if (!result || !llvm::isa_and_nonnull<ComprehensionExpr>(result->value))
    return refuse("a comprehension has statements");
  push(stack, result->value);
}

/// A function as a value: a lambda, or a name whose `def` goes to `out`.
Expr *Decompiler::functionExpr(FunctionValue *function, Statements *out) {
  Statements body;
  if (!nested(*function, nullptr, body))
    return tree.none();
  Decompiler inner(shared, *function->code);
  SmallVector<Parameter> list = inner.parameters(function);
  if (inner.failed())
    refuse(inner.error);
  auto *result =
      body.size() == 1 ? llvm::dyn_cast<ReturnStmt>(body[0]) : nullptr;
  if (result && result->value && function->code->name == "<lambda>")
    return tree.lambda(list, result->value);
  if (!out) {
    refuse("a function with statements stands where only an expression can");
    return tree.none();
  }
  std::string name =
      isName(function->code->name) ? function->code->name.str() : temporary();
  StringRef text = tree.context.text(name);
  out->push_back(tree.statement<FunctionDefStmt>(
      text, llvm::SMRange(), tree.context.list(llvm::ArrayRef(list)),
      tree.context.list(llvm::ArrayRef<Stmt *>(body)),
      llvm::ArrayRef<Expr *>()));
  return tree.name(text);
}

} // namespace lamina::import
