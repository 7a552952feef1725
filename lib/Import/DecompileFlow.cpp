//===- DecompileFlow.cpp - jumps become conditions
//----------------------------===//
//
// Code between two places is run once. At a conditional jump both sides are run
// to the place where they meet, the post-dominator, and what differs there is
// joined by a conditional expression, or by an `if` if a side has statements.
//
//===----------------------------------------------------------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

namespace lamina::import {

using namespace ast;
using llvm::StringRef;

static constexpr unsigned maxNesting = 200;

void Decompiler::explain(Op op) {
  StringRef name = nameOf(op);
  auto any = [&](std::initializer_list<StringRef> parts) {
    return llvm::any_of(parts,
                        [&](StringRef part) { return name.contains(part); });
  };
  if (any({"EXC", "FINALLY", "RERAISE"}))
    refuse("it has 'try'");
  else if (any({"WITH"}))
    refuse("it has 'with'");
  else if (any({"ASYNC", "AWAIT", "SEND", "YIELD", "GET_A"}))
    refuse("it is a generator or coroutine");
  else if (any({"CLASS"}))
    refuse("it defines a class");
  else if (any({"GLOBAL"}))
    refuse("it changes a global variable");
  else if (any({"PRINT"}))
    refuse("it prints");
  else
    refuse("its instruction " + name + " has no counterpart in the language");
}

/// Where one gets from `at` by jumps that are always taken.
int Decompiler::threaded(int at) const {
  for (int steps = 0; steps < 64 && at >= 0 && at < int(instructions.size());
       ++steps) {
    const Instruction &instruction = instructions[at];
    switch (instruction.op) {
    case Op::JUMP_FORWARD:
    case Op::JUMP_ABSOLUTE:
    case Op::JUMP_BACKWARD:
    case Op::JUMP_BACKWARD_NO_INTERRUPT:
    case Op::CONTINUE_LOOP:
      at = instruction.target;
      break;
    case Op::NOP:
    case Op::NOT_TAKEN:
      ++at;
      break;
    default:
      return at;
    }
  }
  return at;
}

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

static bool isSame(const Expr *a, const Expr *b) {
  if (a == b)
    return true;
  auto *x = llvm::dyn_cast_or_null<NameExpr>(a),
       *y = llvm::dyn_cast_or_null<NameExpr>(b);
  return x && y && x->name == y->name;
}

Expr *Decompiler::select(const Test &test, Expr *fallen, Expr *jumped) {
  if (jumped != test.condition || !test.keeps)
    return test.jumpIf ? tree.conditional(test.condition, jumped, fallen)
                       : tree.conditional(test.condition, fallen, jumped);
  auto *first = llvm::dyn_cast<CompareExpr>(jumped),
       *second = llvm::dyn_cast<CompareExpr>(fallen);
  bool isChain = !test.jumpIf && first && second &&
                 second->first == first->rest.back() &&
                 second->first->kind != ExprKind::Constant;
  if (!isChain)
    return tree.boolean(!test.jumpIf, jumped, fallen);
  llvm::SmallVector<CompareOp> ops(first->ops);
  llvm::SmallVector<Expr *> rest(first->rest);
  ops.append(second->ops.begin(), second->ops.end());
  rest.append(second->rest.begin(), second->rest.end());
  return tree.compare(first->first, ops, rest);
}

/// Both sides have come to the same place; the result is in `fallen`.
void Decompiler::merge(const Test &test, Stack &fallen, const Stack &jumped,
                       Statements &whenFallen, Statements &whenJumped,
                       Statements &out) {
  if (fallen.size() != jumped.size())
    return fail("the sides of a condition leave different stacks");
  bool isExpression = whenFallen.empty() && whenJumped.empty();
  for (auto [a, b] : llvm::zip_equal(fallen, jumped)) {
    if (a.kind == b.kind && isSame(a.expr, b.expr) &&
        a.function == b.function && a.code == b.code)
      continue;
    Stack one{a}, other{b};
    Expr *x = popValue(one, &whenFallen), *y = popValue(other, &whenJumped);
    isExpression &= whenFallen.empty() && whenJumped.empty();
    if (isExpression) {
      a = Item::value(select(test, x, y));
      continue;
    }
    Expr *name = tree.name(temporary());
    whenFallen.push_back(tree.statement<AssignStmt>(tree.list(name), x));
    whenJumped.push_back(tree.statement<AssignStmt>(tree.list(name), y));
    a = Item::value(name);
  }
  auto list = [&](Statements &statements) {
    return tree.context.list(llvm::ArrayRef<Stmt *>(statements));
  };
  if (isExpression || (whenFallen.empty() && whenJumped.empty()))
    return;
  if (whenFallen.empty())
    out.push_back(tree.statement<IfStmt>(conditionToJump(test),
                                         list(whenJumped), Block()));
  else
    out.push_back(tree.statement<IfStmt>(conditionToFall(test),
                                         list(whenFallen), list(whenJumped)));
}

std::optional<Decompiler::End> Decompiler::branch(const Test &test, int &at,
                                                  int stop, Stack &stack,
                                                  Statements &out, Loop *loop) {
  if (shared.nesting == maxNesting) {
    refuse("its conditions are nested too deeply");
    return End::Return;
  }
  ++shared.nesting;
  auto leave = llvm::scope_exit([&] { --shared.nesting; });
  auto close = [&](End end, Statements &side) {
    if (end == End::Break || end == End::Continue)
      side.push_back(tree.statement<SimpleStmt>(
          end == End::Break ? StmtKind::Break : StmtKind::Continue));
  };
  auto onlyReturn = [](End end, const Statements &side) -> ReturnStmt * {
    return end == End::Return && side.size() == 1
               ? llvm::dyn_cast<ReturnStmt>(side[0])
               : nullptr;
  };
  auto guard = [&](Expr *condition, Statements &side) {
    out.push_back(tree.statement<IfStmt>(
        condition, tree.context.list(llvm::ArrayRef<Stmt *>(side)), Block()));
  };
  int join = postDominators[test.index];
  Stack fallen = stack, jumped = stack;
  if (test.keeps)
    push(jumped, test.condition);
  Statements whenFallen, whenJumped;
  int fallenAt = test.next, jumpedAt = test.target;
  End fallenEnd = flow(fallenAt, join, fallen, whenFallen, loop);
  if (failed())
    return End::Return;
  if (fallenEnd != End::Join) {
    ReturnStmt *value = onlyReturn(fallenEnd, whenFallen);
    if (!value) {
      // What follows is the other side.
      close(fallenEnd, whenFallen);
      guard(conditionToFall(test), whenFallen);
      stack = std::move(jumped);
      at = jumpedAt;
      return std::nullopt;
    }
    End jumpedEnd = flow(jumpedAt, stop, jumped, whenJumped, loop);
    if (failed())
      return End::Return;
    if (ReturnStmt *other = onlyReturn(jumpedEnd, whenJumped)) {
      out.push_back(
          tree.statement<ReturnStmt>(select(test, value->value, other->value)));
      return End::Return;
    }
    guard(conditionToFall(test), whenFallen);
    out.append(whenJumped.begin(), whenJumped.end());
    stack = std::move(jumped);
    at = jumpedAt;
    if (jumpedEnd == End::Join)
      return std::nullopt;
    return jumpedEnd;
  }
  End jumpedEnd = flow(jumpedAt, join, jumped, whenJumped, loop);
  if (failed())
    return End::Return;
  at = join;
  if (jumpedEnd != End::Join) {
    close(jumpedEnd, whenJumped);
    guard(conditionToJump(test), whenJumped);
    out.append(whenFallen.begin(), whenFallen.end());
    stack = std::move(fallen);
    return std::nullopt;
  }
  merge(test, fallen, jumped, whenFallen, whenJumped, out);
  stack = std::move(fallen);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// From one place to another
//===----------------------------------------------------------------------===//

Decompiler::End Decompiler::flow(int &at, int stop, Stack &stack,
                                 Statements &out, Loop *loop) {
  while (!failed()) {
    if (at == stop)
      return End::Join;
    if (loop && at == loop->header)
      return End::Continue;
    if (loop && at >= loop->exit && stack.size() < loop->depth) {
      loop->breakTarget = at;
      return End::Break;
    }
    if (at < 0 || at >= int(instructions.size())) {
      fail("the code ends without a result");
      break;
    }
    if (shared.fuel-- <= 1) {
      shared.fuel = 1;
      fail("it is too long");
      break;
    }
    if (tree.overflow) {
      shared.overflow = true;
      refuse("it is too large");
      break;
    }
    if (std::optional<End> end = step(at, stop, stack, out, loop))
      return *end;
  }
  return End::Return;
}

std::optional<Decompiler::End> Decompiler::step(int &at, int stop, Stack &stack,
                                                Statements &out, Loop *loop) {
  const Instruction &instruction = instructions[at];
  switch (instruction.op) {
  case Op::RETURN_VALUE:
    out.push_back(tree.statement<ReturnStmt>(popValue(stack, &out)));
    // A function with statements as the value has put them before.
    return End::Return;
  case Op::RETURN_CONST:
    out.push_back(
        tree.statement<ReturnStmt>(constant(constantAt(instruction.argument))));
    return End::Return;
  case Op::RAISE_VARARGS: {
    if (instruction.argument > 2) {
      fail("'raise' has too many values");
      return End::Return;
    }
    auto values = popValues(stack, instruction.argument, &out);
    out.push_back(
        tree.statement<RaiseStmt>(values.empty() ? nullptr : values[0]));
    return End::Return;
  }
  case Op::JUMP_FORWARD:
  case Op::JUMP_ABSOLUTE:
  case Op::JUMP_BACKWARD:
  case Op::JUMP_BACKWARD_NO_INTERRUPT:
  case Op::CONTINUE_LOOP:
    if (instruction.target <= at && instruction.target != stop &&
        (!loop || instruction.target != loop->header)) {
      refuse("it has a 'while' loop");
      return End::Return;
    }
    at = instruction.target;
    return std::nullopt;
  case Op::SETUP_LOOP:
    afterLoop = instruction.target;
    ++at;
    return std::nullopt;
  case Op::BREAK_LOOP:
    if (!loop) {
      fail("'break' is in no loop");
      return End::Return;
    }
    return End::Break;
  case Op::FOR_ITER:
    if (isComprehension(stack))
      comprehension(at, stack);
    else
      forLoop(at, stack, out);
    return std::nullopt;
  case Op::UNPACK_SEQUENCE:
  case Op::UNPACK_EX: {
    Expr *value = popValue(stack, &out);
    auto *sequence = llvm::dyn_cast<SequenceExpr>(value);
    if (sequence && instruction.op == Op::UNPACK_SEQUENCE &&
        sequence->items.size() == instruction.argument &&
        llvm::none_of(sequence->items,
                      [](Expr *e) { return e->kind == ExprKind::Starred; })) {
      for (Expr *item : llvm::reverse(sequence->items))
        push(stack, item);
      ++at;
      return std::nullopt;
    }
    Stack rest;
    Expr *target = unpackTarget(at, rest);
    if (failed())
      return End::Return;
    for (Expr *part : llvm::cast<SequenceExpr>(target)->items)
      if (auto *name = llvm::dyn_cast<NameExpr>(part))
        spill(stack, name->name, out);
    out.push_back(tree.statement<AssignStmt>(tree.list(target), value));
    stack.append(rest);
    return std::nullopt;
  }
  default:
    break;
  }
  if (std::optional<Test> found = test(at, stack, out)) {
    combine(*found, stack);
    return failed() ? std::optional(End::Return)
                    : branch(*found, at, stop, stack, out, loop);
  }
  if (!simple(instruction, stack, out))
    explain(instruction.op);
  ++at;
  return std::nullopt;
}

} // namespace lamina::import
