//===- lamina-opt.cpp - runs single passes on .mlir files -------------------===//

#include "lamina/Conversion/Passes.h"
#include "lamina/Gpu/Passes.h"
#include "lamina/Lam/Passes.h"
#include "lamina/Pipelines/Stages.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  lamina::registerLaminaLamPasses();
  lamina::registerLaminaConversionPasses();
  lamina::registerLaminaTransformsPasses();
  lamina::registerLaminaGpuPasses();
  mlir::DialectRegistry registry;
  lamina::registerStageDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Lamina's passes, and upstream's\n", registry));
}
