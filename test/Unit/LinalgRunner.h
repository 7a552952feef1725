//===- LinalgRunner.h - lam functions through linalg, in process -*- C++
//-*-===//
//
// For tests of convert-lam-to-linalg: writes functions of lam, lowers them with
// upstream passes only, and compares what they compute with the interpreter.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TEST_UNIT_LINALGRUNNER_H
#define LAMINA_TEST_UNIT_LINALGRUNNER_H

#include "HostJit.h"
#include "lamina/Conversion/Passes.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>
#include <set>

namespace lamina::test {

/// One dimension of a tensor type: its size, and whether the type hides it.
struct Dim {
  int64_t size;
  bool dynamic = false;
};
using Shape = std::vector<Dim>;

inline llvm::SmallVector<int64_t> sizesOf(const Shape &shape) {
  return llvm::map_to_vector(shape, [](Dim dim) { return dim.size; });
}

/// The context with lam and all upstream dialects.
inline mlir::MLIRContext &context() {
  static mlir::MLIRContext *context = [] {
    mlir::DialectRegistry registry;
    mlir::registerAllDialects(registry);
    registry.insert<lam::LamDialect>();
    auto *result = new mlir::MLIRContext(registry);
    result->disableMultithreading();
    loadDialects(*result);
    result->loadDialect<lam::LamDialect, mlir::tensor::TensorDialect>();
    return result;
  }();
  return *context;
}

inline std::string typeText(const Shape &shape, DType dtype) {
  llvm::SmallVector<int64_t> sizes = llvm::map_to_vector(shape, [](Dim dim) {
    return dim.dynamic ? mlir::ShapedType::kDynamic : dim.size;
  });
  std::string text;
  llvm::raw_string_ostream(text)
      << mlir::RankedTensorType::get(sizes, toMLIR(dtype, &context()));
  return text;
}

inline std::string listText(llvm::ArrayRef<int64_t> numbers) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(numbers, stream);
  return "[" + text + "]";
}

/// Random structure and numbers; the same seed gives the same tests.
class Random {
public:
  explicit Random(unsigned seed) : engine(seed) {
    testing::Test::RecordProperty("seed", static_cast<int>(seed));
  }
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % (high - low + 1));
  }
  bool flip() { return integer(0, 1) != 0; }
  template <class T>
  T pick(const std::vector<T> &from) {
    return from[integer(0, from.size() - 1)];
  }
  Dim dim(int64_t least = 0) {
    int64_t size = pick<int64_t>({0, 1, 1, 2, 3, 3, 4, 5, 7});
    return {std::max(size, least), flip()};
  }
  Shape shape(int64_t rank, int64_t least = 0) {
    Shape shape;
    for (int64_t i = 0; i < rank; ++i)
      shape.push_back(dim(least));
    return shape;
  }
  std::vector<int64_t> permutation(int64_t count) {
    std::vector<int64_t> result(count);
    for (int64_t i = 0; i < count; ++i) {
      int64_t j = integer(0, i);
      result[i] = result[j];
      result[j] = i;
    }
    return result;
  }
  /// A strictly increasing choice from 0..count-1.
  std::vector<int64_t> subset(int64_t count, int64_t chosen) {
    std::vector<int64_t> result = permutation(count);
    result.resize(chosen);
    llvm::sort(result);
    return result;
  }
  /// Small numbers; floats are sometimes ±0, ±inf or NaN if `specials`.
  NDArray array(llvm::ArrayRef<int64_t> sizes, DType dtype,
                bool specials = false) {
    NDArray result(dtype, sizes);
    for (int64_t i = 0; i < result.size(); ++i) {
      if (!isFloat(dtype))
        result.setInt(i,
                      dtype == DType::Bool ? integer(0, 1) : integer(-20, 20));
      else if (specials && integer(0, 5) == 0)
        result.setDouble(
            i, pick<double>({0.0, -0.0, INFINITY, -INFINITY, std::nan("")}));
      else
        result.setDouble(i, integer(-2000, 2000) / 1000.0);
    }
    return result;
  }

private:
  std::mt19937_64 engine;
};

/// The text of a function of lam and the arrays to call it with.
class Function {
public:
  /// An argument; returns its name.
  std::string input(const Shape &shape, NDArray value) {
    types.push_back(typeText(shape, value.dtype()));
    inputs.push_back(std::move(value));
    return "%a" + std::to_string(types.size() - 1);
  }
  /// `number` as an index that the types do not tell.
  std::string index(int64_t number) {
    std::string from = input({{number, true}}, NDArray(DType::Int8, number));
    std::string name = "%i" + std::to_string(indices++);
    line(name + "c = arith.constant 0 : index");
    line(name + " = tensor.dim " + from + ", " + name + "c : tensor<?xi8>");
    return name;
  }
  /// `sizes (…)` of a result.
  std::string sizes(const Shape &result) {
    std::string text;
    for (Dim dim : result)
      if (dim.dynamic)
        text += (text.empty() ? "" : ", ") + index(dim.size);
    return text.empty() ? "" : "sizes (" + text + ")";
  }
  void line(const std::string &text) { body += "  " + text + "\n"; }
  void result(const std::string &name, const Shape &shape, DType dtype) {
    results.push_back(name);
    resultTypes.push_back(typeText(shape, dtype));
  }
  std::string text(llvm::StringRef name) const {
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << "func.func @" << name << "(";
    for (auto [i, type] : llvm::enumerate(types))
      stream << (i ? ", " : "") << "%a" << i << ": " << type;
    stream << ") -> (" << llvm::join(resultTypes, ", ") << ") {\n"
           << body << "  return " << llvm::join(results, ", ") << " : "
           << llvm::join(resultTypes, ", ") << "\n}\n";
    return text;
  }

  std::vector<NDArray> inputs;
  /// The allowed error in units of the last place of the larger of 1 and the
  /// result.
  double slack = 8;

private:
  std::vector<std::string> types, results, resultTypes;
  std::string body;
  int indices = 0;
};

/// Whether `text` is a valid module.
inline mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text,
                                               bool quiet = false) {
  mlir::ScopedDiagnosticHandler handler(
      &context(), [&](mlir::Diagnostic &) { return mlir::success(quiet); });
  return mlir::parseSourceString<mlir::ModuleOp>(text, &context());
}

/// Every op of lam that a batch has compiled.
inline llvm::StringSet<> &coveredOps() {
  static llvm::StringSet<> names;
  return names;
}

/// The ops of the dialect.
inline std::vector<mlir::RegisteredOperationName> lamOps() {
  std::vector<mlir::RegisteredOperationName> ops;
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == "lam")
      ops.push_back(name);
  return ops;
}

/// What the three tests of the conversion cover, besides pointwise ops.
inline const std::vector<std::string> elementOps = {
    "lam.cast", "lam.bitcast", "lam.select", "lam.stop_gradient"};
inline const std::vector<std::string> structureOps = {
    "lam.constant",  "lam.from_size", "lam.broadcast", "lam.reshape",
    "lam.transpose", "lam.slice",     "lam.pad",       "lam.reverse",
    "lam.concat",    "lam.iota",      "lam.gather",    "lam.scatter",
    "lam.scan",      "lam.while"};
inline const std::vector<std::string> reductionOps = {
    "lam.reduce", "lam.arg_reduce", "lam.cumulative", "lam.sort",
    "lam.dot",    "lam.conv",       "lam.window",     "lam.random_bits"};

/// The tests before this one have compiled each of `ops`.
inline void expectCovered(const std::vector<std::string> &ops) {
  auto &run = *testing::UnitTest::GetInstance();
  if (run.test_to_run_count() != run.total_test_count())
    GTEST_SKIP() << "only some tests run";
  for (const std::string &op : ops)
    EXPECT_TRUE(coveredOps().contains(op)) << op;
}

/// The module in machine code: linalg by the pass under test, then nothing but
/// upstream passes.
inline std::unique_ptr<HostJit> compile(mlir::ModuleOp module) {
  module.walk([](mlir::func::FuncOp function) {
    function->setAttr("llvm.emit_c_interface",
                      mlir::UnitAttr::get(function.getContext()));
  });
  mlir::PassManager pm(module.getContext());
  pm.addPass(createConvertLamToLinalg());
  pm.addPass(mlir::createCanonicalizerPass());
  pm.addPass(mlir::bufferization::createEmptyTensorEliminationPass());
  mlir::bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      mlir::bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.allowReturnAllocsFromLoops = true;
  pm.addPass(mlir::bufferization::createOneShotBufferizePass(bufferize));
  mlir::bufferization::buildBufferDeallocationPipeline(pm, {});
  if (failed(pm.run(module)))
    return nullptr;
  // Copies of strided buffers would need a run-time library.
  module.walk([](mlir::memref::CopyOp copy) {
    mlir::OpBuilder builder(copy);
    mlir::linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(),
                                 copy.getTarget());
    copy.erase();
  });
  pm.clear();
  pm.addPass(mlir::createConvertLinalgToLoopsPass());
  pm.addPass(mlir::createConvertBufferizationToMemRefPass());
  mlir::arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(mlir::arith::createArithExpandOpsPass(expand));
  // What is an instruction or an intrinsic of LLVM, then what is in libm.
  pm.addPass(mlir::createConvertMathToLLVMPass());
  pm.addPass(mlir::createConvertMathToLibmPass());
  if (failed(pm.run(module)))
    return nullptr;
  return HostJit::create(module);
}

/// Calls a compiled function through its C interface: pointers to descriptors.
inline std::vector<NDArray> call(HostJit &jit, mlir::func::FuncOp type,
                                 std::vector<NDArray> inputs) {
  using Descriptor = std::vector<int64_t>;
  auto words = [](int64_t rank) { return 3 + 2 * rank; };
  std::vector<Descriptor> arguments;
  for (NDArray &input : inputs) {
    auto address = reinterpret_cast<int64_t>(input.data());
    Descriptor descriptor{address, address, 0};
    llvm::append_range(descriptor, input.shape());
    llvm::SmallVector<int64_t> strides(input.rank(), 1);
    for (int64_t i = int64_t(input.rank()) - 2; i >= 0; --i)
      strides[i] = strides[i + 1] * input.shape()[i + 1];
    llvm::append_range(descriptor, strides);
    arguments.push_back(std::move(descriptor));
  }
  Descriptor results;
  for (mlir::Type result : type.getResultTypes())
    results.resize(results.size() +
                   words(mlir::cast<mlir::ShapedType>(result).getRank()));
  llvm::SmallVector<void *> pointers{results.data()};
  for (Descriptor &argument : arguments)
    pointers.push_back(argument.data());
  pointers.resize(12); // A callee ignores arguments that it does not have.
  using Code = void(void *, void *, void *, void *, void *, void *, void *,
                    void *, void *, void *, void *, void *);
  Code *code = jit.lookup<Code>(("_mlir_ciface_" + type.getName()).str());
  EXPECT_NE(code, nullptr);
  EXPECT_LE(arguments.size(), 11u);
  if (!code || arguments.size() > 11)
    return {};
  auto &p = pointers;
  code(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
       p[11]);

  std::vector<NDArray> outputs;
  std::set<void *> allocated; // Two empty results may share their memory.
  const int64_t *next = results.data();
  for (mlir::Type each : type.getResultTypes()) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(each);
    int64_t rank = tensor.getRank();
    NDArray output(*fromMLIR(tensor.getElementType()),
                   llvm::ArrayRef(next + 3, rank));
    if (output.bytes())
      std::memcpy(output.data(),
                  reinterpret_cast<char *>(next[1]) +
                      next[2] * sizeOf(output.dtype()),
                  output.bytes());
    allocated.insert(reinterpret_cast<void *>(next[0]));
    outputs.push_back(std::move(output));
    next += words(rank);
  }
  llvm::for_each(allocated, std::free);
  return outputs;
}

/// The distance from 1 to the next number of a float type.
inline double epsilon(DType dtype) {
  switch (dtype) {
  case DType::Float16:
    return std::ldexp(1, -10);
  case DType::BFloat16:
    return std::ldexp(1, -7);
  case DType::Float32:
    return std::ldexp(1, -23);
  default:
    return std::ldexp(1, -52);
  }
}

inline void expectSame(const NDArray &got, const NDArray &want, double slack,
                       const std::string &text) {
  ASSERT_EQ(got.shape(), want.shape()) << text;
  int reported = 0;
  for (int64_t i = 0; i < got.size() && reported < 3; ++i) {
    if (!isFloat(got.dtype())) {
      if (got.getInt(i) == want.getInt(i))
        continue;
      ADD_FAILURE() << "element " << i << ": got " << got.getInt(i)
                    << ", expected " << want.getInt(i) << "\n"
                    << text;
    } else {
      double x = got.getDouble(i), y = want.getDouble(i);
      double allowed =
          slack * epsilon(got.dtype()) * std::max(1.0, std::fabs(y));
      if ((std::isnan(x) && std::isnan(y)) || x == y ||
          std::fabs(x - y) <= allowed)
        continue;
      ADD_FAILURE() << "element " << i << ": got " << x << ", expected " << y
                    << "\n"
                    << text;
    }
    ++reported;
  }
}

/// Compiles the functions together and compares each with the interpreter.
inline void checkAll(const std::vector<Function> &functions) {
  std::string text;
  for (auto [i, function] : llvm::enumerate(functions))
    text += function.text("f" + std::to_string(i));
  auto reference = parse(text);
  ASSERT_TRUE(reference) << text;
  reference->walk([](mlir::Operation *op) {
    if (llvm::isa<lam::LamDialect>(op->getDialect()))
      coveredOps().insert(op->getName().getStringRef());
  });
  mlir::OwningOpRef<mlir::ModuleOp> module(reference->clone());
  std::unique_ptr<HostJit> jit = compile(*module);
  ASSERT_TRUE(jit) << (functions.size() == 1 ? text : "some function");
  for (auto [i, function] : llvm::enumerate(functions)) {
    std::string name = "f" + std::to_string(i);
    auto type = reference->lookupSymbol<mlir::func::FuncOp>(name);
    auto want = interpret(type, function.inputs);
    ASSERT_TRUE(succeeded(want)) << function.text(name);
    std::vector<NDArray> got = call(*jit, type, function.inputs);
    ASSERT_EQ(got.size(), want->size());
    for (auto [x, y] : llvm::zip(got, *want))
      expectSame(x, y, function.slack, function.text(name));
  }
}

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_LINALGRUNNER_H
