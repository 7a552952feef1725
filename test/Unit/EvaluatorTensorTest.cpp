//===- EvaluatorTensorTest.cpp - Python on tensors and symbolic sizes -----===//
#include "EvaluatorHarness.h"

using namespace lamina;
using namespace lamina::frontend;

/// Calls the function `f` of the program with x: float32[n,3] and gives str()
/// of what it returns; or the errors.
static std::string trace(llvm::StringRef text) {
  Program program(text);
  if (program.diags.hasErrors())
    return program.errorText();
  Evaluator &ev = *program.evaluator;
  mlir::OpBuilder &builder = ev.tracer().builder();
  mlir::Location loc = builder.getUnknownLoc();
  auto module = mlir::OwningOpRef<mlir::ModuleOp>(mlir::ModuleOp::create(loc));
  auto type = mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, 3},
                                          builder.getF32Type());
  builder.setInsertionPointToEnd(module->getBody());
  auto function = mlir::func::FuncOp::create(
      builder, loc, "f", builder.getFunctionType({type}, {}));
  mlir::Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  mlir::Value zero = mlir::arith::ConstantIndexOp::create(builder, loc, 0);
  ev.tracer().bindSymbol("n", mlir::tensor::DimOp::create(
                                  builder, loc, block->getArgument(0), zero));
  Value x = ev.tracer().tensor(block->getArgument(0), {Size::symbol("n"), 3});
  Result result = ev.call(ev.globals().names["f"], {x}, {});
  if (failed(result))
    return program.errorText();
  return ev.str(*result);
}

TEST(EvaluatorTensor, Operators) {
  EXPECT_EQ(trace("def f(x): return x * 2 + 1"), "<tensor float32[n,3]>");
  EXPECT_EQ(trace("def f(x): return -x ** 2 / 3"), "<tensor float32[n,3]>");
  EXPECT_EQ(trace("def f(x): return x > 0"), "<tensor bool[n,3]>");
  EXPECT_EQ(trace("def f(x):\n  x -= 1\n  x *= x\n  return x"),
            "<tensor float32[n,3]>");
  EXPECT_EQ(trace("def f(x): return [x, (x, 1)]"),
            "[<tensor float32[n,3]>, (<tensor float32[n,3]>, 1)]");
}

TEST(EvaluatorTensor, Subscripts) {
  EXPECT_EQ(trace("def f(x): return x[:, 0]"), "<tensor float32[n]>");
  EXPECT_EQ(trace("def f(x): return x[..., None, ::2]"),
            "<tensor float32[n,1,2]>");
  EXPECT_EQ(trace("def f(x): x[0] = 1"),
            "1:11 a tensor cannot be changed in place; make a new one with "
            "where(), concatenate() or slice_update()\n");
}

TEST(EvaluatorTensor, Sizes) {
  EXPECT_EQ(trace("def f(x): return x.shape"), "(n, 3)");
  EXPECT_EQ(trace("def f(x): return x.shape[0] * 2 + 1"), "2*n+1");
  EXPECT_EQ(trace("def f(x): return x.shape[0] == x.shape[0], "
                  "x.shape[0] + 1 > x.shape[0]"),
            "(True, True)");
  EXPECT_EQ(trace("def f(x): return (x.shape[0] * 10) // 5"), "2*n");
  EXPECT_EQ(trace("def f(x): return max(x.shape[0], 0)"), "n");
  EXPECT_EQ(trace("def f(x): return isinstance(x.shape[0], int)"), "True");
  EXPECT_EQ(trace("def f(x): return x.shape[0] is None"), "False");
  EXPECT_EQ(trace("def f(x): return f'{x.shape[0]}/{x.shape[1]}'"), "n/3");
  EXPECT_EQ(trace("def f(x): return x.shape[0] > 5"),
            "1:18 whether n > 5 depends on the batch size, which is not known "
            "at compile time\n");
  EXPECT_EQ(trace("def f(x): return [0] * x.shape[0]"),
            "1:18 the number of repetitions, n, is not known at compile "
            "time\n");
  EXPECT_EQ(trace("def f(x):\n  for i in range(x.shape[0]): pass"),
            "2:18 range() of the size n, which is not known at compile time; "
            "use arange()\n");
  EXPECT_EQ(trace("def f(x): return [1, 2][x.shape[0]]"),
            "1:18 the index n of a list is not known at compile time\n");
}

TEST(EvaluatorTensor, TruthSuggestsWhere) {
  std::string expected =
      " the truth of a tensor (bool[n,3]) is not known at compile time; use "
      "where(condition, a, b) to choose by element\n";
  EXPECT_EQ(trace("def f(x):\n  if x > 0: return x\n  return -x"),
            "2:6" + expected);
  EXPECT_EQ(trace("def f(x): return x if x > 0 else -x"), "1:23" + expected);
  EXPECT_EQ(trace("def f(x): return 0 < x < 1"), "1:18" + expected);
  EXPECT_EQ(trace("def f(x): return not x > 0"), "1:18" + expected);
}

TEST(EvaluatorTensor, Iteration) {
  EXPECT_EQ(trace("def f(x): return [c for c in x[0]]"),
            "[<tensor float32[]>, <tensor float32[]>, <tensor float32[]>]");
  EXPECT_EQ(trace("def f(x):\n  a, b, c = x[0]\n  return a + b + c"),
            "<tensor float32[]>");
  EXPECT_EQ(trace("def f(x): return [r for r in x]"),
            "1:30 cannot iterate over the first axis of float32[n,3], its size "
            "n is not known at compile time\n");
  EXPECT_EQ(trace("def f(x): return len(x), len(x[0])"), "(n, 3)");
}

TEST(EvaluatorTensor, Builtins) {
  EXPECT_EQ(trace("def f(x): return sum([x, x * 2])"), "<tensor float32[n,3]>");
  EXPECT_EQ(trace("def f(x): return sum([x[..., j] * 0.5 ** j for j in "
                  "range(3)])"),
            "<tensor float32[n]>");
  EXPECT_EQ(trace("def f(x): return sum(a * b for a, b in zip((x, -x), (2, "
                  "-.5)))"),
            "<tensor float32[n,3]>");
  // Python adds up the rows.
  EXPECT_EQ(trace("def f(x): return sum(x)"), "<tensor float32[3]>");
  EXPECT_EQ(trace("def f(x): return sum(x, axis=-1, keepdims=True)"),
            "<tensor float32[n,1]>");
  EXPECT_EQ(trace("def f(x): return abs(x), max(x, 0.0), min([x, -x])"),
            "(<tensor float32[n,3]>, <tensor float32[n,3]>, "
            "<tensor float32[n,3]>)");
  EXPECT_EQ(trace("def f(x): return isinstance(x, tf.Tensor), isinstance(x, "
                  "keras.KerasTensor), isinstance(x, (list, tuple)), "
                  "isinstance([x], list), isinstance(x, np.ndarray), type(x) "
                  "is tf.Tensor, x is None, x == None, callable(x)"),
            "(True, True, False, True, False, True, False, False, False)");
  EXPECT_EQ(trace("def f(x): return int(x.shape[1]), float(2), int(x[0, 0])"),
            "1:49 int() of float32[], whose value is not known at compile "
            "time; use cast(x, dtype) to convert a tensor\n");
  EXPECT_EQ(trace("def f(x): return {id(x): 1, x: 2}[x], [x].index(x)"),
            "(2, 0)");
}

TEST(EvaluatorTensor, OperatorsOfClassesComeFirst) {
  EXPECT_EQ(trace("class A:\n"
                  "  def __radd__(self, o): return 'radd'\n"
                  "  def __mul__(self, o): return 'mul'\n"
                  "def f(x): return x + A(), A() * x"),
            "('radd', 'mul')");
}

TEST(EvaluatorTensor, Closures) {
  EXPECT_EQ(trace("f = (lambda s: lambda v: v * s + 1.0)(0.5)"),
            "<tensor float32[n,3]>");
  EXPECT_EQ(trace("def f(x): return [fn(x) for fn in [lambda v, c=c: v * c for "
                  "c in (1, 2)]][-1]"),
            "<tensor float32[n,3]>");
  EXPECT_EQ(trace("f = lambda *ts, k=1: sum(ts) * k"), "<tensor float32[n,3]>");
}

TEST(EvaluatorTensor, ErrorsNameTheShapes) {
  std::string text = trace("def f(x): return x.foo");
  EXPECT_EQ(text.rfind("1:20 'Tensor' object has no attribute 'foo'", 0), 0u)
      << text;
  Program program("");
  EXPECT_EQ(program.evaluator->describe(program.evaluator->list({})),
            "a list of 0 elements");
}
