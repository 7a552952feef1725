// A PTX module as text says it: what the parser makes and the emitter reads.
#ifndef PTX_EMULATOR_PTX_H
#define PTX_EMULATOR_PTX_H

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ptx {

// A fundamental type: .u32, .f16x2, .pred, ...
struct Type {
  enum Kind { Bits, Signed, Unsigned, Float, BFloat, TFloat, E4M3, E5M2, Pred };
  Kind kind = Bits;
  unsigned bits = 0;  // of one lane
  unsigned lanes = 1; // 2 for .f16x2

  unsigned width() const { return bits * lanes; }
  bool isSigned() const { return kind == Signed; }
  bool isInteger() const { return kind <= Unsigned; }
  bool isFloat() const { return kind > Unsigned && kind != Pred; }
  bool operator==(const Type &other) const = default;

  // The type called `name` (without the dot), or nothing.
  static std::optional<Type> parse(const std::string &name);
  std::string str() const;
};

enum class Space { Generic, Global, Shared, Local, Const, Param };

struct Operand {
  enum Kind {
    Register, // %r1, %tid.x, optionally negated (!%p)
    Integer,
    Float,   // value holds the bits of a double, single those of an 0f literal
    Symbol,  // variable or label, plus an offset
    Address, // [base+offset]: elements[0] is a Register, Symbol or Integer
    Vector,  // {a, b}
    Pair,    // a|b
    List,    // (a, b), the operands of a call
    Discard, // _
  };
  Kind kind = Discard;
  std::string name;
  bool negated = false;
  bool single = false;
  uint64_t value = 0; // integer, float bits, or the offset of a symbol
  std::vector<Operand> elements;
};

struct Instruction {
  unsigned line = 0;
  std::string guard; // register of @%p, empty without one
  bool guardNegated = false;
  std::string opcode;
  std::vector<std::string> modifiers; // without dots
  std::vector<Operand> operands;
  std::string label; // a label statement has a label and no opcode
};

// A variable or a formal parameter.
struct Variable {
  std::string name;
  Space space = Space::Generic;
  Type type;
  unsigned align = 1;
  uint64_t count = 1; // elements
  bool isExtern = false;
  unsigned line = 0;
  std::vector<Operand> initializer; // flattened
  uint64_t bytes() const { return count * type.width() / 8; }
};

// .reg .b32 %r<25>: registers %r0 ... %r24; count 0 is the one register `name`.
struct RegisterRange {
  std::string name;
  Type type;
  unsigned count = 0;
};

struct Function {
  std::string name;
  unsigned line = 0;
  bool isEntry = false;
  bool isDefined = false;
  std::vector<Variable> params, results;
  std::vector<RegisterRange> registers;
  std::vector<Variable> variables; // .shared, .local and .param of the body
  std::map<std::string, std::vector<std::string>> branchTargets;
  std::vector<Instruction> body;
  unsigned maxThreads[3] = {0, 0, 0}; // .maxntid, 0 when absent
  unsigned requiredThreads[3] = {0, 0, 0};
};

struct Module {
  unsigned version = 0; // 78 for 7.8
  std::string target;   // sm_90
  std::vector<Variable> variables;
  std::vector<std::unique_ptr<Function>> functions;
  std::vector<std::string> lines; // the text, for messages

  const Function *find(const std::string &name) const;
};

// Parses PTX text. On failure returns null and sets `error` to
// "line N: what is wrong".
std::unique_ptr<Module> parse(const std::string &text, std::string &error);

} // namespace ptx

#endif
