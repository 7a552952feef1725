//===- OptimizersTest.cpp - optimizers and schedules against Keras --------===//

#include "RecordedFunctions.h"

using namespace lamina;
using namespace lamina::test;

namespace {

TEST(Optimizers, KerasUpdates) { expectRecorded("optimizers.txt", 51); }

TEST(Optimizers, KerasSchedulesRegularizersConstraints) {
  expectRecorded("schedules.txt", 50);
}

TEST(Optimizers, Names) {
  for (llvm::StringRef name :
       {"'adam'", "'Adam'", "Adam", "Adam()",
        "{'class_name': 'Adam', 'config': {'learning_rate': 0.001}}"}) {
    std::string code = ("lambda x: keras.optimizers.get(" + name +
                        ").update(x, x, [x, x], 0, 0.5)")
                           .str();
    Outcome outcome = EvalHarness().eval(code, {{"x", sequence({2, 3})}});
    EXPECT_EQ(outcome.outputs.size(), 3u) << outcome.diagnostics;
  }
  expectRefused("lambda x: keras.optimizers.get('adan')",
                "Unknown optimizer 'adan'; did you mean 'adam'?");
  expectRefused("lambda x: keras.optimizers.get(3)",
                "Could not interpret optimizer identifier: 3");
}

/// Names are looked up where compile is called.
TEST(Optimizers, Compile) {
  llvm::StringRef start = "lambda x: Sequential([Dense(2)]).compile";
  auto refused = [&](llvm::StringRef arguments, llvm::StringRef message) {
    expectRefused((start + arguments).str(), message);
  };
  refused("('adan')", "did you mean 'adam'?");
  refused("('adam', {'dense': 'mze'})", "Unknown loss 'mze'");
  refused("('adam', 'ce', ['acc', 'acuracy'])", "did you mean 'accuracy'?");
  refused("('adam', 'ctc')", "the loss CTC is not supported");
}

TEST(Optimizers, Settings) {
  expectRefused("lambda x: Adam(learning_rate='fast')",
                "Argument `learning_rate` should be float");
  expectRefused("lambda x: SGD(clipnorm=1.0, clipvalue=1.0)",
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm`");
  expectRefused("lambda x: SGD(momentum=2.0)",
                "`momentum` must be a float between [0, 1]");
  expectRefused("lambda x: SGD(rho=2.0)",
                "Argument(s) not recognized by SGD: 'rho'");
  expectRefused("lambda x: SGD(gradient_accumulation_steps=1)",
                "`gradient_accumulation_steps` must be an integer >= 2");
  expectRefused("lambda x: SGD(use_ema=True, ema_momentum=2.0)",
                "`ema_momentum` must be in the range [0, 1]");
  expectRefused("lambda x: keras.optimizers.schedules.CosineDecay(0.1, 0)",
                "Argument `decay_steps` must be > 0");
  expectRefused("lambda x: keras.regularizers.L2(-1.0)(x)",
                "expected a non-negative float");
  expectRefused("lambda x: keras.regularizers.get('l3')(x)",
                "Unknown regularizer 'l3'; did you mean");
  expectRefused("lambda x: keras.constraints.get('max_nor')(x)",
                "did you mean 'max_norm'?");
}

/// An optimizer of the user's that forgets what all optimizers keep.
TEST(Optimizers, OwnOptimizer) {
  llvm::StringRef prelude = "class Plain(keras.optimizers.Optimizer):\n"
                            "    def update(self, w, g, slots, step, rate):\n"
                            "        return w - rate * g, []\n"
                            "class Broken(Plain):\n"
                            "    def slots(self, w):\n"
                            "        return [('m', w)]\n";
  Outcome plain = EvalHarness().eval(
      "lambda x: Plain(0.5, clipvalue=1.0).apply([x], [x], [[]], 0)[0][0]",
      {{"x", sequence({3})}}, {}, prelude);
  ASSERT_TRUE(plain.ok()) << plain.diagnostics;
  expectArray(plain.outputs[0], "float32", {3}, {0, 0.5, 1.5});
  Outcome broken = EvalHarness().eval(
      "lambda x: Broken(0.5).apply([x], [x], [[x]], 0)[0][0]",
      {{"x", sequence({3})}}, {}, prelude);
  EXPECT_NE(broken.diagnostics.find("Broken.update gives 0 new slots"),
            std::string::npos)
      << broken.diagnostics;
}

/// The classes in the documentation.
TEST(Optimizers, Documentation) {
  auto page = llvm::MemoryBuffer::getFile(LAMINA_SOURCE_DIR
                                          "/docs/add-an-optimizer.md");
  ASSERT_TRUE(bool(page));
  std::string prelude;
  llvm::StringRef rest = (*page)->getBuffer();
  while (rest.contains("```python\n")) {
    auto [program, more] = rest.split("```python\n").second.split("```");
    prelude += program;
    rest = more;
  }
  prelude += trainingPrelude();
  auto expectZero = [&](llvm::StringRef code) {
    Outcome outcome = EvalHarness().eval(
        code, {{"x", sequence({2, 3})}, {"y", sequence({2, 3}, 1, 2)}}, {},
        prelude);
    ASSERT_EQ(outcome.outputs.size(), 1u) << outcome.diagnostics;
    EXPECT_EQ(outcome.outputs[0].getDouble(0), 0) << code.str();
  };
  expectZero("lambda x, y: tf.reduce_max(tf.abs(Momentum(0.5, "
             "use_ema=True).apply([x], [y], [[x, y]], 3)[0][0] - SGD(0.5, "
             "0.9).apply([x], [y], [[y]], 3)[0][0]))");
  expectZero("lambda x, y: SGD(Warmup(0.5, 4)).rate(tf.constant(1, 'int64')) "
             "- 0.25");
  expectZero("lambda x, y: total_loss({'loss': Pinball(0.25)}, y, x, None, "
             "['a']) - 0.25 * tf.reduce_mean(y - x)");
  expectZero("lambda x, y: all_metrics({'metrics': [LargestError()]}, y, x, "
             "None, ['a'], ['largest_error'])[0] - 4.5");
}

/// A variable without a gradient stays as it is, with its slots.
TEST(Optimizers, NoGradient) {
  Outcome outcome =
      EvalHarness().eval("lambda x: [y for o in [Adam(0.5, weight_decay=0.1)] "
                         "for y in o.apply([x, "
                         "x], [None, x], [[x, x], [x, x]], 0)]",
                         {{"x", sequence({2}, 1)}});
  ASSERT_EQ(outcome.outputs.size(), 6u) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {2}, {1, 2});
  expectArray(outcome.outputs[2], "float32", {2}, {1, 2});
}

} // namespace
