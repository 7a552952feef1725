//===- VectorMathTest.cpp - Accuracy of the vector math -------------------===//
//
// Each function is checked against double: a sample of all float32 bit
// patterns, every special value, and the neighbourhoods where formulas change.
// The code that lamina-expand-math emits must give the same bits as the host's
// reading of the same text. LAMINA_TEST_EXHAUSTIVE=all (or the name of a
// function) checks every bit pattern instead: a minute per function.
//
//===----------------------------------------------------------------------===//

#include "lamina/Transforms/VectorMath.h"
#include "HostJit.h"
#include "VectorReference.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <bit>
#include <cstdlib>
#include <random>
#include <vector>

using namespace lamina;

namespace {

using Unary = float (*)(float);
using Binary = float (*)(float, float);

double rsqrt(double x) { return 1 / std::sqrt(x); }

struct UnaryCase {
  const char *name;
  Unary host;
  double (*exact)(double);
};
struct BinaryCase {
  const char *name;
  Binary host;
  double (*exact)(double, double);
};

#define UNARY_CASE(name)                                                       \
  {#name, &vecmath::name<float>, [](double x) -> double {                      \
     using namespace std;                                                      \
     return name(x);                                                           \
   }},
const UnaryCase unaryCases[] = {LAMINA_VECTOR_MATH_UNARY(UNARY_CASE)};
const BinaryCase binaryCases[] = {
    {"atan2", &vecmath::atan2<float>,
     [](double y, double x) { return std::atan2(y, x); }},
    {"powf", &vecmath::pow<float>,
     [](double x, double y) { return std::pow(x, y); }}};

/// The error of y in units of the last place of the exact result; huge where a
/// special value is wrong.
double error(float y, double exact) {
  constexpr double wrong = 1e30;
  float rounded = static_cast<float>(exact);
  if (std::isnan(exact) || std::isnan(y))
    return std::isnan(exact) && std::isnan(y) ? 0 : wrong;
  if (y == rounded && std::signbit(y) == std::signbit(rounded))
    return 0;
  // Next to overflow, the largest float and infinity are neighbours.
  if (std::isinf(exact) || (std::isinf(y) && std::fabs(exact) < 0x1.fffffcp127))
    return wrong;
  if (std::signbit(y) != std::signbit(exact))
    return wrong;
  double value = std::isinf(y) ? std::copysign(0x1p128, y) : y;
  int exponent = std::max(std::ilogb(exact), -126);
  if (exact == 0)
    exponent = -126;
  return std::fabs(value - exact) / std::ldexp(1.0, exponent - 23);
}

bool sameBits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

struct Worst {
  double error = 0;
  float x = 0, y = 0;
  void see(double e, float a, float b = 0) {
    if (e > error)
      *this = {e, a, b};
  }
};

constexpr float kSpecial[] = {0.0f,
                              1.0f,
                              0.5f,
                              2.0f,
                              3.0f,
                              1.5f,
                              0.25f,
                              1e-45f,
                              1e-40f,
                              0x1p-126f,
                              0x1.fffffep-127f,
                              0x1.fffffep127f,
                              88.7f,
                              89.0f,
                              103.9f,
                              0x1p23f,
                              0x1p24f,
                              0x1p25f,
                              16777218.0f,
                              0x1p17f,
                              0x1.fffffep16f,
                              3.14159274f,
                              1.57079637f,
                              10.06f,
                              0.9f,
                              3.95f,
                              INFINITY,
                              NAN};

/// Arguments in blocks; the blocks' starts are spread over all bit patterns.
std::vector<float> sample(uint64_t step) {
  std::vector<float> xs;
  for (uint64_t b = 0; b < (uint64_t(1) << 32); b += step)
    xs.push_back(std::bit_cast<float>(static_cast<uint32_t>(b)));
  for (float s : kSpecial) // and 200 neighbours on either side
    for (int i = -200; i <= 200; ++i) {
      float x = std::bit_cast<float>(std::bit_cast<uint32_t>(s) + i);
      xs.push_back(x);
      xs.push_back(-x);
    }
  // Multiples of pi/2, where sin, cos and tan cancel.
  for (int i = 1; i < 20000; ++i)
    xs.push_back(static_cast<float>(i * M_PI_2));
  while (xs.size() % 16)
    xs.push_back(1.0f);
  return xs;
}

std::vector<std::pair<float, float>> samplePairs() {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> unit(-1, 1);
  std::vector<std::pair<float, float>> pairs;
  for (float x : kSpecial)
    for (float y : kSpecial)
      for (int signs = 0; signs < 4; ++signs)
        pairs.push_back({signs & 1 ? -x : x, signs & 2 ? -y : y});
  for (int i = 0; i < 300000; ++i) {
    pairs.push_back({std::bit_cast<float>(uint32_t(random())),
                     std::bit_cast<float>(uint32_t(random()))});
    pairs.push_back({std::exp2(unit(random) * 40), unit(random) * 20});
    pairs.push_back({1 + unit(random) * 0x1p-8f, unit(random) * 20000});
    pairs.push_back({unit(random), unit(random)});
    pairs.push_back({unit(random) * 9, std::rint(unit(random) * 30)});
  }
  while (pairs.size() % 16)
    pairs.push_back({1, 1});
  return pairs;
}

/// A module with one function per math op, over vectors of 16: its arguments
/// are the operands and the result as memrefs, and the number of elements.
std::string kernels(bool useVectors) {
  std::string text;
  llvm::raw_string_ostream out(text);
  const char *type = useVectors ? "vector<16xf32>" : "f32";
  auto emit = [&](const char *name, unsigned operands) {
    out << "func.func @" << name << "(";
    for (unsigned i = 0; i <= operands; ++i)
      out << "%p" << i << ": memref<?xf32>, ";
    out << "%n: index) attributes {llvm.emit_c_interface} {\n"
        << "%zero = arith.constant 0 : index\n%step = arith.constant "
        << (useVectors ? 16 : 1) << " : index\n"
        << "scf.for %i = %zero to %n step %step {\n";
    for (unsigned i = 0; i < operands; ++i) {
      out << "%v" << i << " = " << (useVectors ? "vector" : "memref")
          << ".load %p" << i << "[%i] : memref<?xf32>";
      out << (useVectors ? ", vector<16xf32>\n" : "\n");
    }
    out << "%r = math." << name << " %v0" << (operands == 2 ? ", %v1" : "")
        << " : " << type << "\n"
        << (useVectors ? "vector" : "memref") << ".store %r, %p" << operands
        << "[%i] : memref<?xf32>" << (useVectors ? ", vector<16xf32>" : "")
        << "\n}\nreturn\n}\n";
  };
  for (const UnaryCase &c : unaryCases)
    emit(c.name, 1);
  for (const BinaryCase &c : binaryCases)
    emit(c.name, 2);
  return text;
}

struct MemRef {
  float *allocated, *aligned;
  int64_t offset, size, stride;
  MemRef(std::vector<float> &v)
      : allocated(v.data()), aligned(v.data()), offset(0), size(v.size()),
        stride(1) {}
};

class VectorMathTest : public testing::Test {
protected:
  std::unique_ptr<test::HostJit> compile(const std::string &text, bool ldexp) {
    mlir::MLIRContext context;
    test::loadDialects(context);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    mlir::PassManager pm(&context);
    ExpandMathOptions options;
    options.ldexp = ldexp;
    pm.addPass(createExpandMath(options));
    EXPECT_TRUE(succeeded(pm.run(*module)));
    module->walk([](mlir::Operation *op) {
      EXPECT_TRUE(op->getDialect()->getNamespace() != "math" ||
                  (mlir::isa<mlir::math::FmaOp, mlir::math::SqrtOp,
                             mlir::math::AbsFOp, mlir::math::CopySignOp>(op)))
          << op->getName().getStringRef().str();
      EXPECT_FALSE(mlir::isa<mlir::func::CallOp>(op));
    });
    return test::HostJit::create(*module);
  }

  std::vector<float> run(test::HostJit &jit, const char *name,
                         std::vector<float> xs) {
    std::vector<float> ys(xs.size());
    MemRef x(xs), y(ys);
    std::string symbol = std::string("_mlir_ciface_") + name;
    auto *f = jit.lookup<void(MemRef *, MemRef *, int64_t)>(symbol);
    f(&x, &y, xs.size());
    return ys;
  }
  std::vector<float> run(test::HostJit &jit, const char *name,
                         std::vector<float> as, std::vector<float> bs) {
    std::vector<float> ys(as.size());
    MemRef a(as), b(bs), y(ys);
    std::string symbol = std::string("_mlir_ciface_") + name;
    auto *f = jit.lookup<void(MemRef *, MemRef *, MemRef *, int64_t)>(symbol);
    f(&a, &b, &y, as.size());
    return ys;
  }
};

TEST_F(VectorMathTest, UnaryFunctionsAreAccurate) {
  bool exhaustive = std::getenv("LAMINA_TEST_EXHAUSTIVE") != nullptr;
  if (exhaustive)
    GTEST_SKIP() << "covered by the exhaustive test";
  std::vector<float> xs = sample(4099);
  for (const UnaryCase &c : unaryCases) {
    Worst worst;
    for (float x : xs)
      worst.see(error(c.host(x), c.exact(x)), x);
    std::printf("%-6s %.3f ULP at %a\n", c.name, worst.error, worst.x);
    EXPECT_LE(worst.error, 2.0)
        << c.name << " at " << worst.x << ": " << c.host(worst.x)
        << " instead of " << c.exact(worst.x);
  }
}

/// A sum that does not cancel where it is small, down to the smallest normal
/// numbers.
TEST_F(VectorMathTest, OnePlusErfKeepsItsTail) {
  double absolute = 0, relative = 0, far = 0;
  for (float x : sample(4099)) {
    float y = vecmath::onePlusErf(x);
    double exact = std::erfc(-static_cast<double>(x));
    ASSERT_EQ(std::isnan(y), std::isnan(x)) << x;
    if (std::isnan(x))
      continue;
    ASSERT_FALSE(std::signbit(y)) << x;
    absolute = std::max(absolute, std::fabs(y - exact));
    double error = std::fabs(y - exact) / exact;
    if (x > -4)
      relative = std::max(relative, error);
    else if (x > -9.18f)
      far = std::max(far, error);
  }
  std::printf("1+erf  %g absolute, %g relative, %g below -4\n", absolute,
              relative, far);
  EXPECT_LE(absolute, 0x1p-23);
  EXPECT_LE(relative, 3e-6);
  EXPECT_LE(far, 3e-5);
}

/// float64 against long double, and what is emitted against the host's reading.
TEST_F(VectorMathTest, DoubleFunctionsAreAccurate) {
  struct Case {
    const char *name;
    double (*host)(double);
    long double (*exact)(long double);
  };
#define DOUBLE_CASE(name)                                                      \
  {#name, &vecmath::name##D<double>,                                           \
   [](long double x) -> long double { return std::name(x); }},
  const Case cases[] = {LAMINA_VECTOR_MATH_DOUBLE(DOUBLE_CASE)};
  std::vector<double> xs;
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int i = 0; i < 200000; ++i) {
    xs.push_back(std::bit_cast<double>(uint64_t(random())));
    xs.push_back(unit(random) * 750);
    xs.push_back(unit(random) * 3);
    xs.push_back(std::ldexp(unit(random), int(random() % 80) - 60));
  }
  for (double s : {0.0, 1.0, 0x1p-1074, 0x1p-1022, 0x1p-54, 1e308, 709.78271,
                   744.44, 745.14, 22.0, 0.5, 0x1p53})
    for (int i = -100; i <= 100; ++i) {
      double x = std::bit_cast<double>(std::bit_cast<uint64_t>(s) + i);
      xs.push_back(x);
      xs.push_back(-x);
    }
  xs.push_back(INFINITY);
  xs.push_back(-INFINITY);
  xs.push_back(NAN);
  while (xs.size() % 8)
    xs.push_back(1);

  std::string text;
  for (const Case &c : cases)
    text += "func.func @" + std::string(c.name) +
            "(%p: memref<?xf64>, %q: memref<?xf64>, %n: index) attributes "
            "{llvm.emit_c_interface} {\n"
            "%z = arith.constant 0 : index\n%s = arith.constant 8 : index\n"
            "scf.for %i = %z to %n step %s {\n"
            "%x = vector.load %p[%i] : memref<?xf64>, vector<8xf64>\n"
            "%y = math." +
            std::string(c.name) +
            " %x : vector<8xf64>\n"
            "vector.store %y, %q[%i] : memref<?xf64>, vector<8xf64>\n"
            "}\nreturn\n}\n";
  auto jit = compile(text, /*ldexp=*/false);
  ASSERT_TRUE(jit);
  for (const Case &c : cases) {
    double worst = 0, at = 0;
    for (double x : xs) {
      double y = c.host(x);
      long double exact = c.exact(x);
      double rounded = static_cast<double>(exact);
      if (y == rounded || (std::isnan(y) && std::isnan(rounded))) {
        ASSERT_TRUE(std::isnan(y) || std::signbit(y) == std::signbit(rounded))
            << c.name << " at " << x;
        continue;
      }
      ASSERT_TRUE(std::isfinite(rounded) && !std::isnan(y))
          << c.name << " at " << x << ": " << y;
      int exponent = std::max(std::ilogb(exact), -1022);
      double e =
          std::isinf(y)
              ? 1
              : double(std::fabs(y - exact) / std::ldexp(1.0L, exponent - 52));
      if (e > worst) {
        worst = e;
        at = x;
      }
    }
    std::printf("%-6s %.3f ULP at %a, double\n", c.name, worst, at);
    EXPECT_LE(worst, 2.0) << c.name << " at " << at;
    struct {
      double *allocated, *aligned;
      int64_t offset, size, stride;
    } x{xs.data(), xs.data(), 0, int64_t(xs.size()), 1};
    std::vector<double> ys(xs.size());
    auto y = x;
    y.allocated = y.aligned = ys.data();
    jit->lookup<void(void *, void *, int64_t)>(std::string("_mlir_ciface_") +
                                               c.name)(&x, &y, xs.size());
    for (size_t i = 0; i < xs.size(); ++i) {
      double host = c.host(xs[i]);
      ASSERT_TRUE((std::isnan(host) && std::isnan(ys[i])) ||
                  std::bit_cast<uint64_t>(host) ==
                      std::bit_cast<uint64_t>(ys[i]))
          << c.name << " at " << xs[i] << ": emitted " << ys[i] << ", host "
          << host;
    }
  }
}

TEST_F(VectorMathTest, BinaryFunctionsAreAccurate) {
  auto pairs = samplePairs();
  for (const BinaryCase &c : binaryCases) {
    Worst worst;
    for (auto [x, y] : pairs)
      worst.see(error(c.host(x, y), c.exact(x, y)), x, y);
    std::printf("%-6s %.3f ULP at %a, %a\n", c.name, worst.error, worst.x,
                worst.y);
    EXPECT_LE(worst.error, 2.0) << c.name << " at " << worst.x << ", "
                                << worst.y << ": " << c.host(worst.x, worst.y)
                                << " instead of " << c.exact(worst.x, worst.y);
  }
}

TEST_F(VectorMathTest, EmittedCodeGivesTheSameBits) {
  std::vector<float> xs = sample(65537);
  auto pairs = samplePairs();
  std::vector<float> as, bs;
  for (auto [a, b] : pairs) {
    as.push_back(a);
    bs.push_back(b);
  }
  for (bool vectors : {true, false})
    for (bool ldexp : {false, true}) {
      if (ldexp && !vectors)
        continue; // scalars never use it
      auto jit = compile(kernels(vectors), ldexp);
      ASSERT_TRUE(jit);
      for (const UnaryCase &c : unaryCases) {
        std::vector<float> ys = run(*jit, c.name, xs);
        for (size_t i = 0; i < xs.size(); ++i)
          ASSERT_TRUE(sameBits(ys[i], c.host(xs[i])))
              << c.name << " at " << xs[i] << ": emitted " << ys[i] << ", host "
              << c.host(xs[i]);
      }
      for (const BinaryCase &c : binaryCases) {
        std::vector<float> ys = run(*jit, c.name, as, bs);
        for (size_t i = 0; i < as.size(); ++i)
          ASSERT_TRUE(sameBits(ys[i], c.host(as[i], bs[i])))
              << c.name << " at " << as[i] << ", " << bs[i] << ": emitted "
              << ys[i] << ", host " << c.host(as[i], bs[i]);
      }
    }
}

TEST_F(VectorMathTest, Exhaustive) {
  const char *wanted = std::getenv("LAMINA_TEST_EXHAUSTIVE");
  if (!wanted)
    GTEST_SKIP() << "set LAMINA_TEST_EXHAUSTIVE to a function's name or all";
  auto jit = compile(kernels(/*useVectors=*/true), /*ldexp=*/false);
  ASSERT_TRUE(jit);
  constexpr uint64_t block = 1 << 16;
  std::vector<float> xs(block), ys(block);
  MemRef x(xs), y(ys);
  for (const UnaryCase &c : unaryCases) {
    if (std::string(wanted) != "all" && std::string(wanted) != c.name)
      continue;
    auto *emitted = jit->lookup<void(MemRef *, MemRef *, int64_t)>(
        std::string("_mlir_ciface_") + c.name);
    ASSERT_TRUE(emitted);
    test::VectorReference reference(c.name);
    Worst worst;
    uint64_t inexact = 0, checked = 0;
    for (uint64_t base = 0; base < (uint64_t(1) << 32); base += block) {
      for (uint64_t i = 0; i < block; ++i)
        xs[i] = std::bit_cast<float>(static_cast<uint32_t>(base + i));
      emitted(&x, &y, block);
      for (uint64_t i = 0; i < block; i += 8)
        for (unsigned left = reference.suspects(&xs[i], &ys[i]); left;
             left &= left - 1) {
          uint64_t at = i + std::countr_zero(left);
          double e = error(ys[at], c.exact(xs[at]));
          inexact += e != 0;
          worst.see(e, xs[at]);
        }
      checked += block;
    }
    std::printf("%-6s %.3f ULP at %a, %.2f %% of %llu not the nearest\n",
                c.name, worst.error, worst.x, 100.0 * inexact / checked,
                static_cast<unsigned long long>(checked));
    std::fflush(stdout); // of a run of minutes
    EXPECT_LE(worst.error, 2.0) << c.name << " at " << worst.x;
  }
}

} // namespace
