//===- DecompileConditions.cpp - tests, `and`, `or`, chained comparisons --===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

/// The conditional jump that begins at `at`; takes its condition from the
/// stack.
std::optional<Decompiler::Test> Decompiler::test(int at, Stack &stack,
                                                 Statements &out) {
  const Instruction &instruction = instructions[at];
  auto skip = [&](int index, Op op) {
    return index < int(instructions.size()) && instructions[index].op == op
               ? index + 1
               : index;
  };
  Op op = instruction.op;
  // From 3.12 on, a value that may be kept is copied, tested, and else dropped.
  if (op == Op::COPY && instruction.argument == 1 && is(Version::V312)) {
    int jump = skip(at + 1, Op::TO_BOOL);
    if (jump >= int(instructions.size()))
      return std::nullopt;
    op = instructions[jump].op;
    int drop = skip(jump + 1, Op::NOT_TAKEN);
    if ((op != Op::POP_JUMP_IF_FALSE && op != Op::POP_JUMP_IF_TRUE) ||
        drop >= int(instructions.size()) ||
        instructions[drop].op != Op::POP_TOP)
      return std::nullopt;
    Expr *condition = popValue(stack, &out);
    return Test{condition, op == Op::POP_JUMP_IF_TRUE,
                true,      instructions[jump].target,
                drop + 1,  jump};
  }
  StringRef name = nameOf(op);
  if (!name.contains("JUMP_IF") && !name.contains("JUMP_FORWARD_IF") &&
      !name.contains("JUMP_BACKWARD_IF"))
    return std::nullopt;
  if (name.contains("EXC"))
    return std::nullopt;
  Test result{popValue(stack, &out),
              name.contains("TRUE"),
              name.ends_with("OR_POP"),
              instruction.target,
              at + 1,
              at};
  if (name.contains("NONE")) {
    result.condition = tree.compare(result.condition,
                                    name.contains("NOT_NONE") ? CompareOp::IsNot
                                                              : CompareOp::Is,
                                    tree.none());
    result.jumpIf = true;
  }
  return result;
}

/// The test behind `first`, if there is nothing but an expression between them.
std::optional<Decompiler::Test> Decompiler::nextTest(int at, const Test &first,
                                                     Stack &stack) {
  Statements none;
  for (; at < int(instructions.size()) && at != first.target && !failed();
       ++at) {
    if (shared.fuel-- <= 1) {
      fail("it is too long");
      return std::nullopt;
    }
    if (std::optional<Test> found = test(at, stack, none))
      return found;
    const Instruction &instruction = instructions[at];
    StringRef name = nameOf(instruction.op);
    if (instruction.target >= 0 || name.starts_with("STORE_") ||
        name.starts_with("RETURN_") || name.starts_with("UNPACK_") ||
        name.starts_with("RAISE") || name.contains("YIELD") ||
        name.starts_with("DELETE_") || name.starts_with("IMPORT_") ||
        llvm::is_contained({Op::POP_TOP, Op::LIST_APPEND, Op::SET_ADD,
                            Op::MAP_ADD, Op::BREAK_LOOP, Op::MAKE_FUNCTION},
                           instruction.op))
      return std::nullopt;
    if (!simple(instruction, stack, none) || !none.empty())
      return std::nullopt;
  }
  return std::nullopt;
}

/// `a < b < c` as a condition: `b` is on the stack during the second test, and
/// dropped where the first one jumps to.
bool Decompiler::chain(Test &test, Stack &stack) {
  auto *compare = llvm::dyn_cast<CompareExpr>(test.condition);
  if (!compare || test.keeps || test.jumpIf || stack.empty() ||
      stack.back().kind != Item::Kind::Value ||
      stack.back().expr != compare->rest.back() ||
      instructions[test.target].op != Op::POP_TOP)
    return false;
  Stack ahead = stack;
  std::optional<Test> second = nextTest(test.next, test, ahead);
  auto *next =
      second ? llvm::dyn_cast<CompareExpr>(second->condition) : nullptr;
  if (!next || next->first != compare->rest.back() ||
      ahead.size() + 1 != stack.size() || second->keeps || second->jumpIf ||
      threaded(test.target + 1) != threaded(second->target))
    return false;
  llvm::SmallVector<CompareOp> ops(compare->ops);
  llvm::SmallVector<Expr *> rest(compare->rest);
  ops.append(next->ops.begin(), next->ops.end());
  rest.append(next->rest.begin(), next->rest.end());
  stack = std::move(ahead);
  test = *second;
  test.condition = tree.compare(compare->first, ops, rest);
  return true;
}

/// Joins tests that follow each other, as `and` and `or` make them.
void Decompiler::combine(Test &test, Stack &stack) {
  while (!failed()) {
    if (chain(test, stack))
      continue;
    if (test.keeps)
      return;
    Stack ahead = stack;
    std::optional<Test> second = nextTest(test.next, test, ahead);
    if (!second || ahead.size() != stack.size())
      return;
    int target = threaded(test.target);
    bool isAnd, jumpIf;
    Expr *first;
    if (target == threaded(second->target) && !second->keeps) {
      // Both jump to one place: not jumping takes both.
      jumpIf = test.jumpIf && second->jumpIf;
      isAnd = !second->jumpIf;
      first = second->jumpIf == test.jumpIf ? test.condition
                                            : tree.negation(test.condition);
      jumpIf = second->jumpIf;
    } else if (target == threaded(second->next)) {
      // The first one jumps over the second: jumping takes both.
      isAnd = second->jumpIf;
      jumpIf = second->jumpIf;
      first = second->jumpIf != test.jumpIf ? test.condition
                                            : tree.negation(test.condition);
    } else {
      return;
    }
    Expr *condition = tree.boolean(isAnd, first, second->condition);
    stack = std::move(ahead);
    test = *second;
    test.condition = condition;
    test.jumpIf = jumpIf;
  }
}

} // namespace lamina::import
