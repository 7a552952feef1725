// Turns one kernel of a PTX module, with the functions that it calls, into
// LLVM IR that calls the runtime for memory, synchronization and rounding.
#ifndef PTX_EMULATOR_EMITTER_H
#define PTX_EMULATOR_EMITTER_H

#include "Ptx.h"
#include "Runtime.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include <deque>
#include <functional>

namespace ptx {

// Where the module's .global and .const variables are on the device.
using GlobalAddresses = std::map<std::string, uint64_t>;

class Emitter {
public:
  Emitter(const Module &ptx, const GlobalAddresses &globals,
          std::deque<Site> &sites, llvm::LLVMContext &context);
  // Null after an error, which is "line N: what is wrong".
  std::unique_ptr<llvm::Module> emit(const Function &kernel,
                                     std::string &error);

  // Facts about the kernel, after emit.
  unsigned sharedBytes() const { return sharedSize; }
  unsigned localBytesUsed() const { return localSize; }
  bool suspends() const { return mayWait; }

  static std::string symbol(const Function &function) {
    return "ptx." + function.name;
  }

private:
  using Value = llvm::Value;
  using Handler = void (Emitter::*)();
  using Handlers = llvm::StringMap<Handler>;
  struct Register {
    llvm::AllocaInst *slot;
    Type type;
  };

  // EmitFunction.cpp
  bool layoutShared(const Function &kernel);
  void collectCalls(const Function &function,
                    std::vector<const Function *> &out);
  llvm::Function *declare(const Function &function);
  void emitFunction(const Function &function);
  void emitBody();
  void emitInstruction();
  void dispatch();
  void bindParameters(llvm::Function *target);
  void placeLocals();

  // EmitOperands.cpp: modifiers and operands of the current instruction.
  void fail(const std::string &message);
  bool take(const char *name);
  std::string takeOneOf(std::initializer_list<const char *> names);
  Type takeType();
  bool hasType();
  bool arity(unsigned least, unsigned most);
  bool arity(unsigned count) { return arity(count, count); }
  unsigned operandCount() const { return cur->operands.size(); }
  const Operand &operand(unsigned i);
  bool isVector(unsigned i) { return operand(i).kind == Operand::Vector; }
  Register *findRegister(const std::string &name);
  Value *read(const Operand &operand, Type type, bool mayBeWider = false);
  Value *in(unsigned i, Type type) { return read(operand(i), type); }
  Value *inWide(unsigned i, Type type) { return read(operand(i), type, true); }
  Value *predicate(const Operand &operand);
  void write(const Operand &operand, Value *value, bool isSigned = false,
             bool mayBeWider = false);
  void out(unsigned i, Value *value) { write(operand(i), value); }
  Value *symbolAddress(const Operand &symbol);
  Value *address(const Operand &operand, Space space);
  std::optional<Special> special(const std::string &name, Type &type);

  llvm::IntegerType *intTy(unsigned bits) { return b.getIntNTy(bits); }
  Value *constant(unsigned bits, uint64_t value) {
    return llvm::ConstantInt::get(intTy(bits), value, false, true);
  }
  Value *zext(Value *value, unsigned bits) {
    return b.CreateZExtOrTrunc(value, intTy(bits));
  }
  Value *sext(Value *value, unsigned bits) {
    return b.CreateSExtOrTrunc(value, intTy(bits));
  }
  Value *intrinsic(llvm::Intrinsic::ID id, llvm::ArrayRef<Value *> args) {
    return b.CreateIntrinsic(args[0]->getType(), id, args);
  }
  Site &site();
  Value *pointerTo(const void *object);
  template <class T>
  llvm::Type *typeOf();
  // Calls a function of this library, whose address becomes a constant.
  template <class R, class... A>
  Value *call(R (*function)(A...), llvm::ArrayRef<Value *> args) {
    auto *type = llvm::FunctionType::get(
        typeOf<R>(), std::vector<llvm::Type *>{typeOf<A>()...}, false);
    return b.CreateCall(
        type, pointerTo(reinterpret_cast<const void *>(function)), args);
  }

  // Floating point on IR values (EmitFloat.cpp).
  struct FloatModes {
    bool ftz = false, sat = false, relu = false;
    unsigned rounding = 0; // as fesetround's index in Arithmetic.h
  };
  FloatModes takeFloatModes(Type type);
  Value *toFloat(Value *bits, Type type);
  Value *fromFloat(Value *value, Type type);
  Value *flush(Value *value);
  Value *saturate(Value *value);
  using LaneOp = std::function<Value *(llvm::ArrayRef<Value *>)>;
  Value *mapLanes(Type type, llvm::ArrayRef<Value *> args, const LaneOp &op);
  void floatOperation(Type type, unsigned inputs, const FloatModes &modes,
                      const LaneOp &op);
  Value *floatArithmetic(char op, Type type, llvm::ArrayRef<Value *> args,
                         const FloatModes &modes);
  Value *minMax(bool isMax, bool nan, Value *a, Value *b);
  Value *compare(const std::string &name, Type type, Value *a, Value *b);

  // Handlers by group, each file with its table.
  static const Handlers &handlers();
  static void addInteger(Handlers &table);
  static void addBits(Handlers &table);
  static void addFloat(Handlers &table);
  static void addCompare(Handlers &table);
  static void addConvert(Handlers &table);
  static void addMemory(Handlers &table);
  static void addControl(Handlers &table);
  static void addWarp(Handlers &table);

  void emitAdd();
  void emitSub();
  void emitMul();
  void emitMad();
  void emitDiv();
  void emitRem();
  void emitAbs();
  void emitNeg();
  void emitMin();
  void emitMax();
  void emitSad();
  void emitDp4a();
  void addSubtract(bool subtract);
  void minimumMaximum(bool isMax);
  void productOf(bool accumulate);
  void emitAnd();
  void emitOr();
  void emitXor();
  void emitNot();
  void emitCnot();
  void emitShl();
  void emitShr();
  void emitShf();
  void emitPopc();
  void emitClz();
  void emitBrev();
  void emitBfind();
  void emitBfe();
  void emitBfi();
  void emitPrmt();
  void emitLop3();
  void emitFns();
  void emitBmsk();
  void emitSzext();
  void bitwise(llvm::Instruction::BinaryOps op);
  void countBits(llvm::Intrinsic::ID id);
  void emitFma();
  void emitRcp();
  void emitSqrt();
  void emitRsqrt();
  void emitSin();
  void emitCos();
  void emitEx2();
  void emitLg2();
  void emitTanh();
  void emitCopysign();
  void emitTestp();
  void approximate(float (*function)(float), bool allowHalf);
  void emitSetp();
  void emitSet();
  void emitSelp();
  void emitSlct();
  void emitCvt();
  void convertFloatToInteger(Type to, Type from);
  void convertIntegerToFloat(Type to, Type from);
  void convertFloat(Type to, Type from);
  void convertInteger(Type to, Type from);
  void emitMov();
  void emitCvta();
  void emitIsspacep();
  std::pair<unsigned, Type> takeElements(unsigned values);
  void emitLd();
  void emitSt();
  void emitAtom();
  void emitRed();
  void emitPrefetch();
  void emitCp();
  void emitLdu();
  Space takeSpace();
  void takeCacheHints();
  bool takeOrdering();
  Value *hostPointer(Space space, unsigned bytes, const Operand &address,
                     bool reads, bool writes, bool strong);
  Value *parameterPointer(const Operand &address, unsigned bytes);
  Value *atomicResult(const std::string &op, Type type, Value *old,
                      llvm::ArrayRef<Value *> args);
  void atomic(bool hasResult);
  void emitBra();
  void emitBrx();
  void emitRet();
  void emitExit();
  void emitTrap();
  void emitCall();
  void emitBar();
  void emitFence();
  void emitNanosleep();
  void emitNothing();
  void emitReturn();
  void countFuel();
  void branchTo(const std::string &label);
  llvm::BasicBlock *label(const std::string &name);
  void emitShfl();
  void emitVote();
  void emitActivemask();
  void emitMatch();
  void emitRedux();
  void emitElect();
  void emitMma();
  bool takeMatrices(Site &place, const std::string &name);
  void emitLdmatrix();
  void emitStmatrix();
  // Exchanges values of the lanes; arguments and results are of 32 bits.
  std::vector<Value *> collective(Site &site, Value *mask,
                                  llvm::ArrayRef<Value *> args,
                                  unsigned results);

  const Module &ptx;
  const GlobalAddresses &globals;
  std::deque<Site> &sites;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> b;
  std::unique_ptr<llvm::Module> module;
  std::string error;
  std::map<std::string, uint32_t> sharedOffsets;
  unsigned sharedSize = 0, localSize = 0;
  bool mayWait = false;

  // The function being emitted.
  const Function *function = nullptr;
  llvm::Function *target = nullptr;
  Value *thread = nullptr;
  llvm::BasicBlock *entry = nullptr;
  llvm::StringMap<Register> registers;
  llvm::StringMap<const RegisterRange *> ranges;
  std::map<std::string, llvm::BasicBlock *> labels;
  std::map<std::string, unsigned> labelPositions;
  struct Parameter {
    Value *pointer;
    uint64_t bytes;
    bool writable;
  };
  std::map<std::string, Parameter> parameters;
  std::map<std::string, uint64_t> localOffsets;
  uint64_t frameBytes = 0;
  Value *frame = nullptr;
  llvm::AllocaInst *carry = nullptr;
  unsigned position = 0;

  // The instruction being emitted.
  const Instruction *cur = nullptr;
  std::vector<bool> taken;
};

template <>
inline llvm::Type *Emitter::typeOf<void>() {
  return b.getVoidTy();
}
template <>
inline llvm::Type *Emitter::typeOf<float>() {
  return b.getFloatTy();
}
template <>
inline llvm::Type *Emitter::typeOf<double>() {
  return b.getDoubleTy();
}
template <>
inline llvm::Type *Emitter::typeOf<uint32_t>() {
  return b.getInt32Ty();
}
template <>
inline llvm::Type *Emitter::typeOf<uint64_t>() {
  return b.getInt64Ty();
}
template <class T>
llvm::Type *Emitter::typeOf() {
  static_assert(
      std::is_pointer_v<T>,
      "the runtime takes float, double, 32 and 64 bit integers and pointers");
  return b.getPtrTy();
}

} // namespace ptx

#endif
