//===- StructurePrograms.h - random programs that move elements -*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_STRUCTUREPROGRAMS_H
#define LAMINA_TEST_UNIT_STRUCTUREPROGRAMS_H

#include "RandomPrograms.h"
#include "llvm/ADT/STLExtras.h"

namespace lamina::test {

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

inline std::string broadcast(Program &p) {
  Shape to = p.shape(0, 4), dims = p.some(0, to.size()), from;
  std::set<int64_t> repeated;
  for (int64_t dim : dims) {
    bool repeats = p.random.integer(0, 1);
    if (repeats)
      repeated.insert(from.size());
    from.push_back(repeats ? 1 : to[dim]);
  }
  std::string x = p.input(from, repeated), type = p.type(to);
  return p.emit("lam.broadcast " + x + " dims " + list(dims) +
                    p.sizes(type, to) + " : " + p.types[x] + " -> " + type,
                type);
}

inline std::string reshape(Program &p) {
  Shape from = p.shape(0, 4), to;
  int64_t count = 1;
  for (int64_t each : from)
    count *= each;
  // Another factorization of the count.
  for (int64_t rest = count; rest > 1;) {
    int64_t factor = 2;
    while (rest % factor || p.random.integer(0, 2) == 0)
      factor = factor >= rest ? rest : factor + 1;
    to.push_back(factor);
    rest /= factor;
  }
  if (count == 0)
    to = {3, 0};
  else if (p.random.integer(0, 1))
    to.insert(to.begin() + p.random.integer(0, to.size()), 1);
  std::string x = p.input(from), type = p.type(to);
  return p.emit("lam.reshape " + x + p.sizes(type, to) + " : " + p.types[x] +
                    " -> " + type,
                type);
}

inline std::string transpose(Program &p) {
  Shape from = p.shape(0, 4), perm = p.permutation(from.size());
  std::string x = p.input(from);
  std::vector<std::string> dims;
  for (int64_t dim : perm)
    dims.push_back(p.dims(x)[dim]);
  std::string type = p.tensor(dims);
  return p.emit("lam.transpose " + x + " perm " + list(perm) + " : " +
                    p.types[x] + " -> " + type,
                type);
}

inline std::string reverse(Program &p) {
  Shape from = p.shape(0, 3);
  std::string x = p.input(from);
  return p.apply("lam.reverse " + x + " dims " + list(p.some(0, from.size())),
                 x);
}

/// Where a small box lies in a large one: offsets, strides.
inline void place(Program &p, Shape &small, Shape &large, Shape &strides,
                  std::string &offsets) {
  for (int64_t each : small) {
    int64_t stride = p.random.integer(1, 3), offset = p.random.integer(0, 2);
    int64_t span = each ? (each - 1) * stride + 1 : 0;
    large.push_back(offset + span + p.random.integer(0, 3));
    strides.push_back(stride);
    offsets += (offsets.empty() ? "" : ", ") +
               (p.coin() ? p.index(offset) : std::to_string(offset));
  }
  offsets = "[" + offsets + "]";
}

inline std::string slice(Program &p) {
  Shape small = p.shape(0, 3), large, strides;
  std::string offsets;
  place(p, small, large, strides, offsets);
  std::string x = p.input(large), type = p.type(small);
  return p.emit("lam.slice " + x + " " + offsets + " strides " + list(strides) +
                    p.sizes(type, small) + " : " + p.types[x] + " -> " + type,
                type);
}

inline std::string pad(Program &p) {
  Shape small = p.shape(0, 3), large, strides;
  std::string offsets;
  place(p, small, large, strides, offsets);
  std::string x = p.input(small), value = p.input({}), type = p.type(large);
  return p.emit("lam.pad " + x + " value " + value + " " + offsets +
                    " strides " + list(strides) + p.sizes(type, large) + " : " +
                    p.types[x] + ", " + p.types[value] + " -> " + type,
                type);
}

inline std::string concat(Program &p) {
  Shape base = p.shape(1, 3);
  int64_t dim = p.random.integer(0, base.size() - 1), total = 0;
  std::string xs, types;
  for (int64_t n = p.random.integer(1, 4); n > 0; --n) {
    base[dim] = p.size();
    total += base[dim];
    std::string x = p.input(base);
    xs += (xs.empty() ? "" : ", ") + x;
    types += (types.empty() ? "" : ", ") + p.types[x];
  }
  base[dim] = total;
  std::string type = p.type(base);
  return p.emit("lam.concat " + xs + " dim " + std::to_string(dim) + " : (" +
                    types + ") -> " + type,
                type);
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

struct Places {
  Shape x, axes, updates;
  std::string indices, attributes;
};

/// Indices into a random tensor, some of them outside, some twice. `room` is
/// the least size of an indexed dimension.
inline Places places(Program &p, int64_t room) {
  Places result;
  auto sized = [&](int64_t low) { return p.random.integer(low, 4); };
  int64_t batch = p.random.integer(0, 1), rank = p.random.integer(1, 3) + batch;
  for (int64_t i = 0; i < rank; ++i)
    if (result.axes.size() < 2 && i >= batch && p.random.integer(0, 1))
      result.axes.push_back(i);
  for (int64_t i = 0; i < rank; ++i)
    result.x.push_back(sized(llvm::is_contained(result.axes, i) ? room : 0));
  Shape at(result.x.begin(), result.x.begin() + batch);
  for (int64_t n = p.random.integer(0, 2); n > 0; --n)
    at.push_back(sized(0));
  result.updates = at;
  for (int64_t i = batch; i < rank; ++i)
    if (!llvm::is_contained(result.axes, i))
      result.updates.push_back(result.x[i]);
  at.push_back(result.axes.size());
  result.indices = p.integers(at, -1, 4, {int64_t(at.size()) - 1});
  result.attributes =
      " axes " + list(result.axes) +
      (batch ? " {batch_dims = " + std::to_string(batch) + " : i64}" : "");
  return result;
}

inline std::string gather(Program &p) {
  Places at = places(p, 1);
  std::string x = p.input(at.x), type = p.type(at.updates);
  return p.emit("lam.gather " + x + " at " + at.indices + at.attributes +
                    " : " + p.types[x] + ", " + p.types[at.indices] + " -> " +
                    type,
                type);
}

/// Every kind is linear in x and updates together but the product and the
/// extremes.
inline std::string scatter(Program &p, const std::string &kind) {
  Places at = places(p, 0);
  std::string x = p.input(at.x), updates = p.input(at.updates);
  return p.emit("lam.scatter " + kind + " " + updates + " into " + x + " at " +
                    at.indices + at.attributes + " : " + p.types[updates] +
                    ", " + p.types[x] + ", " + p.types[at.indices],
                p.types[x]);
}

inline constexpr ProgramWriter structureWriters[] = {
    {"broadcast", "lam.broadcast", true, broadcast},
    {"reshape", "lam.reshape", true, reshape},
    {"transpose", "lam.transpose", true, transpose},
    {"reverse", "lam.reverse", true, reverse},
    {"slice", "lam.slice", true, slice},
    {"pad", "lam.pad", true, pad},
    {"concat", "lam.concat", true, concat},
    {"gather", "lam.gather", true, gather},
    {"scatterSet", "lam.scatter", true,
     [](Program &p) { return scatter(p, "set"); }},
    {"scatterAdd", "lam.scatter", true,
     [](Program &p) { return scatter(p, "add"); }},
    {"scatterMul", "lam.scatter", false,
     [](Program &p) { return scatter(p, "mul"); }},
    {"scatterMax", "lam.scatter", false,
     [](Program &p) { return scatter(p, "max"); }},
    {"scatterMin", "lam.scatter", false,
     [](Program &p) { return scatter(p, "min"); }},
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_STRUCTUREPROGRAMS_H
