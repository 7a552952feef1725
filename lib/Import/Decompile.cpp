//===- Decompile.cpp - from bytecode to a syntax tree
//-------------------------===//

#include "lamina/Import/Decompile.h"
#include "Decompiler.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

namespace lamina::import {

using namespace ast;
using llvm::StringRef;

/// The immediate post-dominators of the instructions; that of what only ends
/// the function is -1. (Cooper, Harvey, Kennedy: A Simple, Fast Dominance
/// Algorithm.)
void Decompiler::findPostDominators() {
  int count = int(instructions.size()), exit = count;
  std::vector<llvm::SmallVector<int, 2>> successors(count),
      predecessors(count + 1);
  for (int i = 0; i < count; ++i) {
    const Instruction &instruction = instructions[i];
    StringRef name = nameOf(instruction.op);
    bool ends = name.starts_with("RETURN_V") || name.starts_with("RETURN_C") ||
                name.starts_with("RAISE") || name == "RERAISE" ||
                name == "BREAK_LOOP";
    bool goes = name.starts_with("JUMP_FORWARD") ||
                name.starts_with("JUMP_ABSOLUTE") ||
                name.starts_with("JUMP_BACKWARD") || name == "CONTINUE_LOOP";
    if (ends)
      successors[i] = {exit};
    else if (goes)
      successors[i] = {instruction.target};
    else {
      successors[i] = {i + 1 < count ? i + 1 : exit};
      if (instruction.target >= 0 && !name.starts_with("SETUP_"))
        successors[i].push_back(instruction.target);
    }
    for (int successor : successors[i])
      predecessors[successor].push_back(i);
  }
  // Numbers in the order in which a walk back from the exit leaves them.
  std::vector<int> number(count + 1, -1), order;
  std::vector<std::pair<int, unsigned>> walk{{exit, 0}};
  std::vector<bool> seen(count + 1);
  seen[exit] = true;
  while (!walk.empty()) {
    auto &[node, next] = walk.back();
    if (next < predecessors[node].size()) {
      int predecessor = predecessors[node][next++];
      if (!seen[predecessor]) {
        seen[predecessor] = true;
        walk.emplace_back(predecessor, 0);
      }
      continue;
    }
    number[node] = int(order.size());
    order.push_back(node);
    walk.pop_back();
  }
  std::vector<int> found(count + 1, -1);
  found[exit] = exit;
  auto meet = [&](int a, int b) {
    while (a != b) {
      while (number[a] < number[b])
        a = found[a];
      while (number[b] < number[a])
        b = found[b];
    }
    return a;
  };
  bool changed = true;
  for (int round = 0; changed && round < 100; ++round) {
    changed = false;
    for (int node : llvm::reverse(order)) {
      if (node == exit)
        continue;
      int meeting = -1;
      for (int successor : successors[node])
        if (number[successor] >= 0 && found[successor] >= 0)
          meeting = meeting < 0 ? successor : meet(meeting, successor);
      if (meeting != found[node]) {
        found[node] = meeting;
        changed = true;
      }
    }
  }
  if (changed)
    refuse("its jumps are too involved");
  postDominators.assign(found.begin(), found.begin() + count);
  for (int &node : postDominators)
    if (node == exit)
      node = -1;
}

Expr *Decompiler::constant(const PyValue *value) {
  using Kind = PyValue::Kind;
  auto items = [&](llvm::ArrayRef<const PyValue *> list) {
    llvm::SmallVector<Expr *> result;
    for (const PyValue *item : list) {
      // References may make a small file large.
      if (tree.overflow || failed())
        break;
      result.push_back(constant(item));
    }
    return result;
  };
  switch (value->kind) {
  case Kind::None:
    return tree.none();
  case Kind::True:
    return tree.constant(ConstantExpr::Type::True);
  case Kind::False:
    return tree.constant(ConstantExpr::Type::False);
  case Kind::Ellipsis:
    return tree.constant(ConstantExpr::Type::Ellipsis);
  case Kind::Int:
    return tree.integer(value->integer);
  case Kind::Float:
    return tree.real(value->real);
  case Kind::Tuple:
    return tree.sequence(ExprKind::Tuple, items(value->items));
  case Kind::List:
    return tree.sequence(ExprKind::List, items(value->items));
  case Kind::Set:
    return tree.sequence(ExprKind::Set, items(value->items));
  case Kind::Slice: {
    llvm::SmallVector<Expr *> parts = items(value->items);
    parts.resize(3, nullptr);
    for (Expr *&part : parts)
      if (auto *c = llvm::dyn_cast_or_null<ConstantExpr>(part);
          c && c->type == ConstantExpr::Type::None)
        part = nullptr;
    return tree.slice(parts[0], parts[1], parts[2]);
  }
  case Kind::Bytes:
    if (is(Version::V35)) {
      refuse("it has bytes as a constant");
      break;
    }
    [[fallthrough]];
  case Kind::Text: {
    const auto *begin =
        reinterpret_cast<const llvm::UTF8 *>(value->text.data());
    if (llvm::isLegalUTF8String(&begin, begin + value->text.size()))
      return tree.string(value->text);
    refuse("it has bytes as a constant");
    break;
  }
  case Kind::BigInt:
    refuse("it has an integer of more than 64 bits");
    break;
  case Kind::Complex:
    refuse("it has a complex number");
    break;
  default:
    fail("a constant is of no known kind");
    break;
  }
  return tree.none();
}

bool Decompiler::run(Statements &out) {
  llvm::Expected<Instructions> found = disassemble(code, version);
  if (!found) {
    fail(llvm::toString(found.takeError()));
    return false;
  }
  instructions = std::move(found->list);
  shared.repaired += found->repaired;
  if (code.flags & CodeObject::Coroutine)
    refuse("it is a coroutine");
  if ((code.flags & CodeObject::Generator) && code.name != "<genexpr>")
    refuse("it is a generator: 'yield' cannot be compiled");
  if (!failed())
    findPostDominators();
  Stack stack;
  int at = 0;
  if (!failed())
    flow(at, -1, stack, out, nullptr);
  if (!failed() && maxStack > size_t(code.stackSize) + 1)
    fail("it needs more stack than it says");
  if (tree.overflow)
    refuse("it is too large");
  if (failed())
    return false;
  if (generated)
    out.assign(1, tree.statement<ReturnStmt>(generated));
  if (!nonlocals.empty()) {
    llvm::SmallVector<StringRef> names(nonlocals.begin(), nonlocals.end());
    out.insert(out.begin(),
               tree.statement<ScopeStmt>(
                   StmtKind::Nonlocal,
                   tree.context.list(llvm::ArrayRef<StringRef>(names))));
  }
  return true;
}

Expr *Function::expression() const {
  auto *result =
      body.size() == 1 ? llvm::dyn_cast<ReturnStmt>(body[0]) : nullptr;
  return result ? result->value : nullptr;
}

llvm::Expected<Function> decompile(StringRef bytes, ASTContext &context) {
  if (bytes.size() > 1 << 20)
    return llvm::createStringError("the bytecode has more than 1 MiB");
  std::optional<Function> result;
  std::string reason;
  bool isUnderstood = false; // the reason is the body's, not the version's
  for (Layout layout : {Layout::Python311, Layout::Python38, Layout::Python35,
                        Layout::Python27}) {
    Marshal marshal;
    llvm::Expected<const CodeObject *> code = marshal.read(bytes, layout);
    if (!code) {
      std::string why = llvm::toString(code.takeError());
      if (reason.empty())
        reason = why;
      continue;
    }
    // What is no name must not get into a program.
    if (!llvm::all_of((*code)->frees, isName) ||
        ((*code)->name != "<lambda>" && !isName((*code)->name))) {
      reason = "a name in it is none";
      continue;
    }
    for (Version version : versionsOf(layout)) {
      Shared shared(context, version);
      Decompiler decompiler(shared, **code);
      Statements body;
      bool ok = decompiler.run(body);
      llvm::SmallVector<Parameter> parameters;
      if (ok)
        parameters = decompiler.parameters(nullptr);
      if (!decompiler.error.empty()) {
        if (!isUnderstood)
          reason = decompiler.error;
        isUnderstood |= decompiler.unsupported;
        continue;
      }
      if (result) { // another version would have written the same
        result->versions.push_back(version);
        continue;
      }
      result.emplace();
      result->name = (*code)->name.str();
      result->parameters.assign(parameters.begin(), parameters.end());
      result->body = context.list(llvm::ArrayRef<Stmt *>(body));
      for (StringRef name : (*code)->frees)
        result->frees.push_back(name.str());
      result->globals = std::move(shared.globals);
      result->versions = {version};
      result->repaired = shared.repaired;
    }
    if (result)
      return std::move(*result);
  }
  return llvm::createStringError(reason);
}

} // namespace lamina::import
