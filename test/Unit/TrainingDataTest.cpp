//===- TrainingDataTest.cpp - what a model is trained on ------------------===//

#include "lamina/Training/Data.h"
#include "lamina/Training/Random.h"
#include "gtest/gtest.h"
#include <cmath>
#include <numeric>

using namespace lamina;

namespace {

NDArray array(DType dtype, llvm::ArrayRef<int64_t> shape,
              llvm::ArrayRef<double> values) {
  NDArray result(dtype, shape);
  for (auto [i, value] : llvm::enumerate(values))
    result.setDouble(i, value);
  return result;
}

std::string text(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : "";
}

TEST(Random, SplitMix64) {
  // The reference implementation's first numbers for this seed.
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Random, ShuffledRows) {
  // Pinned: another order would change the results of everybody's training.
  EXPECT_EQ(shuffledRows(0, 0, 8),
            (std::vector<int64_t>{6, 0, 4, 3, 7, 2, 5, 1}));
  EXPECT_EQ(shuffledRows(0, 1, 8),
            (std::vector<int64_t>{3, 4, 1, 0, 6, 7, 2, 5}));
  EXPECT_EQ(shuffledRows(1, 0, 8),
            (std::vector<int64_t>{4, 2, 0, 5, 6, 1, 7, 3}));
  std::vector<int64_t> order = shuffledRows(5, 3, 1000), sorted = order,
                       all(1000);
  std::iota(all.begin(), all.end(), 0);
  llvm::sort(sorted);
  EXPECT_EQ(sorted, all);
  EXPECT_NE(order, all);
  EXPECT_EQ(shuffledRows(0, 0, 1), std::vector<int64_t>{0});
  EXPECT_NE(stepSeed(0, 0), stepSeed(0, 1));
  EXPECT_NE(stepSeed(0, 0), stepSeed(1, 0));
}

TEST(Random, EveryPlaceIsAsLikely) {
  int counts[4][4] = {};
  for (uint64_t epoch = 0; epoch < 4000; ++epoch)
    for (auto [place, row] : llvm::enumerate(shuffledRows(7, epoch, 4)))
      ++counts[place][row];
  for (auto &row : counts)
    for (int count : row)
      EXPECT_NEAR(count, 1000, 150);
}

Dataset smallData() {
  Dataset data;
  data.inputs.push_back(
      {"x", "x.npy", array(DType::Float32, {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7})});
  data.targets.push_back(
      {"y", "y.npy", array(DType::Int32, {4}, {0, 1, 2, 1})});
  return data;
}

TEST(Data, Gather) {
  Dataset data = smallData();
  data.sampleWeight = {"w", "w.npy", array(DType::Float32, {4}, {1, 2, 3, 4})};
  Batch batch;
  gather(DataView(data, 1, 3), {2, 0}, batch);
  EXPECT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.inputs[0].shape(), llvm::ArrayRef<int64_t>({2, 2}));
  EXPECT_EQ(batch.inputs[0].getDouble(0), 6);
  EXPECT_EQ(batch.inputs[0].getDouble(3), 3);
  EXPECT_EQ(batch.targets[0].getInt(0), 1);
  EXPECT_EQ(batch.sampleWeight->getDouble(1), 2);
  gather(DataView(data), {0}, batch);
  EXPECT_EQ(batch.inputs[0].shape(), llvm::ArrayRef<int64_t>({1, 2}));
  EXPECT_EQ(batch.inputs[0].getDouble(1), 1);
}

TEST(Data, Rows) {
  EXPECT_EQ(text(smallData().check()), "");
  Dataset data = smallData();
  data.targets[0].array = NDArray(DType::Int32, {3});
  EXPECT_EQ(text(data.check()), "y.npy: 'y' has 3 rows, 'x' of x.npy has 4");
  data.targets[0].array = NDArray(DType::Int32, {});
  EXPECT_NE(text(data.check()).find("'y' is one number"), std::string::npos);
  data.inputs[0].array = NDArray(DType::Float32, {0, 2});
  data.targets[0].array = NDArray(DType::Int32, {0});
  EXPECT_NE(text(data.check()).find("'x' has 0 rows"), std::string::npos);
}

TEST(Data, SplitTakesTheLastRows) {
  Dataset data = smallData();
  auto split = splitData(data, 0.3);
  ASSERT_TRUE(bool(split));
  EXPECT_EQ(split->first.rows, 2); // floor(4 * 0.7)
  EXPECT_EQ(split->second.first, 2);
  EXPECT_EQ(split->second.rows, 2);
  EXPECT_NE(text(splitData(data, 0.9).takeError()).find("to train on"),
            std::string::npos);
  EXPECT_NE(text(splitData(data, 0.0).takeError()).find("for validation"),
            std::string::npos);
}

TEST(Data, FitColumn) {
  auto fitted = [](NDArray given, ArraySpec spec,
                   llvm::StringRef role = "target") {
    Column column{"", "y.npy", std::move(given)};
    std::string error = text(fitColumn(column, spec, role));
    return error.empty() ? describe(column.array.dtype(), column.array.shape())
                         : error;
  };
  ArraySpec floats{"y", DType::Float32, {-1, 3}},
      one{"y", DType::Float32, {-1, 1}}, labels{"y", DType::Int32, {-1}};
  EXPECT_EQ(fitted(NDArray(DType::Float64, {4, 3}), floats), "float32[4,3]");
  EXPECT_EQ(fitted(NDArray(DType::UInt8, {4, 3}), floats), "float32[4,3]");
  EXPECT_EQ(fitted(NDArray(DType::UInt8, {4, 3}), floats, "input"),
            "y.npy: input 'y' must be float32[?,3], the array is uint8[4,3]");
  EXPECT_EQ(fitted(NDArray(DType::Float32, {4}), one), "float32[4,1]");
  EXPECT_EQ(fitted(NDArray(DType::UInt8, {4, 1}), labels), "int32[4]");
  EXPECT_EQ(fitted(array(DType::Int64, {2}, {-1, 5}), labels), "int32[2]");
  EXPECT_EQ(fitted(NDArray(DType::Float32, {4, 2}), floats),
            "y.npy: target 'y' must be float32[?,3], the array is "
            "float32[4,2]");
  EXPECT_NE(fitted(array(DType::Int64, {1}, {5e9}), labels).find("must be"),
            std::string::npos);
  EXPECT_NE(fitted(array(DType::UInt64, {1}, {1.8e19}), labels).find("must be"),
            std::string::npos);
  EXPECT_NE(fitted(NDArray(DType::Float32, {4}), labels).find("must be"),
            std::string::npos);
}

TEST(Data, ClassWeights) {
  Dataset data = smallData();
  ASSERT_EQ(text(applyClassWeights(data, {{1, 2.5}, {2, 0.5}})), "");
  const NDArray &weights = data.sampleWeight->array;
  EXPECT_EQ(weights.getDouble(0), 1.0); // not in the table
  EXPECT_EQ(weights.getDouble(1), 2.5);
  EXPECT_EQ(weights.getDouble(2), 0.5);
  ASSERT_EQ(text(applyClassWeights(data, {{1, 2.0}})), "");
  EXPECT_EQ(data.sampleWeight->array.getDouble(3), 5.0);

  data.sampleWeight.reset(); // one-hot: the largest of the last axis
  data.targets[0].array =
      array(DType::Float32, {4, 2}, {0, 1, 1, 0, 0, 1, 1, 0});
  ASSERT_EQ(text(applyClassWeights(data, {{1, 3.0}})), "");
  EXPECT_EQ(data.sampleWeight->array.getDouble(0), 3.0);
  EXPECT_EQ(data.sampleWeight->array.getDouble(1), 1.0);
}

TEST(Data, LabelsOutOfRange) {
  Column column{"y", "y.npy", array(DType::Int32, {2, 2}, {0, 1, 3, -1})};
  EXPECT_EQ(
      text(checkLabels(column, 3)),
      "y.npy: the label 'y'[1, 0] is 3; the model has the classes 0 to 2");
  EXPECT_EQ(
      text(checkLabels(column, 4)),
      "y.npy: the label 'y'[1, 1] is -1; the model has the classes 0 to 3");
  EXPECT_EQ(text(checkLabels(column, 4, -1)), "");
  column.array = array(DType::Float32, {2}, {1, 1.5});
  EXPECT_NE(text(checkLabels(column, 4)).find("[1] is 1.5"), std::string::npos);
}

TEST(Data, NonFiniteIsNamed) {
  Dataset data = smallData();
  EXPECT_EQ(findNonFinite(data, {0, 1, 2, 3}), std::nullopt);
  data.inputs[0].array.setDouble(5, NAN);
  EXPECT_EQ(findNonFinite(data, {0, 1, 3}), std::nullopt);
  EXPECT_EQ(findNonFinite(data, {2}), "x.npy: 'x'[2, 1] is nan");
  EXPECT_EQ(findNonFinite(DataView(data, 2, 2), {0}),
            "x.npy: 'x'[2, 1] is nan");
  data.inputs[0].array.setDouble(5, -INFINITY);
  EXPECT_EQ(findNonFinite(data, {2}), "x.npy: 'x'[2, 1] is -inf");
}

TEST(Data, Fingerprint) {
  Dataset data = smallData();
  uint64_t all = fingerprint(data), part = fingerprint(DataView(data, 0, 3));
  EXPECT_NE(all, part);
  data.inputs[0].array.setDouble(7, 0);
  EXPECT_NE(fingerprint(data), all);
  EXPECT_EQ(fingerprint(DataView(data, 0, 3)), part);
}

} // namespace
