// Directives outside function bodies: the header, variables, signatures.
#include "Parser.h"

using namespace ptx;

std::optional<Type> Type::parse(const std::string &name) {
  static const std::map<std::string, Type> table = {
      {"b8", {Bits, 8}},
      {"b16", {Bits, 16}},
      {"b32", {Bits, 32}},
      {"b64", {Bits, 64}},
      {"b128", {Bits, 128}},
      {"s8", {Signed, 8}},
      {"s16", {Signed, 16}},
      {"s32", {Signed, 32}},
      {"s64", {Signed, 64}},
      {"u8", {Unsigned, 8}},
      {"u16", {Unsigned, 16}},
      {"u32", {Unsigned, 32}},
      {"u64", {Unsigned, 64}},
      {"f16", {Float, 16}},
      {"f16x2", {Float, 16, 2}},
      {"f32", {Float, 32}},
      {"f32x2", {Float, 32, 2}},
      {"f64", {Float, 64}},
      {"bf16", {BFloat, 16}},
      {"bf16x2", {BFloat, 16, 2}},
      {"tf32", {TFloat, 32}},
      {"e4m3", {E4M3, 8}},
      {"e5m2", {E5M2, 8}},
      {"e4m3x2", {E4M3, 8, 2}},
      {"e5m2x2", {E5M2, 8, 2}},
      {"pred", {Pred, 1}},
      {"u16x2", {Unsigned, 16, 2}},
      {"s16x2", {Signed, 16, 2}},
  };
  auto it = table.find(name);
  if (it == table.end())
    return std::nullopt;
  return it->second;
}

std::string Type::str() const {
  static const char *const prefix[] = {"b",  "s",     "u",     "f",   "bf",
                                       "tf", "e4m3_", "e5m2_", "pred"};
  std::string text =
      kind == Pred ? "pred" : prefix[kind] + std::to_string(bits);
  return lanes > 1 ? text + "x" + std::to_string(lanes) : text;
}

const Function *Module::find(const std::string &name) const {
  for (auto &function : functions)
    if (function->name == name)
      return function.get();
  return nullptr;
}

std::optional<Space> ptx::parseSpace(const std::string &name) {
  static const std::map<std::string, Space> table = {
      {"global", Space::Global},      {"shared", Space::Shared},
      {"shared::cta", Space::Shared}, {"local", Space::Local},
      {"const", Space::Const},        {"param", Space::Param},
      {"param::entry", Space::Param}, {"param::func", Space::Param},
  };
  auto it = table.find(name);
  if (it == table.end())
    return std::nullopt;
  return it->second;
}

Parser::Parser(const std::string &text, std::string &error)
    : lexer(text), error(error) {
  module = std::make_unique<Module>();
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find('\n', start), text.size());
    module->lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  advance();
  advance();
}

bool Parser::failAt(unsigned line, const std::string &message) {
  // The lexer's own error explains more than "expected ...".
  error = "line " + std::to_string(line) + ": " +
          (tok.kind == Token::Error ? tok.text : message);
  if (line >= 1 && line <= module->lines.size())
    error += "\n  " + module->lines[line - 1];
  return false;
}

bool Parser::expect(char c, const char *where) {
  if (accept(c))
    return true;
  return fail(std::string("expected '") + c + "' " + where + ", found '" +
              tok.text + "'");
}

bool Parser::accept(char c) {
  if (!tok.is(c))
    return false;
  advance();
  return true;
}

bool Parser::parseInteger(uint64_t &value, const char *what) {
  if (tok.kind != Token::Integer)
    return fail(std::string("expected ") + what + ", found '" + tok.text + "'");
  value = tok.value;
  advance();
  return true;
}

bool Parser::parseName(std::string &name, const char *what) {
  if (tok.kind != Token::Identifier)
    return fail(std::string("expected ") + what + ", found '" + tok.text + "'");
  name = tok.text;
  advance();
  return true;
}

std::unique_ptr<Module> ptx::parse(const std::string &text,
                                   std::string &error) {
  return Parser(text, error).parseModule();
}

std::unique_ptr<Module> Parser::parseModule() {
  if (!parseHeader())
    return nullptr;
  while (tok.kind != Token::End)
    if (!parseTopLevel())
      return nullptr;
  return std::move(module);
}

bool Parser::parseHeader() {
  if (!tok.isDotted("version"))
    return fail("a PTX module begins with .version");
  advance();
  if (tok.kind != Token::Float)
    return fail("expected a version such as 7.8");
  size_t dot = tok.text.find('.');
  module->version = 10 * std::stoi(tok.text.substr(0, dot)) +
                    std::stoi(tok.text.substr(dot + 1));
  advance();
  if (!tok.isDotted("target"))
    return fail("expected .target after .version");
  advance();
  if (!parseName(module->target, "a target such as sm_90"))
    return false;
  while (accept(',')) {
    std::string option;
    if (!parseName(option, "a target option"))
      return false;
    if (option != "debug")
      return fail("unknown target option '" + option + "'");
  }
  if (module->target.rfind("sm_", 0) != 0)
    return fail("unknown target '" + module->target + "'");
  if (!tok.isDotted("address_size"))
    return fail("expected .address_size 64");
  advance();
  uint64_t size = 0;
  if (!parseInteger(size, "an address size"))
    return false;
  return size == 64 || fail("only .address_size 64 is supported");
}

// .file, .loc and .section carry no meaning for execution.
bool Parser::skipDebug(bool &found) {
  found =
      tok.isDotted("file") || tok.isDotted("loc") || tok.isDotted("section");
  if (!found)
    return true;
  unsigned line = tok.line;
  if (!tok.isDotted("section")) {
    while (tok.kind != Token::End && tok.line == line)
      advance();
    return true;
  }
  while (tok.kind != Token::End && !tok.is('{'))
    advance();
  while (tok.kind != Token::End && !tok.is('}'))
    advance();
  return expect('}', "at the end of .section");
}

bool Parser::parseTopLevel() {
  bool debug = false;
  if (!skipDebug(debug) || debug)
    return debug && error.empty();
  bool isExtern = false;
  while (tok.isDotted("visible") || tok.isDotted("extern") ||
         tok.isDotted("weak") || tok.isDotted("common")) {
    isExtern |= tok.isDotted("extern");
    advance();
  }
  if (tok.isDotted("entry") || tok.isDotted("func")) {
    bool isEntry = tok.isDotted("entry");
    advance();
    return parseFunction(isEntry, isExtern);
  }
  if (accept(';'))
    return true;
  std::optional<Space> space =
      tok.kind == Token::Dotted ? parseSpace(tok.text) : std::nullopt;
  if (!space || *space == Space::Param)
    return fail("unknown directive '" +
                (tok.kind == Token::Dotted ? "." : std::string()) + tok.text +
                "'");
  advance();
  return parseVariables(*space, isExtern, module->variables);
}

bool Parser::parseFunction(bool isEntry, bool isExtern) {
  auto function = std::make_unique<Function>();
  function->isEntry = isEntry;
  function->line = tok.line;
  scopes.assign(1, {});
  if (!isEntry && tok.is('(') && !parseParameters(function->results))
    return false;
  if (!parseName(function->name, "a function name"))
    return false;
  if (tok.is('(') && !parseParameters(function->params))
    return false;
  for (bool found = true; found;)
    if (!parsePerformance(*function, found))
      return false;
  if (!accept(';')) {
    function->isDefined = true;
    if (isExtern)
      return fail("an .extern function has no body");
    if (!parseBody(*function))
      return false;
  }
  // A definition replaces its forward declaration.
  for (auto &other : module->functions)
    if (other->name == function->name) {
      if (other->isDefined && function->isDefined)
        return failAt(function->line,
                      "function '" + function->name + "' is defined twice");
      if (function->isDefined)
        other = std::move(function);
      return true;
    }
  module->functions.push_back(std::move(function));
  return true;
}

bool Parser::parsePerformance(Function &function, bool &found) {
  found = tok.kind == Token::Dotted;
  if (!found)
    return true;
  std::string name = tok.text;
  if (name == "noreturn") {
    advance();
    return true;
  }
  bool isMax = name == "maxntid", isRequired = name == "reqntid";
  if (!isMax && !isRequired && name != "minnctapersm" && name != "maxnreg" &&
      name != "pragma")
    return fail("unknown directive '." + name + "' of a function");
  advance();
  if (name == "pragma") {
    if (tok.kind != Token::String)
      return fail("expected a string after .pragma");
    advance();
    return expect(';', "after .pragma");
  }
  for (unsigned i = 0; i < 3; ++i) {
    uint64_t value = 0;
    if (!parseInteger(value, "a number of threads"))
      return false;
    if (isMax)
      function.maxThreads[i] = value;
    if (isRequired)
      function.requiredThreads[i] = value;
    if (!accept(','))
      break;
  }
  for (unsigned *limits : {function.maxThreads, function.requiredThreads})
    for (unsigned i = 1; i < 3 && limits[0]; ++i)
      limits[i] = std::max(limits[i], 1u);
  return true;
}

bool Parser::parseParameters(std::vector<Variable> &params) {
  if (!expect('(', "before parameters"))
    return false;
  while (!tok.is(')')) {
    if (!tok.isDotted("param"))
      return fail("only .param parameters are supported, found '" + tok.text +
                  "'");
    advance();
    Variable param;
    param.space = Space::Param;
    if (!parseVariable(param, true))
      return false;
    params.push_back(param);
    if (!accept(','))
      break;
  }
  return expect(')', "after parameters");
}

// [.align N] .type [.ptr .space .align N] name[count]
bool Parser::parseVariable(Variable &variable, bool isParameter) {
  variable.line = tok.line;
  bool typed = false, aligned = false, isPointer = false;
  unsigned vector = 1;
  while (tok.kind == Token::Dotted) {
    std::string word = tok.text;
    advance();
    if (word == "align") {
      uint64_t align = 0;
      if (!parseInteger(align, "an alignment"))
        return false;
      if (align == 0 || (align & (align - 1)))
        return fail("an alignment is a power of two");
      if (!isPointer) // of the parameter, not of what it points to
        variable.align = align, aligned = true;
    } else if (std::optional<Type> type = Type::parse(word))
      variable.type = *type, typed = true;
    else if ((word == "v2" || word == "v4") && !isParameter)
      vector = word[1] - '0';
    else if (word == "ptr" && isParameter)
      isPointer = true;
    else if (!(isPointer && parseSpace(word)) && word != "managed")
      return fail("unknown modifier '." + word + "' of a variable");
    else if (word == "managed")
      return fail(".managed variables are not supported");
  }
  if (!typed)
    return fail("a variable needs a type");
  if (!parseName(variable.name, "the name of a variable"))
    return false;
  if (!aligned)
    variable.align = std::max(1u, variable.type.width() / 8 * vector);
  variable.count = vector;
  while (accept('[')) {
    uint64_t count = 0;
    if (!tok.is(']') && !parseInteger(count, "a number of elements"))
      return false;
    if (!expect(']', "after the number of elements"))
      return false;
    variable.count *= count;
  }
  return true;
}

bool Parser::parseVariables(Space space, bool isExtern,
                            std::vector<Variable> &out) {
  Variable first;
  first.space = space;
  first.isExtern = isExtern;
  if (!parseVariable(first, false))
    return false;
  for (Variable variable = first;;) {
    if (accept('=')) {
      if (space != Space::Global && space != Space::Const)
        return fail("only .global and .const variables are initialized");
      if (!parseInitializer(variable))
        return false;
    }
    if (!scopes.empty() && &out != &module->variables)
      variable.name = declare(variable.name);
    out.push_back(variable);
    if (!accept(','))
      break;
    variable = first;
    if (!parseName(variable.name, "the name of a variable"))
      return false;
  }
  return expect(';', "after a variable");
}

bool Parser::parseInitializer(Variable &variable) {
  if (accept('{')) {
    while (!tok.is('}')) {
      if (!parseInitializer(variable))
        return false;
      if (!accept(','))
        break;
    }
    return expect('}', "after an initializer");
  }
  Operand value;
  if (!parsePrimary(value))
    return false;
  if (value.kind != Operand::Integer && value.kind != Operand::Float &&
      value.kind != Operand::Symbol)
    return fail("an initializer is a number or the address of a variable");
  variable.initializer.push_back(value);
  if (variable.initializer.size() > variable.count)
    return fail("more initializers than elements of '" + variable.name + "'");
  return true;
}
