//===- DecompileStores.cpp - assignments and imports ----------------------===//

#include "Decompiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using namespace ast;
using llvm::SmallVector;
using llvm::StringRef;

/// Does `e` read `variable`? Every node that is looked at costs fuel.
static bool mentions(const Expr *e, StringRef variable, unsigned &fuel) {
  if (!e || fuel == 0)
    return fuel == 0;
  --fuel;
  auto any = [&](llvm::ArrayRef<Expr *> list) {
    return llvm::any_of(
        list, [&](const Expr *x) { return mentions(x, variable, fuel); });
  };
  switch (e->kind) {
  case ExprKind::Constant:
    return false;
  case ExprKind::Name:
    return llvm::cast<NameExpr>(e)->name == variable;
  case ExprKind::Unary:
    return mentions(llvm::cast<UnaryExpr>(e)->operand, variable, fuel);
  case ExprKind::Binary:
    return any(
        {llvm::cast<BinaryExpr>(e)->lhs, llvm::cast<BinaryExpr>(e)->rhs});
  case ExprKind::BoolOp:
    return any(llvm::cast<BoolOpExpr>(e)->values);
  case ExprKind::Compare:
    return mentions(llvm::cast<CompareExpr>(e)->first, variable, fuel) ||
           any(llvm::cast<CompareExpr>(e)->rest);
  case ExprKind::IfExp: {
    auto *c = llvm::cast<IfExpr>(e);
    return any({c->condition, c->thenValue, c->elseValue});
  }
  case ExprKind::Call:
    return mentions(llvm::cast<CallExpr>(e)->callee, variable, fuel) ||
           llvm::any_of(llvm::cast<CallExpr>(e)->args, [&](const Argument &a) {
             return mentions(a.value, variable, fuel);
           });
  case ExprKind::Attribute:
    return mentions(llvm::cast<AttributeExpr>(e)->object, variable, fuel);
  case ExprKind::Subscript:
    return any({llvm::cast<SubscriptExpr>(e)->object,
                llvm::cast<SubscriptExpr>(e)->index});
  case ExprKind::Slice: {
    auto *s = llvm::cast<SliceExpr>(e);
    return any({s->lower, s->upper, s->step});
  }
  case ExprKind::Tuple:
  case ExprKind::List:
  case ExprKind::Set:
    return any(llvm::cast<SequenceExpr>(e)->items);
  case ExprKind::Dict:
    return any(llvm::cast<DictExpr>(e)->keys) ||
           any(llvm::cast<DictExpr>(e)->values);
  case ExprKind::Starred:
    return mentions(llvm::cast<StarredExpr>(e)->value, variable, fuel);
  // Those with a scope of their own: rare enough to be careful.
  case ExprKind::Comprehension:
  case ExprKind::Lambda:
  case ExprKind::FString:
  case ExprKind::NamedExpr:
    return true;
  }
  return true;
}

/// Values on the stack that read `variable` are computed before it changes.
void Decompiler::spill(Stack &stack, StringRef variable, Statements &out) {
  for (Item &item : stack) {
    bool reads =
        (item.kind == Item::Kind::Value || item.kind == Item::Kind::Iterator) &&
        mentions(item.expr, variable, shared.fuel);
    if (!reads ||
        item.kind == Item::Kind::Iterator) // an iterator has its value already
      continue;
    Expr *name = tree.name(temporary());
    out.push_back(tree.statement<AssignStmt>(tree.list(name), item.expr));
    item.expr = name;
  }
}

void Decompiler::store(StringRef variable, Stack &stack, Statements &out) {
  Item item = pop(stack);
  if (item.kind == Item::Kind::Saved)
    return; // a variable that a comprehension had borrowed
  spill(stack, variable, out);
  assign(tree.name(variable), item, stack, out);
}

void Decompiler::assign(Expr *target, Item item, Stack &stack,
                        Statements &out) {
  auto *name = llvm::dyn_cast<NameExpr>(target);
  if (item.kind == Item::Kind::Module) {
    if (!name)
      return refuse("an import is no variable");
    StringRef alias = name->name == item.text ? StringRef() : name->name;
    if (item.expr) {
      auto *attribute = llvm::cast<NameExpr>(item.expr);
      ImportName imported{attribute->name,
                          name->name == attribute->name ? StringRef()
                                                        : name->name,
                          {}};
      out.push_back(tree.statement<ImportFromStmt>(
          item.text, llvm::SMRange(),
          tree.context.list(llvm::ArrayRef(imported))));
      return;
    }
    if (name->name == item.text.split('.').first)
      alias = {};
    ImportName imported{item.text, alias, {}};
    out.push_back(tree.statement<ImportStmt>(
        tree.context.list(llvm::ArrayRef(imported))));
    return;
  }
  if (item.kind == Item::Kind::Function && name &&
      item.function->code->name != "<lambda>") {
    Statements body;
    if (!nested(*item.function, nullptr, body))
      return;
    Decompiler inner(shared, *item.function->code);
    SmallVector<Parameter> list = inner.parameters(item.function);
    out.push_back(tree.statement<FunctionDefStmt>(
        name->name, llvm::SMRange(), tree.context.list(llvm::ArrayRef(list)),
        tree.context.list(llvm::ArrayRef<Stmt *>(body)),
        llvm::ArrayRef<Expr *>()));
    return;
  }
  Stack one{item};
  Expr *value = popValue(one, &out);
  auto *binary = llvm::dyn_cast<BinaryExpr>(value);
  auto *lhs = binary && inPlace.contains(value)
                  ? llvm::dyn_cast<NameExpr>(binary->lhs)
                  : nullptr;
  if (lhs && name && lhs->name == name->name)
    out.push_back(tree.statement<AugAssignStmt>(target, binary->op,
                                                llvm::SMLoc(), binary->rhs));
  else
    out.push_back(tree.statement<AssignStmt>(tree.list(target), value));
  // `x = y = value` has it on the stack twice.
  if (name && value->kind != ExprKind::Constant &&
      value->kind != ExprKind::Name)
    for (Item &other : stack)
      if (other.kind == Item::Kind::Value && other.expr == value)
        other.expr = target;
}

bool Decompiler::stores(const Instruction &instruction, Stack &stack,
                        Statements &out) {
  unsigned argument = instruction.argument;
  switch (instruction.op) {
  case Op::STORE_FAST:
    store(local(argument), stack, out);
    return true;
  case Op::STORE_DEREF: {
    StringRef variable = cell(argument);
    if (llvm::is_contained(code.frees, variable))
      nonlocals.insert(variable);
    store(variable, stack, out);
    return true;
  }
  case Op::STORE_NAME:
    store(name(argument), stack, out);
    return true;
  case Op::STORE_SUBSCR: {
    Expr *index = popValue(stack, &out), *object = popValue(stack, &out);
    Item value = pop(stack);
    assign(tree.subscript(object, index), value, stack, out);
    return true;
  }
  case Op::STORE_ATTR: {
    Expr *object = popValue(stack, &out);
    Item value = pop(stack);
    assign(tree.attribute(object, name(argument)), value, stack, out);
    return true;
  }
  case Op::DELETE_FAST:
    out.push_back(
        tree.statement<DeleteStmt>(tree.list(tree.name(local(argument)))));
    return true;
  case Op::IMPORT_NAME: {
    Expr *names = popValue(stack, &out);
    pop(stack); // the level
    auto *constant = llvm::dyn_cast<ConstantExpr>(names);
    bool hasNames = !constant || constant->type != ConstantExpr::Type::None;
    push(stack, {Item::Kind::Module, nullptr, nullptr, nullptr, name(argument),
                 hasNames});
    return true;
  }
  case Op::IMPORT_FROM: {
    Item module = *peek(stack, 1);
    if (module.kind != Item::Kind::Module) {
      fail("there is no module to import from");
      return true;
    }
    // `import a.b as c` gets `b` this way, too.
    if (StringRef text = name(argument); module.fromModule)
      module.expr = tree.name(text);
    push(stack, module);
    return true;
  }
  default:
    return false;
  }
}

} // namespace lamina::import
