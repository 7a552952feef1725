//===- Passes.td - passes over upstream dialects -----------*- tablegen -*-===//
//
//   linalg on tensors
//     │ lamina-record-signature    what the entry points look like, as data
//     │ lamina-add-size-functions  the sizes of results
//     │ lamina-storage-types       bools are bytes, 16-bit floats their bits
//     │ lamina-widen-floats        float16 and bfloat16 compute in float32
//     │ lamina-fuse-elementwise    chains of pointwise ops become one op
//     │ lamina-fuse-loops          producers and consumers share a tile loop
//   kernels
//     │ lamina-results-to-arguments, lamina-carry-in-place,
//     │ lamina-read-in-place, one-shot-bufferize
//     │ lamina-merge-loops         what walks the same points is one op
//     │ lamina-outline-products    large products are calls of shared functions
//     │ lamina-plan-scratch        one arena for every temporary
//     │ lamina-copies-to-linalg    copies are ops like others
//   bufferized
//     │ lamina-vectorize           loops over vectors and register tiles
//     │ lamina-outline-parallel    loops that threads share, with --threads
//     │ lamina-emit-gemm           the functions that products share
//     │ lamina-expand-math         functions as polynomials
//     │ lamina-expand-arith        no calls but libc and libm
//     │ lamina-emit-abi            the C entry points
//   llvm-mlir
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TRANSFORMS_PASSES
#define LAMINA_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def RecordSignature : Pass<"lamina-record-signature", "mlir::ModuleOp"> {
  let summary = "store the entry points' signatures as a module attribute";
  let description = [{
    Collects the `lamina.*` attributes of the arguments and results of every
    public function into the module attribute `lamina.signature`, moves the
    initial values of weights there, and gives functions without such attributes
    the obvious ones (`arg0`, `out0`, role input). Results of the role `update`
    are last; each gets `lamina.in_place`, the number of the argument that it
    replaces. Header, manifest, C entry
    points and in-process calls read only this attribute afterwards.
  }];
}

def AddSizeFunctions : Pass<"lamina-add-size-functions", "mlir::ModuleOp"> {
  let summary = "add functions that compute the sizes of results";
  let description = [{
    For every entry point with a result of unknown size, `NAME_dims` computes
    these sizes from the unknown sizes of the arguments, in order.
  }];
  let dependentDialects = ["mlir::func::FuncDialect", "mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def StorageTypes : Pass<"lamina-storage-types", "mlir::ModuleOp"> {
  let summary = "store bools as bytes and 16-bit floats as their bits";
  let description = [{
    A bool of the C interface is one byte, where a vector of i1 in memory would be
    packed bits; and LLVM calls a library for moves of 16-bit floats that a
    processor does not know. So `tensor<..xi1>` becomes `tensor<..xi8>` and tensors
    of f16 and bf16 become `tensor<..xi16>`; scalars keep their type and are
    converted where they are read (any nonzero byte is true) or written.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

def WidenFloats : Pass<"lamina-widen-floats", "mlir::ModuleOp"> {
  let summary = "compute float16 and bfloat16 arithmetic in float32";
  let description = [{
    Rewrites scalar `arith` and `math` ops on f16 and bf16 to an extension, the
    op in f32 and a truncation; values keep their type in memory.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect"];
}

def FuseElementwise : Pass<"lamina-fuse-elementwise", "mlir::func::FuncOp"> {
  let summary = "fuse pointwise linalg ops into one body";
  let description = [{
    Producers are fused into consumers; a producer with several uses is
    recomputed only where that costs about as much as loading its result, so
    that fusion never multiplies expensive work. What an op costs is in the one
    table of weights that every decision reads (`lib/Transforms/CostModel.cpp`);
    `--remarks=fusion` tells the cost of each body. Unit dimensions and reshapes
    between pointwise ops are folded away first.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
                           "mlir::affine::AffineDialect"];
}

def FuseLoops : Pass<"lamina-fuse-loops", "mlir::func::FuncOp"> {
  let summary = "put producers, reductions and consumers into shared tile loops";
  let description = [{
    Groups ops that agree on their leading parallel dimensions (the rows of a
    softmax, the tile of a matrix product with its epilogue) and emits for each
    group one `scf.for` nest on tensors over tiles of these dimensions, in which
    every op of the group runs once on its slice. Results of the group are
    written into slices of the loop's destinations; everything else is a
    temporary of the size of a tile.
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table to follow">];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
                           "mlir::affine::AffineDialect", "mlir::scf::SCFDialect",
                           "mlir::bufferization::BufferizationDialect"];
}

def ResultsToArguments : Pass<"lamina-results-to-arguments", "mlir::ModuleOp"> {
  let summary = "write results into buffers the caller passes";
  let description = [{
    Appends a memref argument per result of every public function and writes
    the result there; inputs are marked as not writable. A result with
    `lamina.in_place` goes into the buffer of that argument, after everything
    else, and as a tensor first: bufferization computes it in place where nobody
    needs the old value any more.
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect",
                           "mlir::tensor::TensorDialect"];
}

def ReadInPlace : Pass<"lamina-read-in-place", "mlir::func::FuncOp"> {
  let summary = "tiles that replace a part of a tensor read it where they write";
  let description = [{
    In a loop over tiles that starts with a tensor and inserts one tile in every
    iteration, the tile's old value is read from the loop's argument instead of
    the tensor before the loop. They are equal, as tiles do not overlap; but now
    nobody needs the whole old tensor, and a fused update of a weight is in place.
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def CarryInPlace : Pass<"lamina-carry-in-place", "mlir::func::FuncOp"> {
  let summary = "write what a loop carries over its old value";
  let description = [{
    The tensors that an iteration hands to the next one are written into the
    tensors that it got, at its end. Otherwise every iteration would hand on a
    buffer of its own, and two iterations would use one buffer for both values.
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect"];
}

def CopiesToLinalg : Pass<"lamina-copies-to-linalg", "mlir::func::FuncOp"> {
  let summary = "write memref.copy as a linalg op";
  let description = [{
    A copy between strided buffers would become a call of a runtime library;
    as a linalg op it is vectorized like any other loop.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def OutlineProducts : Pass<"lamina-outline-products", "mlir::ModuleOp"> {
  let summary = "make large matrix products calls of shared functions";
  let description = [{
    A contraction on buffers that is large enough becomes a call of
    `lamina_gemm_T`; what it loops over besides rows, columns and one summed
    dimension becomes loops around the call. The call packs blocks of the right
    operand into panels, unless it is read too seldom for that. A transposed
    right operand is packed through transposition; or, where that is less work,
    the transposed product is computed and written back transposed.

    The pointwise op that touches the result next becomes a function
    `lamina_epilogueN`, which the call of a variant `lamina_gemm_T_epilogueN` is
    given, and which runs on each block of the result as soon as its sums are
    complete. If it alone reads the product, that is never a whole matrix.

    A weight that is embedded and only ever the right operand of products is
    stored as the panels that these read; the functions that may be given it get
    an argument that says whether they are (`lamina.packed_weights`).
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table to follow">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def EmitGemm : Pass<"lamina-emit-gemm", "mlir::ModuleOp"> {
  let summary = "give the functions that matrix products share their bodies";
  let description = [{
    Emits blocks, packing, panels and register tiles for `lamina_gemm_T`, and
    `lamina_transpose_T`, in the shapes that the strategy table has for the
    machine; variants with an epilogue call it for every block of 48 rows whose
    sums are complete.
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table to follow">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def MergeLoops : Pass<"lamina-merge-loops", "mlir::func::FuncOp"> {
  let summary = "make one op of linalg ops on buffers that walk the same points";
  let description = [{
    Two ops of a block become one with all outputs of both if they share a buffer
    and whatever one of them writes, the other touches at the same point only. A
    row is then read once for every value, gradient and sum that needs it in this
    form, and temporaries that nobody else reads disappear. Loops that run once
    are removed before, so that a row of a column sum is a pointwise addition.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect"];
}

def PlanScratch : Pass<"lamina-plan-scratch", "mlir::ModuleOp"> {
  let summary = "place every temporary in one scratch buffer";
  let description = [{
    Replaces `memref.alloc` by views of one scratch argument, 64-byte aligned, in
    which temporaries with disjoint lifetimes share memory, and adds a function
    `NAME_scratch` that computes the size from the unknown dimensions. Small
    static temporaries go to the stack.

    With `threads` functions get another argument, the number of threads that may
    run iterations of loops marked `lamina.parallel` at once; each has its own
    temporaries there. Calls of large products become such loops, over panels of
    columns or blocks of rows.
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table that products follow">,
                 Option<"threads", "threads", "std::string", "\"\"",
                        "openmp, auto, or a number; empty for none">,
                 Option<"stack", "stack", "bool", "true",
                        "small temporaries of static size are on the stack">];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::affine::AffineDialect"];
}

def OutlineParallel : Pass<"lamina-outline-parallel", "mlir::ModuleOp"> {
  let summary = "share large parallel loops among threads";
  let description = [{
    The outermost loops marked `lamina.parallel` become functions of a range of
    iterations. Where the cost model estimates that a loop takes more than 20 us,
    several threads call that function, otherwise it is called once. An estimate
    is the larger one of the operations at their usual cost and, beyond the
    core's own caches, of the bytes at a typical bandwidth; it is code, computed
    from the sizes of a call, in which the first iteration of an inner loop
    stands for all. Loops that are known to be short stay. Does nothing in
    modules that were planned without threads.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::func::FuncDialect", "mlir::arith::ArithDialect",
                           "mlir::affine::AffineDialect", "mlir::scf::SCFDialect", "mlir::memref::MemRefDialect"];
}

def SplitMaskedStores : Pass<"lamina-split-masked-stores", "mlir::ModuleOp"> {
  let summary = "store the first lanes of a vector in pieces where masks are slow";
  let description = [{
    On machines without registers for masks, a store of as many lanes as a
    number says becomes stores of half the vector, a quarter and so on.
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table to follow">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

def Vectorize : Pass<"lamina-vectorize", "mlir::func::FuncOp"> {
  let summary = "turn linalg ops on buffers into loops over vectors";
  let description = [{
    Pointwise ops run along the dimension that is contiguous in their outputs,
    with masked tails; reductions keep vectors of partial results in registers
    (sums of many terms are compensated); contractions get a register tile. What
    does not fit these forms becomes scalar loops.
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"cpu-generic\"",
                        "the row of the strategy table to follow">];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

def NameKernels : Pass<"lamina-name-kernels", "mlir::func::FuncOp"> {
  let summary = "give the ops of a function locations that name its kernels";
  let description = [{
    Every top-level op on buffers gets a location with a number and the names of
    what it computes. The loops that later passes make of it keep that, so that
    `lamina-profile-kernels` finds them. Only for `lamina bench --kernels`.
  }];
}

def ProfileKernels : Pass<"lamina-profile-kernels", "mlir::ModuleOp"> {
  let summary = "add up the time of each kernel of an entry point";
  let description = [{
    Between the ops that `lamina-name-kernels` has told apart, the processor's
    clock is read; what passed and the cost model's estimates are added to the
    table `lamina_kernels_ENTRY`, whose rows the module attribute
    `lamina.kernels` names. Calls from several threads at once spoil the counts.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect", "mlir::affine::AffineDialect",
                           "mlir::memref::MemRefDialect"];
}

def ExpandMath : Pass<"lamina-expand-math", "mlir::ModuleOp"> {
  let summary = "replace transcendental functions by inline polynomials";
  let description = [{
    On f32 and narrower floats, scalars and vectors: at most 2 ULP off, exact for
    signed zeros, infinities and NaN, right for subnormals. The expansions rely on
    IEEE semantics, so nothing later may reassociate or contract. Functions of f64
    become calls of libm.
  }];
  let options = [Option<"ldexp", "ldexp", "bool", "false",
                        "scale vectors with llvm.ldexp, one instruction on AVX-512">,
                 Option<"fma", "fma", "bool", "true",
                        "the processor multiplies and adds in one instruction">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def ExpandArith : Pass<"lamina-expand-arith", "mlir::ModuleOp"> {
  let summary = "expand arithmetic that LLVM lacks or would call a library for";
  let description = [{
    Conversions of float16 and bfloat16 become integer arithmetic, divisions that
    round down or up become ones that truncate.

    LLVM calls compiler-rt for conversions that the target has no instruction
    for; these symbols are not part of libc. bfloat16 is always expanded, float16
    where `half` is true. Works on scalars and vectors.
  }];
  let options = [Option<"half", "half", "bool", "false", "the target has no float16 conversions">];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def EmitAbi : Pass<"lamina-emit-abi", "mlir::ModuleOp"> {
  let summary = "emit the C entry points";
  let description = [{
    Makes the functions private and adds per entry point a function with C types
    that checks its arguments, finds the weights, allocates scratch where the
    caller passed none, and calls it; and the error texts and embedded weights.
    Up to 8 KB of scratch lie on the stack; for 4 MB and more the kernel is
    advised to use huge pages.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::func::FuncDialect", "mlir::arith::ArithDialect",
                           "mlir::cf::ControlFlowDialect"];
}

#endif // LAMINA_TRANSFORMS_PASSES
