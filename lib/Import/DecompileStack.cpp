//===- DecompileStack.cpp - what instructions do to the stack
//----------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

void Decompiler::fail(const llvm::Twine &message) {
  if (error.empty())
    error = message.str();
}
void Decompiler::refuse(const llvm::Twine &message) {
  if (error.empty()) {
    error = message.str();
    unsupported = true;
  }
}

void Decompiler::push(Stack &stack, Item item) {
  stack.push_back(item);
  maxStack = std::max(maxStack, stack.size());
}

Item Decompiler::pop(Stack &stack) {
  if (!stack.empty())
    return stack.pop_back_val();
  fail("the stack is empty");
  return Item::value(tree.none());
}

/// A place below the top: 1 is the top.
Item *Decompiler::peek(Stack &stack, unsigned depth) {
  static Item nothing;
  if (depth >= 1 && depth <= stack.size())
    return &stack[stack.size() - depth];
  fail("the stack is too short");
  nothing = Item::value(tree.none());
  return &nothing;
}

Expr *Decompiler::popValue(Stack &stack, Statements *out) {
  Item item = pop(stack);
  switch (item.kind) {
  case Item::Kind::Value:
    return item.expr;
  case Item::Kind::Function:
    return functionExpr(item.function, out);
  case Item::Kind::Module:
    return tree.name(item.text.split('.').first);
  default:
    fail("a value is missing on the stack");
    return tree.none();
  }
}

SmallVector<Expr *> Decompiler::popValues(Stack &stack, unsigned count,
                                          Statements *out) {
  SmallVector<Expr *> values;
  if (count > stack.size()) {
    fail("the stack is too short");
    return values;
  }
  for (unsigned i = 0; i < count; ++i)
    values.push_back(popValue(stack, out));
  std::reverse(values.begin(), values.end());
  return values;
}

bool isName(StringRef text) {
  static constexpr const char *keywords[] = {
      "False",  "None",   "True",    "and",      "as",       "assert", "async",
      "await",  "break",  "class",   "continue", "def",      "del",    "elif",
      "else",   "except", "finally", "for",      "from",     "global", "if",
      "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
      "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};
  return !text.empty() && !llvm::isDigit(text[0]) &&
         llvm::all_of(text,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; }) &&
         !llvm::is_contained(keywords, text);
}

StringRef Decompiler::name(unsigned index) {
  if (index < code.names.size() &&
      llvm::all_of(llvm::split(code.names[index], '.'), isName)) {
    shared.names.insert(code.names[index].str());
    return code.names[index];
  }
  // Python 2.7 has these as names.
  if (index < code.names.size() && !is(Version::V35) &&
      (code.names[index] == "True" || code.names[index] == "False"))
    return code.names[index];
  fail("a name is missing");
  return "_";
}

StringRef Decompiler::local(unsigned index) {
  auto names = is(Version::V311) ? code.slots : code.locals;
  if (index < names.size() && (isName(names[index]) || names[index] == ".0"))
    return names[index];
  fail("a variable is missing");
  return "_";
}

StringRef Decompiler::cell(unsigned index) {
  if (is(Version::V311))
    return local(index);
  StringRef found = index < code.cells.size() ? code.cells[index]
                    : index < code.cells.size() + code.frees.size()
                        ? code.frees[index - code.cells.size()]
                        : "";
  if (isName(found))
    return found;
  fail("a variable is missing");
  return "_";
}

const PyValue *Decompiler::constantAt(unsigned index) {
  static const PyValue none = [] {
    PyValue value;
    value.kind = PyValue::Kind::None;
    return value;
  }();
  if (index < code.constants.size())
    return code.constants[index];
  fail("a constant is missing");
  return &none;
}

std::string Decompiler::temporary() {
  std::string name;
  do
    name = "t" + std::to_string(shared.temporaries++);
  while (llvm::is_contained(code.locals, name) ||
         llvm::is_contained(code.frees, name) ||
         llvm::is_contained(code.names, name));
  return name;
}

void Decompiler::load(StringRef variable, Stack &stack) {
  if (variable != ".0")
    return push(stack, tree.name(variable));
  if (!comprehended)
    return fail("a comprehension has nothing to go over");
  push(stack, Item::just(Item::Kind::Iterator, comprehended));
}

//===----------------------------------------------------------------------===//
// Everything that is no jump
//===----------------------------------------------------------------------===//

bool Decompiler::simple(const Instruction &instruction, Stack &stack,
                        Statements &out) {
  unsigned argument = instruction.argument;
  /// The slot of the item that comes to the top, or goes from it.
  auto rotate = [&](unsigned count) {
    if (count < 2 || count > stack.size()) {
      fail("the stack is too short");
      return true;
    }
    std::rotate(stack.end() - count, stack.end() - 1, stack.end());
    return true;
  };
  auto copy = [&](unsigned depth) {
    push(stack, *peek(stack, depth));
    return true;
  };
  auto pair = [&](bool storesFirst, bool storesSecond) {
    for (bool second : {false, true}) {
      StringRef variable = local(second ? argument & 15 : argument >> 4);
      if (second ? storesSecond : storesFirst)
        store(variable, stack, out);
      else
        load(variable, stack);
    }
    return true;
  };
  switch (instruction.op) {
  case Op::NOP:
  case Op::RESUME:
  case Op::COPY_FREE_VARS:
  case Op::MAKE_CELL:
  case Op::PRECALL:
  case Op::TO_BOOL:
  case Op::GEN_START:
  case Op::NOT_TAKEN:
  case Op::POP_BLOCK:
  case Op::SETUP_LOOP:
    return true;
  case Op::RETURN_GENERATOR:
    push(stack, Item::just(Item::Kind::Null));
    return true;
  case Op::LOAD_FAST:
  case Op::LOAD_FAST_CHECK:
  case Op::LOAD_FAST_BORROW:
    load(local(argument), stack);
    return true;
  case Op::LOAD_FAST_AND_CLEAR:
    push(stack, Item::just(Item::Kind::Saved));
    return true;
  case Op::LOAD_FAST_LOAD_FAST:
  case Op::LOAD_FAST_BORROW_LOAD_FAST_BORROW:
    return pair(false, false);
  case Op::STORE_FAST_LOAD_FAST:
    return pair(true, false);
  case Op::STORE_FAST_STORE_FAST:
    return pair(true, true);
  case Op::LOAD_DEREF:
  case Op::LOAD_CLASSDEREF:
  case Op::LOAD_CLOSURE:
    push(stack, tree.name(cell(argument)));
    return true;
  case Op::LOAD_SMALL_INT:
    push(stack, tree.integer(argument));
    return true;
  case Op::LOAD_NAME:
  case Op::LOAD_GLOBAL: {
    bool hasNull = instruction.op == Op::LOAD_GLOBAL && is(Version::V311);
    StringRef text = name(hasNull ? argument >> 1 : argument);
    hasNull &= argument & 1;
    if (text == "True" || text == "False") {
      push(stack, tree.constant(text == "True" ? ConstantExpr::Type::True
                                               : ConstantExpr::Type::False));
      return true;
    }
    shared.globals.insert(text.str());
    if (hasNull && !is(Version::V313))
      push(stack, Item::just(Item::Kind::Null));
    push(stack, tree.name(text));
    if (hasNull && is(Version::V313))
      push(stack, Item::just(Item::Kind::Null));
    return true;
  }
  case Op::LOAD_CONST: {
    const PyValue *value = constantAt(argument);
    if (value->kind == PyValue::Kind::Code)
      push(stack, {Item::Kind::Code, nullptr, value->code, nullptr, {}, false});
    else
      push(stack, constant(value));
    return true;
  }
  case Op::LOAD_COMMON_CONSTANT:
    if (argument != 0)
      return false;
    [[fallthrough]];
  case Op::LOAD_ASSERTION_ERROR:
    push(stack, tree.name("AssertionError"));
    return true;
  case Op::PUSH_NULL:
    push(stack, Item::just(Item::Kind::Null));
    return true;
  case Op::DUP_TOP:
    return copy(1);
  case Op::DUP_TOP_TWO:
    return copy(2) && copy(2);
  case Op::DUP_TOPX:
    for (unsigned i = 0; i < argument && i < 5; ++i)
      copy(argument);
    return true;
  case Op::COPY:
    return copy(argument);
  case Op::ROT_TWO:
    return rotate(2);
  case Op::ROT_THREE:
    return rotate(3);
  case Op::ROT_FOUR:
    return rotate(4);
  case Op::ROT_N:
    return rotate(argument);
  case Op::SWAP: {
    Item *top = peek(stack, 1), *other = peek(stack, argument);
    if (!failed())
      std::swap(*top, *other);
    return true;
  }
  case Op::POP_TOP:
  case Op::POP_ITER: {
    Item item = pop(stack);
    if (item.kind == Item::Kind::Value && item.expr->kind == ExprKind::Call)
      out.push_back(tree.statement<ExpressionStmt>(item.expr));
    return true;
  }
  case Op::GET_ITER: {
    Item item = pop(stack);
    if (item.kind == Item::Kind::Iterator)
      push(stack, item);
    else {
      push(stack, item);
      push(stack, Item::just(Item::Kind::Iterator, popValue(stack, &out)));
    }
    return true;
  }
  case Op::CALL_INTRINSIC_1:
    if (argument == 5) {
      push(stack, tree.unary(UnaryOp::Pos, popValue(stack, &out)));
      return true;
    }
    if (argument == 6)
      return displays({Op::LIST_TO_TUPLE, 0, -1, instruction.offset}, stack,
                      out);
    return argument == 3;
  case Op::FORMAT_VALUE:
  case Op::FORMAT_SIMPLE:
  case Op::FORMAT_WITH_SPEC:
  case Op::BUILD_STRING:
    refuse("it has an f-string");
    return true;
  case Op::YIELD_VALUE:
    refuse("it is a generator: 'yield' cannot be compiled");
    return true;
  default:
    break;
  }
  return operators(instruction, stack, out) ||
         displays(instruction, stack, out) || calls(instruction, stack, out) ||
         stores(instruction, stack, out);
}

} // namespace lamina::import
