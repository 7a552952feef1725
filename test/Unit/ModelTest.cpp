//===- ModelTest.cpp - programs with models: names, shapes, values --------===//
#include "ModelProgram.h"

using namespace lamina;

namespace {

TEST(Model, ClassWithALambdaInASequential) {
  ModelProgram p(R"(
import tensorflow as tf
from tensorflow import keras

class ElementWiseLambda(keras.layers.Layer):
    def __init__(self, func, **kwargs):
        super(ElementWiseLambda, self).__init__(**kwargs)
        self.func = func

    def call(self, inputs):
        return self.func(inputs)

lambda_layer = ElementWiseLambda(lambda x: tf.math.sqrt(x))
model = keras.Sequential([
    keras.layers.Input(shape=(10,)),
    lambda_layer,
    keras.layers.Dense(5)
])
model.compile(optimizer='adam', loss='mse')
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("input"), "input_layer float32[n,10]");
  EXPECT_EQ(p.arguments("weight"),
            "dense/kernel float32[10,5]; dense/bias float32[5]");
  EXPECT_EQ(p.outputs(), "y float32[n,5]");
  EXPECT_NE(
      p.modelText().find("\"element_wise_lambda\" : \"ElementWiseLambda\""),
      std::string::npos)
      << p.modelText();
  EXPECT_NE(p.modelText().find("lambda x: tf.math.sqrt(x)"), std::string::npos)
      << p.modelText();
  NDArray x = ramp({3, 10}, 1), kernel = p.weight("dense/kernel");
  NDArray y = p.run({x})[0];
  ASSERT_EQ(y.shape(), llvm::ArrayRef<int64_t>({3, 5}));
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 5; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 10; ++k)
        sum += std::sqrt(x.getDouble(i * 10 + k)) * kernel.getDouble(k * 5 + j);
      EXPECT_NEAR(y.getDouble(i * 5 + j), sum, 1e-5);
    }
}

TEST(Model, WeightNamedAfterItsAttribute) {
  ModelProgram p(R"(
class WeightedLambda(keras.layers.Layer):
    def __init__(self, func, **kwargs):
        super(WeightedLambda, self).__init__(**kwargs)
        self.func = func
        self.weight = self.add_weight(shape=(1,), initializer='ones', trainable=True)

    def call(self, inputs):
        return self.func(inputs, self.weight)

model = keras.Sequential([
    keras.layers.Input(shape=(4,)),
    WeightedLambda(lambda x, w: x * w),
])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"), "weighted_lambda/weight float32[1]");
  expectNear(p.run({ramp({2, 4})})[0], {2, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
}

TEST(Model, FunctionalWithTwoInputs) {
  ModelProgram p(R"(
class ComplexLambda(keras.layers.Layer):
    def __init__(self, func, **kwargs):
        super(ComplexLambda, self).__init__(**kwargs)
        self.func = func
    def call(self, inputs):
        if isinstance(inputs, list):
            return self.func(*inputs)
        else:
            return self.func(inputs)

def my_complex_function(x, y):
    return tf.concat([tf.math.sin(x), tf.math.cos(y)], axis=-1)

input1 = keras.layers.Input(shape=(3,))
input2 = keras.layers.Input(shape=(2,))
output = ComplexLambda(my_complex_function)([input1, input2])
model = keras.Model(inputs=[input1, input2], outputs=output)
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("input"), "input1 float32[n,3]; input2 float32[n,2]");
  EXPECT_EQ(p.outputs(), "y float32[n,5]");
  expectNear(p.run({ramp({1, 3}), ramp({1, 2}, 3)})[0], {1, 5},
             {0, std::sin(1), std::sin(2), std::cos(3), std::cos(4)});
}

TEST(Model, LambdasAddedOneByOne) {
  ModelProgram p(R"(
from keras.layers import Lambda
from keras import backend as K
model = keras.Sequential()
model.add(keras.Input(shape=(3,)))
model.add(Lambda(lambda x: x ** 2))

def antirectifier(x):
    x -= K.mean(x, axis=1, keepdims=True)
    x = K.l2_normalize(x, axis=1)
    pos = K.relu(x)
    neg = K.relu(-x)
    return K.concatenate([pos, neg], axis=1)

model.add(Lambda(antirectifier))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"), "");
  // 0, 1, 4: mean 5/3, differences -5/3, -2/3, 7/3 of norm sqrt(78)/3.
  double s = std::sqrt(78.0);
  expectNear(p.run({ramp({1, 3})})[0], {1, 6}, {0, 0, 7 / s, 5 / s, 2 / s, 0});
}

TEST(Model, VariableInAnAttributeIsAWeight) {
  ModelProgram p(R"(
class ScaleLayer(tf.keras.layers.Layer):
    def __init__(self):
        super(ScaleLayer, self).__init__()
        self.scale = tf.Variable(1.5)
    def call(self, inputs):
        return inputs * self.scale
x = keras.Input((2,))
model = keras.Model(x, ScaleLayer()(x))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"), "scale_layer/scale float32[]");
  expectNear(p.run({ramp({1, 2})})[0], {1, 2}, {0, 1.5});
}

TEST(Model, VariableThatALambdaCapturesIsTrained) {
  ModelProgram p(R"(
scale = tf.Variable(3.)
scale_layer = tf.keras.layers.Lambda(lambda x: x * scale)
model = keras.Sequential([keras.Input((2,)), scale_layer])
assert [w.name for w in scale_layer.trainable_weights] == ['scale']
assert len(model.trainable_weights) == 1 and model.count_params() == 1
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"), "scale float32[]");
  expectNear(p.run({ramp({1, 2})})[0], {1, 2}, {0, 3});
}

// The names, the order and the shapes are Keras 3's (keras.src.models, JAX).
TEST(Model, NamesOfNestedWeights) {
  ModelProgram p(R"(
class Inner(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(3)
        self.v = self.add_weight(shape=(2,))
    def build(self, shape):
        self.w = self.add_weight(shape=(2,), name='ww')
    def call(self, x):
        return self.dense(x) * self.w[0] + self.v[1]
class Outer(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Inner()
        self.seq = keras.Sequential([keras.layers.Dense(7)])
    def call(self, x):
        return self.seq(self.inner(x))
x = keras.Input((10,))
y = Outer()(x)
y = keras.Sequential([keras.layers.Dense(2)])(y)
model = keras.Model(x, y)
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "inner/v float32[2]; outer/inner/ww float32[2]; "
            "outer/inner/dense/kernel float32[10,3]; "
            "outer/inner/dense/bias float32[3]; "
            "outer/sequential/dense_1/kernel float32[3,7]; "
            "outer/sequential/dense_1/bias float32[7]; "
            "sequential_1/dense_2/kernel float32[7,2]; "
            "sequential_1/dense_2/bias float32[2]");
}

TEST(Model, SharedLayersHaveOneSetOfWeights) {
  ModelProgram p(R"(
x = keras.Input((4,), name='a')
z = keras.Input((4,), name='b')
d = keras.layers.Dense(4, kernel_initializer='ones', bias_initializer=keras.initializers.Constant(0.5))
model = keras.Model([x, z], [d(d(x)), d(z)])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "dense/kernel float32[4,4]; dense/bias float32[4]");
  EXPECT_EQ(p.outputs(), "dense float32[n,4]; dense_1 float32[n,4]");
  auto y = p.run({ramp({1, 4}), ramp({1, 4})});
  expectNear(y[0], {1, 4}, {26.5, 26.5, 26.5, 26.5});
  expectNear(y[1], {1, 4}, {6.5, 6.5, 6.5, 6.5});
}

TEST(Model, ModelsAsLayers) {
  ModelProgram p(R"(
i = keras.Input((2,))
encoder = keras.Model(i, keras.layers.Dense(3, kernel_initializer='ones')(i) * 2)
x = keras.Input((2,))
z = keras.Input((2,))
model = keras.Model([x, z], encoder(x) + encoder(z))
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "dense/kernel float32[2,3]; dense/bias float32[3]");
  expectNear(p.run({ramp({1, 2}), ramp({1, 2}, 5)})[0], {1, 3}, {24, 24, 24});
}

TEST(Model, SubclassedModel) {
  ModelProgram p(R"(
class M(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [keras.layers.Dense(3, kernel_initializer='ones') for _ in range(2)]
    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x)
        return x
model = M()
model(keras.Input((2,)))
model.compile('sgd', 'mse')
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("weight"),
            "dense/kernel float32[2,3]; dense/bias float32[3]; "
            "dense_1/kernel float32[3,3]; dense_1/bias float32[3]");
  EXPECT_NE(p.modelText().find("model.model @model \"m\" : \"M\""),
            std::string::npos);
  expectNear(p.run({ramp({1, 2}, 1)})[0], {1, 3}, {9, 9, 9});
}

TEST(Model, FirstLayerMayGiveTheInputShape) {
  for (const char *argument :
       {"input_shape=(6,)", "input_dim=6", "batch_input_shape=(None, 6)"}) {
    ModelProgram p("model = Sequential([Dense(2, " + std::string(argument) +
                   "), Activation('relu')])");
    ASSERT_TRUE(p.ok()) << p.messages();
    EXPECT_EQ(p.arguments("weight"),
              "dense/kernel float32[6,2]; dense/bias float32[2]");
  }
}

TEST(Model, UnknownDimensionsAreNamedAfterTheInput) {
  ModelProgram p(R"(
tokens = keras.Input(shape=(None, 16))
other = keras.Input(shape=(None, 16), name='o')
model = keras.Model([tokens, other], [tf.reduce_sum(tokens, 1), tf.concat([other, other], 1)])
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("input"),
            "tokens float32[n,tokens_dim1,16]; o float32[n,o_dim1,16]");
  EXPECT_EQ(p.outputs(),
            "sum float32[n,16]; concatenate float32[n,2*o_dim1,16]");
}

TEST(Model, OnlyAssignmentsNameInputs) {
  ModelProgram p(R"(
def make():
    first, second = keras.Input((2,)), keras.Input((2,))
    return [first, second]
inputs = make() + [keras.Input((2,)) for _ in range(2)]
total = 0.
for t in inputs:
    total = total + t
model = keras.Model(inputs, total)
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("input"),
            "first float32[n,2]; second float32[n,2]; "
            "input_layer_2 float32[n,2]; input_layer_3 float32[n,2]");
}

TEST(Model, BatchCanBeFixed) {
  ModelProgram p("x = keras.Input((3,))\n"
                 "model = keras.Model(x, keras.layers.Dense(2)(x))",
                 "", 8);
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.arguments("input"), "x float32[8,3]");
  EXPECT_EQ(p.outputs(), "y float32[8,2]");
}

TEST(Model, OutputsOfADictionaryKeepTheirKeys) {
  ModelProgram p(R"(
x = keras.Input((3,), dtype='int32')
model = keras.Model({'x': x}, {'double': x * 2, 'mean': tf.reduce_mean(tf.cast(x, 'float32'))})
)");
  ASSERT_TRUE(p.ok()) << p.messages();
  EXPECT_EQ(p.outputs(), "double int32[n,3]; mean float32[]");
}

TEST(Model, ChosenByNameOrAlone) {
  const char *two = "x = keras.Input((3,))\n"
                    "first = keras.Model(x, x * 2)\n"
                    "second = keras.Model(x, x * 3, name='tripled')\n";
  {
    ModelProgram p(two);
    EXPECT_FALSE(p.ok());
    EXPECT_NE(p.messages().find("first, second"), std::string::npos)
        << p.messages();
  }
  for (const char *name : {"second", "tripled"}) {
    ModelProgram p(two, name);
    ASSERT_TRUE(p.ok()) << p.messages();
    expectNear(p.run({ramp({1, 3})})[0], {1, 3}, {0, 3, 6});
  }
  {
    ModelProgram p(two, "third");
    EXPECT_FALSE(p.ok());
    EXPECT_NE(p.messages().find("there is no model 'third'"), std::string::npos)
        << p.messages();
  }
  {
    ModelProgram p("x = keras.Input((3,))\nnet = keras.Model(x, x * 2)");
    ASSERT_TRUE(p.ok()) << p.messages();
    EXPECT_NE(p.modelText().find("model.model @net \"functional\""),
              std::string::npos);
  }
  {
    ModelProgram p("x = 3");
    EXPECT_FALSE(p.ok());
    EXPECT_NE(p.messages().find("there is no model"), std::string::npos)
        << p.messages();
  }
}

} // namespace
