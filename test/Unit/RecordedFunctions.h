//===- RecordedFunctions.h - expressions with known values ------*- C++ -*-===//
//
// The cases of test/Unit/Inputs/training, which the scripts in test/reference
// record with Keras: "data NAME ARRAY", then "case lambda NAME, …: …" and "out
// ARRAY" for each output. The parameters are bound to the data of their names.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TEST_UNIT_RECORDEDFUNCTIONS_H
#define LAMINA_TEST_UNIT_RECORDEDFUNCTIONS_H

#include "EvalHarness.h"
#include "RecordedCases.h"
#include "llvm/ADT/StringExtras.h"

namespace lamina::test {

struct RecordedFunction {
  std::string code;
  Inputs inputs;
  std::vector<NDArray> outputs;
};

inline std::vector<RecordedFunction> readFunctions(llvm::StringRef name) {
  std::string path =
      (LAMINA_SOURCE_DIR "/test/Unit/Inputs/training/" + name).str();
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(buffer)) << path;
  std::vector<RecordedFunction> result;
  if (!buffer)
    return result;
  std::map<std::string, NDArray> data;
  for (llvm::StringRef line : llvm::split((*buffer)->getBuffer(), '\n')) {
    if (line.consume_front("data ")) {
      auto [key, array] = line.split(' ');
      data.emplace(key.str(), parseArray(array));
    } else if (line.consume_front("case ")) {
      result.push_back({line.str(), {}, {}});
      llvm::StringRef params = line.split(':').first;
      params.consume_front("lambda ");
      for (llvm::StringRef param : llvm::split(params, ',')) {
        auto found = data.find(param.trim().str());
        EXPECT_TRUE(found != data.end()) << line.str();
        if (found != data.end())
          result.back().inputs.emplace_back(found->first, found->second);
      }
    } else if (line.consume_front("out ")) {
      result.back().outputs.push_back(parseArray(line));
    }
  }
  return result;
}

inline std::string trainingPrelude() {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/training/prelude.lam");
  EXPECT_TRUE(bool(buffer));
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// The expression, a lambda of arrays of shape (2, 3), is an error with this in
/// its message.
inline void expectRefused(llvm::StringRef code, llvm::StringRef message) {
  llvm::StringRef params = code.split(':').first;
  params.consume_front("lambda ");
  Inputs inputs;
  for (llvm::StringRef param : llvm::split(params, ','))
    inputs.emplace_back(param.trim().str(), sequence({2, 3}));
  Outcome outcome = EvalHarness().eval(code, inputs, {}, trainingPrelude());
  EXPECT_FALSE(outcome.ok()) << code.str();
  EXPECT_TRUE(llvm::StringRef(outcome.diagnostics).contains(message))
      << code.str() << "\n"
      << outcome.diagnostics;
}

/// Equal up to rounding: float64 to 1e-9, float32 to a few units of it.
inline void expectClose(const NDArray &got, const NDArray &expected) {
  EXPECT_EQ(name(got.dtype()), name(expected.dtype()));
  ASSERT_EQ(got.shape(), expected.shape());
  bool wide = expected.dtype() == DType::Float64;
  double tolerance = wide ? 1e-9 : 2e-6, least = wide ? 1e-3 : 0.1;
  for (int64_t i = 0; i < got.size(); ++i) {
    double x = got.getDouble(i), y = expected.getDouble(i);
    if (std::isnan(y) || std::isinf(y))
      EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y)))
          << "element " << i << ": " << x << " for " << y;
    else
      EXPECT_NEAR(x, y, tolerance * (std::abs(y) + least)) << "element " << i;
  }
}

/// Runs every case of a file, with static shapes or with a symbolic first
/// dimension of the inputs in `batched`.
inline void expectRecorded(llvm::StringRef file, size_t atLeast,
                           llvm::ArrayRef<llvm::StringRef> batched = {}) {
  std::vector<RecordedFunction> cases = readFunctions(file);
  EXPECT_GE(cases.size(), atLeast);
  std::string prelude = trainingPrelude();
  std::map<std::string, std::string> symbols;
  for (llvm::StringRef input : batched)
    symbols[input.str() + ":0"] = "n";
  for (const RecordedFunction &c : cases) {
    SCOPED_TRACE(c.code);
    Outcome outcome = EvalHarness().eval(c.code, c.inputs, symbols, prelude);
    if (!outcome.ok()) {
      ADD_FAILURE() << outcome.diagnostics;
      continue;
    }
    EXPECT_EQ(outcome.outputs.size(), c.outputs.size());
    for (auto [got, expected] : llvm::zip(outcome.outputs, c.outputs))
      expectClose(got, expected);
  }
}

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_RECORDEDFUNCTIONS_H
