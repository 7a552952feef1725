// The kernels of Inputs/ with their data and what they should compute.
#ifndef PTX_EMULATOR_PROGRAMS_H
#define PTX_EMULATOR_PROGRAMS_H

#include "Harness.h"
#include <cmath>

namespace harness {

struct Outcome {
  int result = 0;
  std::string text; // what was printed
  double error = 0; // the largest, relative to 1
};

struct Program {
  const char *file;
  double tolerance;
  Outcome (*run)(const Loaded &loaded);
};

inline double largestError(const std::vector<float> &got,
                           const std::vector<double> &want) {
  double worst = got.size() == want.size() ? 0 : INFINITY;
  for (size_t i = 0; i < want.size() && i < got.size(); ++i) {
    double error =
        std::fabs(got[i] - want[i]) / std::max(1.0, std::fabs(want[i]));
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst;
}

inline std::vector<float> wave(size_t count, double step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = std::sin(step * (i + 1)) * 2;
  return values;
}

inline Outcome runElementwise(const Loaded &loaded) {
  constexpr int n = 44; // the last block is not full
  std::vector<float> x = wave(n, 0.7), w = wave(8, 0.3);
  std::vector<double> want(n);
  for (int i = 0; i < n; ++i)
    want[i] = std::tanh(double(x[i])) * w[i % 8] + 1;
  Buffer<float> dx(x), dw(w), dy(n);
  Outcome outcome;
  outcome.result = report(outcome.text, loaded, "elementwise", 2, 32, 0,
                          dx.address, dw.address, dy.address, uint64_t(n));
  if (!outcome.result)
    outcome.error = largestError(dy.read(), want);
  return outcome;
}

inline Outcome runSoftmax(const Loaded &loaded) {
  std::vector<float> x = wave(4 * 128, 0.7);
  std::vector<double> want(x.size());
  for (int row = 0; row < 4; ++row) {
    double sum = 0, most = -INFINITY;
    for (int i = 0; i < 128; ++i)
      most = std::max<double>(most, x[128 * row + i]);
    for (int i = 0; i < 128; ++i)
      sum += want[128 * row + i] = std::exp(x[128 * row + i] - most);
    for (int i = 0; i < 128; ++i)
      want[128 * row + i] /= sum;
  }
  Buffer<float> dx(x), dy(x.size());
  Outcome outcome;
  outcome.result =
      report(outcome.text, loaded, "softmax", 4, 64, 0, dx.address, dy.address);
  if (!outcome.result)
    outcome.error = largestError(dy.read(), want);
  return outcome;
}

inline Outcome runMatmul(const Loaded &loaded) {
  constexpr int rows = 13, depth = 20, columns = 24;
  std::vector<float> a = wave(rows * depth, 0.7),
                     b = wave(depth * columns, 0.3), bias = wave(columns, 1.1);
  std::vector<double> want(rows * columns);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      double sum = bias[j];
      for (int k = 0; k < depth; ++k)
        sum += double(a[i * depth + k]) * b[k * columns + j];
      want[i * columns + j] = std::max(sum, 0.0);
    }
  Buffer<float> da(a), db(b), dbias(bias), dc(want.size());
  Outcome outcome;
  outcome.result =
      report(outcome.text, loaded, "matmul", Grid(3, 2), 64, 0, da.address,
             db.address, dbias.address, dc.address, uint64_t(rows));
  if (!outcome.result)
    outcome.error = largestError(dc.read(), want);
  return outcome;
}

// Small whole numbers and their quarters are exact in f16.
inline Outcome runTensorcore(const Loaded &loaded) {
  constexpr int rows = 32, depth = 64, columns = 8;
  auto number = [](int i) { return ((i * 37) % 17 - 8) / 4.0; };
  auto half = [](double value) -> uint16_t {
    int exponent = 0;
    double fraction = std::frexp(std::fabs(value), &exponent);
    uint16_t bits =
        value == 0 ? 0 : (exponent + 14) << 10 | (int(fraction * 2048) & 1023);
    return value < 0 ? bits | 0x8000 : bits;
  };
  std::vector<uint16_t> a(rows * depth), b(depth * columns);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = half(number(i));
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = half(number(3 * i + 1));
  std::vector<double> want(rows * columns);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      for (int k = 0; k < depth; ++k)
        want[i * columns + j] +=
            number(i * depth + k) * number(3 * (k * columns + j) + 1);
  Buffer<uint16_t> da(a), db(b);
  Buffer<float> dc(want.size());
  Outcome outcome;
  outcome.result = report(outcome.text, loaded, "tensorcore", 1, 64, 0,
                          da.address, db.address, dc.address);
  if (!outcome.result)
    outcome.error = largestError(dc.read(), want);
  return outcome;
}

inline const Program programs[] = {{"elementwise.ptx", 1e-6, runElementwise},
                                   {"softmax.ptx", 1e-6, runSoftmax},
                                   {"matmul.ptx", 1e-5, runMatmul},
                                   {"tensorcore.ptx", 1e-12, runTensorcore}};

// The outcome under each of the schedules, with the module loaded once.
inline std::map<std::string, Outcome> run(const Program &program,
                                          const std::string &ptx) {
  start();
  Loaded loaded;
  load(loaded, ptx);
  EXPECT_EQ(loaded.result, 0) << loaded.log;
  std::map<std::string, Outcome> outcomes;
  for (const char *schedule : schedules) {
    WithSchedule with(schedule);
    start();
    outcomes[schedule] = loaded.result ? Outcome{loaded.result, loaded.log, 0}
                                       : program.run(loaded);
  }
  return outcomes;
}

} // namespace harness

#endif
