//===- RecordedTraining.h - steps that Keras made ---------------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_RECORDEDTRAINING_H
#define LAMINA_TEST_UNIT_RECORDEDTRAINING_H

#include "RecordedCases.h"
#include <cmath>
#include <map>

namespace lamina {

/// What test/reference/training.py has written.
struct Recording {
  std::vector<NDArray> weights, after;
  std::vector<std::vector<NDArray>> inputs, targets; // of every batch
  NDArray loss;
  std::map<std::string, NDArray> values; // of evaluate
};

inline std::string trainingText(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/training/models/" + name);
  EXPECT_TRUE(bool(buffer)) << name;
  return buffer ? (*buffer)->getBuffer().str() : "";
}

inline Recording readTraining(const std::string &name) {
  Recording result;
  std::string text = trainingText(name + ".txt");
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n');
  auto batched = [](std::vector<std::vector<NDArray>> &batches,
                    llvm::StringRef line) {
    auto [number, array] = line.split(' ');
    size_t batch = std::stoul(number.str());
    batches.resize(std::max(batches.size(), batch + 1));
    batches[batch].push_back(parseArray(array));
  };
  for (llvm::StringRef line : lines) {
    if (line.consume_front("weight "))
      result.weights.push_back(parseArray(line));
    else if (line.consume_front("after "))
      result.after.push_back(parseArray(line));
    else if (line.consume_front("input "))
      batched(result.inputs, line);
    else if (line.consume_front("target "))
      batched(result.targets, line);
    else if (line.consume_front("loss "))
      result.loss = parseArray(line);
    else if (line.consume_front("value "))
      result.values[line.split(' ').first.str()] =
          parseArray(line.split(' ').second);
  }
  return result;
}

/// The largest difference, relative to the largest element. Values are float64
/// on both sides, but constants such as 0.999 in Keras only.
inline double difference(const NDArray &found, const NDArray &expected,
                         double scale = 0.1) {
  EXPECT_EQ(found.shape(), expected.shape());
  double worst = 0;
  for (int64_t i = 0; i < expected.size() && i < found.size(); ++i) {
    worst =
        std::max(worst, std::fabs(found.getDouble(i) - expected.getDouble(i)));
    scale = std::max(scale, std::fabs(expected.getDouble(i)));
  }
  return worst / scale;
}

} // namespace lamina

#endif // LAMINA_TEST_UNIT_RECORDEDTRAINING_H
