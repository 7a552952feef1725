//===- IndexBoundsTest.cpp - symbolic slices against plain Python ---------===//

#include "../../lib/Frontend/IndexBounds.h"
#include "gtest/gtest.h"
#include <random>

using namespace lamina::frontend;

namespace {

/// The places that Python's range(*slice(lower, upper, step).indices(n)) has.
std::vector<int64_t> places(std::optional<int64_t> lower,
                            std::optional<int64_t> upper, int64_t step,
                            int64_t n) {
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
  auto clamp = [&](std::optional<int64_t> i, int64_t absent) {
    if (!i)
      return absent;
    return *i < 0 ? std::max(*i + n, low) : std::min(*i, high);
  };
  int64_t i = clamp(lower, step < 0 ? high : low),
          end = clamp(upper, step < 0 ? low : high);
  std::vector<int64_t> result;
  for (; step > 0 ? i < end : i > end; i += step)
    result.push_back(i);
  return result;
}

std::vector<int64_t> places(const SliceBounds &bounds, int64_t n) {
  auto value = [&](const Size &size) {
    return size.evaluate([&](llvm::StringRef) { return n; });
  };
  std::vector<int64_t> result;
  for (int64_t i = 0; i < value(bounds.length); ++i) {
    int64_t place = value(bounds.offset) + i * bounds.stride;
    result.push_back(bounds.reversed ? n - 1 - place : place);
  }
  EXPECT_GE(value(bounds.offset), 0);
  EXPECT_LE(value(bounds.offset), n);
  return result;
}

/// A bound: absent, an int, or n plus an int.
struct Bound {
  bool absent, relative;
  int64_t offset;
  std::optional<Size> symbolic(const Size &n) const {
    if (absent)
      return std::nullopt;
    return relative ? n + Size(offset) : Size(offset);
  }
  std::optional<int64_t> at(int64_t n) const {
    if (absent)
      return std::nullopt;
    return relative ? n + offset : offset;
  }
};

TEST(IndexBounds, SlicesAreExactForEverySize) {
  std::vector<Bound> bounds{{true, false, 0}};
  for (int64_t offset = -5; offset <= 5; ++offset) {
    bounds.push_back({false, false, offset});
    bounds.push_back({false, true, offset});
  }
  Size n = Size::symbol("n");
  for (const Bound &lower : bounds)
    for (const Bound &upper : bounds)
      for (int64_t step : {1, 2, 3, -1, -2, -3}) {
        SliceBounds result =
            resolveSlice(lower.symbolic(n), upper.symbolic(n), step, n);
        for (int64_t size = 0; size < 8; ++size) {
          auto want = places(lower.at(size), upper.at(size), step, size);
          ASSERT_EQ(places(result, size), want)
              << "[" << (lower.absent ? "" : lower.symbolic(n)->str()) << ":"
              << (upper.absent ? "" : upper.symbolic(n)->str()) << ":" << step
              << "] of " << size << ", length " << result.length.str();
          SliceBounds fixed = resolveSlice(lower.symbolic(size),
                                           upper.symbolic(size), step, size);
          ASSERT_EQ(places(fixed, size), want);
          ASSERT_EQ(fixed.length, Size(int64_t(want.size())));
        }
      }
}

TEST(IndexBounds, LengthsAreInNormalForm) {
  Size n = Size::symbol("n");
  auto length = [&](std::optional<Size> lower, std::optional<Size> upper) {
    return resolveSlice(lower, upper, 1, n).length;
  };
  EXPECT_EQ(length(std::nullopt, Size(-1)), length(Size(1), std::nullopt));
  EXPECT_EQ(length(std::nullopt, n - 1), length(Size(1), std::nullopt));
  EXPECT_EQ(length(n.floorDiv(2), std::nullopt), n - n.floorDiv(2));
  EXPECT_EQ(length(std::nullopt, n), n);
  EXPECT_EQ(length(Size(0), Size(3)), Size::min(n, 3));
}

TEST(IndexBounds, Extremes) {
  for (int64_t step : {INT64_MAX, INT64_MIN, int64_t(1), int64_t(-1)})
    for (int64_t lower : {INT64_MAX, INT64_MIN})
      for (int64_t upper : {INT64_MAX, INT64_MIN})
        EXPECT_EQ(places(resolveSlice(Size(lower), Size(upper), step, 4), 4),
                  places(std::clamp<int64_t>(lower, -9, 9),
                         std::clamp<int64_t>(upper, -9, 9),
                         std::clamp<int64_t>(step, -9, 9), 4));
}

TEST(IndexBounds, Indices) {
  Size n = Size::symbol("n");
  EXPECT_EQ(resolveIndex(-1, n), n - 1);
  EXPECT_EQ(resolveIndex(n - 1, n), n - 1);
  EXPECT_EQ(resolveIndex(2, n), Size(2));
  for (int64_t size = 5; size < 9; ++size) {
    Size place = resolveIndex(n - 7, n);
    EXPECT_EQ(place.evaluate([&](llvm::StringRef) { return size; }),
              size - 7 < 0 ? 2 * size - 7 : size - 7);
  }
}

} // namespace
