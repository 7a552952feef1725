//===- TrainingTest.cpp - what training does to layers
//---------------------===//
#include "Trainer.h"

using namespace lamina;

namespace {

NDArray seedOf(uint64_t number) {
  NDArray seed(DType::UInt32, {2});
  seed.setInt(0, number & 0xffffffff);
  seed.setInt(1, number >> 32);
  return seed;
}

/// What the layers of `body` give in training for `x`, which comes out as
/// the sum of the differences to a target of zero: the weight `probe` is
/// updated by SGD, so that it shows the outputs.
///
/// A model y = layers(x) * probe with the loss sum(y * y_true) has the gradient
/// sum(layers(x) * y_true) by the probe.
struct Probe {
  explicit Probe(const std::string &layers)
      : trainer("import keras\n"
                "from keras import layers, ops\n"
                "class Probe(layers.Layer):\n"
                "    def build(self, shape):\n"
                "        self.probe = self.add_weight(shape=(), "
                "initializer='zeros', name='probe')\n"
                "    def call(self, x):\n"
                "        return x * self.probe\n"
                "x = keras.Input((4,), name='x')\n"
                "y = x\n" +
                layers +
                "model = keras.Model(x, Probe()(y))\n"
                "model.compile(keras.optimizers.SGD(1.0), lambda t, y: "
                "ops.sum(t * y, -1))\n") {
    EXPECT_TRUE(trainer.program.ok()) << trainer.program.messages();
  }

  /// The layers' output for ones of shape (n, 4), one element at a time.
  std::vector<double> outputs(int64_t n, uint64_t seed) {
    std::vector<double> result;
    for (int64_t i = 0; i < n * 4; ++i) {
      NDArray target = ramp({n, 4}, 0, 0);
      target.setDouble(i, 1);
      NDArray ones = ramp({n, 4}, 1, 0);
      std::string probe = "probe/probe";
      trainer.state[probe].setDouble(0, 0);
      trainer.run("train_step",
                  {{"x", ones}, {"y_true", target}, {"seed", seedOf(seed)}});
      // The loss is a mean over n samples.
      result.push_back(-trainer.state[probe].getDouble(0) * double(n));
    }
    return result;
  }

  Trainer trainer;
};

TEST(Training, DropoutScalesWhatItKeeps) {
  Probe probe("y = layers.Dropout(0.25)(y)\n");
  std::vector<double> first = probe.outputs(8, 1);
  double kept = 0;
  for (double value : first) {
    if (std::fabs(value) > 1e-6) {
      EXPECT_NEAR(value, 1 / 0.75, 1e-6);
      ++kept;
    }
  }
  EXPECT_GT(kept, 16);
  EXPECT_LT(kept, 31);
  // The same seed gives the same bits, another seed others, and the first rows
  // of a smaller batch are those of the larger one.
  EXPECT_EQ(probe.outputs(8, 1), first);
  EXPECT_NE(probe.outputs(8, 2), first);
  std::vector<double> few = probe.outputs(3, 1);
  for (size_t i = 0; i < few.size(); ++i)
    EXPECT_NEAR(few[i], first[i], 1e-6);
}

TEST(Training, DropoutRate) {
  // Of many units at once, by the sum.
  Trainer trainer("import keras\n"
                  "from keras import layers, ops\n"
                  "x = keras.Input((50000,), name='x')\n"
                  "y = layers.Dropout(0.1)(x)\n"
                  "model = keras.Model(x, layers.Rescaling(1.0)(y))\n"
                  "model.compile('sgd', lambda t, y: ops.mean(y, -1))\n");
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  NDArray ones = ramp({2, 50000}, 1, 0);
  auto results = trainer.run(
      "train_step", {{"x", ones}, {"y_true", ones}, {"seed", seedOf(3)}});
  EXPECT_NEAR(results["loss"].getDouble(0), 1.0, 0.005);
  EXPECT_NE(results["loss"].getDouble(0), 1.0);
  // Not when it is evaluated: no seed there.
  EXPECT_EQ(trainer.signature("evaluate"), "input x; target y_true");
  results = trainer.run("evaluate", {{"x", ones}, {"y_true", ones}});
  EXPECT_EQ(results["loss"].getDouble(0), 1.0);
}

TEST(Training, DrawsDiffer) {
  // Two layers drop other units; with one seed for both, the same ones.
  std::string two = "y = layers.Dropout(0.5{0})(y)\n"
                    "z = layers.Dropout(0.5{0})(x)\n"
                    "y = y - z\n";
  auto differs = [&](const std::string &seed) {
    std::string text = two;
    for (size_t at; (at = text.find("{0}")) != std::string::npos;)
      text.replace(at, 3, seed);
    std::vector<double> found = Probe(text).outputs(4, 7);
    return llvm::any_of(found, [](double x) { return std::fabs(x) > 1e-6; });
  };
  EXPECT_TRUE(differs(""));
  EXPECT_FALSE(differs(", seed=5"));
  // With a seed of its own a layer still drops others in every step.
  Probe seeded("y = layers.Dropout(0.5, seed=5)(y)\n");
  EXPECT_NE(seeded.outputs(4, 1), seeded.outputs(4, 2));
  EXPECT_EQ(seeded.outputs(4, 1), seeded.outputs(4, 1));
  // A layer that is called twice drops others the second time.
  Probe twice("drop = layers.Dropout(0.5, seed=5)\n"
              "y = drop(x) - drop(x)\n");
  EXPECT_NE(twice.outputs(4, 1), std::vector<double>(16, 0.0));
}

TEST(Training, NoiseLayers) {
  for (const char *layer :
       {"GaussianNoise(0.5)", "GaussianDropout(0.5)", "AlphaDropout(0.5)"}) {
    Probe probe("y = layers." + std::string(layer) + "(y)\n");
    std::vector<double> first = probe.outputs(4, 1);
    EXPECT_EQ(probe.outputs(4, 1), first) << layer;
    EXPECT_NE(probe.outputs(4, 2), first) << layer;
  }
}

TEST(Training, Signatures) {
  Trainer trainer("import keras\n"
                  "from keras import layers\n"
                  "x = keras.Input((4,), name='x')\n"
                  "y = layers.BatchNormalization()(x)\n"
                  "y = layers.Dropout(0.5)(y)\n"
                  "model = keras.Model(x, layers.Dense(3)(y))\n"
                  "model.compile('adam', 'sparse_categorical_crossentropy', "
                  "metrics=['accuracy'])\n",
                  /*sampleWeight=*/true);
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  std::string norm = "batch_normalization/",
              state = "adam/batch_normalization_";
  std::string weights = "weight " + norm + "gamma; weight " + norm +
                        "beta; weight " + norm + "moving_mean; weight " + norm +
                        "moving_variance; weight dense/kernel; weight "
                        "dense/bias";
  EXPECT_EQ(trainer.signature("train_step"),
            "input x; target y_true; sample_weight sample_weight; " + weights +
                "; optimizer adam/iteration; optimizer " + state +
                "gamma_momentum; optimizer " + state +
                "gamma_velocity; optimizer " + state +
                "beta_momentum; optimizer " + state +
                "beta_velocity; optimizer adam/dense_kernel_momentum; "
                "optimizer adam/dense_kernel_velocity; optimizer "
                "adam/dense_bias_momentum; optimizer adam/dense_bias_velocity; "
                "seed seed");
  EXPECT_EQ(trainer.signature("evaluate"),
            "input x; target y_true; sample_weight sample_weight; " + weights);
  EXPECT_EQ(trainer.signature("evaluate", true),
            "loss loss; metric accuracy_0; metric accuracy_1");
  EXPECT_EQ(trainer.signature("metrics"), "input accuracy_0; input accuracy_1");
  EXPECT_EQ(trainer.signature("metrics", true), "output accuracy");
  std::string updates = trainer.signature("train_step", true);
  EXPECT_NE(updates.find("update " + norm + "moving_variance"),
            std::string::npos);
  EXPECT_EQ(llvm::StringRef(updates).count("update"), 15u);
  // The summary counts the model's weights only.
  EXPECT_NE(trainer.program.summary().find("Total params: 31"),
            std::string::npos);
}

TEST(Training, SampleWeights) {
  Trainer trainer("import keras\n"
                  "x = keras.Input((2,), name='x')\n"
                  "model = keras.Model(x, keras.layers.Dense(1)(x))\n"
                  "model.compile('sgd', 'mse')\n",
                  /*sampleWeight=*/true);
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  NDArray x = ramp({3, 2}), y = ramp({3, 1}, 1, 2);
  NDArray weights = array({3}, {0, 2, 0});
  double weighted =
      trainer
          .run("evaluate",
               {{"x", x}, {"y_true", y}, {"sample_weight", weights}})["loss"]
          .getDouble(0);
  double alone =
      trainer
          .run("evaluate", {{"x", array({1, 2}, {2, 3})},
                            {"y_true", array({1, 1}, {3})},
                            {"sample_weight", array({1}, {1})}})["loss"]
          .getDouble(0);
  EXPECT_NEAR(weighted, alone * 2 / 3, 1e-9);
}

TEST(Training, CapturedVariablesTrain) {
  // One that a lambda captures, one between the layers, a frozen one.
  Trainer trainer("import keras\n"
                  "a = keras.Variable(1.0, name='a')\n"
                  "b = keras.Variable(0.0, name='b')\n"
                  "c = keras.Variable(3.0, name='c', trainable=False)\n"
                  "x = keras.Input((1,), name='x')\n"
                  "y = keras.layers.Lambda(lambda x: x * a * c)(x)\n"
                  "model = keras.Model(x, y + b)\n"
                  "model.compile(keras.optimizers.SGD(0.02), 'mse')\n");
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  // y = 6 x + 1 is learnt as a = 2, b = 1.
  NDArray x = array({4, 1}, {-1, 0, 1, 2}), y = array({4, 1}, {-5, 1, 7, 13});
  std::map<std::string, double> found;
  for (int i = 0; i < 400; ++i)
    trainer.run("train_step", {{"x", x}, {"y_true", y}});
  for (auto &[name, value] : trainer.state)
    found[llvm::StringRef(name).rsplit('/').second.empty()
              ? name
              : llvm::StringRef(name).rsplit('/').second.str()] =
        value.getDouble(0);
  EXPECT_NEAR(found["a"], 2, 1e-3);
  EXPECT_NEAR(found["b"], 1, 1e-3);
  EXPECT_EQ(found["c"], 3);
  EXPECT_EQ(found["iteration"], 400);
}

TEST(Training, BatchNormalizationFollowsTheBatch) {
  Trainer trainer(
      "import keras\n"
      "x = keras.Input((1,), name='x')\n"
      "norm = keras.layers.BatchNormalization(momentum=0.5, name='norm')\n"
      "model = keras.Model(x, norm(x))\n"
      "model.compile('sgd', 'mse')\n");
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  NDArray x = array({4, 1}, {1, 2, 3, 6}), y = array({4, 1}, {0, 0, 0, 0});
  trainer.run("train_step", {{"x", x}, {"y_true", y}});
  EXPECT_NEAR(trainer.state["norm/moving_mean"].getDouble(0), 1.5, 1e-12);
  // The variance of the batch is 3.5, without Bessel's correction.
  EXPECT_NEAR(trainer.state["norm/moving_variance"].getDouble(0), 2.25, 1e-12);
}

TEST(Training, NestedModelsAndGradientsInside) {
  // A penalty on the gradient of a layer that assigns to a variable.
  Trainer trainer(
      "import keras\n"
      "from keras import layers, ops\n"
      "class Penalized(layers.Layer):\n"
      "    def build(self, shape):\n"
      "        self.w = self.add_weight(shape=(), initializer='ones', "
      "name='w')\n"
      "        self.calls = self.add_weight(shape=(), initializer='zeros', "
      "trainable=False, name='calls')\n"
      "    def call(self, x, training=False):\n"
      "        def f(x):\n"
      "            if training:\n"
      "                self.calls.assign_add(1.0)\n"
      "            return ops.sum(self.w * x ** 2)\n"
      "        value, g = value_and_grad(f)(x)\n"
      "        self.add_loss(ops.mean(g ** 2))\n"
      "        return x * self.w\n"
      "inner = keras.Sequential([keras.Input((2,)), Penalized(name='p')])\n"
      "x = keras.Input((2,), name='x')\n"
      "model = keras.Model(x, inner(inner(x)))\n"
      "model.compile(keras.optimizers.SGD(0.0), 'mse')\n");
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  NDArray x = array({1, 2}, {1, 2});
  auto results = trainer.run("train_step", {{"x", x}, {"y_true", x}});
  // The gradients are 2 w x, twice: mean(4 x^2) = 10.
  EXPECT_NEAR(results["loss"].getDouble(0), 20, 1e-6);
  for (auto &[name, value] : trainer.state)
    if (llvm::StringRef(name).ends_with("calls")) {
      EXPECT_EQ(value.getDouble(0), 2);
    }
}

TEST(Training, PullbacksHaveNoEffects) {
  Trainer trainer("import keras\n"
                  "from keras import layers, ops\n"
                  "class L(layers.Layer):\n"
                  "    def build(self, shape):\n"
                  "        self.calls = self.add_weight(shape=(), "
                  "initializer='zeros', trainable=False, name='calls')\n"
                  "    def call(self, x, training=False):\n"
                  "        def f(x):\n"
                  "            if training:\n"
                  "                self.calls.assign_add(1.0)\n"
                  "            return x * x\n"
                  "        y, pullback = vjp(f, x)\n"
                  "        return y + pullback(x)[0]\n"
                  "x = keras.Input((2,), name='x')\n"
                  "model = keras.Model(x, L(name='l')(x))\n"
                  "model.compile('sgd', 'mse')\n");
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  NDArray x = array({1, 2}, {1, 2});
  auto results = trainer.run("train_step", {{"x", x}, {"y_true", x}});
  // y = 3 x^2.
  EXPECT_NEAR(results["loss"].getDouble(0), 52, 1e-9);
  EXPECT_EQ(trainer.state["l/calls"].getDouble(0), 1);
}

TEST(Training, StepsOfTheUserAreNotUsed) {
  Trainer trainer("import keras\n"
                  "class M(keras.Model):\n"
                  "    def __init__(self):\n"
                  "        super().__init__()\n"
                  "        self.d = keras.layers.Dense(1)\n"
                  "    def call(self, x):\n"
                  "        return self.d(x)\n"
                  "    def train_step(self, data):\n"
                  "        return {}\n"
                  "model = M()\n"
                  "model(keras.Input((2,)))\n"
                  "model.compile('sgd', 'mse')\n");
  ASSERT_TRUE(trainer.program.ok());
  EXPECT_NE(trainer.program.messages().find("M.train_step is not used"),
            std::string::npos)
      << trainer.program.messages();
}

TEST(Training, Errors) {
  auto messages = [](const std::string &text) {
    Trainer trainer("import keras\nfrom keras import layers, ops\n" + text);
    EXPECT_FALSE(trainer.program.ok());
    return trainer.program.messages();
  };
  std::string layer = "class L(layers.Layer):\n"
                      "    def build(self, shape):\n"
                      "        self.v = self.add_weight(shape=(2,), "
                      "trainable=False, name='v')\n"
                      "    def call(self, x, training=False):\n"
                      "        if training:\n"
                      "            BODY\n"
                      "        return x\n"
                      "model = keras.Sequential([keras.Input((3,)), L()])\n"
                      "model.compile('sgd', 'mse')\n";
  auto inTraining = [&](const std::string &body) {
    std::string text = layer;
    return messages(text.replace(text.find("BODY"), 4, body));
  };
  EXPECT_NE(inTraining("self.v.assign(ops.ones((3,)))")
                .find("l/v' has the shape (2,), and the value to assign to "
                      "it (3,)"),
            std::string::npos)
      << inTraining("self.v.assign(ops.ones((3,)))");
  EXPECT_NE(inTraining("self.add_loss(x)").find("must be a scalar"),
            std::string::npos);
  EXPECT_NE(inTraining("return x[:, 0]").find("in training and"),
            std::string::npos);
  EXPECT_NE(inTraining("x = jvp(lambda x: x * self.v.assign(x[0]), (x,), "
                       "(x,))[1]")
                .find("has the shape (2,)"),
            std::string::npos);
  EXPECT_NE(inTraining("x = jvp(lambda x: x * ops.sum(self.v.assign_add([1, "
                       "2])), (x,), (x,))[1]")
                .find("cannot assign to variables or add losses"),
            std::string::npos);
  // The place of what compile was given.
  std::string twice =
      messages("x = keras.Input((3,))\n"
               "y = layers.Lambda(lambda x: ops.concatenate([x, x], 0))(x)\n"
               "model = keras.Model(x, y)\n"
               "model.compile('sgd', 'mse')\n");
  EXPECT_NE(twice.find("m.lam:6:1: error: the argument 'y_true' of shape "
                       "(2*n, 3) has a size that is no input's: 2*n"),
            std::string::npos)
      << twice;
  std::string rate = messages(
      "model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])\n"
      "model.compile('sgd', lambda t, y: ops.sum(t * y[:, :1] @ t))\n");
  EXPECT_NE(rate.find("m.lam:4:"), std::string::npos) << rate;
}

} // namespace
