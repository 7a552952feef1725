//===- MathFunctions.cpp - functions that kernels may call ----------------===//
#include "MathFunctions.h"
#include "Math/Math64.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace lamina;

extern const unsigned char bitcodeMath64[], bitcodeAngles64[];
extern const unsigned long bitcodeMath64Size, bitcodeAngles64Size;

static constexpr llvm::StringRef names[] = {
#define NAME(function) #function,
    LAMINA_MATH64_UNARY(NAME) LAMINA_MATH64_BINARY(NAME)
#undef NAME
};

bool lamina::isMathFunction(llvm::StringRef name) {
  return llvm::is_contained(names, name);
}

static llvm::Error link(llvm::Module &module, const unsigned char *bytes,
                        unsigned long size) {
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(reinterpret_cast<const char *>(bytes), size), "math");
  auto functions = llvm::parseBitcodeFile(buffer, module.getContext());
  if (!functions)
    return functions.takeError();
  (*functions)->setTargetTriple(module.getTargetTriple());
  (*functions)->setDataLayout(module.getDataLayout());
  if (llvm::Linker::linkModules(module, std::move(*functions),
                                llvm::Linker::LinkOnlyNeeded))
    return llvm::createStringError("the math functions cannot be linked");
  return llvm::Error::success();
}

llvm::Error lamina::linkMathFunctions(llvm::Module &module) {
  // The dialects call functions of the C library through wrappers.
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && isMathFunction(function.getName())) {
      function.deleteBody();
      function.setLinkage(llvm::GlobalValue::ExternalLinkage);
    }
  // Only where needed: reading the bitcode takes time.
  if (llvm::none_of(module, [](llvm::Function &function) {
        return function.isDeclaration() && isMathFunction(function.getName());
      }))
    return llvm::Error::success();
  if (llvm::Error error = link(module, bitcodeMath64, bitcodeMath64Size))
    return error;
  if (llvm::Error error = link(module, bitcodeAngles64, bitcodeAngles64Size))
    return error;
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && isMathFunction(function.getName())) {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
      // Those of the kernels' architecture hold.
      function.removeFnAttr("target-cpu");
      function.removeFnAttr("target-features");
    }
  return llvm::Error::success();
}
