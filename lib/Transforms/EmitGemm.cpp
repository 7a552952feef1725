//===- EmitGemm.cpp - bodies for the functions that products share --------===//
#include "Gemm.h"
#include "ProductEpilogue.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lamina {
#define GEN_PASS_DEF_EMITGEMM
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
struct EmitGemm : lamina::impl::EmitGemmBase<EmitGemm> {
  using EmitGemmBase::EmitGemmBase;

  void runOnOperation() override {
    using Emitter = void (*)(func::FuncOp, const GemmShape &);
    static constexpr std::pair<StringLiteral, Emitter> emitters[] = {
        {"gemm", emitGemm}, {"transpose", emitTranspose}};
    const Strategy &row = strategyNamed(strategy);
    Builder builder(&getContext());
    for (FloatType type :
         {FloatType(builder.getF32Type()), FloatType(builder.getF64Type())}) {
      GemmShape shape(type, row);
      for (auto [kind, emit] : emitters)
        if (auto function =
                getOperation().lookupSymbol<func::FuncOp>(shape.name(kind)))
          if (function.isExternal()) {
            makeInternal(function);
            emit(function, shape);
          }
      emitEpilogueCalls(shape);
    }
  }

  /// Bodies of the products with epilogues.
  void emitEpilogueCalls(const GemmShape &shape) {
    auto gemm = getOperation().lookupSymbol<func::FuncOp>(shape.name("gemm"));
    if (!gemm)
      return;
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr(kEpilogue) && function.isExternal() &&
          function.getArgumentTypes().front() ==
              gemm.getArgumentTypes().front()) {
        makeInternal(function);
        emitEpilogueCall(function, gemmBlocks(gemm, shape), shape);
      }
  }
};
} // namespace
