// Function bodies: declarations, labels, instructions and operands.
#include "Parser.h"

using namespace ptx;

std::string Parser::declare(const std::string &name) {
  std::string unique =
      scopes.size() > 1 ? name + "@" + std::to_string(nextScope) : name;
  scopes.back()[name] = unique;
  return unique;
}

std::string Parser::resolve(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    auto it = scope->find(name);
    if (it != scope->end())
      return it->second;
  }
  return name;
}

bool Parser::parseBody(Function &function) {
  if (!expect('{', "before the body of a function"))
    return false;
  while (!tok.is('}')) {
    if (tok.kind == Token::End)
      return fail("the body of '" + function.name + "' does not end");
    if (!parseStatement(function))
      return false;
  }
  advance();
  return true;
}

bool Parser::parseStatement(Function &function) {
  bool debug = false;
  if (!skipDebug(debug))
    return false;
  if (debug || accept(';'))
    return true;
  if (tok.is('{')) {
    scopes.push_back({});
    ++nextScope;
    bool ok = parseBody(function);
    scopes.pop_back();
    return ok;
  }
  if (tok.kind == Token::Dotted) {
    std::string word = tok.text;
    if (word == "reg") {
      advance();
      return parseRegisters(function);
    }
    if (word == "pragma") {
      bool found = false;
      return parsePerformance(function, found);
    }
    std::optional<Space> space = parseSpace(word);
    if (!space || *space == Space::Global || *space == Space::Const)
      return fail("unknown directive '." + word + "' in a function");
    advance();
    return parseVariables(*space, false, function.variables);
  }
  if (tok.kind == Token::Identifier && ahead.is(':')) {
    Instruction label;
    label.line = tok.line;
    label.label = tok.text;
    advance();
    advance();
    if (tok.isDotted("branchtargets"))
      return parseBranchTargets(function, label.label);
    if (tok.isDotted("callprototype") || tok.isDotted("calltargets"))
      return fail("indirect calls are not supported");
    function.body.push_back(label);
    return true;
  }
  return parseInstruction(function);
}

bool Parser::parseRegisters(Function &function) {
  if (tok.kind != Token::Dotted)
    return fail("expected the type of a register");
  std::optional<Type> type = Type::parse(tok.text);
  if (!type)
    return fail("unknown type '." + tok.text + "' of a register");
  advance();
  do {
    RegisterRange range;
    range.type = *type;
    if (!parseName(range.name, "the name of a register"))
      return false;
    if (accept('<')) {
      uint64_t count = 0;
      if (!parseInteger(count, "a number of registers") ||
          !expect('>', "after it"))
        return false;
      range.count = count;
    } else
      range.name = declare(range.name);
    function.registers.push_back(range);
  } while (accept(','));
  return expect(';', "after registers");
}

bool Parser::parseBranchTargets(Function &function, const std::string &label) {
  advance();
  std::vector<std::string> &targets = function.branchTargets[label];
  do {
    std::string target;
    if (!parseName(target, "a label"))
      return false;
    targets.push_back(target);
  } while (accept(','));
  return expect(';', "after .branchtargets");
}

bool Parser::parseInstruction(Function &function) {
  Instruction instruction;
  instruction.line = tok.line;
  if (accept('@')) {
    instruction.guardNegated = accept('!');
    if (!parseName(instruction.guard, "a predicate"))
      return false;
    instruction.guard = resolve(instruction.guard);
  }
  instruction.line = tok.line;
  if (!parseName(instruction.opcode, "an instruction"))
    return false;
  for (; tok.kind == Token::Dotted; advance())
    instruction.modifiers.push_back(tok.text);
  if (!accept(';')) {
    do {
      Operand operand;
      if (!parseOperand(operand))
        return false;
      instruction.operands.push_back(operand);
    } while (accept(','));
    if (!expect(';', "after an instruction"))
      return false;
  }
  function.body.push_back(instruction);
  return true;
}

bool Parser::parseOperand(Operand &operand) {
  if (!parsePrimary(operand))
    return false;
  if (!accept('|'))
    return true;
  Operand second;
  if (!parsePrimary(second))
    return false;
  Operand pair;
  pair.kind = Operand::Pair;
  pair.elements = {operand, second};
  operand = pair;
  return true;
}

bool Parser::parseList(std::vector<Operand> &out, char close) {
  while (!tok.is(close)) {
    Operand element;
    if (!parseOperand(element))
      return false;
    out.push_back(element);
    if (!accept(','))
      break;
  }
  return expect(close, "after a list of operands");
}

bool Parser::parsePrimary(Operand &operand) {
  if (accept('{')) {
    operand.kind = Operand::Vector;
    return parseList(operand.elements, '}');
  }
  if (accept('(')) {
    operand.kind = Operand::List;
    return parseList(operand.elements, ')');
  }
  if (accept('[')) {
    Operand base;
    if (!parsePrimary(base))
      return false;
    operand.kind = Operand::Address;
    // A symbol took its offset along; a register did not.
    if (base.kind == Operand::Register && (tok.is('+') || tok.is('-'))) {
      Operand offset;
      bool plus = accept('+');
      if (!parsePrimary(offset))
        return false;
      if (offset.kind != Operand::Integer)
        return fail(std::string("expected a number after '") +
                    (plus ? "+'" : "-'"));
      operand.value = offset.value;
    }
    operand.elements = {base};
    return expect(']', "after an address");
  }
  bool negate = accept('-');
  if (tok.kind == Token::Integer || tok.kind == Token::Float) {
    operand.kind =
        tok.kind == Token::Integer ? Operand::Integer : Operand::Float;
    operand.single = tok.single;
    operand.value = tok.value;
    if (negate)
      operand.value = tok.kind == Token::Integer
                          ? -tok.value
                          : tok.value ^ (tok.single ? 1ull << 31 : 1ull << 63);
    advance();
    return true;
  }
  if (negate)
    return fail("expected a number after '-'");
  if (accept('!'))
    operand.negated = true;
  std::string name;
  if (!parseName(name, "an operand"))
    return false;
  if (name == "_") {
    operand.kind = Operand::Discard;
    return true;
  }
  if (name == "generic" && accept('(')) { // the generic address of a variable
    if (!parsePrimary(operand))
      return false;
    operand.negated = true; // marks generic() on a symbol
    if (operand.kind != Operand::Symbol)
      return fail("generic() takes a variable");
    return expect(')', "after generic(");
  }
  operand.name = resolve(name);
  operand.kind = name[0] == '%' ? Operand::Register : Operand::Symbol;
  if (operand.kind == Operand::Symbol && (tok.is('+') || tok.is('-'))) {
    accept('+');
    Operand offset;
    if (!parsePrimary(offset))
      return false;
    if (offset.kind != Operand::Integer)
      return fail("expected a number after the name of a variable");
    operand.value = offset.value;
  }
  return true;
}
