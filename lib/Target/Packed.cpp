//===- Packed.cpp - entry points for calls from arrays --------------------===//
#include "Codegen.h"
#include "lamina/Runtime/Runtime.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/IR/IRBuilder.h"

using namespace lamina;

/// Calls `function` with the words that the first argument points to.
static llvm::CallInst *callWithWords(llvm::IRBuilder<> &builder,
                                     llvm::Function *function,
                                     llvm::Value *words) {
  llvm::SmallVector<llvm::Value *> arguments;
  for (llvm::Type *type : function->getFunctionType()->params()) {
    llvm::Value *address = builder.CreateConstGEP1_64(builder.getInt64Ty(),
                                                      words, arguments.size());
    arguments.push_back(builder.CreateLoad(type, address));
  }
  return builder.CreateCall(function, arguments);
}

static llvm::IRBuilder<> begin(llvm::Module &module, const std::string &name,
                               llvm::Type *result, unsigned pointers) {
  llvm::Type *pointer = llvm::PointerType::getUnqual(module.getContext());
  auto *type = llvm::FunctionType::get(
      result, llvm::SmallVector<llvm::Type *>(pointers, pointer), false);
  auto *function = llvm::Function::Create(
      type, llvm::GlobalValue::ExternalLinkage, name, module);
  return llvm::IRBuilder<>(
      llvm::BasicBlock::Create(module.getContext(), "", function));
}

/// `SYMBOL_packed`, which calls `SYMBOL` with words.
static void addPacked(llvm::Module &module, const std::string &symbol) {
  llvm::Function *function = module.getFunction(symbol);
  if (!function)
    return;
  llvm::IRBuilder<> builder =
      begin(module, symbol + "_packed", function->getReturnType(), 1);
  llvm::Function *packed = builder.GetInsertBlock()->getParent();
  builder.CreateRet(callWithWords(builder, function, packed->getArg(0)));
}

void lamina::exportStop(llvm::Module &module, const Signature &signature) {
  llvm::Function *stop = module.getFunction(parallelStop);
  stop->setName(identifier(signature.model) + "_stop");
  stop->setLinkage(llvm::GlobalValue::ExternalLinkage);
  stop->setVisibility(llvm::GlobalValue::DefaultVisibility);
}

void lamina::addPackedEntryPoints(llvm::Module &module,
                                  const Signature &signature) {
  addPacked(module, identifier(signature.model) + "_init");
  for (const EntryPoint &entry : signature.entries) {
    std::string symbol = symbolName(signature, entry);
    addPacked(module, symbol);
    addPacked(module, symbol + "_cuda");
    addPacked(module, symbol + "_scratch");
    if (llvm::Function *sizes = module.getFunction(entry.name + "_dims")) {
      llvm::IRBuilder<> builder =
          begin(module, symbol + "_dims",
                llvm::Type::getVoidTy(module.getContext()), 2);
      llvm::Function *packed = builder.GetInsertBlock()->getParent();
      llvm::Value *result = callWithWords(builder, sizes, packed->getArg(0));
      auto *type = llvm::dyn_cast<llvm::StructType>(result->getType());
      for (unsigned index = 0, count = type ? type->getNumElements() : 1;
           index < count; ++index)
        builder.CreateStore(
            type ? builder.CreateExtractValue(result, index) : result,
            builder.CreateConstGEP1_64(builder.getInt64Ty(), packed->getArg(1),
                                       index));
      builder.CreateRetVoid();
    }
  }
}
