//===- Passes.td - kernels for GPUs ------------------------*- tablegen -*-===//
//
//   bufferized (a function of loops and linalg ops on buffers)
//     │ lamina-map-to-gpu          each loop nest is a launch of threads
//     │ lamina-plan-scratch        one arena for what passes between kernels
//     │ lamina-outline-kernels     kernels are functions of their own
//   gpu
//     │ lamina-expand-math, convert-gpu-to-nvvm
//   nvvm
//     │ lamina-embed-kernels       PTX, as text in the module
//     │ lamina-launch-kernels      launches are calls of the runtime
//   llvm-mlir
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_GPU_PASSES
#define LAMINA_GPU_PASSES

include "mlir/Pass/PassBase.td"

def MapToGpu : Pass<"lamina-map-to-gpu", "mlir::ModuleOp"> {
  let summary = "make kernels of the loops and linalg ops of functions";
  let description = [{
    Every op of a function's block that touches memory becomes a `gpu.launch`:

    - a linalg op: its points are shared by all threads of the grid; large
      reductions are divided among threads and added up in a fixed order;
    - a loop whose iterations may run at once: one block per iteration, whose
      threads share the points of every linalg op inside, with barriers between;
      or one thread per iteration where a body is scalar code;
    - everything else runs in one block, scalar code in its first thread.

    - a product large enough for tiles: a block per tile of the result, see
      lib/Gpu/Products.h, together with the fill before and a pointwise op behind.

    A plain product may be left to cuBLASLt, see lib/Gpu/LibraryProducts.h: the
    call says whether it was done, else the kernel is launched.

    Temporaries of a block are in shared memory if they fit, else in a part of a
    buffer per block.
  }];
  let options = [Option<"architecture", "architecture", "unsigned", "80",
                        "the oldest that the kernels shall run on">,
                 Option<"tf32", "tf32", "bool", "false",
                        "let products of float32 round their operands">,
                 Option<"matmul", "matmul", "std::string", "\"generated\"",
                        "who computes large products: generated, cublaslt, auto">];
  let dependentDialects = ["mlir::gpu::GPUDialect", "mlir::scf::SCFDialect",
                           "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect",
                           "mlir::affine::AffineDialect", "mlir::math::MathDialect",
                           "mlir::vector::VectorDialect", "mlir::linalg::LinalgDialect",
                           "mlir::nvgpu::NVGPUDialect", "mlir::NVVM::NVVMDialect", "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect"];
}

def OutlineKernels : Pass<"lamina-outline-kernels", "mlir::ModuleOp"> {
  let summary = "move the bodies of launches into one module of kernels";
  let description = [{
    Kernels are named after the function that launches them, `forward_0`, …; what
    they need is passed, views of memory and constants are made again inside.
  }];
  let dependentDialects = ["mlir::gpu::GPUDialect", "mlir::func::FuncDialect"];
}

def ExpandRemainder : Pass<"lamina-expand-remainder", "mlir::gpu::GPUModuleOp"> {
  let summary = "compute remainders exactly, the rest of math by instructions";
  let description = [{
    `arith.remf` becomes a long division in binary: NVPTX would round the quotient.
    Absolute values, roots and roundings become intrinsics of LLVM, for which
    the conversion to NVVM has only calls of a library.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::scf::SCFDialect", "mlir::LLVM::LLVMDialect"];
}

def EmbedKernels : Pass<"lamina-embed-kernels", "mlir::ModuleOp"> {
  let summary = "translate the module of kernels to PTX";
  let description = [{
    Compiles the kernels in process, once for every architecture, and stores the
    texts in the module attribute `lamina.ptx`. A symbol that the PTX would not
    define is an error at the place that needs it.
  }];
  let options = [ListOption<"chips", "chips", "std::string", "sm_70, sm_80, …">];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def LaunchKernels : Pass<"lamina-launch-kernels", "mlir::ModuleOp"> {
  let summary = "make calls of the CUDA runtime of launches";
  let description = [{
    Every function that launches kernels gets a last argument, the call of the
    runtime in lib/Runtime/Cuda.c that it is part of.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

#endif // LAMINA_GPU_PASSES
