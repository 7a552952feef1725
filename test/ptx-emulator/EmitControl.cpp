// Branches, calls, barriers and what ends a thread.
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Function;
using ptx::Type;

void Emitter::addControl(Handlers &table) {
  table["bra"] = &Emitter::emitBra;
  table["brx"] = &Emitter::emitBrx;
  table["ret"] = &Emitter::emitRet;
  table["exit"] = &Emitter::emitExit;
  table["trap"] = &Emitter::emitTrap;
  table["call"] = &Emitter::emitCall;
  table["bar"] = table["barrier"] = &Emitter::emitBar;
  table["fence"] = table["membar"] = &Emitter::emitFence;
  table["nanosleep"] = &Emitter::emitNanosleep;
  table["griddepcontrol"] = table["pmevent"] = &Emitter::emitNothing;
}

// A loop takes fuel, so that one that never ends is noticed and one that waits
// for another thread lets it run.
void Emitter::countFuel() {
  Value *left = b.CreateSub(
      b.CreateAlignedLoad(b.getInt64Ty(), thread, Align(8)), b.getInt64(1));
  b.CreateAlignedStore(left, thread, Align(8));
  BasicBlock *empty = BasicBlock::Create(context, "", target),
             *on = BasicBlock::Create(context, "", target);
  b.CreateCondBr(b.CreateICmpSLT(left, b.getInt64(0)), empty, on);
  b.SetInsertPoint(empty);
  call(runtime::outOfFuel, {thread});
  b.CreateBr(on);
  b.SetInsertPoint(on);
}

void Emitter::branchTo(const std::string &name) {
  BasicBlock *to = label(name);
  auto it = labelPositions.find(name);
  if (it != labelPositions.end() && it->second <= position)
    countFuel();
  b.CreateBr(to);
}

void Emitter::emitBra() {
  take("uni");
  if (!arity(1))
    return;
  if (operand(0).kind != Operand::Symbol)
    return fail("'bra' wants a label");
  branchTo(operand(0).name);
}

void Emitter::emitBrx() {
  if (!take("idx"))
    return fail("'brx' needs .idx");
  take("uni");
  if (!arity(2))
    return;
  auto table = function->branchTargets.find(operand(1).name);
  if (table == function->branchTargets.end())
    return fail("unknown table of branch targets '" + operand(1).name + "'");
  countFuel();
  BasicBlock *bad = BasicBlock::Create(context, "", target);
  SwitchInst *jump =
      b.CreateSwitch(in(0, {Type::Unsigned, 32}), bad, table->second.size());
  for (unsigned i = 0; i < table->second.size(); ++i)
    jump->addCase(b.getInt32(i), label(table->second[i]));
  b.SetInsertPoint(bad);
  call(runtime::badBranch, {thread, pointerTo(&site())});
  b.CreateUnreachable();
}

void Emitter::emitReturn() {
  if (frameBytes)
    call(runtime::leave, {thread, b.getInt64(frameBytes)});
  b.CreateRetVoid();
}

void Emitter::emitRet() {
  take("uni");
  if (arity(0))
    emitReturn();
}

void Emitter::emitExit() {
  if (!arity(0))
    return;
  if (function->isEntry)
    return emitReturn();
  fail("'exit' in a function that is not a kernel is not supported");
}

void Emitter::emitTrap() {
  if (!arity(0))
    return;
  call(runtime::trap, {thread, pointerTo(&site())});
  b.CreateUnreachable();
}

// call [(results),] function [, (arguments)]
void Emitter::emitCall() {
  take("uni");
  const Operand *results = nullptr, *arguments = nullptr, *name = nullptr;
  for (const Operand &operand : cur->operands) {
    if (operand.kind == Operand::List)
      (name ? arguments : results) = &operand;
    else if (!name)
      name = &operand;
    else
      return fail("indirect calls are not supported");
  }
  const Function *callee =
      name && name->kind == Operand::Symbol ? ptx.find(name->name) : nullptr;
  if (!callee)
    return fail("call of an unknown function" +
                (name ? " '" + name->name + "'" : std::string()));
  if (!callee->isDefined)
    return fail("call of '" + callee->name + "', which has no body");
  if (callee->isEntry)
    return fail("a kernel is not called");
  std::vector<Value *> pointers = {thread};
  auto add = [&](const Operand *list, const std::vector<Variable> &formals) {
    if ((list ? list->elements.size() : 0) != formals.size())
      return fail("'" + callee->name + "' has " +
                  std::to_string(formals.size()) + " of these");
    for (unsigned i = 0; i < formals.size(); ++i) {
      auto it = parameters.find(list->elements[i].name);
      if (it == parameters.end())
        return fail("'" + list->elements[i].name +
                    "' is not a .param variable");
      if (it->second.bytes < formals[i].bytes())
        return fail("'" + list->elements[i].name + "' is smaller than '" +
                    formals[i].name + "'");
      pointers.push_back(it->second.pointer);
    }
  };
  add(arguments, callee->params);
  add(results, callee->results);
  if (error.empty())
    b.CreateCall(declare(*callee), pointers);
}

// bar.sync, bar.arrive, bar.red and bar.warp.sync; barrier.cta.* is the same.
void Emitter::emitBar() {
  mayWait = true;
  Type word{Type::Unsigned, 32};
  bool aligned = take("aligned") || cur->opcode == "bar";
  take("cta");
  Site &place = site();
  place.isAligned = aligned;
  if (take("warp")) {
    if (!take("sync"))
      return fail("'bar.warp' needs .sync");
    place.isAligned = false;
    place.kind = CollectiveKind::SyncWarp;
    if (arity(1))
      collective(place, in(0, word), {}, 0);
    return;
  }
  if (take("arrive")) {
    place.kind = CollectiveKind::BarrierArrive;
    if (arity(2))
      collective(place, b.getInt32(~0u), {in(0, word), in(1, word)}, 0);
    return;
  }
  Value *where = pointerTo(&place);
  if (take("sync")) {
    if (arity(1, 2))
      call(runtime::barrierSync,
           {thread, where, in(0, word),
            operandCount() == 2 ? in(1, word) : b.getInt32(0), b.getInt32(0)});
    return;
  }
  if (!take("red"))
    return fail("'" + cur->opcode + "' needs .sync, .arrive or .red");
  std::string op = takeOneOf({"popc", "and", "or"});
  takeType();
  if (op.empty() || !arity(3, 4))
    return fail("'bar.red' needs .popc, .and or .or and 3 or 4 operands");
  Value *holds = zext(predicate(operand(operandCount() - 1)), 32);
  Value *threads =
      operandCount() == 4 ? in(2, word) : call(runtime::blockSize, {thread});
  Value *count = call(runtime::barrierSync,
                      {thread, where, in(1, word),
                       operandCount() == 4 ? threads : b.getInt32(0), holds});
  if (op == "popc")
    return out(0, count);
  out(0, op == "and" ? b.CreateICmpEQ(count, threads)
                     : b.CreateICmpNE(count, b.getInt32(0)));
}

// Threads take turns and see each other's writes at once; what is not ordered
// is the business of the race detector.
void Emitter::emitFence() {
  takeOneOf({"acq_rel", "sc", "acquire", "release"});
  if (takeOneOf({"cta", "cluster", "gpu", "sys", "gl"}).empty())
    return fail("'" + cur->opcode + "' needs a scope");
  arity(0);
}

void Emitter::emitNanosleep() {
  takeType();
  if (!arity(1))
    return;
  mayWait = true;
  in(0, {Type::Unsigned, 32});
  call(runtime::outOfFuel, {thread});
}

void Emitter::emitNothing() {
  if (cur->opcode == "pmevent") {
    take("mask");
    arity(1);
  } else if (takeOneOf({"wait", "launch_dependents"}).empty())
    fail("'griddepcontrol' needs .wait or .launch_dependents");
}
