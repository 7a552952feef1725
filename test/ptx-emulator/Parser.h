// Recursive descent over the tokens of a PTX module.
#ifndef PTX_EMULATOR_PARSER_H
#define PTX_EMULATOR_PARSER_H

#include "Lexer.h"
#include "Ptx.h"

namespace ptx {

class Parser {
public:
  Parser(const std::string &text, std::string &error);
  std::unique_ptr<Module> parseModule();

private:
  // Every parse function returns false after fail().
  bool fail(const std::string &message) { return failAt(tok.line, message); }
  bool failAt(unsigned line, const std::string &message);
  void advance() { tok = std::move(ahead), ahead = lexer.next(); }
  bool expect(char c, const char *where);
  bool accept(char c);
  bool parseInteger(uint64_t &value, const char *what);
  bool parseName(std::string &name, const char *what);

  // ParseModule.cpp
  bool parseHeader();
  bool parseTopLevel();
  bool parseVersion();
  bool parseTarget();
  bool parseFunction(bool isEntry, bool isExtern);
  bool parseParameters(std::vector<Variable> &params);
  bool parsePerformance(Function &function, bool &found);
  bool parseVariable(Variable &variable, bool isParameter);
  bool parseVariables(Space space, bool isExtern, std::vector<Variable> &out);
  bool parseInitializer(Variable &variable);
  bool skipDebug(bool &found);

  // ParseBody.cpp
  bool parseBody(Function &function);
  bool parseStatement(Function &function);
  bool parseRegisters(Function &function);
  bool parseBranchTargets(Function &function, const std::string &label);
  bool parseInstruction(Function &function);
  bool parseOperand(Operand &operand);
  bool parsePrimary(Operand &operand);
  bool parseList(std::vector<Operand> &out, char close);
  std::string declare(const std::string &name);
  std::string resolve(const std::string &name) const;

  Lexer lexer;
  Token tok, ahead;
  std::string &error;
  std::unique_ptr<Module> module;
  // Names of nested { } blocks are made unique; innermost last.
  std::vector<std::map<std::string, std::string>> scopes;
  unsigned nextScope = 0;
};

std::optional<Space> parseSpace(const std::string &name);

} // namespace ptx

#endif
