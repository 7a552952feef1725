//===- DecompileOperators.cpp - operators and displays --------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

static std::optional<BinaryOp> binaryOp(StringRef name) {
  return llvm::StringSwitch<std::optional<BinaryOp>>(name)
      .Case("ADD", BinaryOp::Add)
      .Case("SUBTRACT", BinaryOp::Sub)
      .Case("MULTIPLY", BinaryOp::Mul)
      .Cases({"TRUE_DIVIDE", "DIVIDE"}, BinaryOp::Div)
      .Case("FLOOR_DIVIDE", BinaryOp::FloorDiv)
      .Case("MODULO", BinaryOp::Mod)
      .Case("POWER", BinaryOp::Pow)
      .Case("MATRIX_MULTIPLY", BinaryOp::MatMul)
      .Case("AND", BinaryOp::And)
      .Case("OR", BinaryOp::Or)
      .Case("XOR", BinaryOp::Xor)
      .Case("LSHIFT", BinaryOp::Shl)
      .Case("RSHIFT", BinaryOp::Shr)
      .Default(std::nullopt);
}

/// In the order of the argument of BINARY_OP; 13 more are the same in place.
static constexpr BinaryOp numberedOps[] = {
    BinaryOp::Add,    BinaryOp::And, BinaryOp::FloorDiv, BinaryOp::Shl,
    BinaryOp::MatMul, BinaryOp::Mul, BinaryOp::Mod,      BinaryOp::Or,
    BinaryOp::Pow,    BinaryOp::Shr, BinaryOp::Sub,      BinaryOp::Div,
    BinaryOp::Xor};
static constexpr unsigned subscriptOp = 26; // of 3.14

static bool isConstant(const Expr *e, ConstantExpr::Type type) {
  auto *constant = llvm::dyn_cast<ConstantExpr>(e);
  return constant && constant->type == type;
}
static Expr *orNothing(Expr *e) {
  return isConstant(e, ConstantExpr::Type::None) ? nullptr : e;
}

bool Decompiler::operators(const Instruction &instruction, Stack &stack,
                           Statements &out) {
  unsigned argument = instruction.argument;
  auto unary = [&](UnaryOp op) {
    push(stack, tree.unary(op, popValue(stack, &out)));
    return true;
  };
  auto compare = [&](CompareOp op) {
    Expr *b = popValue(stack, &out), *a = popValue(stack, &out);
    push(stack, tree.compare(a, op, b));
    return true;
  };
  auto subscript = [&](bool hasLower, bool hasUpper) {
    Expr *upper = hasUpper ? orNothing(popValue(stack, &out)) : nullptr;
    Expr *lower = hasLower ? orNothing(popValue(stack, &out)) : nullptr;
    push(stack, tree.subscript(popValue(stack, &out),
                               tree.slice(lower, upper, nullptr)));
    return true;
  };
  switch (instruction.op) {
  case Op::UNARY_NEGATIVE:
    return unary(UnaryOp::Neg);
  case Op::UNARY_POSITIVE:
    return unary(UnaryOp::Pos);
  case Op::UNARY_INVERT:
    return unary(UnaryOp::Invert);
  case Op::UNARY_NOT:
    return unary(UnaryOp::Not);
  case Op::IS_OP:
    return compare(argument ? CompareOp::IsNot : CompareOp::Is);
  case Op::CONTAINS_OP:
    return compare(argument ? CompareOp::NotIn : CompareOp::In);
  case Op::COMPARE_OP: {
    constexpr CompareOp ops[] = {
        CompareOp::Lt, CompareOp::Le,   CompareOp::Eq, CompareOp::Ne,
        CompareOp::Gt, CompareOp::Ge,   CompareOp::In, CompareOp::NotIn,
        CompareOp::Is, CompareOp::IsNot};
    unsigned index = is(Version::V313)   ? argument >> 5
                     : is(Version::V312) ? argument >> 4
                                         : argument;
    if (index >= (is(Version::V39) ? 6 : std::size(ops))) {
      fail("a comparison is unknown");
      return true;
    }
    return compare(ops[index]);
  }
  case Op::BINARY_SUBSCR: {
    Expr *index = popValue(stack, &out), *object = popValue(stack, &out);
    push(stack, tree.subscript(object, index));
    return true;
  }
  case Op::BINARY_SLICE:
    return subscript(true, true);
  case Op::SLICE_0:
    return subscript(false, false);
  case Op::SLICE_1:
    return subscript(true, false);
  case Op::SLICE_2:
    return subscript(false, true);
  case Op::SLICE_3:
    return subscript(true, true);
  case Op::BUILD_SLICE: {
    if (argument != 2 && argument != 3) {
      fail("a slice has no two or three parts");
      return true;
    }
    SmallVector<Expr *> parts = popValues(stack, argument, &out);
    if (!failed())
      push(stack, tree.slice(orNothing(parts[0]), orNothing(parts[1]),
                             argument == 3 ? orNothing(parts[2]) : nullptr));
    return true;
  }
  case Op::LOAD_ATTR: {
    // `import a.b as c` of 3.6: the attribute is part of the module's path.
    if (const Item &module = *peek(stack, 1);
        module.kind == Item::Kind::Module && !module.fromModule &&
        module.text.contains('.') && !is(Version::V37))
      return true;
    Expr *object = popValue(stack, &out);
    bool isMethod = is(Version::V312) && (argument & 1);
    Expr *attribute = tree.attribute(
        object, name(is(Version::V312) ? argument >> 1 : argument));
    if (isMethod && !is(Version::V313))
      push(stack, Item::just(Item::Kind::Null));
    push(stack, attribute);
    if (isMethod && is(Version::V313))
      push(stack, Item::just(Item::Kind::Null));
    return true;
  }
  case Op::LOAD_METHOD: {
    Expr *object = popValue(stack, &out);
    if (is(Version::V311))
      push(stack, Item::just(Item::Kind::Null));
    push(stack, tree.attribute(object, name(argument)));
    return true;
  }
  default:
    break;
  }

  std::optional<BinaryOp> op;
  bool isInPlace = false, isClassic = instruction.op == Op::BINARY_DIVIDE ||
                                      instruction.op == Op::INPLACE_DIVIDE;
  if (instruction.op == Op::BINARY_OP) {
    if (argument == subscriptOp && is(Version::V314))
      return operators({Op::BINARY_SUBSCR, 0, -1, instruction.offset}, stack,
                       out);
    isInPlace = argument >= std::size(numberedOps);
    unsigned index = argument - (isInPlace ? std::size(numberedOps) : 0);
    if (index >= std::size(numberedOps)) {
      fail("an operator is unknown");
      return true;
    }
    op = numberedOps[index];
  } else {
    StringRef text = nameOf(instruction.op);
    isInPlace = text.consume_front("INPLACE_");
    if (!isInPlace && !text.consume_front("BINARY_"))
      return false;
    op = binaryOp(text);
  }
  if (!op)
    return false;
  Expr *b = popValue(stack, &out), *a = popValue(stack, &out);
  // Python 2's division of integers rounds; what is certainly a float needs no
  // such care.
  Expr *result;
  if (isClassic && !isConstant(a, ConstantExpr::Type::Float) &&
      !isConstant(b, ConstantExpr::Type::Float)) {
    Argument arguments[] = {{Argument::Kind::Positional, {}, a, {}},
                            {Argument::Kind::Positional, {}, b, {}}};
    result = tree.call(tree.name("classic_divide"), arguments);
  } else {
    result = tree.binary(*op, a, b);
    if (isInPlace)
      inPlace.insert(result);
  }
  push(stack, result);
  return true;
}

//===----------------------------------------------------------------------===//
// Displays
//===----------------------------------------------------------------------===//

/// The items of a list or tuple; anything else is spread.
static void spread(TreeBuilder &tree, Expr *value,
                   llvm::SmallVectorImpl<Expr *> &items) {
  auto *sequence = llvm::dyn_cast<SequenceExpr>(value);
  if (sequence && sequence->kind != ExprKind::Set)
    items.append(sequence->items.begin(), sequence->items.end());
  else
    items.push_back(tree.starred(value));
}

static void spreadEntries(Expr *value, llvm::SmallVectorImpl<Expr *> &keys,
                          llvm::SmallVectorImpl<Expr *> &values) {
  if (auto *dict = llvm::dyn_cast<DictExpr>(value)) {
    keys.append(dict->keys.begin(), dict->keys.end());
    values.append(dict->values.begin(), dict->values.end());
  } else {
    keys.push_back(nullptr);
    values.push_back(value);
  }
}

bool Decompiler::displays(const Instruction &instruction, Stack &stack,
                          Statements &out) {
  unsigned argument = instruction.argument;
  auto build = [&](ExprKind kind) {
    push(stack, tree.sequence(kind, popValues(stack, argument, &out)));
    return true;
  };
  auto unpack = [&](ExprKind kind) {
    SmallVector<Expr *> items;
    for (Expr *value : popValues(stack, argument, &out))
      spread(tree, value, items);
    push(stack, tree.sequence(kind, items));
    return true;
  };
  /// Changes the display `depth` below the top by what is on the top.
  auto extend = [&](auto change) {
    Expr *value = popValue(stack, &out);
    Item *item = peek(stack, argument);
    if (item->kind != Item::Kind::Value)
      fail("there is nothing to extend");
    else
      item->expr = change(item->expr, value);
    return true;
  };
  auto extendSequence = [&](bool spreads) {
    return extend([&](Expr *display, Expr *value) -> Expr * {
      auto *sequence = llvm::dyn_cast<SequenceExpr>(display);
      if (!sequence) {
        fail("there is no list to extend");
        return display;
      }
      SmallVector<Expr *> items(sequence->items.begin(), sequence->items.end());
      shared.fuel -= std::min<unsigned>(shared.fuel, items.size());
      if (spreads)
        spread(tree, value, items);
      else
        items.push_back(value);
      return tree.sequence(sequence->kind, items);
    });
  };
  switch (instruction.op) {
  case Op::BUILD_TUPLE:
    return build(ExprKind::Tuple);
  case Op::BUILD_LIST:
    return build(ExprKind::List);
  case Op::BUILD_SET:
    return build(ExprKind::Set);
  case Op::BUILD_TUPLE_UNPACK:
  case Op::BUILD_TUPLE_UNPACK_WITH_CALL:
    return unpack(ExprKind::Tuple);
  case Op::BUILD_LIST_UNPACK:
    return unpack(ExprKind::List);
  case Op::LIST_EXTEND:
  case Op::SET_UPDATE:
    return extendSequence(true);
  case Op::LIST_APPEND:
  case Op::SET_ADD:
    return extendSequence(false);
  case Op::LIST_TO_TUPLE: {
    SmallVector<Expr *> items;
    spread(tree, popValue(stack, &out), items);
    push(stack, tree.sequence(ExprKind::Tuple, items));
    return true;
  }
  case Op::BUILD_MAP: {
    SmallVector<Expr *> keys, values;
    if (is(Version::V35)) {
      if (argument > stack.size()) {
        fail("the stack is too short");
        return true;
      }
      for (auto [i, e] : llvm::enumerate(popValues(stack, 2 * argument, &out)))
        (i % 2 ? values : keys).push_back(e);
      if (keys.size() != values.size())
        return true;
    }
    push(stack, tree.dict(keys, values));
    return true;
  }
  case Op::STORE_MAP: {
    Expr *key = popValue(stack, &out), *value = popValue(stack, &out);
    auto *dict = llvm::dyn_cast_or_null<DictExpr>(peek(stack, 1)->expr);
    if (!dict) {
      fail("there is no dict to extend");
      return true;
    }
    SmallVector<Expr *> keys(dict->keys), values(dict->values);
    keys.push_back(key);
    values.push_back(value);
    peek(stack, 1)->expr = tree.dict(keys, values);
    return true;
  }
  case Op::BUILD_CONST_KEY_MAP: {
    auto *keys = llvm::dyn_cast<SequenceExpr>(popValue(stack, &out));
    SmallVector<Expr *> values = popValues(stack, argument, &out);
    if (!keys || keys->items.size() != values.size())
      fail("a dict has no keys");
    else
      push(stack, tree.dict(keys->items, values));
    return true;
  }
  case Op::BUILD_MAP_UNPACK:
  case Op::BUILD_MAP_UNPACK_WITH_CALL: {
    SmallVector<Expr *> keys, values;
    for (Expr *value : popValues(stack, argument, &out))
      spreadEntries(value, keys, values);
    push(stack, tree.dict(keys, values));
    return true;
  }
  case Op::DICT_MERGE:
  case Op::DICT_UPDATE:
    return extend([&](Expr *display, Expr *value) -> Expr * {
      SmallVector<Expr *> keys, values;
      spreadEntries(display, keys, values);
      spreadEntries(value, keys, values);
      return tree.dict(keys, values);
    });
  default:
    return false;
  }
}

} // namespace lamina::import
