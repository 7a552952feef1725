//===- SizeTest.cpp - symbolic sizes against plain integers ---------------===//

#include "lamina/Frontend/Size.h"
#include "gtest/gtest.h"
#include <random>

using namespace lamina::frontend;

namespace {

Size n() { return Size::symbol("n"); }
Size m() { return Size::symbol("m"); }

TEST(Size, EqualSizesCompareEqual) {
  EXPECT_EQ(Size(2) * n() + n(), Size(3) * n());
  EXPECT_EQ((n() * 10).floorDiv(5), n() * 2);
  EXPECT_EQ(n().floorDiv(2) * 2 + n().mod(2), n());
  EXPECT_EQ((n() * 6 + 7).floorDiv(3), n() * 2 + 2);
  EXPECT_EQ(n().floorDiv(2).floorDiv(3), n().floorDiv(6));
  EXPECT_EQ((n() * 2 + 1).floorDiv(4), n().floorDiv(2));
  EXPECT_EQ(n() - Size::min(n(), 1), Size::max(n() - 1, 0));
  EXPECT_EQ(Size::min(n(), m()), Size::min(m(), n()));
  EXPECT_EQ(Size::max(n(), 0), n());
  EXPECT_EQ(Size::max(n().floorDiv(2), n()), n());
  EXPECT_EQ(((n() - 1) * (m() + 3)).floorDiv(m() + 3), n() - 1);
  EXPECT_EQ((n() * 3).floorDiv(-3), Size(0) - n());
  EXPECT_NE(n(), m());
  EXPECT_NE(n(), n() + 1);
}

TEST(Size, Order) {
  EXPECT_EQ(Size::lessThan(n(), n() + 1), true);
  EXPECT_EQ(Size::lessThan(n() + 1, n()), false);
  EXPECT_EQ(Size::lessThan(n(), 0), false);
  EXPECT_EQ(Size::lessThan(n(), 1), std::nullopt);
  EXPECT_EQ(Size::lessThan(n().mod(4), 4), true);
  EXPECT_EQ(Size::lessThan(n().mod(4), 0), false);
  EXPECT_EQ(Size::lessThan(n(), n().floorDiv(2)), false);
  EXPECT_EQ(Size::lessThan(n(), Size::max(n() - 1, 0)), false);
  EXPECT_EQ(Size::lessThan(n(), m()), std::nullopt);
  EXPECT_EQ(Size::lessThan(3, 7), true);
}

TEST(Size, DividesExactly) {
  EXPECT_EQ((n() * 12).divideExactly(n() * 4), Size(3));
  EXPECT_EQ((n() * 12).divideExactly(5), std::nullopt);
  EXPECT_EQ((n() * m() + n()).divideExactly(n()), m() + 1);
  EXPECT_EQ(n().divideExactly(0), std::nullopt);
  EXPECT_EQ(Size(0).divideExactly(n()), Size(0));
}

TEST(Size, Text) {
  EXPECT_EQ(Size(-3).str(), "-3");
  EXPECT_EQ((n() * 2 + 1).str(), "2*n+1");
  EXPECT_EQ((n() - 1).str(), "n-1");
  EXPECT_EQ(n().floorDiv(2).str(), "floor(n/2)");
  EXPECT_EQ((n() + 1).floorDiv(2).str(), "floor((n+1)/2)");
  EXPECT_EQ(Size::max(n() - 1, 0).str(), "max(0,n-1)");
  EXPECT_EQ(Size::min(n(), 5).str(), "min(n,5)");
  Size shape[] = {n(), 10};
  EXPECT_EQ(toString(shape), "(n, 10)");
  EXPECT_EQ(toString(llvm::ArrayRef(shape, 1)), "(n,)");
  EXPECT_EQ(toString({}), "()");
}

TEST(Size, ExtremesAreDefined) {
  Size lowest(INT64_MIN);
  EXPECT_EQ(lowest.floorDiv(-1), lowest);
  EXPECT_EQ(n().floorDiv(0), Size(0));
  EXPECT_EQ((lowest - 1).value(), INT64_MAX);
  Size s = n() + m() + 1;
  for (int i = 0; i < 40; ++i)
    s = s * s; // must stay bounded
  EXPECT_FALSE(s.isStatic());
  s = n();
  for (int i = 0; i < 60; ++i)
    s = s.mod(7 + i) * 3 + 1;
  EXPECT_LT(s.str().size(), 10000u);
  Size many = 0;
  for (int i = 2; i < 60; ++i)
    many = many + (n() * m() + i).floorDiv(i) - m().floorDiv(i);
  EXPECT_EQ(Size::lessThan(many, 0), std::nullopt);
}

/// A random expression and its value by plain arithmetic.
struct Random {
  std::mt19937 engine;
  int64_t values[3];
  std::pair<Size, int64_t> expression(int depth) {
    auto pick = [&](int k) { return int(engine() % unsigned(k)); };
    auto floorDiv = [](int64_t a, int64_t b) {
      return a / b - (a % b != 0 && (a < 0) != (b < 0));
    };
    int kind = depth ? pick(9) : pick(2);
    if (kind == 0) {
      int64_t c = pick(15) - 5;
      return {Size(c), c};
    }
    if (kind == 1) {
      int which = pick(3);
      return {Size::symbol(std::string(1, char('p' + which))), values[which]};
    }
    auto [a, va] = expression(depth - 1);
    if (kind == 5 || kind == 6) {
      int64_t k = pick(7) + 1;
      if (pick(4) == 0)
        k = -k;
      int64_t q = floorDiv(va, k);
      return kind == 5 ? std::pair{a.floorDiv(k), q}
                       : std::pair{a.mod(k), va - q * k};
    }
    auto [b, vb] = expression(depth - 1);
    switch (kind) {
    case 2:
      return {a + b, va + vb};
    case 3:
      return {a - b, va - vb};
    case 4:
      return {a * b, va * vb};
    case 7:
      return {Size::max(a, b), std::max(va, vb)};
    default:
      return {Size::min(a, b), std::min(va, vb)};
    }
  }
  int64_t evaluate(const Size &size) {
    return size.evaluate(
        [&](llvm::StringRef name) { return values[name[0] - 'p']; });
  }
};

TEST(Size, RandomExpressionsHaveTheirValue) {
  Random random{std::mt19937(7), {}};
  int proved = 0;
  for (int i = 0; i < 4000; ++i) {
    for (int64_t &v : random.values)
      v = int64_t(random.engine() % 12);
    auto [a, va] = random.expression(1 + i % 4);
    auto [b, vb] = random.expression(1 + i % 3);
    ASSERT_EQ(random.evaluate(a), va) << a.str();
    if (auto less = Size::lessThan(a, b)) {
      ++proved;
      ASSERT_EQ(*less, va < vb) << a.str() << " < " << b.str();
    }
    if (a == b) {
      ASSERT_EQ(va, vb) << a.str();
    }
    if (auto quotient = a.divideExactly(b)) {
      ASSERT_EQ(random.evaluate(*quotient) * vb, va)
          << a.str() << " / " << b.str();
    }
  }
  EXPECT_GT(proved, 500);
}

} // namespace
