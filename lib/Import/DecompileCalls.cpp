//===- DecompileCalls.cpp - calls -----------------------------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

static Argument positional(Expr *value) {
  if (auto *star = llvm::dyn_cast<StarredExpr>(value))
    return {Argument::Kind::Star, {}, star->value, {}};
  return {Argument::Kind::Positional, {}, value, {}};
}

void Decompiler::call(Stack &stack, Item callee,
                      llvm::ArrayRef<Argument> arguments, Statements &out) {
  push(stack, callee);
  Expr *function = popValue(stack, &out);
  push(stack, tree.call(function, arguments));
}

/// The texts of a tuple of names.
static std::optional<SmallVector<StringRef>> texts(Expr *tuple) {
  auto *sequence = llvm::dyn_cast<SequenceExpr>(tuple);
  if (!sequence)
    return std::nullopt;
  SmallVector<StringRef> names;
  for (Expr *item : sequence->items) {
    auto *constant = llvm::dyn_cast<ConstantExpr>(item);
    if (!constant || constant->type != ConstantExpr::Type::String)
      return std::nullopt;
    names.push_back(constant->stringValue);
  }
  return names;
}

bool Decompiler::calls(const Instruction &instruction, Stack &stack,
                       Statements &out) {
  unsigned argument = instruction.argument;
  SmallVector<StringRef> keywords;
  switch (instruction.op) {
  case Op::KW_NAMES:
    if (const PyValue *names = constantAt(argument);
        names->kind == PyValue::Kind::Tuple)
      keywordNames = names->items;
    else
      fail("the names of keywords are missing");
    return true;
  case Op::CALL_FUNCTION_EX:
    callUnpacked(instruction, stack, out);
    return true;
  case Op::CALL_FUNCTION:
  case Op::CALL_FUNCTION_VAR:
  case Op::CALL_FUNCTION_VAR_KW:
    if (!is(Version::V36)) {
      callOld(instruction, stack, out);
      return true;
    }
    break;
  case Op::CALL_FUNCTION_KW:
    if (!is(Version::V36)) {
      callOld(instruction, stack, out);
      return true;
    }
    [[fallthrough]];
  case Op::CALL_KW: {
    std::optional<SmallVector<StringRef>> names = texts(popValue(stack, &out));
    if (!names)
      fail("the names of keywords are missing");
    else
      keywords = std::move(*names);
    break;
  }
  case Op::CALL_METHOD:
  case Op::CALL:
    break;
  case Op::MAKE_FUNCTION:
  case Op::MAKE_CLOSURE:
  case Op::SET_FUNCTION_ATTRIBUTE:
    makeFunction(instruction, stack, out);
    return true;
  default:
    return false;
  }
  for (const PyValue *name : keywordNames)
    keywords.push_back(name->isString() ? name->text : "");
  keywordNames = {};

  // The arguments, what is called, and its first argument if it is a method
  // of 3.11.
  if (argument > stack.size()) {
    fail("the stack is too short");
    return true;
  }
  SmallVector<Item> items(stack.end() - argument, stack.end());
  stack.truncate(stack.size() - argument);
  Item callee = pop(stack);
  if (is(Version::V311)) {
    Item first = pop(stack);
    if (first.kind != Item::Kind::Null && callee.kind != Item::Kind::Null)
      items.insert(items.begin(), callee);
    if (first.kind != Item::Kind::Null)
      callee = first;
  }
  bool isComprehension =
      callee.kind == Item::Kind::Function &&
      llvm::is_contained({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"},
                         callee.function->code->name);
  if (isComprehension && items.size() == 1 && keywords.empty()) {
    Stack one{items[0]};
    comprehend(*callee.function,
               items[0].kind == Item::Kind::Iterator ? items[0].expr
                                                     : popValue(one, &out),
               stack);
    return true;
  }
  if (keywords.size() > items.size() || !llvm::all_of(keywords, isName)) {
    fail("the names of keywords do not fit");
    return true;
  }
  SmallVector<Argument> arguments;
  for (auto [i, item] : llvm::enumerate(items)) {
    Stack one{item};
    Expr *value = popValue(one, &out);
    size_t first = items.size() - keywords.size();
    if (i < first)
      arguments.push_back({Argument::Kind::Positional, {}, value, {}});
    else
      arguments.push_back({Argument::Kind::Keyword,
                           tree.context.text(keywords[i - first]),
                           value,
                           {}});
  }
  call(stack, callee, arguments, out);
  return true;
}

/// Python 2.7 and 3.5: the numbers of arguments in one, `*` and `**` in the
/// opcode.
void Decompiler::callOld(const Instruction &instruction, Stack &stack,
                         Statements &out) {
  bool hasMap = instruction.op == Op::CALL_FUNCTION_KW ||
                instruction.op == Op::CALL_FUNCTION_VAR_KW;
  bool hasStar = instruction.op == Op::CALL_FUNCTION_VAR ||
                 instruction.op == Op::CALL_FUNCTION_VAR_KW;
  unsigned named = instruction.argument >> 8 & 255,
           plain = instruction.argument & 255;
  Expr *map = hasMap ? popValue(stack, &out) : nullptr;
  // 3.5 has `*args` before the keywords, 2.7 behind them.
  Expr *star = hasStar ? popValue(stack, &out) : nullptr;
  SmallVector<Expr *> pairs = popValues(stack, 2 * named, &out);
  if (plain == 1 && !hasMap && !hasStar && named == 0 && stack.size() >= 2 &&
      peek(stack, 2)->kind == Item::Kind::Function &&
      peek(stack, 1)->kind == Item::Kind::Iterator) {
    Item iterator = pop(stack), function = pop(stack);
    return comprehend(*function.function, iterator.expr, stack);
  }
  SmallVector<Argument> arguments;
  for (Expr *value : popValues(stack, plain, &out))
    arguments.push_back({Argument::Kind::Positional, {}, value, {}});
  if (star)
    arguments.push_back({Argument::Kind::Star, {}, star, {}});
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    auto *key = llvm::dyn_cast<ConstantExpr>(pairs[i]);
    if (!key || key->type != ConstantExpr::Type::String ||
        !isName(key->stringValue))
      return fail("the name of a keyword is missing");
    arguments.push_back(
        {Argument::Kind::Keyword, key->stringValue, pairs[i + 1], {}});
  }
  if (map)
    arguments.push_back({Argument::Kind::DoubleStar, {}, map, {}});
  call(stack, pop(stack), arguments, out);
}

/// f(*args, **kwargs)
void Decompiler::callUnpacked(const Instruction &instruction, Stack &stack,
                              Statements &out) {
  Expr *map = nullptr;
  if (is(Version::V314)) {
    Item item = pop(stack);
    if (item.kind != Item::Kind::Null) {
      push(stack, item);
      map = popValue(stack, &out);
    }
  } else if (instruction.argument & 1) {
    map = popValue(stack, &out);
  }
  Expr *values = popValue(stack, &out);
  Item callee = pop(stack);
  if (is(Version::V311)) {
    Item second = pop(stack);
    if (is(Version::V313))
      std::swap(callee, second);
    if (second.kind != Item::Kind::Null)
      return fail("a call has two functions");
  }
  SmallVector<Argument> arguments;
  if (auto *sequence = llvm::dyn_cast<SequenceExpr>(values))
    for (Expr *item : sequence->items)
      arguments.push_back(positional(item));
  else
    arguments.push_back({Argument::Kind::Star, {}, values, {}});
  if (auto *dict = llvm::dyn_cast_or_null<DictExpr>(map)) {
    for (auto [key, value] : llvm::zip_equal(dict->keys, dict->values)) {
      auto *text = llvm::dyn_cast_or_null<ConstantExpr>(key);
      if (!key)
        arguments.push_back({Argument::Kind::DoubleStar, {}, value, {}});
      else if (text && text->type == ConstantExpr::Type::String &&
               isName(text->stringValue))
        arguments.push_back(
            {Argument::Kind::Keyword, text->stringValue, value, {}});
      else
        return refuse("a call has keywords that are no names");
    }
  } else if (map) {
    arguments.push_back({Argument::Kind::DoubleStar, {}, map, {}});
  }
  call(stack, callee, arguments, out);
}

} // namespace lamina::import
