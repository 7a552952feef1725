//===- LayerTest.cpp - Keras's layer protocol -----------------------------===//
#include "ModelProgram.h"

using namespace lamina;

namespace {

/// The program is refused with a message that contains `part`.
void refused(llvm::StringRef text, llvm::StringRef part) {
  ModelProgram p(text);
  EXPECT_FALSE(p.ok()) << text.str();
  std::string messages = p.messages();
  EXPECT_NE(messages.find(part.str()), std::string::npos) << messages;
  EXPECT_NE(messages.find("error: "), std::string::npos) << messages;
}

TEST(Layer, BuildSeesNoneForTheBatch) {
  ModelProgram p(R"(
class L(keras.layers.Layer):
    def build(self, input_shape):
        assert input_shape[0] is None
        assert input_shape == (None, 4)
        self.w = self.add_weight('w', (input_shape[-1], 2), initializer='ones')
        super().build(input_shape)
    def call(self, x):
        return x @ self.w
x = keras.Input((4,))
model = keras.Model(x, L()(x))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"), "l/w float32[4,2]");
  expectNear(p.run({ramp({1, 4})})[0], {1, 2}, {6, 6});
}

TEST(Layer, BuildOfSeveralInputsTakesTheirShapes) {
  ModelProgram p(R"(
class A(keras.layers.Layer):
    def build(self, shapes):
        assert shapes == [(None, 4), (None, 3)]
    def call(self, inputs):
        return inputs[0][:, :3] + inputs[1]
class B(keras.layers.Layer):
    def build(self, a_shape, b_shape):
        assert a_shape == (None, 4) and b_shape == (None, 3)
    def call(self, a, b):
        return a[:, :3] - b
x = keras.Input((4,))
y = keras.Input((3,))
model = keras.Model([x, y], [A()([x, y]), B()(x, y)])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
}

TEST(Layer, EverySignatureOfAddWeight) {
  ModelProgram p(R"(
class L(keras.layers.Layer):
    def build(self, shape):
        self.a = self.add_weight('a', (2,), 'float64', 'zeros')
        self.b = self.add_weight((2,), 'ones', 'int32', name='b', trainable=False)
        self.c = self.add_weight(name='c', shape=3, initializer=lambda shape, dtype: tf.ones(shape, dtype) * 4)
        self.d = self.add_weight(name='d', initializer=keras.initializers.Constant([7.0]), shape=(1,))
        self.e = self.add_weight(name='e', shape=[1], dtype='int32')
        self.f = self.add_weight(name='f')
    def call(self, x):
        return x
x = keras.Input((4,))
model = keras.Model(x, L()(x))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "l/a float64[2]; l/c float32[3]; l/d float32[1]; l/e int32[1]; "
            "l/f float32[]; l/b int32[2] frozen");
  EXPECT_EQ(p.weight("l/c").getDouble(2), 4);
  EXPECT_EQ(p.weight("l/d").getDouble(0), 7);
  EXPECT_EQ(p.weight("l/e").getDouble(0), 0);
}

TEST(Layer, EveryKindOfVariable) {
  ModelProgram p(R"(
a = tf.Variable([[1, 2], [3, 4]], dtype='float32', name='matrix')
b = keras.Variable(initializer='ones', shape=(2,), dtype='float32')
c = tf.Variable(lambda: tf.ones((2,)) * 3, trainable=False)
d = tf.Variable(np.arange(2, dtype='float32'))
e = tf.Variable(tf.random.normal([2], seed=1))
x = keras.Input((2,))
assert a.shape == (2, 2) and a.name == 'matrix' and not c.trainable
model = keras.Model(x, Lambda(lambda t: t @ a + b * c + d + 0 * e)(x))
assert e.path == 'e'
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "matrix float32[2,2]; b float32[2]; d float32[2]; e float32[2]; "
            "c float32[2] frozen");
  expectNear(p.run({ramp({1, 2}, 1)})[0], {1, 2}, {10, 14});
}

// The guide's own code: variables that build makes, in layers in a layer.
TEST(Layer, VariablesOfNestedLayersHavePaths) {
  ModelProgram p(R"(
class Linear(keras.layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units
    def build(self, input_shape):
        w_init = tf.random_normal_initializer()
        self.w = tf.Variable(initial_value=w_init(shape=(input_shape[-1], self.units), dtype="float32"), trainable=True)
        self.b = tf.Variable(initial_value=tf.zeros_initializer()(shape=(self.units,), dtype="float32"))
    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b
class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.one = Linear(4)
        self.two = Linear(1)
    def call(self, inputs):
        return self.two(tf.nn.relu(self.one(inputs)))
x = keras.Input(shape=(3,))
model = keras.Model(x, Block()(x))
model.compile(keras.optimizers.Adam(learning_rate=1e-3), keras.losses.MeanSquaredError(), ['mae', keras.metrics.AUC()])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "block/linear/w float32[3,4]; block/linear/b float32[4]; "
            "block/linear_1/w float32[4,1]; block/linear_1/b float32[1]");
  EXPECT_NE(p.modelText().find("learning_rate = 1.000000e-03"),
            std::string::npos)
      << p.modelText();
}

TEST(Layer, FrozenLayersFreezeTheirWeights) {
  ModelProgram p(R"(
inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
inner.trainable = False
x = keras.Input((2,))
model = keras.Model(x, keras.layers.Dense(1)(inner(x)))
assert len(model.trainable_weights) == 2 and len(model.weights) == 4
assert [w.name for w in model.trainable_weights] == ['kernel', 'bias']
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "sequential/dense/kernel float32[2,2] frozen; "
            "sequential/dense/bias float32[2] frozen; "
            "dense_1/kernel float32[2,1]; dense_1/bias float32[1]");
}

TEST(Layer, ActivationsByName) {
  ModelProgram p(R"(
x = keras.Input((1,))
model = keras.Model(x, [Activation(a)(x) for a in ('relu', 'gelu', 'exponential', tf.nn.sigmoid, None, lambda t: t * 3)])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  auto y = p.run({array({1, 1}, {0.5})});
  double expected[] = {0.5,           0.25 * (1 + std::erf(std::sqrt(0.125))),
                       std::exp(0.5), 1 / (1 + std::exp(-0.5)),
                       0.5,           1.5};
  for (auto [found, value] : llvm::zip(y, expected))
    EXPECT_NEAR(found.getDouble(0), value, 1e-6);
}

TEST(Layer, MasksPropagate) {
  ModelProgram p(R"(
class Zeros(keras.layers.Layer):
    def compute_mask(self, inputs, mask=None):
        return tf.not_equal(inputs[:, :, 0], 0.)
    def call(self, inputs):
        return inputs
class Mean(keras.layers.Layer):
    def call(self, inputs, mask=None):
        assert mask is not None
        m = tf.cast(mask, 'float32')[:, :, None]
        return tf.reduce_sum(inputs * m, 1) / tf.reduce_sum(m, 1)
x = keras.Input((3, 1))
y = Zeros()(x)
y = keras.layers.Dense(1, kernel_initializer='ones')(y)
y = keras.layers.Lambda(lambda t: t * 2, mask=lambda inputs, mask: mask)(y)
model = keras.Model(x, Mean()(y))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_NE(p.modelText().find("masks("), std::string::npos) << p.modelText();
  expectNear(p.run({array({1, 3, 1}, {1, 0, 4})})[0], {1, 1}, {5});
}

TEST(Layer, LostMasksAreAWarning) {
  ModelProgram p(R"(
class Zeros(keras.layers.Layer):
    def compute_mask(self, inputs, mask=None):
        return tf.not_equal(inputs, 0.)
    def call(self, inputs):
        return inputs
x = keras.Input((3,))
model = keras.Model(x, keras.layers.Lambda(lambda t: t)(Zeros()(x)))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_NE(p.messages().find("does not support masking"), std::string::npos);
}

TEST(Layer, TrainingIsFalseUnlessGiven) {
  ModelProgram p(R"(
class L(keras.layers.Layer):
    def call(self, x, training=None):
        return x * (10. if training else 1.)
class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = L()
    def call(self, x):
        return self.inner(x)
x = keras.Input((1,))
model = keras.Model(x, [L()(x), L()(x, training=True), Outer()(x), Outer()(x, training=True)])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  auto y = p.run({array({1, 1}, {2})});
  EXPECT_EQ(y[0].getDouble(0), 2);
  EXPECT_EQ(y[1].getDouble(0), 20);
  EXPECT_EQ(y[2].getDouble(0), 2);
  EXPECT_EQ(y[3].getDouble(0), 20);
}

TEST(Layer, LambdaTakesOneOrSeveral) {
  ModelProgram p(R"(
a = keras.Input((2,))
b = keras.Input((2,))
L = keras.layers.Lambda
model = keras.Model([a, b], [
    L(lambda t: t[0] - t[1])([a, b]),
    L(lambda x, y: x - y)([a, b]),
    L(lambda x, y: x - y)(a, b),
    L(lambda x, k, s=0: x * k + s, arguments={'k': 3, 's': 1})(a),
    L(lambda t: (t, t + 1), output_shape=[(2,), (2,)])(a)[1],
    L(lambda t: tf.reduce_sum(t, 1), output_shape=())(a),
    L(lambda t: t, output_shape=lambda s: s)(a),
])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  auto y = p.run({ramp({1, 2}, 5), ramp({1, 2}, 1, 2)});
  ASSERT_EQ(y.size(), 7u);
  for (int i : {0, 1, 2})
    expectNear(y[i], {1, 2}, {4, 3});
  expectNear(y[3], {1, 2}, {16, 19});
  expectNear(y[4], {1, 2}, {6, 7});
  expectNear(y[5], {1}, {11});
}

TEST(Layer, InitializersHaveKerassSpread) {
  ModelProgram p(R"(
model = Sequential([keras.Input((200,)), Dense(100), Dense(50, kernel_initializer='he_normal'),
    Dense(40, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0)), Dense(30, kernel_initializer='orthogonal')])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  auto spread = [&](llvm::StringRef name) {
    NDArray w = p.weight(name);
    double sum = 0, squares = 0, low = 0, high = 0;
    for (int64_t i = 0; i < w.size(); ++i) {
      double v = w.getDouble(i);
      sum += v;
      squares += v * v;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    EXPECT_NEAR(sum / w.size(), 0, 0.1 * std::sqrt(squares / w.size()));
    return std::tuple(std::sqrt(squares / w.size()), low, high);
  };
  // Uniform in ±sqrt(6 / (200 + 100)).
  auto [glorot, low, high] = spread("dense/kernel");
  EXPECT_NEAR(glorot, std::sqrt(2.0 / 300), 0.002);
  EXPECT_GT(low, -std::sqrt(0.02));
  EXPECT_LT(high, std::sqrt(0.02));
  // Cut off at two deviations, rescaled to sqrt(2 / 100).
  auto [he, heLow, heHigh] = spread("dense_1/kernel");
  EXPECT_NEAR(he, std::sqrt(0.02), 0.005);
  EXPECT_LT(heHigh, 2 * std::sqrt(0.02) / 0.8796 + 1e-6);
  auto [normal, normalLow, normalHigh] = spread("dense_2/kernel");
  EXPECT_NEAR(normal, 2, 0.1);
  NDArray q = p.weight("dense_3/kernel");
  for (int a = 0; a < 30; ++a)
    for (int b = 0; b <= a; ++b) {
      double dot = 0;
      for (int i = 0; i < 40; ++i)
        dot += q.getDouble(i * 30 + a) * q.getDouble(i * 30 + b);
      EXPECT_NEAR(dot, a == b, 1e-5);
    }
}

TEST(Layer, MistakesAreNamed) {
  refused("model = Sequential([keras.Input((3, 4)), Dense(0)])", "`units`");
  refused("model = Sequential([keras.Input(()), Dense(2)])",
          "expected min_ndim=2, found ndim=1");
  refused("d = Dense(2)\na = keras.Input((3,))\nb = keras.Input((4,))\n"
          "model = keras.Model([a, b], [d(a), d(b)])",
          "expected axis -1 of input shape to have value 3");
  refused("model = Sequential([Dense(2)])", "has no input");
  refused("model = Sequential([keras.Input((3,)), 5])",
          "Only instances of `keras.Layer`");
  refused("x = keras.Input((3,))\ny = keras.Input((3,))\n"
          "model = keras.Model(x, x + y)",
          "depends on the Input 'y'");
  refused("x = keras.Input((3,))\nmodel = keras.Model(x, tf.ones((2, 3)))",
          "is not connected to its inputs");
  refused("x = keras.Input((3,))\n"
          "model = keras.Model(x, Dense(2, name='d')(Dense(2, name='d')(x)))",
          "two layers of the model are named 'd'");
  refused("class L(keras.layers.Layer):\n    def __init__(self):\n"
          "        self.a = 1\n    def call(self, x):\n        return x\n"
          "x = keras.Input((3,))\nmodel = keras.Model(x, L()(x))",
          "must call super().__init__()");
  refused("x = keras.Input((3,))\n"
          "model = keras.Model(x, Lambda(lambda t: None)(x))",
          "must return a tensor");
  refused("x = keras.Input((3,))\n"
          "model = keras.Model(x, Lambda(lambda t: t[:, :2], "
          "output_shape=(3,))(x))",
          "the output_shape of Lambda layer 'lambda'");
  refused("model = Sequential([keras.Input((3,)), Dense(2, "
          "kernel_initializer='glorot')])",
          "Unknown initializer 'glorot'");
  refused("model = Sequential([keras.Input((3,)), Dense(2, width=3)])",
          "'width'");
  refused("model = Sequential([keras.Input((3,)), Dense(2)])\n"
          "model.compile('adm', 'mse')",
          "did you mean 'adam'?");
  refused("model = Sequential([keras.Input((3,)), Dense(2)])\n"
          "model.compile('adam', 'mean_square_error')",
          "did you mean 'mean_squared_error'?");
  refused("v = tf.Variable(keras.Input((3,)))\nmodel = keras.Model(v, v)",
          "the shape of a variable must be known");
  refused("x = keras.Input((3,), batch_size=2)\nv = tf.Variable(x * 2)\n"
          "model = keras.Model(x, x * v)",
          "must not depend on an input");
  refused("d = Dense(3)\nd.name = 5\nx = keras.Input((3,))\n"
          "model = keras.Model(x, d(x))",
          "the name of a layer must be a string");
  refused("d = Dense(3)\nx = keras.Input((3,))\nmodel = keras.Model(x, "
          "d(x) + sum(d.losses))",
          "losses have no values at compile time");
  refused("l = []\nl.append(l)\nmodel = keras.Model(l, l)",
          "must be tensors made by Input()");
  refused("class L(keras.layers.Layer):\n    def call(self, x):\n"
          "        return self(x)\n"
          "x = keras.Input((3,))\nmodel = keras.Model(x, L()(x))",
          "maximum recursion depth");
  refused("x = keras.Input((3,))\nm = keras.Model(x, x * 2)\n"
          "y = keras.Input((4,))\nmodel = keras.Model(y, m(y))",
          "takes float32[n,3], got float32[n,4]");
  refused("x = keras.Input(10)\nmodel = keras.Model(x, x)", "(10,)");
  refused("class M(keras.Model):\n    def call(self, x):\n        return x\n"
          "model = M()\nmodel.compile('adam', 'mse')",
          "has no input");
  refused("a = []\nclass L(keras.layers.Layer):\n    def call(self, x):\n"
          "        a.append(x * 2)\n        return x\n"
          "x = keras.Input((3,))\ny = L()(x)\n"
          "model = keras.Model(x, Lambda(lambda t: t + a[0])(y))",
          "was made in the call of another layer");
}

} // namespace
