//===- OutlineKernels.cpp - bodies of launches become functions -----------===//
#include "lamina/Gpu/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Utils/GPUUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lamina {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "lamina/Gpu/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Constants, sizes and views are made again in the kernel.
static bool isRemade(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<memref::DimOp, memref::GetGlobalOp, ViewLikeOpInterface>(op);
}

namespace {
struct OutlineKernels : lamina::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder b(&getContext());
    b.setInsertionPointToEnd(module.getBody());
    auto kernels =
        gpu::GPUModuleOp::create(b, module.getLoc(), "lamina_kernels");
    for (auto function : module.getOps<func::FuncOp>()) {
      unsigned count = 0;
      function.walk([&](gpu::LaunchOp launch) {
        std::string name = (function.getName() + "_" + Twine(count++)).str();
        outline(launch, name, kernels);
      });
    }
    module->setAttr("lamina.target", b.getStringAttr("cuda"));
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    b.getUnitAttr());
  }

  /// Constants are part of the module of kernels as well.
  static void copyGlobal(memref::GetGlobalOp op, gpu::GPUModuleOp kernels) {
    if (kernels.lookupSymbol(op.getName()))
      return;
    auto module = kernels->getParentOfType<ModuleOp>();
    auto global = module.lookupSymbol<memref::GlobalOp>(op.getName());
    OpBuilder b = OpBuilder::atBlockBegin(kernels.getBody());
    b.clone(*global);
  }

  void outline(gpu::LaunchOp launch, StringRef name, gpu::GPUModuleOp kernels) {
    (void)sinkOperationsIntoLaunchOp(launch, isRemade);
    SmallVector<Value> operands;
    gpu::GPUFuncOp kernel = outlineKernelFunc(launch, name, operands);
    kernels.getBody()->push_back(kernel);
    kernel.walk([&](memref::GetGlobalOp op) { copyGlobal(op, kernels); });
    if (std::optional<int64_t> threads =
            getConstantIntValue(launch.getBlockSizeX()))
      kernel.setKnownBlockSizeAttr(
          DenseI32ArrayAttr::get(&getContext(), {int32_t(*threads), 1, 1}));
    OpBuilder b(launch);
    // Wide accesses of shared memory.
    for (unsigned i = 0; i < kernel.getNumWorkgroupAttributions(); ++i)
      kernel.setWorkgroupAttributionAttr(
          i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(16));
    gpu::LaunchFuncOp::create(
        b, launch.getLoc(), kernel, launch.getGridSizeOperandValues(),
        launch.getBlockSizeOperandValues(), Value(), operands);
    launch.erase();
  }
};
} // namespace
