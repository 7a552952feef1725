//===- MetricsTest.cpp - metrics against Keras ----------------------------===//

#include "RecordedFunctions.h"

using namespace lamina;
using namespace lamina::test;

namespace {

TEST(Metrics, Keras) { expectRecorded("metrics.txt", 320); }

TEST(Metrics, Refused) {
  expectRefused("lambda x, y: keras.metrics.get('acuracy')",
                "Unknown metric 'acuracy'; did you mean 'accuracy'?");
  expectRefused("lambda x, y: keras.metrics.AUC(curve='XY')",
                "Invalid AUC curve value: \"XY\"");
  expectRefused("lambda x, y: keras.metrics.AUC(1)",
                "`num_thresholds` must be an integer > 1");
  expectRefused("lambda x, y: keras.metrics.Precision(thresholds=[0.5, 1.5])",
                "Threshold values must be in [0, 1]");
  expectRefused("lambda x, y: keras.metrics.FBetaScore(average='mean')",
                "Invalid `average` argument value");
  expectRefused("lambda x, y: keras.metrics.IoU(2, [2])",
                "Target class id 2 is out of range");
  expectRefused("lambda x, y: keras.metrics.Metric().accumulate(y, x)",
                "needs a method accumulate");
  expectRefused("lambda x, y: keras.Metric().add_weight(name='total')",
                "the metric Metric cannot keep variables");
  expectRefused("lambda x, y: all_metrics({'metrics': 'mse'}, y, x, None, "
                "['a'], [])",
                "Expected `metrics` argument to be a list, tuple, or dict");
  expectRefused("lambda x, y: all_metrics({'metrics': {'c': 'mse'}}, y, x, "
                "None, ['a'], [])",
                "the key 'c' of `metrics` is no output of the model");
}

TEST(Metrics, SymbolicBatch) {
  NDArray x = sequence({6, 2}, 0, 0.05);
  NDArray y = array({6, 2}, {0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1});
  for (llvm::StringRef metric :
       {"AUC(multi_label=True)", "AUC()", "Precision(top_k=1)", "F1Score()",
        "R2Score(num_regressors=1)", "MeanIoU(2, sparse_y_pred=False)",
        "CategoricalAccuracy()", "SparseTopKCategoricalAccuracy(1)",
        "MeanSquaredError()"}) {
    std::string labels = metric.starts_with("Sparse") || metric.contains("IoU")
                             ? "y[:, 0]"
                             : "y";
    std::string code = ("lambda x, y: [m.result(m.accumulate(" + labels +
                        ", x)) for m in [keras.metrics." + metric + "]][0]")
                           .str();
    SCOPED_TRACE(code);
    Outcome known = EvalHarness().eval(code, {{"x", x}, {"y", y}});
    Outcome symbolic = EvalHarness().eval(code, {{"x", x}, {"y", y}},
                                          {{"x:0", "n"}, {"y:0", "n"}});
    ASSERT_TRUE(known.ok() && symbolic.ok())
        << known.diagnostics << symbolic.diagnostics;
    expectClose(symbolic.outputs[0], known.outputs[0]);
  }
}

/// A metric of the user's, and a function.
TEST(Metrics, OwnMetric) {
  llvm::StringRef prelude =
      "class Largest(keras.Metric):\n"
      "    def accumulate(self, y_true, y_pred, sample_weight=None):\n"
      "        return [tf.reduce_sum(tf.abs(y_true - y_pred)), "
      "tf.constant(1.0)]\n"
      "    def result(self, totals):\n"
      "        return totals[0] / totals[1]\n"
      "def apart(y_true, y_pred):\n"
      "    return tf.abs(y_true - y_pred)\n";
  Outcome outcome = EvalHarness().eval(
      "lambda x, y: all_metrics({'metrics': [Largest(), apart, "
      "keras.losses.mse, keras.metrics.AUC]}, y, x, None, "
      "['a'], ['largest', 'apart', 'mean_squared_error', 'auc'])",
      {{"x", sequence({2, 3})}, {"y", sequence({2, 3}, 2)}}, {},
      (prelude + trainingPrelude()).str());
  ASSERT_EQ(outcome.outputs.size(), 4u) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {}, {12});
  expectArray(outcome.outputs[1], "float32", {}, {2});
}

} // namespace
