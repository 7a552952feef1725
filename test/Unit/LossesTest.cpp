//===- LossesTest.cpp - losses against Keras ------------------------------===//

#include "RecordedFunctions.h"

using namespace lamina;
using namespace lamina::test;

namespace {

TEST(Losses, Keras) { expectRecorded("losses.txt", 230); }

TEST(Losses, Gradients) { expectRecorded("loss_gradients.txt", 160); }

TEST(Losses, Refused) {
  expectRefused("lambda x, y: keras.losses.get('msee')(x, y)",
                "Unknown loss 'msee'; did you mean 'mse'?");
  expectRefused("lambda x, y: keras.losses.get(3)(x, y)",
                "Could not interpret loss identifier: 3");
  expectRefused("lambda x, y: keras.losses.Huber(reduction='avg')(x, y)",
                "Invalid value for argument `reduction`");
  expectRefused("lambda x, y: total_loss({}, y, x, None, ['a'])",
                "No loss to compute");
  expectRefused("lambda x, y: total_loss({'loss': {'b': 'mse'}}, y, x, None, "
                "['ab'])",
                "the key 'b' of `loss` is no output of the model");
  expectRefused("lambda x, y: total_loss({'loss': ['mse', 'mse']}, [y, y, y], "
                "[x, x, x], None, ['a', 'b', 'c'])",
                "the model has 3 outputs, but `loss` has 2 entries");
  expectRefused("lambda x, y: total_loss({'loss': ['mse', 'mse'], "
                "'loss_weights': [1.0]}, [y, y], [x, x], None, ['a', 'b'])",
                "`loss_weights` must match the number of losses, got 2 losses "
                "and 1 weights");
  expectRefused("lambda x, y: total_loss({'loss': keras.losses.Huber("
                "reduction='none')}, y, x, None, ['a'])",
                "is no scalar");
}

/// The batch that is not known at compile time is counted at run time.
TEST(Losses, SymbolicBatch) {
  NDArray x = sequence({4, 3}), y = sequence({4, 3}, 1);
  for (llvm::StringRef code :
       {"lambda x, y: keras.losses.Huber()(y, x)",
        "lambda x, y: keras.losses.MeanSquaredError()(y, x, mask=x[:, 0] > 2)",
        "lambda x, y: keras.losses.Circle()(y[:, 0], x)",
        "lambda x, y: keras.losses.Dice()(y, x, sample_weight=y[:, 1])"}) {
    Outcome known = EvalHarness().eval(code, {{"x", x}, {"y", y}});
    Outcome symbolic = EvalHarness().eval(code, {{"x", x}, {"y", y}},
                                          {{"x:0", "n"}, {"y:0", "n"}});
    ASSERT_TRUE(known.ok() && symbolic.ok())
        << known.diagnostics << symbolic.diagnostics;
    expectClose(symbolic.outputs[0], known.outputs[0]);
  }
}

/// Several losses of one output are added. (Keras takes the first one alone.)
TEST(Losses, SeveralOfOneOutput) {
  Outcome outcome = EvalHarness().eval(
      "lambda x, y: total_loss({'loss': ['mse', 'mae']}, y, x, None, ['a'])",
      {{"x", sequence({4, 3})}, {"y", sequence({4, 3}, 3)}}, {},
      trainingPrelude());
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {}, {9 + 3});
}

TEST(Losses, Parts) {
  Outcome outcome = EvalHarness().eval(
      "lambda x, y: loss_parts({'loss': {'b': 'mae', 'a': 'mse'}, "
      "'loss_weights': {'a': 2, 'b': 0.5}}, [y, y], [x, x], [x[:, 0], None], "
      "[None, [True, False, True, True]], ['a', 'b'], ['a_loss', 'b_loss'])",
      {{"x", sequence({4, 3})}, {"y", sequence({4, 3}, 3)}}, {},
      trainingPrelude());
  ASSERT_EQ(outcome.outputs.size(), 3u) << outcome.diagnostics;
  // The weights 0, 3, 6, 9 of the first; one of four samples masked away.
  expectArray(outcome.outputs[0], "float32", {}, {2 * 9 * 4.5 + 0.5 * 3});
  expectArray(outcome.outputs[1], "float32", {}, {9 * 4.5});
  expectArray(outcome.outputs[2], "float32", {}, {3});
}

TEST(Losses, Regularization) {
  Outcome outcome = EvalHarness().eval(
      "lambda x, y: lamina.prim.library('regularization', 'training')([(x, "
      "'l1'), (y, keras.regularizers.L2(0.5)), (x, None), (y, lambda w: "
      "[tf.reduce_max(w)])])",
      {{"x", sequence({4})}, {"y", sequence({3})}});
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {}, {0.01 * 6 + 0.5 * 5 + 2});
}

/// A mean over nothing is 0, as Keras's.
TEST(Losses, EmptyBatch) {
  Outcome outcome =
      EvalHarness().eval("lambda x: keras.losses.MeanSquaredError()(x, x)",
                         {{"x", sequence({0, 3})}}, {{"x:0", "n"}});
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {}, {0});
}

} // namespace
