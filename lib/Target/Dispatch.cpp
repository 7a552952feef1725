//===- Dispatch.cpp - code that chooses a variant when it runs ------------===//
//
// Every function F of a model is a jump to `F.CPU`, of one of the variants.
// Which one is asked for at the first call and kept in a variable; several
// threads may find it empty at once, and write the same number. There is no
// constructor and no relocation that a loader would have to know about.
//
//===----------------------------------------------------------------------===//
#include "Codegen.h"
#include "lamina/Runtime/Runtime.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/IPO/ConstantMerge.h"

using namespace lamina;

static std::string suffixOf(const Machine &machine) {
  return "." + machine.cpu;
}

/// Whether one variant of a function does for all: there is no work in it.
static bool isShared(llvm::StringRef name, llvm::StringRef model) {
  return name == (model + "_error").str() || name == (model + "_init").str();
}

void lamina::makeVariant(llvm::Module &module, llvm::StringRef model,
                         llvm::ArrayRef<Machine> machines, size_t index) {
  for (llvm::Function &function : llvm::make_early_inc_range(module)) {
    if (function.isDeclaration() || function.hasLocalLinkage())
      continue;
    if (!isShared(function.getName(), model))
      function.setName(function.getName() + suffixOf(machines[index]));
    else if (index > 0)
      function.eraseFromParent();
  }
}

namespace {
class Dispatcher {
public:
  Dispatcher(llvm::Module &module, llvm::StringRef model,
             llvm::ArrayRef<Machine> machines)
      : module(module), model(model), machines(machines),
        b(module.getContext()) {}

  void run() {
    emitChoice();
    llvm::SmallVector<llvm::Function *> variants;
    for (llvm::Function &function : module)
      if (function.getName().ends_with(suffixOf(machines.front())))
        variants.push_back(&function);
    for (llvm::Function *function : variants)
      emitJump(*function);
    emitName();
  }

private:
  llvm::Module &module;
  llvm::StringRef model;
  llvm::ArrayRef<Machine> machines;
  llvm::IRBuilder<> b;
  llvm::GlobalVariable *chosen = nullptr, *table = nullptr;
  llvm::Function *choose = nullptr;

  llvm::Function *begin(llvm::FunctionType *type, const llvm::Twine &name,
                        llvm::GlobalValue::LinkageTypes linkage) {
    auto *function = llvm::Function::Create(type, linkage, name, module);
    function->addFnAttr("target-cpu", machines.front().cpu);
    b.SetInsertPoint(
        llvm::BasicBlock::Create(module.getContext(), "", function));
    return function;
  }

  /// The table of variants, the number of the chosen one, and the function that
  /// finds it.
  void emitChoice() {
    auto *row = llvm::StructType::get(b.getPtrTy(), b.getInt32Ty());
    llvm::SmallVector<llvm::Constant *> rows;
    for (const Machine &machine : machines)
      rows.push_back(llvm::ConstantStruct::get(
          row, b.CreateGlobalString(machine.cpu, "", 0, &module),
          b.getInt32(levelOf(machine.cpu))));
    auto *type = llvm::ArrayType::get(row, rows.size());
    table = new llvm::GlobalVariable(
        module, type, /*isConstant=*/true, llvm::GlobalValue::InternalLinkage,
        llvm::ConstantArray::get(type, rows), "lamina_variants");
    chosen = new llvm::GlobalVariable(
        module, b.getInt32Ty(), /*isConstant=*/false,
        llvm::GlobalValue::InternalLinkage, b.getInt32(-1), "lamina_chosen");
    choose = begin(llvm::FunctionType::get(b.getInt32Ty(), false),
                   "lamina_choose", llvm::GlobalValue::InternalLinkage);
    choose->addFnAttr(llvm::Attribute::NoInline);
    choose->addFnAttr(llvm::Attribute::Cold);
    llvm::FunctionCallee ask = module.getOrInsertFunction(
        chooseVariant,
        llvm::FunctionType::get(b.getInt32Ty(), {b.getPtrTy(), b.getInt32Ty()},
                                false));
    llvm::Value *number =
        b.CreateCall(ask, {table, b.getInt32(machines.size())});
    b.CreateStore(number, chosen)->setAtomic(llvm::AtomicOrdering::Monotonic);
    b.CreateRet(number);
  }

  /// The number of the variant, in a block of its own.
  llvm::Value *number(llvm::Function *function) {
    auto *load = b.CreateLoad(b.getInt32Ty(), chosen);
    load->setAtomic(llvm::AtomicOrdering::Monotonic);
    auto block = [&] {
      return llvm::BasicBlock::Create(module.getContext(), "", function);
    };
    llvm::BasicBlock *known = b.GetInsertBlock(), *ask = block(),
                     *ready = block();
    b.CreateCondBr(b.CreateICmpSLT(load, b.getInt32(0)), ask, ready);
    b.SetInsertPoint(ask);
    llvm::Value *asked = b.CreateCall(choose);
    b.CreateBr(ready);
    b.SetInsertPoint(ready);
    llvm::PHINode *result = b.CreatePHI(b.getInt32Ty(), 2);
    result->addIncoming(load, known);
    result->addIncoming(asked, ask);
    return result;
  }

  void emitJump(llvm::Function &first) {
    std::string name =
        first.getName().drop_back(suffixOf(machines.front()).size()).str();
    llvm::Function *function =
        begin(first.getFunctionType(), name, first.getLinkage());
    llvm::SmallVector<llvm::Value *> arguments;
    for (llvm::Argument &argument : function->args())
      arguments.push_back(&argument);
    llvm::SwitchInst *jump = nullptr;
    llvm::Value *which = number(function);
    llvm::BasicBlock *from = b.GetInsertBlock();
    for (auto [index, machine] : llvm::enumerate(machines)) {
      llvm::Function *variant = module.getFunction(name + suffixOf(machine));
      variant->setLinkage(llvm::GlobalValue::InternalLinkage);
      auto *block = llvm::BasicBlock::Create(module.getContext(), "", function);
      b.SetInsertPoint(from);
      if (!jump)
        jump = b.CreateSwitch(which, block, machines.size());
      else
        jump->addCase(b.getInt32(index), block);
      b.SetInsertPoint(block);
      llvm::CallInst *call = b.CreateCall(variant, arguments);
      call->setTailCallKind(llvm::CallInst::TCK_Tail);
      call->setCallingConv(variant->getCallingConv());
      if (call->getType()->isVoidTy())
        b.CreateRetVoid();
      else
        b.CreateRet(call);
    }
  }

  /// `MODEL_cpu`, which says who was chosen.
  void emitName() {
    llvm::Function *function =
        begin(llvm::FunctionType::get(b.getPtrTy(), false), model + "_cpu",
              llvm::GlobalValue::ExternalLinkage);
    llvm::Value *row =
        b.CreateInBoundsGEP(table->getValueType(), table,
                            {b.getInt32(0), number(function), b.getInt32(0)});
    b.CreateRet(b.CreateLoad(b.getPtrTy(), row));
  }
};
} // namespace

void lamina::addDispatch(llvm::Module &into, llvm::StringRef model,
                         llvm::ArrayRef<Machine> machines) {
  Dispatcher(into, model, machines).run();
  // Equal weights are there once; those in the layout of a variant's products
  // are not equal.
  for (llvm::GlobalVariable &global : into.globals())
    if (global.isConstant() && global.hasLocalLinkage())
      global.setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  llvm::ModuleAnalysisManager analyses; // none is asked for
  llvm::ConstantMergePass().run(into, analyses);
}
