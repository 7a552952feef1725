//===- ContractionPrograms.h - random dots and convolutions -----*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_CONTRACTIONPROGRAMS_H
#define LAMINA_TEST_UNIT_CONTRACTIONPROGRAMS_H

#include "RandomPrograms.h"
#include "llvm/ADT/STLExtras.h"

namespace lamina::test {

inline std::string dot(Program &p) {
  // The roles of the dimensions, which each operand has in an order of its own.
  Shape batch = p.shape(0, 1), contract = p.shape(0, 2);
  struct Side {
    std::string name;
    Shape batch, contract, free;
  };
  auto side = [&] {
    Shape free = p.shape(0, 2), sizes(batch);
    sizes.insert(sizes.end(), contract.begin(), contract.end());
    sizes.insert(sizes.end(), free.begin(), free.end());
    Shape order = p.permutation(sizes.size()), shape(sizes.size());
    Side result;
    for (size_t i = 0; i < sizes.size(); ++i) {
      shape[order[i]] = sizes[i];
      (i < batch.size()                     ? result.batch
       : i < batch.size() + contract.size() ? result.contract
                                            : result.free)
          .push_back(order[i]);
    }
    result.name = p.input(shape);
    llvm::sort(result.free);
    return result;
  };
  Side a = side(), b = side();
  std::vector<std::string> dims;
  for (int64_t dim : a.batch)
    dims.push_back(p.dims(a.name)[dim]);
  for (int64_t dim : a.free)
    dims.push_back(p.dims(a.name)[dim]);
  for (int64_t dim : b.free)
    dims.push_back(p.dims(b.name)[dim]);
  std::string type = p.tensor(dims);
  return p.emit("lam.dot " + a.name + ", " + b.name + " batch " +
                    list(a.batch) + " x " + list(b.batch) + " contract " +
                    list(a.contract) + " x " + list(b.contract) + " : (" +
                    p.types[a.name] + ", " + p.types[b.name] + ") -> " + type,
                type);
}

/// Strides, pads (also negative), holes on both sides, groups; often with a
/// rest behind the last place of the window.
inline std::string conv(Program &p) {
  int64_t spatial = p.random.integer(0, 2), groups = p.random.integer(1, 3),
          in = p.random.integer(1, 2), out = groups * p.random.integer(1, 2),
          batch = p.random.integer(0, 3);
  Shape x{batch}, kernel, y{batch}, strides, low, high, holes, steps;
  for (int64_t i = 0; i < spatial; ++i) {
    x.push_back(p.random.integer(1, 7));
    kernel.push_back(p.random.integer(1, 3));
    strides.push_back(p.random.integer(1, 3));
    low.push_back(p.random.integer(-1, 2));
    high.push_back(p.random.integer(-1, 2));
    holes.push_back(p.random.integer(1, 2));
    steps.push_back(p.random.integer(1, 2));
    int64_t room = (x[i + 1] - 1) * holes[i] + low[i] + high[i] -
                   (kernel[i] - 1) * steps[i];
    y.push_back(room < 0 ? 0 : room / strides[i] + 1);
  }
  x.push_back(groups * in);
  kernel.push_back(in);
  kernel.push_back(out);
  y.push_back(out);
  std::set<int64_t> window;
  if (p.coin())
    for (int64_t i = 0; i < spatial; ++i)
      window.insert(i);
  std::string a = p.input(x), k = p.input(kernel, window), type = p.type(y);
  return p.emit("lam.conv " + a + ", " + k + " strides " + list(strides) +
                    " pad " + list(low) + " x " + list(high) + " dilation " +
                    list(holes) + " x " + list(steps) + p.sizes(type, y) +
                    " {groups = " + std::to_string(groups) + " : i64} : " +
                    p.types[a] + ", " + p.types[k] + " -> " + type,
                type);
}

inline constexpr ProgramWriter contractionWriters[] = {
    {"dot", "lam.dot", false, dot},
    {"conv", "lam.conv", false, conv},
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_CONTRACTIONPROGRAMS_H
