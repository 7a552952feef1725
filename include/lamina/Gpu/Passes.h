//===- Passes.h - kernels for GPUs ------------------------------*- C++ -*-===//
#ifndef LAMINA_GPU_PASSES_H
#define LAMINA_GPU_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace lamina {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lamina/Gpu/Passes.h.inc"

} // namespace lamina

#endif // LAMINA_GPU_PASSES_H
