//===- LamToLinalgPointwiseTest.cpp - every pointwise op, every dtype -----===//

#include "LinalgRunner.h"

using namespace lamina;
using namespace lamina::test;

namespace {

const std::vector<DType> allTypes = {
    DType::Bool,   DType::Int8,    DType::Int16,    DType::Int32,
    DType::Int64,  DType::UInt8,   DType::UInt16,   DType::UInt32,
    DType::UInt64, DType::Float16, DType::BFloat16, DType::Float32,
    DType::Float64};

/// Numbers at which something may go wrong, and some ordinary ones.
std::vector<double> interesting(DType dtype, Random &random) {
  std::vector<double> numbers;
  if (dtype == DType::Bool)
    return {0, 1};
  if (isFloat(dtype)) {
    numbers = {0.0,   -0.0,  1,      -1,          0.5,      -0.5,  1.5,
               2.5,   2,     -2,     3,           7,        10.25, -10.5,
               1e-3,  -1e-6, 0.999,  -0.99999,    INFINITY, 20,    -30,
               88,    -100,  1000.0, 1e-30,       3.7e4,    1e30,  -1e9,
               -1e20, 1e-40, -1e300, std::nan("")};
  } else {
    double low = isSigned(dtype) ? -std::ldexp(1, bitWidth(dtype) - 1) : 0;
    double high = std::ldexp(1, bitWidth(dtype) - isSigned(dtype));
    numbers = {0, 1, 2, 3, 5, 7, 8, 31, 64, 100, low, low + 1, high / 2};
    numbers.push_back(bitWidth(dtype) == 64 ? std::nextafter(high, 0)
                                            : high - 1);
    if (isSigned(dtype))
      numbers.insert(numbers.end(), {-1, -2, -3, -7, -31});
  }
  for (int i = 0; i < 12; ++i)
    numbers.push_back(isFloat(dtype) ? random.integer(-5000, 5000) / 997.0
                                     : random.integer(0, 90));
  return numbers;
}

NDArray arrayOf(const std::vector<double> &numbers, DType dtype) {
  NDArray array(dtype, {int64_t(numbers.size())});
  for (auto [i, number] : llvm::enumerate(numbers)) {
    // Only floats hold what is not an integer of 64 bits.
    if (isFloat(dtype))
      array.setDouble(i, number);
    else if (number >= std::ldexp(1, 63))
      array.setInt(i, static_cast<int64_t>(static_cast<uint64_t>(number)));
    else
      array.setInt(i, static_cast<int64_t>(number));
  }
  return array;
}

/// `arity` arrays that hold every combination of interesting numbers.
std::vector<NDArray> combinations(unsigned arity, DType dtype, Random &random) {
  std::vector<double> numbers = interesting(dtype, random);
  std::vector<NDArray> arrays;
  size_t total = 1;
  for (unsigned i = 0; i < arity; ++i)
    total *= numbers.size();
  size_t stride = 1;
  for (unsigned i = 0; i < arity; ++i, stride *= numbers.size()) {
    std::vector<double> column;
    for (size_t j = 0; j < total; ++j)
      column.push_back(numbers[j / stride % numbers.size()]);
    arrays.push_back(arrayOf(column, dtype));
  }
  return arrays;
}

/// `name` of arrays; the result has the type `to`.
Function pointwise(llvm::StringRef name, std::vector<NDArray> arrays,
                   DType to) {
  Function f;
  DType from = arrays[0].dtype();
  Shape shape{{arrays[0].size(), true}};
  std::string operands;
  for (NDArray &array : arrays)
    operands += (operands.empty() ? "" : ", ") + f.input(shape, array);
  f.line("%y = " + name.str() + " " + operands + " : " + typeText(shape, from));
  f.result("%y", shape, to);
  return f;
}

/// Every element type that the op's verifier admits.
TEST(Pointwise, AgreesWithTheInterpreter) {
  Random random(20240607);
  int count = 0;
  for (mlir::RegisteredOperationName name : lamOps()) {
    std::string op = name.getStringRef().str();
    if (!name.hasInterface<lam::PointwiseOpInterface>() || op == "lam.select")
      continue;
    std::vector<Function> functions;
    auto add = [&](DType dtype) {
      for (unsigned arity : {1, 2})
        for (DType to : {dtype, DType::Bool}) {
          Function f = pointwise(op, combinations(arity, dtype, random), to);
          f.slack = 16;
          if (!parse(f.text("f"), /*quiet=*/true))
            continue;
          functions.push_back(std::move(f));
          return;
        }
    };
    llvm::for_each(allTypes, add);
    EXPECT_FALSE(functions.empty()) << "no element type fits " << op;
    SCOPED_TRACE(op);
    checkAll(functions);
    ++count;
  }
  EXPECT_GE(count, 60);
}

TEST(Cast, EveryPairOfTypes) {
  Random random(7);
  std::vector<Function> functions;
  for (DType from : allTypes)
    for (DType to : allTypes) {
      std::vector<double> numbers = interesting(from, random);
      if (isFloat(from)) // Around the limits of every integer type.
        for (int bits : {7, 8, 15, 16, 31, 32, 63, 64})
          for (double sign : {1.0, -1.0})
            for (double offset : {-1.5, -1.0, -0.5, 0.0, 0.5, 1.0})
              numbers.push_back(sign * std::ldexp(1, bits) + offset);
      if (from == DType::Float64) // Rounds once: these are near ties.
        for (double number : {1 + std::ldexp(1, -11) + std::ldexp(1, -40),
                              1 + 3 * std::ldexp(1, -11) - std::ldexp(1, -40),
                              -1 - std::ldexp(1, -8) - std::ldexp(1, -45),
                              1 + 3 * std::ldexp(1, -8) - std::ldexp(1, -45),
                              65519.999999, 65520.0, 3.39e38, 3.4e38, 1e-8})
          numbers.push_back(number);
      Function f;
      Shape shape{{int64_t(numbers.size())}};
      std::string x = f.input(shape, arrayOf(numbers, from));
      f.line("%y = lam.cast " + x + " : " + typeText(shape, from) + " -> " +
             typeText(shape, to));
      f.result("%y", shape, to);
      f.slack = 0;
      functions.push_back(std::move(f));
    }
  checkAll(functions);
}

TEST(Bitcast, EveryPairOfOneWidth) {
  Random random(8);
  std::vector<Function> functions;
  for (DType from : allTypes)
    for (DType to : allTypes) {
      if (from == DType::Bool || to == DType::Bool ||
          bitWidth(from) != bitWidth(to))
        continue;
      Function f;
      NDArray array = arrayOf(interesting(from, random), from);
      Shape shape{{array.size(), true}};
      std::string x = f.input(shape, array);
      f.line("%y = lam.bitcast " + x + " : " + typeText(shape, from) + " -> " +
             typeText(shape, to));
      f.result("%y", shape, to);
      functions.push_back(std::move(f));
    }
  checkAll(functions);
}

TEST(Select, EveryTypeAndRank) {
  Random random(9);
  std::vector<Function> functions;
  for (DType dtype : allTypes)
    for (int64_t rank = 0; rank < 4; ++rank) {
      Function f;
      Shape shape = random.shape(rank);
      auto sizes = sizesOf(shape);
      std::string c = f.input(shape, random.array(sizes, DType::Bool)),
                  a = f.input(shape, random.array(sizes, dtype, true)),
                  b = f.input(shape, random.array(sizes, dtype, true));
      f.line("%s = lam.select " + c + ", " + a + ", " + b + " : " +
             typeText(shape, dtype));
      f.line("%y = lam.stop_gradient %s : " + typeText(shape, dtype));
      f.result("%y", shape, dtype);
      functions.push_back(std::move(f));
    }
  checkAll(functions);
}

/// Broadcasts, transposes, unit dimensions and splats that end up in the maps
/// and bodies of their users.
TEST(Operands, AreReadThroughMaps) {
  Random random(10);
  std::vector<Function> functions;
  for (bool dynamic : {false, true}) {
    Function f;
    Shape whole{{3, dynamic}, {4, dynamic}, {5, false}}, column{{4, dynamic}},
        row{{5, false}}, unit{{1}, {4, dynamic}, {1}},
        turned{{5, false}, {4, dynamic}, {3, dynamic}};
    DType type = DType::Float32;
    auto input = [&](const Shape &shape) {
      return f.input(shape, random.array(sizesOf(shape), type));
    };
    std::string x = input(whole), t = input(turned), c = input(column),
                r = input(row);
    std::string n = f.sizes(whole), m = f.sizes(column);
    std::string w = typeText(whole, type);
    f.line("%k = lam.constant dense<2.5> : tensor<f32>");
    f.line("%kb = lam.broadcast %k dims [] " + n + " : tensor<f32> -> " + w);
    f.line("%tt = lam.transpose " + t +
           " perm [2, 1, 0] : " + typeText(turned, type) + " -> " + w);
    f.line("%cu = lam.reshape " + c + " " + m + " : " + typeText(column, type) +
           " -> " + typeText(unit, type));
    f.line("%cb = lam.broadcast %cu dims [0, 1, 2] " + n + " : " +
           typeText(unit, type) + " -> " + w);
    f.line("%rb = lam.broadcast " + r + " dims [2] " + n + " : " +
           typeText(row, type) + " -> " + w);
    f.line("%0 = lam.mul " + x + ", %kb : " + w);
    f.line("%1 = lam.add %0, %tt : " + w);
    f.line("%2 = lam.sub %1, %cb : " + w);
    f.line("%3 = lam.max %2, %rb : " + w);
    f.result("%3", whole, type);
    // Reductions of what is read through a map.
    f.line("%4 = lam.reduce sum %cb dims [0, 2] : " + w + " -> " +
           typeText(column, type));
    f.result("%4", column, type);
    f.line("%5 = lam.reduce prod %kb dims [1] : " + w + " -> " +
           typeText({whole[0], whole[2]}, type));
    f.result("%5", {whole[0], whole[2]}, type);
    functions.push_back(std::move(f));
  }
  checkAll(functions);
}

TEST(Coverage, EveryOpWasCompiled) { expectCovered(elementOps); }

} // namespace
