//===- ParserTargets.cpp - assignments and what can be assigned to --------===//

#include "ParserImpl.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

StringRef Parser::describe(const Expr *expr) {
  switch (expr->kind) {
  case ExprKind::Constant:
    switch (cast<ConstantExpr>(expr)->type) {
    case ConstantExpr::Type::None:
      return "None";
    case ConstantExpr::Type::True:
      return "True";
    case ConstantExpr::Type::False:
      return "False";
    case ConstantExpr::Type::Ellipsis:
      return "'...'";
    case ConstantExpr::Type::Int:
    case ConstantExpr::Type::Float:
      return "a number";
    case ConstantExpr::Type::String:
      return "a string";
    }
    llvm_unreachable("a constant of no type");
  case ExprKind::Name:
    return "a name";
  case ExprKind::Unary:
  case ExprKind::Binary:
  case ExprKind::BoolOp:
    return "an expression";
  case ExprKind::Compare:
    return "a comparison";
  case ExprKind::IfExp:
    return "a conditional expression";
  case ExprKind::Call:
    return "a call";
  case ExprKind::Attribute:
    return "an attribute";
  case ExprKind::Subscript:
    return "a subscript";
  case ExprKind::Slice:
    return "a slice";
  case ExprKind::Tuple:
    return "a tuple";
  case ExprKind::List:
    return "a list";
  case ExprKind::Set:
    return "a set";
  case ExprKind::Dict:
    return "a dictionary";
  case ExprKind::Comprehension:
    return "a comprehension";
  case ExprKind::Lambda:
    return "a lambda";
  case ExprKind::Starred:
    return "a starred expression";
  case ExprKind::FString:
    return "an f-string";
  case ExprKind::NamedExpr:
    return "an assignment expression";
  }
  llvm_unreachable("an expression of no kind");
}

/// Reports what cannot be assigned to. The statement is good for parsing on.
bool Parser::checkTarget(Expr *target, TargetUse use, bool inSequence) {
  bool plain = use != TargetUse::AugAssign && use != TargetUse::Annotate;
  switch (target->kind) {
  case ExprKind::Name:
  case ExprKind::Attribute:
  case ExprKind::Subscript:
    return true;
  case ExprKind::Starred:
    if (!plain || use == TargetUse::Delete)
      break;
    if (!inSequence) {
      error(target->range, "a starred target must be in a tuple or list")
          .note("did you mean '*name, = …'?");
      return false;
    }
    return checkTarget(cast<StarredExpr>(target)->value, use, true);
  case ExprKind::Tuple:
  case ExprKind::List: {
    if (!plain)
      break;
    const Expr *star = nullptr;
    for (Expr *item : cast<SequenceExpr>(target)->items) {
      if (!checkTarget(item, use, true))
        return false;
      if (!isa<StarredExpr>(item))
        continue;
      if (star) {
        error(item->range, "a second starred target in one assignment")
            .note("the first is here", star->range);
        return false;
      }
      star = item;
    }
    return true;
  }
  default:
    break;
  }
  StringRef verb = use == TargetUse::Delete     ? "delete"
                   : use == TargetUse::Annotate ? "annotate"
                                                : "assign to";
  Diagnostic &d =
      error(target->range, "cannot " + verb + " " + describe(target));
  if (use == TargetUse::AugAssign && !plain &&
      (target->kind == ExprKind::Tuple || target->kind == ExprKind::List))
    d.note("an augmented assignment has one target");
  else if (use == TargetUse::Assign && target->kind != ExprKind::Constant)
    d.note("did you mean '=='?");
  return false;
}

Expr *Parser::parseLoopTarget() {
  SMLoc start = token.start();
  SmallVector<Expr *> items;
  bool tuple = false;
  do {
    SMLoc itemStart = token.start();
    if (!items.empty() && at(TokenKind::kw_in))
      break;
    bool star = accept(TokenKind::Star);
    // `x in xs` would be a comparison, so only what binds tighter.
    Expr *item = parseBinary(1);
    if (item && star)
      item = finish(make<StarredExpr>(from(itemStart), item), item);
    if (!item)
      return nullptr;
    items.push_back(item);
    if (!at(TokenKind::Comma))
      break;
    tuple = true;
  } while (accept(TokenKind::Comma));
  Expr *target = items.front();
  if (tuple)
    target = finish(make<SequenceExpr>(from(start), ExprKind::Tuple,
                                       context.list<Expr *>(items)),
                    items);
  if (!target || !checkTarget(target, TargetUse::Loop))
    return nullptr;
  return target;
}

//===----------------------------------------------------------------------===//
// Statements that begin with an expression
//===----------------------------------------------------------------------===//

static std::optional<BinaryOp> augmentedOp(TokenKind kind) {
  switch (kind) {
  case TokenKind::PlusEqual:
    return BinaryOp::Add;
  case TokenKind::MinusEqual:
    return BinaryOp::Sub;
  case TokenKind::StarEqual:
    return BinaryOp::Mul;
  case TokenKind::SlashEqual:
    return BinaryOp::Div;
  case TokenKind::SlashSlashEqual:
    return BinaryOp::FloorDiv;
  case TokenKind::PercentEqual:
    return BinaryOp::Mod;
  case TokenKind::StarStarEqual:
    return BinaryOp::Pow;
  case TokenKind::AtEqual:
    return BinaryOp::MatMul;
  case TokenKind::AmpEqual:
    return BinaryOp::And;
  case TokenKind::PipeEqual:
    return BinaryOp::Or;
  case TokenKind::CaretEqual:
    return BinaryOp::Xor;
  case TokenKind::LessLessEqual:
    return BinaryOp::Shl;
  case TokenKind::GreaterGreaterEqual:
    return BinaryOp::Shr;
  default:
    return std::nullopt;
  }
}

static std::optional<StringRef> misspeltKeyword(StringRef name) {
  static constexpr StringRef words[] = {
#define X(name) #name,
      LAMINA_KEYWORDS(X)
#undef X
  };
  return didYouMean(name, words);
}

static bool beginsOperand(const Token &t) {
  return t.is(TokenKind::Name) || t.is(TokenKind::Int) ||
         t.is(TokenKind::Float) || t.is(TokenKind::String) ||
         t.is(TokenKind::FStringStart);
}

Stmt *Parser::parseExpressionStatement() {
  Token first = token;
  if (at(TokenKind::Name) && token.text == "match" && beginsOperand(peek())) {
    refuse("'match'", "use 'if' and 'elif'");
    skipBlock = true;
    return nullptr;
  }
  Expr *value = parseExpressions(true);
  if (!value)
    return nullptr;
  if (at(TokenKind::Equal))
    return parseAssign(first.start(), value);
  if (at(TokenKind::Colon))
    return parseAnnotated(first.start(), value);
  if (std::optional<BinaryOp> op = augmentedOp(token.kind)) {
    SMLoc opLoc = token.start();
    checkTarget(value, TargetUse::AugAssign);
    advance();
    Expr *operand = parseValues();
    if (!operand)
      return nullptr;
    return make<AugAssignStmt>(from(first.start()), value, *op, opLoc, operand);
  }
  if (at(TokenKind::ColonEqual)) {
    error(token.range(), "':=' does not make a statement")
        .note("did you mean '='?");
    return nullptr;
  }
  if (auto *name = dyn_cast<NameExpr>(value); name && beginsOperand(token)) {
    unexpected("the end of the statement");
    Diagnostic &d = *lastError;
    if (name->name == "print")
      d.note("did you mean 'print(…)'?");
    else if (std::optional<StringRef> word = misspeltKeyword(name->name))
      d.note("did you mean '" + *word + "'?", name->range);
    return nullptr;
  }
  if (value->kind == ExprKind::Starred)
    error(value->range,
          "a starred expression must be in a tuple, list or call");
  return make<ExpressionStmt>(from(first.start()), value);
}

Stmt *Parser::parseAssign(SMLoc start, Expr *first) {
  SmallVector<Expr *> targets;
  Expr *value = first;
  while (accept(TokenKind::Equal)) {
    checkTarget(value, TargetUse::Assign);
    targets.push_back(value);
    value = parseExpressions(true);
    if (!value)
      return nullptr;
  }
  if (value->kind == ExprKind::Starred)
    error(value->range,
          "a starred expression must be in a tuple, list or call");
  return make<AssignStmt>(from(start), context.list<Expr *>(targets), value);
}

Stmt *Parser::parseAnnotated(SMLoc start, Expr *target) {
  // `else:` written `esle:` and the like end up here.
  if (peek().is(TokenKind::Newline)) {
    error(token.range(),
          "':' belongs to no 'if', 'for', 'while', 'def' or 'class'");
    return nullptr;
  }
  checkTarget(target, TargetUse::Annotate);
  advance();
  Expr *annotation = parseExpression(), *value = nullptr;
  if (!annotation)
    return nullptr;
  if (accept(TokenKind::Equal)) {
    value = parseValues();
    if (!value)
      return nullptr;
  }
  return make<AnnAssignStmt>(from(start), target, annotation, value);
}

} // namespace lamina
