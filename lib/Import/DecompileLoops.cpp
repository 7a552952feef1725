//===- DecompileLoops.cpp - loops and comprehensions
//--------------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVectorImpl;

/// Behind the instructions that clean up after a loop.
int Decompiler::afterExit(int exit) const {
  auto is = [&](int index, std::initializer_list<Op> ops) {
    return index < int(instructions.size()) &&
           llvm::is_contained(ops, instructions[index].op);
  };
  if (is(exit, {Op::END_FOR})) {
    ++exit;
    if (this->is(Version::V313) && is(exit, {Op::POP_TOP, Op::POP_ITER}))
      ++exit;
  } else if (is(exit, {Op::POP_BLOCK})) {
    ++exit;
  }
  return exit;
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

/// What the instructions from `at` on store into.
void Decompiler::storeTargets(unsigned count, int &at, Stack &stack,
                              llvm::SmallVectorImpl<Expr *> &targets) {
  while (targets.size() < count && !failed()) {
    if (at >= int(instructions.size()) || shared.fuel-- <= 1)
      return fail("a target is missing");
    const Instruction &instruction = instructions[at];
    unsigned argument = instruction.argument;
    switch (instruction.op) {
    case Op::STORE_FAST:
      targets.push_back(tree.name(local(argument)));
      break;
    case Op::STORE_DEREF:
      targets.push_back(tree.name(cell(argument)));
      break;
    case Op::STORE_NAME:
      targets.push_back(tree.name(name(argument)));
      break;
    case Op::STORE_FAST_STORE_FAST:
      targets.push_back(tree.name(local(argument >> 4)));
      targets.push_back(tree.name(local(argument & 15)));
      break;
    case Op::STORE_FAST_LOAD_FAST:
      targets.push_back(tree.name(local(argument >> 4)));
      if (targets.size() != count)
        return fail("a target is missing");
      load(local(argument & 15), stack);
      break;
    case Op::UNPACK_SEQUENCE:
    case Op::UNPACK_EX:
      targets.push_back(unpackTarget(at, stack));
      continue;
    case Op::NOP:
      break;
    default:
      return refuse("it assigns to something that is no variable");
    }
    ++at;
  }
  if (targets.size() > count)
    fail("there are more targets than values");
}

Expr *Decompiler::unpackTarget(int &at, Stack &stack) {
  const Instruction &instruction = instructions[at++];
  bool hasStar = instruction.op == Op::UNPACK_EX;
  unsigned before = instruction.argument & 255;
  unsigned count =
      hasStar ? before + 1 + (instruction.argument >> 8) : instruction.argument;
  llvm::SmallVector<Expr *> targets;
  if (count > 1000 || shared.depth > 20) {
    fail("a target has too many parts");
    return tree.none();
  }
  ++shared.depth;
  storeTargets(count, at, stack, targets);
  --shared.depth;
  if (failed())
    return tree.none();
  if (hasStar)
    targets[before] = tree.starred(targets[before]);
  return tree.sequence(ExprKind::Tuple, targets);
}

Expr *Decompiler::storeTarget(int &at, Stack &stack) {
  llvm::SmallVector<Expr *> targets;
  storeTargets(1, at, stack, targets);
  return failed() ? tree.none() : targets[0];
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void Decompiler::forLoop(int &at, Stack &stack, Statements &out) {
  int header = at, exit = instructions[header].target, after = afterLoop;
  afterLoop = -1;
  Item iterator = *peek(stack, 1);
  if (iterator.kind != Item::Kind::Iterator || exit <= header)
    return fail("a loop has nothing to go over");
  if (shared.nesting == 100)
    return refuse("its loops are nested too deeply");
  Stack inner = stack;
  int bodyAt = header + 1;
  Expr *target = storeTarget(bodyAt, inner);
  Loop loop{header, exit, stack.size()};
  Statements body, otherwise;
  ++shared.nesting;
  End end = flow(bodyAt, header, inner, body, &loop);
  --shared.nesting;
  if (failed())
    return;
  if (end == End::Break)
    body.push_back(tree.statement<SimpleStmt>(StmtKind::Break));
  pop(stack);
  at = afterExit(exit);
  int resume = loop.breakTarget >= 0 ? loop.breakTarget : after;
  if (resume >= 0 && threaded(resume) != threaded(at)) {
    ++shared.nesting;
    End rest = flow(at, resume, stack, otherwise, nullptr);
    --shared.nesting;
    if (failed())
      return;
    if (rest != End::Join)
      at = resume;
  }
  auto list = [&](Statements &statements) {
    return tree.context.list(llvm::ArrayRef<Stmt *>(statements));
  };
  out.push_back(tree.statement<ForStmt>(target, iterator.expr, list(body),
                                        list(otherwise)));
}

//===----------------------------------------------------------------------===//
// Comprehensions
//===----------------------------------------------------------------------===//

/// A loop with an empty display below its iterator fills that; the loop of a
/// generator expression is all there is.
bool Decompiler::isComprehension(const Stack &stack) const {
  if (stack.empty() || stack.back().kind != Item::Kind::Iterator)
    return false;
  if (code.name == "<genexpr>")
    return true;
  if (stack.size() < 2)
    return false;
  const Item &below = stack[stack.size() - 2];
  if (below.kind != Item::Kind::Value)
    return false;
  if (auto *sequence = llvm::dyn_cast<SequenceExpr>(below.expr))
    return sequence->kind != ExprKind::Tuple && sequence->items.empty();
  auto *dict = llvm::dyn_cast<DictExpr>(below.expr);
  return dict && dict->keys.empty();
}

void Decompiler::comprehension(int &at, Stack &stack) {
  using Type = ComprehensionExpr::Type;
  int exit = instructions[at].target;
  llvm::SmallVector<ForClause> list;
  Expr *key = nullptr, *element = nullptr;
  Op kind = Op::NOP;
  Stack inner = stack;
  if (shared.nesting == 100)
    return refuse("its comprehensions are nested too deeply");
  ++shared.nesting;
  clauses(at, inner, list, key, element, kind);
  --shared.nesting;
  if (failed())
    return;
  Type type = kind == Op::LIST_APPEND ? Type::List
              : kind == Op::SET_ADD   ? Type::Set
              : kind == Op::MAP_ADD   ? Type::Dict
                                      : Type::Generator;
  pop(stack); // the iterator
  Expr *result = tree.comprehension(type, key, element, list);
  at = afterExit(exit);
  if (type != Type::Generator) {
    *peek(stack, 1) = Item::value(result);
    return;
  }
  // A generator has no result of its own; its function stands for it.
  push(stack, result);
  while (at < int(instructions.size()) &&
         instructions[at].op != Op::RETURN_VALUE &&
         instructions[at].op != Op::RETURN_CONST) {
    if (instructions[at].op != Op::LOAD_CONST &&
        instructions[at].op != Op::NOP && instructions[at].op != Op::POP_BLOCK)
      return refuse("it is a generator");
    ++at;
  }
  if (at == int(instructions.size()))
    return fail("the code ends without a result");
  generated = result;
}

void Decompiler::clauses(int header, Stack &stack,
                         llvm::SmallVectorImpl<ForClause> &list, Expr *&key,
                         Expr *&element, Op &kind) {
  Item iterator = *peek(stack, 1);
  if (iterator.kind != Item::Kind::Iterator)
    return fail("a comprehension has nothing to go over");
  int at = header + 1;
  Expr *target = storeTarget(at, stack);
  llvm::SmallVector<Expr *> conditions;
  Statements none;
  auto close = [&] {
    list.push_back({target, iterator.expr, tree.list(conditions)});
  };
  while (!failed()) {
    if (at < 0 || at >= int(instructions.size()))
      return fail("a comprehension has no end");
    if (shared.fuel-- <= 1)
      return fail("it is too long");
    if (tree.overflow)
      return refuse("it is too large");
    const Instruction &instruction = instructions[at];
    bool isItem =
        llvm::is_contained({Op::LIST_APPEND, Op::SET_ADD, Op::MAP_ADD},
                           instruction.op) &&
        instruction.argument >= 2;
    if (isItem ||
        (instruction.op == Op::YIELD_VALUE && code.name == "<genexpr>")) {
      element = popValue(stack, nullptr);
      if (instruction.op == Op::MAP_ADD) {
        key = popValue(stack, nullptr);
        if (!is(Version::V38))
          std::swap(key, element);
      }
      kind = instruction.op;
      return close();
    }
    if (instruction.op == Op::FOR_ITER) {
      if (isComprehension(stack) && code.name != "<genexpr>") {
        comprehension(at, stack);
        continue;
      }
      if (list.size() > 50)
        return refuse("a comprehension has too many loops");
      close();
      return clauses(at, stack, list, key, element, kind);
    }
    if (instruction.op == Op::JUMP_FORWARD ||
        instruction.op == Op::JUMP_ABSOLUTE) {
      if (instruction.target <= at)
        return refuse("a comprehension has no items");
      at = instruction.target;
      continue;
    }
    if (std::optional<Test> found = test(at, stack, none)) {
      combine(*found, stack);
      if (threaded(found->target) == header && !found->keeps) {
        conditions.push_back(conditionToFall(*found));
        at = found->next;
      } else if (threaded(found->next) == header && !found->keeps) {
        conditions.push_back(conditionToJump(*found));
        at = found->target;
      } else if (branch(*found, at, -1, stack, none, nullptr) && !failed()) {
        refuse("a comprehension has statements");
      }
    } else {
      if (!simple(instruction, stack, none))
        explain(instruction.op);
      ++at;
    }
    if (!none.empty())
      refuse("a comprehension has statements");
  }
}

} // namespace lamina::import
