//===- LibraryFunctionsTest.cpp - functions against Keras and NumPy -------===//

#include "RecordedFunctions.h"

using namespace lamina;
using namespace lamina::test;

namespace {

TEST(LibraryFunctions, KerasAndNumPy) { expectRecorded("functions.txt", 290); }

TEST(LibraryFunctions, KerasLayersAndLoops) {
  expectRecorded("layers.txt", 110);
}

TEST(LibraryFunctions, Refused) {
  expectRefused("lambda x: fft(x)",
                "fft takes a pair (real, imaginary) of tensors");
  expectRefused("lambda x: rfft(x, fft_length=0)",
                "a Fourier transform of no points");
  expectRefused("lambda x: correlate(x, x)",
                "correlate takes vectors, not tensors of shapes (2, 3)");
  expectRefused("lambda x: correlate(x[0], x[1], mode='fulll')",
                "correlate: unknown mode 'fulll'; one of 'full', 'same', "
                "'valid'");
  expectRefused("lambda x: stft(x, 4, 1, 2)",
                "fft_length must be at least sequence_length (4), not 2");
  expectRefused("lambda x: np.delete(x, 7, axis=0)",
                "delete: index 7 is out of range for axis 0 with 2 elements");
  expectRefused("lambda x: np.gradient(x[:1], axis=0)",
                "gradient needs at least two elements along axis 0");
}

/// e^-x I0(x) stays finite where e^x does not.
TEST(LibraryFunctions, BesselOfLargeNumbers) {
  NDArray x = sequence({2, 3});
  Outcome outcome =
      EvalHarness().eval("lambda x: log(i0(x * 0 + 88.0))", {{"x", x}});
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  EXPECT_NEAR(outcome.outputs[0].getDouble(0), 84.84381690607763, 1e-5);
}

} // namespace
