//===- ASTPrint.cpp - a syntax tree as source text
//---------------------------===//

#include "ASTPrinter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <charconv>
#include <cmath>

using namespace lamina;
using namespace lamina::ast;

namespace {
struct Operator {
  const char *text;
  Level level;
};
constexpr Operator binaryOperators[] = {
    {"+", Sum},      {"-", Sum},     {"*", Product}, {"/", Product},
    {"//", Product}, {"%", Product}, {"**", Power},  {"@", Product},
    {"&", BitAnd},   {"|", BitOr},   {"^", BitXor},  {"<<", Shift},
    {">>", Shift}};
constexpr const char *compareOperators[] = {
    "==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"};

Level levelOf(const Expr &expr) {
  switch (expr.kind) {
  case ExprKind::NamedExpr:
    return Named;
  case ExprKind::Lambda:
  case ExprKind::IfExp:
    return Conditional;
  case ExprKind::BoolOp:
    return static_cast<const BoolOpExpr &>(expr).isAnd ? And : Or;
  case ExprKind::Unary:
    return static_cast<const UnaryExpr &>(expr).op == UnaryOp::Not ? Not : Sign;
  case ExprKind::Compare:
    return Comparison;
  case ExprKind::Binary:
    return binaryOperators[int(static_cast<const BinaryExpr &>(expr).op)].level;
  case ExprKind::Constant: {
    auto &constant = static_cast<const ConstantExpr &>(expr);
    bool isNegative =
        (constant.type == ConstantExpr::Type::Int && constant.intValue < 0) ||
        (constant.type == ConstantExpr::Type::Float &&
         std::signbit(constant.floatValue));
    return isNegative ? Sign : Primary;
  }
  default:
    return Primary;
  }
}
} // namespace

const char *ast::textOf(BinaryOp op) { return binaryOperators[int(op)].text; }

void Printer::constant(const ConstantExpr &e) {
  switch (e.type) {
  case ConstantExpr::Type::None:
    os << "None";
    break;
  case ConstantExpr::Type::True:
    os << "True";
    break;
  case ConstantExpr::Type::False:
    os << "False";
    break;
  case ConstantExpr::Type::Ellipsis:
    os << "...";
    break;
  case ConstantExpr::Type::Int:
    os << e.intValue;
    break;
  case ConstantExpr::Type::Float:
    printFloat(e.floatValue, os);
    break;
  case ConstantExpr::Type::String:
    printString(e.stringValue, os);
    break;
  }
}

void Printer::argument(const Argument &argument) {
  switch (argument.kind) {
  case Argument::Kind::Positional:
    break;
  case Argument::Kind::Keyword:
    os << argument.name << "=";
    break;
  case Argument::Kind::Star:
    os << "*";
    break;
  case Argument::Kind::DoubleStar:
    os << "**";
    break;
  }
  expr(argument.value,
       argument.kind == Argument::Kind::Positional ? Named : Conditional);
}

void Printer::parameters(ArrayRef<Parameter> list) {
  using Kind = Parameter::Kind;
  bool first = true, star = false;
  for (size_t i = 0; i < list.size(); ++i) {
    const Parameter &p = list[i];
    if (!first)
      os << ", ";
    first = false;
    if (p.kind == Kind::KeywordOnly && !star) {
      os << "*, ";
      star = true;
    }
    if (p.kind == Kind::VarArgs) {
      os << "*";
      star = true;
    } else if (p.kind == Kind::VarKeywords) {
      os << "**";
    }
    os << p.name;
    if (p.defaultValue) {
      os << "=";
      expr(p.defaultValue, Conditional);
    }
    if (p.positionalOnly &&
        (i + 1 == list.size() || !list[i + 1].positionalOnly))
      os << ", /";
  }
}

void Printer::comprehension(const ComprehensionExpr &e) {
  using Type = ComprehensionExpr::Type;
  const char *brackets = e.type == Type::List        ? "[]"
                         : e.type == Type::Generator ? "()"
                                                     : "{}";
  os << brackets[0];
  if (e.key) {
    expr(e.key, Conditional);
    os << ": ";
  }
  expr(e.element, e.key ? Conditional : Named);
  for (const ForClause &clause : e.clauses) {
    os << " for ";
    bare(clause.target);
    os << " in ";
    expr(clause.iterable, Or);
    for (Expr *condition : clause.conditions) {
      os << " if ";
      expr(condition, Or);
    }
  }
  os << brackets[1];
}

void Printer::fstring(const FStringExpr &e) {
  os << "f\"";
  for (const FStringPart &part : e.parts) {
    if (!part.value) {
      for (char c : part.text) {
        if (c == '{' || c == '}')
          os << c << c;
        else if (c == '"' || c == '\\')
          os << '\\' << c;
        else if (c == '\n')
          os << "\\n";
        else
          os << c;
      }
      continue;
    }
    os << "{";
    expr(part.value, Conditional);
    if (part.conversion)
      os << "!" << part.conversion;
    if (part.format) {
      os << ":";
      for (const FStringPart &piece :
           llvm::cast<FStringExpr>(part.format)->parts) {
        if (!piece.value) {
          os << piece.text;
          continue;
        }
        os << "{";
        expr(piece.value, Conditional);
        os << "}";
      }
    }
    os << "}";
  }
  os << "\"";
}

/// A tuple without its parentheses, where these are not needed.
void Printer::bare(const Expr *e) {
  auto *tuple = llvm::dyn_cast<SequenceExpr>(e);
  if (!tuple || tuple->kind != ExprKind::Tuple || tuple->items.empty())
    return expr(e);
  separated(tuple->items, [&](Expr *item) { expr(item, Conditional); });
  if (tuple->items.size() == 1)
    os << ",";
}

void Printer::index(const Expr *e) { bare(e); }

void Printer::expr(const Expr *e, Level least) {
  bool parens = levelOf(*e) < least;
  // A number before a dot would be read as a float.
  if (auto *number = llvm::dyn_cast<ConstantExpr>(e);
      number && number->type == ConstantExpr::Type::Int && least == Primary)
    parens = true;
  if (parens)
    os << "(";
  switch (e->kind) {
  case ExprKind::Constant:
    constant(*llvm::cast<ConstantExpr>(e));
    break;
  case ExprKind::Name:
    os << llvm::cast<NameExpr>(e)->name;
    break;
  case ExprKind::Unary: {
    auto *unary = llvm::cast<UnaryExpr>(e);
    constexpr const char *texts[] = {"-", "+", "~", "not "};
    os << texts[int(unary->op)];
    expr(unary->operand, unary->op == UnaryOp::Not ? Not : Sign);
    break;
  }
  case ExprKind::Binary: {
    auto *binary = llvm::cast<BinaryExpr>(e);
    auto [text, level] = binaryOperators[int(binary->op)];
    bool isPower = level == Power;
    expr(binary->lhs, isPower ? Primary : level);
    os << (isPower ? "" : " ") << text << (isPower ? "" : " ");
    expr(binary->rhs, isPower ? Sign : Level(level + 1));
    break;
  }
  case ExprKind::BoolOp: {
    auto *op = llvm::cast<BoolOpExpr>(e);
    llvm::interleave(
        op->values, os, [&](Expr *x) { expr(x, op->isAnd ? Not : And); },
        op->isAnd ? " and " : " or ");
    break;
  }
  case ExprKind::Compare: {
    auto *compare = llvm::cast<CompareExpr>(e);
    expr(compare->first, BitOr);
    for (auto [op, operand] : llvm::zip_equal(compare->ops, compare->rest)) {
      os << " " << compareOperators[int(op)] << " ";
      expr(operand, BitOr);
    }
    break;
  }
  case ExprKind::IfExp: {
    auto *conditional = llvm::cast<IfExpr>(e);
    expr(conditional->thenValue, Or);
    os << " if ";
    expr(conditional->condition, Or);
    os << " else ";
    expr(conditional->elseValue, Conditional);
    break;
  }
  case ExprKind::Call: {
    auto *call = llvm::cast<CallExpr>(e);
    expr(call->callee, Primary);
    auto *only = call->args.size() == 1
                     ? llvm::dyn_cast<ComprehensionExpr>(call->args[0].value)
                     : nullptr;
    if (only && only->type == ComprehensionExpr::Type::Generator &&
        call->args[0].kind == Argument::Kind::Positional) {
      expr(only); // its parentheses are the call's
      break;
    }
    os << "(";
    separated(call->args, [&](const Argument &a) { argument(a); });
    os << ")";
    break;
  }
  case ExprKind::Attribute:
    expr(llvm::cast<AttributeExpr>(e)->object, Primary);
    os << "." << llvm::cast<AttributeExpr>(e)->name;
    break;
  case ExprKind::Subscript:
    expr(llvm::cast<SubscriptExpr>(e)->object, Primary);
    os << "[";
    index(llvm::cast<SubscriptExpr>(e)->index);
    os << "]";
    break;
  case ExprKind::Slice: {
    auto *slice = llvm::cast<SliceExpr>(e);
    if (slice->lower)
      expr(slice->lower, Conditional);
    os << ":";
    if (slice->upper)
      expr(slice->upper, Conditional);
    if (slice->step) {
      os << ":";
      expr(slice->step, Conditional);
    }
    break;
  }
  case ExprKind::Tuple: {
    auto *tuple = llvm::cast<SequenceExpr>(e);
    os << "(";
    sequence(tuple->items);
    os << (tuple->items.size() == 1 ? ",)" : ")");
    break;
  }
  case ExprKind::List:
    os << "[";
    sequence(llvm::cast<SequenceExpr>(e)->items);
    os << "]";
    break;
  case ExprKind::Set:
    os << "{";
    sequence(llvm::cast<SequenceExpr>(e)->items);
    os << "}";
    break;
  case ExprKind::Dict: {
    auto *dict = llvm::cast<DictExpr>(e);
    os << "{";
    separated(llvm::zip_equal(dict->keys, dict->values), [&](auto entry) {
      auto [key, value] = entry;
      if (key)
        expr(key, Conditional);
      os << (key ? ": " : "**");
      expr(value, key ? Conditional : BitOr);
    });
    os << "}";
    break;
  }
  case ExprKind::Comprehension:
    comprehension(*llvm::cast<ComprehensionExpr>(e));
    break;
  case ExprKind::Lambda: {
    auto *lambda = llvm::cast<LambdaExpr>(e);
    os << (lambda->params.empty() ? "lambda" : "lambda ");
    parameters(lambda->params);
    os << ": ";
    expr(lambda->body, Conditional);
    break;
  }
  case ExprKind::Starred:
    os << "*";
    expr(llvm::cast<StarredExpr>(e)->value, BitOr);
    break;
  case ExprKind::FString:
    fstring(*llvm::cast<FStringExpr>(e));
    break;
  case ExprKind::NamedExpr:
    os << llvm::cast<NamedExpr>(e)->target->name << " := ";
    expr(llvm::cast<NamedExpr>(e)->value, Conditional);
    break;
  }
  if (parens)
    os << ")";
}

void ast::print(const Expr &expr, llvm::raw_ostream &os) {
  Printer(os).expr(&expr);
}

void ast::printString(StringRef text, llvm::raw_ostream &os) {
  char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  os << quote;
  for (char c : text) {
    switch (c) {
    case '\n':
      os << "\\n";
      break;
    case '\r':
      os << "\\r";
      break;
    case '\t':
      os << "\\t";
      break;
    case '\\':
      os << "\\\\";
      break;
    default:
      if (c == quote)
        os << '\\' << c;
      else if (uint8_t(c) < 0x20 || c == 0x7f)
        os << "\\x" << llvm::format_hex_no_prefix(uint8_t(c), 2);
      else
        os << c;
    }
  }
  os << quote;
}

void ast::printFloat(double value, llvm::raw_ostream &os) {
  if (std::isnan(value)) {
    os << "float('nan')";
    return;
  }
  if (std::isinf(value)) {
    os << (value < 0 ? "-1e999" : "1e999");
    return;
  }
  char buffer[32];
  auto [end, code] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  StringRef text(buffer, end - buffer);
  os << text;
  if (!text.contains('.') && !text.contains('e'))
    os << ".0";
}
