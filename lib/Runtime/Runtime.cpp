//===- Runtime.cpp - functions that compiled models contain ---------------===//
#include "lamina/Runtime/Runtime.h"
#include "Parallel.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace lamina;

static_assert(maxThreads == lamina_max_threads);

// The bitcode of Pool.c and so on.
extern const unsigned char bitcodePool[], bitcodeOpenMP[], bitcodeCuda[],
    bitcodeCublasLt[], bitcodeCpu[], bitcodeScratch[];
extern const unsigned long bitcodePoolSize, bitcodeOpenMPSize, bitcodeCudaSize,
    bitcodeCublasLtSize, bitcodeCpuSize, bitcodeScratchSize;

/// Links the functions of one file into the module, for it alone.
static llvm::Error link(llvm::Module &module, const unsigned char *bytes,
                        unsigned long size) {
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(reinterpret_cast<const char *>(bytes), size), "runtime");
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile(buffer, module.getContext());
  if (!runtime)
    return runtime.takeError();
  std::vector<std::string> defined;
  for (llvm::GlobalValue &value : (*runtime)->global_values())
    if (!value.isDeclaration() && !value.hasLocalLinkage())
      defined.push_back(value.getName().str());
  (*runtime)->setTargetTriple(module.getTargetTriple());
  (*runtime)->setDataLayout(module.getDataLayout());
  if (llvm::Linker::linkModules(module, std::move(*runtime)))
    return llvm::createStringError("the runtime of the model cannot be linked");
  // Objects of several models are linked into one program.
  for (const std::string &name : defined)
    if (llvm::GlobalValue *value = module.getNamedValue(name);
        value && !value->hasAppendingLinkage())
      value->setLinkage(llvm::GlobalValue::InternalLinkage);
  return llvm::Error::success();
}

llvm::Expected<bool> lamina::linkRuntime(llvm::Module &module, bool openMP) {
  if (module.getFunction(cudaBegin))
    if (llvm::Error error = link(module, bitcodeCuda, bitcodeCudaSize))
      return std::move(error);
  if (module.getFunction(cudaMultiply))
    if (llvm::Error error =
            link(module, bitcodeCublasLt, bitcodeCublasLtSize))
      return std::move(error);
  if (module.getFunction(chooseVariant))
    if (llvm::Error error = link(module, bitcodeCpu, bitcodeCpuSize))
      return std::move(error);
  if (module.getFunction(allocateScratch))
    if (llvm::Error error = link(module, bitcodeScratch, bitcodeScratchSize))
      return std::move(error);
  if (!module.getFunction(parallelRun) && !module.getFunction(parallelCount))
    return false;
  llvm::Error error = openMP ? link(module, bitcodeOpenMP, bitcodeOpenMPSize)
                             : link(module, bitcodePool, bitcodePoolSize);
  if (error)
    return std::move(error);
  return true;
}
