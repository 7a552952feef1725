//===- ReductionPrograms.h - random reductions and orders -------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_REDUCTIONPROGRAMS_H
#define LAMINA_TEST_UNIT_REDUCTIONPROGRAMS_H

#include "RandomPrograms.h"
#include "llvm/ADT/STLExtras.h"

namespace lamina::test {

inline std::string reduce(Program &p, const std::string &kind) {
  Shape shape = p.shape(0, 4), dims = p.some(0, shape.size());
  bool isExtreme = kind == "max" || kind == "min";
  for (int64_t dim : dims) // an empty extreme is infinite
    shape[dim] = std::max<int64_t>(shape[dim], isExtreme);
  std::string x = p.input(shape);
  if (kind == "prod" &&
      llvm::none_of(dims, [&](int64_t dim) { return p.dims(x)[dim] == "?"; }))
    p.addZeros();
  std::vector<std::string> kept;
  for (size_t i = 0; i < shape.size(); ++i)
    if (!llvm::is_contained(dims, static_cast<int64_t>(i)))
      kept.push_back(p.dims(x)[i]);
  std::string type = p.tensor(kept);
  return p.emit("lam.reduce " + kind + " " + x + " dims " + list(dims) + " : " +
                    p.types[x] + " -> " + type,
                type);
}

inline std::string cumulative(Program &p, const std::string &kind) {
  Shape shape = p.shape(1, 3);
  int64_t dim = p.random.integer(0, shape.size() - 1);
  bool exclusive = p.coin(), reverse = p.coin();
  std::string x = p.input(shape);
  if (kind == "prod" && p.dims(x)[dim] != "?")
    p.addZeros();
  std::string y = p.apply(
      "lam.cumulative " + kind + " " + x + " dim " + std::to_string(dim) +
          (exclusive ? " exclusive" : "") + (reverse ? " reverse" : ""),
      x);
  if (!exclusive || kind == "sum" || kind == "prod")
    return y;
  // The extreme of nothing is infinite: without it.
  Shape offsets(shape.size(), 0), strides(shape.size(), 1);
  if (shape[dim] > 0) {
    --shape[dim];
    offsets[dim] = !reverse;
  }
  std::string type = p.type(shape);
  return p.emit("lam.slice " + y + " " + list(offsets) + " strides " +
                    list(strides) + p.sizes(type, shape) + " : " + p.types[y] +
                    " -> " + type,
                type);
}

inline std::string sort(Program &p) {
  Shape shape = p.shape(1, 3);
  std::string x = p.input(shape), type = p.types[x], indices = type;
  indices.replace(indices.rfind(p.element), p.element.size(), "i32");
  std::string y =
      p.emit("lam.sort " + x + " dim " +
                 std::to_string(p.random.integer(0, shape.size() - 1)) +
                 (p.coin() ? " descending" : "") + " : " + type + " -> " +
                 type + ", " + indices,
             type, /*results=*/2);
  return y;
}

/// Windows that lie partly in the padding; the extreme of only padding becomes
/// 0.
inline std::string window(Program &p, const std::string &kind) {
  int64_t rank = p.random.integer(1, 3);
  Shape x, y, window, strides, low, high, dilation;
  for (int64_t i = 0; i < rank; ++i) {
    x.push_back(p.random.integer(0, 7));
    window.push_back(p.random.integer(1, 3));
    strides.push_back(p.random.integer(1, 3));
    low.push_back(p.random.integer(-1, 2));
    high.push_back(p.random.integer(-1, 2));
    dilation.push_back(p.random.integer(1, 2));
    int64_t room = x[i] + low[i] + high[i] - (window[i] - 1) * dilation[i] - 1;
    y.push_back(room < 0 ? 0 : room / strides[i] + 1);
  }
  std::string in = p.input(x);
  if (kind == "prod")
    p.addZeros();
  std::string type = p.type(y);
  std::string result =
      p.emit("lam.window " + kind + " " + in + " window " + list(window) +
                 " strides " + list(strides) + " pad " + list(low) + " x " +
                 list(high) + " dilation " + list(dilation) + p.sizes(type, y) +
                 " : " + p.types[in] + " -> " + type,
             type);
  if (kind == "sum" || kind == "prod")
    return result;
  std::string finite = p.apply("lam.is_finite " + result, result);
  std::string zero =
      p.emit("lam.constant dense<0.0> : " + p.tensor({}), p.tensor({}));
  std::string none =
      p.emit("lam.broadcast " + zero + " dims []" + p.sizes(type, y) + " : " +
                 p.tensor({}) + " -> " + type,
             type);
  return p.apply("lam.select " + finite + ", " + result + ", " + none, result);
}

inline std::string select(Program &p) {
  Shape shape = p.shape(0, 3);
  std::string a = p.input(shape);
  std::string b = p.argument(p.random.normals(shape), p.types[a]);
  std::string condition = p.apply("lam.gt " + a + ", " + b, a);
  return p.apply("lam.select " + condition + ", " + b + ", " + a, a);
}

inline std::string cast(Program &p) {
  std::string x = p.input(p.shape(0, 3)), narrow = p.types[x];
  narrow.replace(narrow.rfind(p.element), p.element.size(), "f16");
  std::string y =
      p.emit("lam.cast " + x + " : " + p.types[x] + " -> " + narrow, narrow);
  return p.emit("lam.cast " + y + " : " + narrow + " -> " + p.types[x],
                p.types[x]);
}

inline constexpr ProgramWriter reductionWriters[] = {
    {"reduceSum", "lam.reduce", true,
     [](Program &p) { return reduce(p, "sum"); }},
    {"reduceProd", "lam.reduce", false,
     [](Program &p) { return reduce(p, "prod"); }},
    {"reduceMax", "lam.reduce", false,
     [](Program &p) { return reduce(p, "max"); }},
    {"reduceMin", "lam.reduce", false,
     [](Program &p) { return reduce(p, "min"); }},
    {"cumulativeSum", "lam.cumulative", true,
     [](Program &p) { return cumulative(p, "sum"); }},
    {"cumulativeProd", "lam.cumulative", false,
     [](Program &p) { return cumulative(p, "prod"); }},
    {"cumulativeMax", "lam.cumulative", false,
     [](Program &p) { return cumulative(p, "max"); }},
    {"cumulativeMin", "lam.cumulative", false,
     [](Program &p) { return cumulative(p, "min"); }},
    {"sort", "lam.sort", false, sort},
    {"windowSum", "lam.window", true,
     [](Program &p) { return window(p, "sum"); }},
    {"windowProd", "lam.window", false,
     [](Program &p) { return window(p, "prod"); }},
    {"windowMax", "lam.window", false,
     [](Program &p) { return window(p, "max"); }},
    {"windowMin", "lam.window", false,
     [](Program &p) { return window(p, "min"); }},
    {"select", "lam.select", false, select},
    {"cast", "lam.cast", true, cast},
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_REDUCTIONPROGRAMS_H
