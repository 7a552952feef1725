// atom and red. Only one thread runs at a time, so that a load and a store do.
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

Value *Emitter::atomicResult(const std::string &op, Type type, Value *old,
                             ArrayRef<Value *> args) {
  Value *x = args[0];
  if (op == "exch")
    return x;
  if (op == "cas")
    return b.CreateSelect(b.CreateICmpEQ(old, x), args[1], old);
  if (op == "and")
    return b.CreateAnd(old, x);
  if (op == "or")
    return b.CreateOr(old, x);
  if (op == "xor")
    return b.CreateXor(old, x);
  if (type.isFloat())
    return mapLanes(type, {old, x}, [&](ArrayRef<Value *> lanes) {
      Value *a = toFloat(lanes[0], type), *c = toFloat(lanes[1], type);
      return fromFloat(op == "add" ? b.CreateFAdd(a, c)
                                   : minMax(op == "max", false, a, c),
                       type);
    });
  if (op == "add")
    return b.CreateAdd(old, x);
  Value *zero = constant(type.bits, 0), *one = constant(type.bits, 1);
  if (op == "inc") // wraps to 0 beyond x
    return b.CreateSelect(b.CreateICmpUGE(old, x), zero, b.CreateAdd(old, one));
  if (op == "dec") // wraps to x below 0
    return b.CreateSelect(
        b.CreateOr(b.CreateICmpEQ(old, zero), b.CreateICmpUGT(old, x)), x,
        b.CreateSub(old, one));
  Intrinsic::ID id = op == "max"
                         ? type.isSigned() ? Intrinsic::smax : Intrinsic::umax
                     : type.isSigned() ? Intrinsic::smin
                                       : Intrinsic::umin;
  return b.CreateBinaryIntrinsic(id, old, x);
}

void Emitter::atomic(bool hasResult) {
  mayWait = true; // others may spin on it
  takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  takeOneOf({"cta", "cluster", "gpu", "sys"});
  Space space = takeSpace();
  std::string op = takeOneOf(
      {"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"});
  bool noftz = take("noftz");
  Type type = takeType();
  unsigned first = hasResult ? 1 : 0;
  if (!arity(first + (op == "cas" ? 3 : 2)))
    return;
  if (op.empty())
    return fail("'" + cur->opcode + "' needs an operation");
  if (space != Space::Generic && space != Space::Global &&
      space != Space::Shared)
    return fail("'" + cur->opcode + "' is of global or shared memory");
  bool bitwise =
      op == "and" || op == "or" || op == "xor" || op == "cas" || op == "exch";
  if (bitwise ? type.isFloat() : type.kind == Type::Bits)
    return fail("'." + op + "' is not of type ." + type.str());
  if (type.isFloat() && op != "add" && !(op == "min" || op == "max"))
    return fail("'." + op + "' is not of type ." + type.str());
  if (type.isFloat() && type.bits == 16 && !noftz)
    return fail("'." + op + "' of ." + type.str() + " needs .noftz");
  Value *at =
      hostPointer(space, type.width() / 8, operand(first), true, true, true);
  Value *old = b.CreateAlignedLoad(intTy(type.width()), at, Align(1));
  SmallVector<Value *> args = {in(first + 1, type)};
  if (op == "cas")
    args.push_back(in(first + 2, type));
  b.CreateAlignedStore(atomicResult(op, type, old, args), at, Align(1));
  if (hasResult)
    out(0, old);
}

void Emitter::emitAtom() { atomic(true); }
void Emitter::emitRed() { atomic(false); }
