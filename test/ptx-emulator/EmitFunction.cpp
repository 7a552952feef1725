// Functions: signatures, parameters, local and shared memory, guards, dispatch.
#include "Emitter.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace llvm;
using namespace ptx;
using ptx::Function;

Emitter::Emitter(const ptx::Module &ptx, const GlobalAddresses &globals,
                 std::deque<Site> &sites, LLVMContext &context)
    : ptx(ptx), globals(globals), sites(sites), context(context), b(context) {}

static uint64_t roundUp(uint64_t value, uint64_t align) {
  return (value + align - 1) & -align;
}

// The functions that a kernel reaches, callees first seen last.
void Emitter::collectCalls(const Function &from,
                           std::vector<const Function *> &out) {
  for (const Function *seen : out)
    if (seen == &from)
      return;
  out.push_back(&from);
  for (const Instruction &instruction : from.body)
    if (instruction.opcode == "call")
      for (const Operand &operand : instruction.operands)
        if (operand.kind == Operand::Symbol)
          if (const Function *callee = ptx.find(operand.name))
            collectCalls(*callee, out);
}

// Static variables of the functions and those of the module that they name, in
// order; dynamic shared memory follows.
bool Emitter::layoutShared(const Function &kernel) {
  std::vector<const Function *> reached;
  collectCalls(kernel, reached);
  std::set<std::string> named;
  std::function<void(const Operand &)> visit = [&](const Operand &operand) {
    named.insert(operand.name);
    for (const Operand &element : operand.elements)
      visit(element);
  };
  std::vector<const Variable *> variables;
  for (const Function *reach : reached) {
    for (const Instruction &instruction : reach->body)
      for (const Operand &operand : instruction.operands)
        visit(operand);
    for (const Variable &variable : reach->variables)
      if (variable.space == Space::Shared)
        variables.push_back(&variable);
  }
  for (const Variable &variable : ptx.variables)
    if (variable.space == Space::Shared && named.count(variable.name))
      variables.push_back(&variable);
  uint64_t offset = 0, dynamicAlign = 1;
  for (const Variable *variable : variables) {
    if (variable->isExtern) {
      dynamicAlign = std::max<uint64_t>(dynamicAlign, variable->align);
      continue;
    }
    offset = roundUp(offset, variable->align);
    if (sharedOffsets.count(variable->name)) {
      function = &kernel;
      fail("two shared variables that '" + kernel.name + "' uses are called '" +
           variable->name + "'");
      return false;
    }
    sharedOffsets[variable->name] = SharedMemory::firstOffset + offset;
    offset += variable->bytes();
  }
  for (const Variable *variable : variables)
    if (variable->isExtern)
      sharedOffsets[variable->name] =
          SharedMemory::firstOffset + roundUp(offset, dynamicAlign);
  sharedSize = offset ? roundUp(offset, dynamicAlign) : 0;
  if (offset <= SharedMemory::maxBytes)
    return true;
  function = &kernel;
  fail("the shared variables of '" + kernel.name + "' need " +
       std::to_string(offset) + " bytes, there are " +
       std::to_string(+SharedMemory::maxBytes));
  return false;
}

llvm::Function *Emitter::declare(const Function &callee) {
  if (llvm::Function *known = module->getFunction(symbol(callee)))
    return known;
  // A kernel's parameters come in one block, a function's by pointers.
  unsigned pointers =
      callee.isEntry ? 2 : 1 + callee.params.size() + callee.results.size();
  std::vector<llvm::Type *> types(pointers, b.getPtrTy());
  auto *type = FunctionType::get(b.getVoidTy(), types, false);
  return llvm::Function::Create(type, llvm::Function::ExternalLinkage,
                                symbol(callee), *module);
}

std::unique_ptr<llvm::Module> Emitter::emit(const Function &kernel,
                                            std::string &message) {
  module = std::make_unique<llvm::Module>(kernel.name, context);
  if (layoutShared(kernel)) {
    std::vector<const Function *> reached;
    collectCalls(kernel, reached);
    for (const Function *reach : reached)
      if (error.empty() && reach->isDefined)
        emitFunction(*reach);
  }
  message = error;
  if (!error.empty())
    return nullptr;
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(*module, &stream)) {
    message = "internal error of the emulator: " + problem;
    return nullptr;
  }
  return std::move(module);
}

void Emitter::emitFunction(const Function &definition) {
  function = &definition;
  cur = nullptr;
  target = declare(definition);
  thread = target->getArg(0);
  entry = BasicBlock::Create(context, "entry", target);
  registers.clear();
  ranges.clear();
  labels.clear();
  labelPositions.clear();
  parameters.clear();
  localOffsets.clear();
  b.SetInsertPoint(entry);
  carry = b.CreateAlloca(b.getInt1Ty());
  b.CreateStore(b.getFalse(), carry);
  for (const RegisterRange &range : definition.registers)
    ranges[range.name] = &range;
  bindParameters(target);
  placeLocals();
  // Registers are created at the front of the entry block.
  BasicBlock *body = BasicBlock::Create(context, "body", target);
  b.CreateBr(body);
  b.SetInsertPoint(body);
  emitBody();
}

void Emitter::bindParameters(llvm::Function *target) {
  uint64_t offset = 0;
  unsigned index = 1;
  for (const Variable &param : function->params) {
    Value *pointer = nullptr;
    if (function->isEntry) {
      offset = roundUp(offset, param.align);
      pointer = b.CreateConstGEP1_64(b.getInt8Ty(), target->getArg(1), offset);
      offset += param.bytes();
    } else
      pointer = target->getArg(index++);
    parameters[param.name] = {pointer, param.bytes(), false};
  }
  for (const Variable &result : function->results)
    parameters[result.name] = {target->getArg(index++), result.bytes(), true};
}

void Emitter::placeLocals() {
  frameBytes = 0;
  for (const Variable &variable : function->variables) {
    if (variable.space == Space::Local) {
      frameBytes = roundUp(frameBytes, variable.align);
      localOffsets[variable.name] = frameBytes;
      frameBytes += variable.bytes();
    } else if (variable.space == Space::Param) {
      auto *slot = b.CreateAlloca(ArrayType::get(
          b.getInt8Ty(), std::max<uint64_t>(1, variable.bytes())));
      slot->setAlignment(Align(16));
      parameters[variable.name] = {slot, variable.bytes(), true};
    }
  }
  frameBytes = roundUp(frameBytes, 16);
  localSize = std::max<unsigned>(localSize, frameBytes);
  frame = frameBytes ? call(runtime::enter, {thread, pointerTo(&site()),
                                             b.getInt64(frameBytes)})
                     : b.getInt64(0);
}

BasicBlock *Emitter::label(const std::string &name) {
  auto it = labels.find(name);
  if (it != labels.end())
    return it->second;
  fail("unknown label '" + name + "'");
  return entry;
}

void Emitter::emitBody() {
  for (unsigned i = 0; i < function->body.size(); ++i) {
    const Instruction &instruction = function->body[i];
    if (instruction.label.empty())
      continue;
    cur = &instruction;
    if (!labels
             .emplace(instruction.label,
                      BasicBlock::Create(context, instruction.label, target))
             .second)
      return fail("label '" + instruction.label + "' is defined twice");
    labelPositions[instruction.label] = i;
  }
  for (position = 0; position < function->body.size() && error.empty();
       ++position) {
    cur = &function->body[position];
    if (!cur->label.empty()) {
      BasicBlock *block = labels[cur->label];
      if (!b.GetInsertBlock()->getTerminator())
        b.CreateBr(block);
      b.SetInsertPoint(block);
      continue;
    }
    if (b.GetInsertBlock()
            ->getTerminator()) // unreachable, but checked all the same
      b.SetInsertPoint(BasicBlock::Create(context, "", target));
    emitInstruction();
  }
  // Falling off the end of the body is an exit.
  if (!b.GetInsertBlock()->getTerminator())
    emitReturn();
}

void Emitter::emitInstruction() {
  taken.assign(cur->modifiers.size(), false);
  if (cur->guard.empty())
    return dispatch();
  Operand guard;
  guard.kind = Operand::Register;
  guard.name = cur->guard;
  guard.negated = cur->guardNegated;
  Value *condition = predicate(guard);
  BasicBlock *then = BasicBlock::Create(context, "", target),
             *after = BasicBlock::Create(context, "", target);
  b.CreateCondBr(condition, then, after);
  b.SetInsertPoint(then);
  dispatch();
  if (!b.GetInsertBlock()->getTerminator())
    b.CreateBr(after);
  b.SetInsertPoint(after);
}

const Emitter::Handlers &Emitter::handlers() {
  static const Handlers table = [] {
    Handlers table;
    addInteger(table);
    addBits(table);
    addFloat(table);
    addCompare(table);
    addConvert(table);
    addMemory(table);
    addControl(table);
    addWarp(table);
    return table;
  }();
  return table;
}

void Emitter::dispatch() {
  auto handler = handlers().find(cur->opcode);
  if (handler == handlers().end())
    return fail("unknown instruction '" + cur->opcode + "'");
  (this->*handler->second)();
  for (unsigned i = 0; i < taken.size(); ++i)
    if (!taken[i])
      return fail("unknown modifier '." + cur->modifiers[i] + "' of '" +
                  cur->opcode + "'");
}
