//===- MatchArraysTest.cpp - arrays by name for what a model needs --------===//

#include "lamina/Training/MatchArrays.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {

const std::vector<ArraySpec> dense = {{"dense/kernel", DType::Float32, {2, 3}},
                                      {"dense/bias", DType::Float32, {3}},
                                      {"seed", DType::UInt32, {2}}};

TEST(MatchArrays, OrderAndWidth) {
  NDArray bias(DType::Float64, {3});
  bias.setDouble(1, 0.5);
  auto matched =
      matchArrays({{"seed", NDArray(DType::UInt32, {2})},
                   {"dense/bias", bias},
                   {"dense/kernel", NDArray(DType::Float32, {2, 3})}},
                  dense);
  ASSERT_TRUE(bool(matched)) << llvm::toString(matched.takeError());
  ASSERT_EQ(matched->size(), 3u);
  EXPECT_EQ((*matched)[0].rank(), 2u);
  EXPECT_EQ((*matched)[1].dtype(), DType::Float32);
  EXPECT_EQ((*matched)[1].getDouble(1), 0.5);
}

TEST(MatchArrays, EverythingWrongAtOnce) {
  auto matched = matchArrays({{"seed", NDArray(DType::Int32, {2})},
                              {"dense/kernel", NDArray(DType::Float32, {3, 2})},
                              {"dense/bais", NDArray(DType::Float32, {3})},
                              {"other", NDArray(DType::Bool, {})}},
                             dense);
  ASSERT_FALSE(bool(matched));
  EXPECT_EQ(
      llvm::toString(matched.takeError()),
      "the weights do not fit the model\n"
      "  missing: dense/bias: float32[3]\n"
      "  not in the model: dense/bais: float32[3]; did you mean 'dense/bias'?\n"
      "  not in the model: other: bool[]\n"
      "  different: dense/kernel is float32[3,2], the model needs "
      "float32[2,3]\n"
      "  different: seed is int32[2], the model needs uint32[2]");
}

TEST(MatchArrays, NamesThatBeginWithTheModel) {
  auto match = [](const std::string &first, const std::string &second) {
    auto matched =
        matchArrays({{first + "dense/kernel", NDArray(DType::Float32, {2, 3})},
                     {second + "dense/bias", NDArray(DType::Float32, {3})},
                     {first + "seed", NDArray(DType::UInt32, {2})}},
                    dense);
    if (matched)
      return true;
    llvm::consumeError(matched.takeError());
    return false;
  };
  EXPECT_TRUE(match("sequential/", "sequential/"));
  EXPECT_TRUE(match("", ""));
  EXPECT_FALSE(match("sequential/", "model/"));
  EXPECT_FALSE(match("sequential/", ""));
}

TEST(MatchArrays, ManyAreCounted) {
  NamedArrays arrays;
  for (int i = 0; i < 40; ++i)
    arrays.emplace_back("w" + std::to_string(i), NDArray(DType::Float32, {}));
  auto matched = matchArrays(std::move(arrays), {});
  ASSERT_FALSE(bool(matched));
  EXPECT_NE(
      llvm::toString(matched.takeError()).find("not in the model: 28 more"),
      std::string::npos);
}

} // namespace
