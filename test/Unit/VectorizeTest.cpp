//===- VectorizeTest.cpp - Vectorized linalg ops against scalar loops -----===//
//
// Random linalg ops on buffers (shapes with 0, 1 and primes, static and dynamic
// sizes, strided views) are lowered by lamina-vectorize for every strategy and,
// as the oracle, by upstream's scalar loops. Both run on the same data; the
// whole underlying buffers must agree, so writes outside of a view are seen as
// well.
//
//===----------------------------------------------------------------------===//

#include "VectorizeTemplates.h"
#include "HostJit.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

using namespace lamina;
using namespace lamina::test;

namespace {

/// A linear congruential stream, the same for both runs.
using Random = std::mt19937;

int64_t draw(Random &random, std::initializer_list<int64_t> choices) {
  return choices.begin()[random() % choices.size()];
}

/// One buffer with a view into it.
struct Operand {
  std::string type; // of the element
  bool isScalar = false;
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0, elements = 0;
  std::string typeText;

  size_t elementBytes() const {
    return std::stoul(type.substr(type.find_first_of("0123456789"))) / 8;
  }
};

struct Case {
  const Template *form;
  std::string symbol, text;
  std::vector<Operand> operands;
};

/// The value of "d0+d2" style expressions, each d being its largest index.
int64_t extentOf(const std::string &expr, const std::vector<int64_t> &sizes) {
  int64_t last = 0;
  for (char c : expr)
    if (c >= '0' && c <= '9') {
      if (sizes[c - '0'] == 0)
        return 0;
      last += sizes[c - '0'] - 1;
    }
  return last + 1;
}

Operand layOut(Random &random, const std::string &type,
               std::vector<int64_t> sizes) {
  Operand operand;
  operand.type = type;
  operand.sizes = sizes;
  // 0: contiguous, 1: rows with gaps, 2: every stride with gaps.
  int kind = random() % 4;
  kind = kind == 3 ? 0 : kind;
  int64_t stride = kind == 2 ? draw(random, {2, 3, 4, 5}) : 1;
  operand.strides.resize(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    operand.strides[i] = stride;
    stride *= std::max<int64_t>(sizes[i], 1);
    stride += kind ? random() % 3 : 0;
  }
  operand.offset = kind ? random() % 5 : 0;
  operand.elements = operand.offset + stride + 16;
  std::string text = "memref<";
  for (int64_t size : sizes)
    text += (random() % 2 ? std::to_string(size) : "?") + std::string("x");
  text += type;
  if (kind && !sizes.empty()) {
    text += ", strided<[";
    for (size_t i = 0; i < sizes.size(); ++i)
      text += (i ? ", " : "") +
              (random() % 2 || (i + 1 == sizes.size() && kind == 1)
                   ? std::to_string(operand.strides[i])
                   : std::string("?"));
    text += "], offset: ?>";
  } else {
    operand.offset = 0;
  }
  operand.typeText = text + ">";
  return operand;
}

Case makeCase(Random &random, const Template &form, unsigned number) {
  Case result{&form, "f" + std::to_string(number), "", {}};
  std::vector<int64_t> sizes;
  size_t loops = strlen(form.loops);
  for (size_t i = 0; i < loops; ++i)
    sizes.push_back(loops == 1
                        ? draw(random, {0, 1, 5, 16, 17, 64, 130, 1000, 9001})
                        : draw(random, {0, 1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17,
                                        31, 33, 48, 64, 67, 100, 130}));
  std::string maps, dims, arguments, ins, inTypes, outs, outTypes, region;
  for (size_t i = 0; i < loops; ++i)
    dims += (i ? ", d" : "d") + std::to_string(i);
  size_t count = form.operands.size();
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::string> words;
    std::stringstream stream(form.operands[i]);
    for (std::string word; stream >> word;)
      words.push_back(word);
    Operand operand;
    std::string map;
    if (words.size() == 2 && words[1] == "scalar") {
      operand.type = words[0];
      operand.isScalar = true;
      operand.typeText = words[0];
    } else {
      std::vector<int64_t> extents;
      for (size_t w = 1; w < words.size(); ++w) {
        extents.push_back(extentOf(words[w], sizes));
        map += (w > 1 ? ", " : "") + words[w];
      }
      operand = layOut(random, words[0], extents);
    }
    std::string n = std::to_string(i);
    maps += (i ? ", " : "") + ("affine_map<(" + dims + ") -> (" + map + ")>");
    arguments += (i ? ", %p" : "%p") + n + ": " + operand.typeText;
    region += (i ? ", %" : "%") + n + ": " + operand.type;
    bool isOutput = i + form.outputs >= count;
    std::string &values = isOutput ? outs : ins;
    std::string &types = isOutput ? outTypes : inTypes;
    values += (values.empty() ? "%p" : ", %p") + n;
    types += (types.empty() ? "" : ", ") + operand.typeText;
    result.operands.push_back(operand);
  }
  std::string kinds;
  for (size_t i = 0; i < loops; ++i)
    kinds += std::string(i ? ", " : "") +
             (form.loops[i] == 'p' ? "\"parallel\"" : "\"reduction\"");
  result.text = "func.func @" + result.symbol + "(" + arguments +
                ") attributes {llvm.emit_c_interface} {\nlinalg.generic "
                "{indexing_maps = [" +
                maps + "], iterator_types = [" + kinds + "]} " +
                (ins.empty() ? "" : "ins(" + ins + " : " + inTypes + ") ") +
                "outs(" + outs + " : " + outTypes + ") {\n^bb0(" + region +
                "):\n" + form.body + "\n}\nreturn\n}\n";
  return result;
}

std::unique_ptr<test::HostJit> compile(const std::string &text,
                                       const char *strategy) {
  mlir::MLIRContext context;
  test::loadDialects(context);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return nullptr;
  mlir::PassManager pm(&context);
  if (strategy) {
    VectorizeOptions options;
    options.strategy = strategy;
    pm.addNestedPass<mlir::func::FuncOp>(createVectorize(options));
    SplitMaskedStoresOptions stores;
    stores.strategy = strategy;
    pm.addPass(createSplitMaskedStores(stores));
  } else {
    pm.addPass(mlir::createConvertLinalgToLoopsPass());
  }
  if (failed(pm.run(*module)))
    return nullptr;
  bool hasLinalg = false;
  module->walk([&](mlir::linalg::LinalgOp) { hasLinalg = true; });
  EXPECT_FALSE(hasLinalg);
  return test::HostJit::create(*module);
}

using Bytes = std::vector<uint8_t>;

/// Small values of the element type, never zero for integers.
Bytes randomData(Random &random, const Operand &operand) {
  Bytes bytes(operand.elements * operand.elementBytes());
  for (int64_t i = 0; i < operand.elements; ++i) {
    int64_t integer = 1 + random() % 100;
    double number = static_cast<int64_t>(random() % 2001 - 1000) / 512.0;
    float single = static_cast<float>(number);
    uint8_t *at = bytes.data() + i * operand.elementBytes();
    if (operand.type == "f64")
      memcpy(at, &number, 8);
    else if (operand.type == "f32")
      memcpy(at, &single, 4);
    else if (operand.type == "bf16")
      memcpy(at, reinterpret_cast<char *>(&single) + 2, 2);
    else if (operand.type == "f16") {
      _Float16 half = static_cast<_Float16>(single);
      memcpy(at, &half, 2);
    } else
      memcpy(at, &integer, operand.elementBytes());
  }
  return bytes;
}

/// Calls the C interface: a descriptor per memref, scalars by value.
std::vector<Bytes> run(test::HostJit &jit, const Case &c,
                       std::vector<Bytes> data) {
  std::vector<std::vector<int64_t>> descriptors;
  for (size_t i = 0; i < c.operands.size(); ++i) {
    const Operand &operand = c.operands[i];
    auto pointer = reinterpret_cast<int64_t>(data[i].data());
    std::vector<int64_t> d{pointer, pointer, operand.offset};
    d.insert(d.end(), operand.sizes.begin(), operand.sizes.end());
    d.insert(d.end(), operand.strides.begin(), operand.strides.end());
    descriptors.push_back(d);
  }
  std::string symbol = "_mlir_ciface_" + c.symbol;
  auto at = [&](size_t i) { return descriptors[i].data(); };
  if (c.operands[0].isScalar) {
    jit.lookup<void(float, void *)>(symbol)(2.5f, at(1));
    return data;
  }
  switch (c.operands.size()) {
  case 1:
    jit.lookup<void(void *)>(symbol)(at(0));
    break;
  case 2:
    jit.lookup<void(void *, void *)>(symbol)(at(0), at(1));
    break;
  case 3:
    jit.lookup<void(void *, void *, void *)>(symbol)(at(0), at(1), at(2));
    break;
  default:
    jit.lookup<void(void *, void *, void *, void *)>(symbol)(at(0), at(1),
                                                             at(2), at(3));
  }
  return data;
}

template <class T>
void expectClose(const Bytes &actual, const Bytes &expected,
                 const std::string &where) {
  for (size_t i = 0; i < actual.size() / sizeof(T); ++i) {
    T a, e;
    memcpy(&a, actual.data() + i * sizeof(T), sizeof(T));
    memcpy(&e, expected.data() + i * sizeof(T), sizeof(T));
    ASSERT_NEAR(a, e, 2e-5 * std::max<T>(std::fabs(e), 8))
        << where << "element " << i;
  }
}

void check(test::HostJit &jit, test::HostJit &oracle, const Case &c,
           const std::string &where) {
  Random random(1);
  std::vector<Bytes> data;
  for (const Operand &operand : c.operands)
    data.push_back(randomData(random, operand));
  auto actual = run(jit, c, data), expected = run(oracle, c, data);
  for (size_t i = 0; i < c.operands.size(); ++i) {
    if (c.form->isSum && c.operands[i].type == "f32")
      expectClose<float>(actual[i], expected[i], where);
    else if (c.form->isSum && c.operands[i].type == "f64")
      expectClose<double>(actual[i], expected[i], where);
    else
      ASSERT_EQ(actual[i], expected[i]) << where << "operand " << i;
  }
}

class VectorizeTest : public testing::TestWithParam<const char *> {};

TEST_P(VectorizeTest, AgreesWithScalarLoops) {
  Random random(20);
  const char *many = std::getenv("LAMINA_TEST_CASES");
  unsigned rounds = many ? std::atoi(many) : 2;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<Case> cases;
    std::string text;
    for (const Template &form : kTemplates) {
      cases.push_back(makeCase(random, form, cases.size()));
      text += cases.back().text;
    }
    auto jit = compile(text, GetParam()), oracle = compile(text, nullptr);
    ASSERT_TRUE(jit && oracle);
    for (const Case &c : cases)
      check(*jit, *oracle, c, std::string(c.form->name) + ":\n" + c.text);
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, VectorizeTest,
                         testing::Values("cpu-avx512", "cpu-avx2",
                                         "cpu-generic"),
                         [](const auto &info) {
                           return std::string(info.param).substr(4);
                         });

TEST(VectorizeSums, StayAccurateOverTenMillionTerms) {
  std::string text;
  for (const char *form :
       {"(d0) -> ()|memref<?xf32>|memref<f32>|row",
        "(d0, d1) -> (d1)|memref<?x3xf32>|memref<3xf32>|column"}) {
    std::vector<std::string> words;
    std::stringstream stream(form);
    for (std::string word; std::getline(stream, word, '|');)
      words.push_back(word);
    std::string dims = words[0].substr(0, words[0].find(" ->"));
    bool two = dims.size() > 4;
    text += "func.func @" + words[3] + "(%x: " + words[1] +
            ", %y: " + words[2] +
            ") attributes {llvm.emit_c_interface} {\nlinalg.generic "
            "{indexing_maps = [affine_map<" +
            dims + " -> " + dims + ">, affine_map<" + words[0] +
            ">], iterator_types = [" +
            (two ? "\"reduction\", \"parallel\"" : "\"reduction\"") +
            "]} ins(%x : " + words[1] + ") outs(%y : " + words[2] +
            ") {\n^bb0(%a: f32, %b: f32):\n%s = arith.addf %a, %b : f32\n"
            "linalg.yield %s : f32\n}\nreturn\n}\n";
  }
  auto jit = compile(text, "cpu-avx512");
  ASSERT_TRUE(jit);
  std::vector<float> x(9999999);
  Random random(3);
  double exact = 0, exactColumn = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = 0.1f + static_cast<float>(random() % 1000) / 1000;
    exact += x[i];
    exactColumn += i % 3 == 1 ? x[i] : 0;
  }
  float sums[3] = {0, 0, 0};
  auto pointer = reinterpret_cast<int64_t>(x.data());
  auto out = reinterpret_cast<int64_t>(sums);
  int64_t size = x.size();
  int64_t row[] = {pointer, pointer, 0, size, 1}, scalar[] = {out, out, 0};
  jit->lookup<void(void *, void *)>("_mlir_ciface_row")(row, scalar);
  EXPECT_NEAR(sums[0] / exact, 1, 2e-7);
  int64_t matrix[] = {pointer, pointer, 0, size / 3, 3, 3, 1};
  int64_t vector[] = {out, out, 0, 3, 1};
  sums[0] = 0;
  jit->lookup<void(void *, void *)>("_mlir_ciface_column")(matrix, vector);
  EXPECT_NEAR(sums[1] / exactColumn, 1, 2e-7);
  // An infinite term makes an infinite sum, not NaN.
  x[12345] = INFINITY;
  sums[0] = 0;
  jit->lookup<void(void *, void *)>("_mlir_ciface_row")(row, scalar);
  EXPECT_EQ(sums[0], INFINITY);
}

} // namespace
