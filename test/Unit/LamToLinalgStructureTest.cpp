//===- LamToLinalgStructureTest.cpp - structural ops, random shapes -------===//

#include "LinalgRunner.h"

using namespace lamina;
using namespace lamina::test;

namespace {

const std::vector<DType> types = {
    DType::Bool,     DType::Int8,    DType::UInt8,
    DType::Int32,    DType::UInt64,  DType::Float16,
    DType::BFloat16, DType::Float32, DType::Float64};
const std::vector<DType> numberTypes(types.begin() + 1, types.end());
constexpr int trials = 24;

std::string arrow(const std::string &from, const std::string &to) {
  return " : " + from + " -> " + to;
}

void check(unsigned seed, llvm::function_ref<Function(Random &)> make) {
  Random random(seed);
  std::vector<Function> functions;
  for (int i = 0; i < trials; ++i)
    functions.push_back(make(random));
  checkAll(functions);
}

TEST(Structure, Constant) {
  check(1, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    bool splat = random.flip();
    std::string value = type == DType::Bool ? "true"
                        : isFloat(type)     ? "1.5"
                                            : "42";
    Shape shape = splat ? Shape{{random.dim().size}, {2}} : Shape{{2}, {1}};
    f.line("%y = lam.constant dense<" +
           (splat ? value
                  : "[[" + value + "], [" +
                        (type == DType::Bool ? "false"
                         : isFloat(type)     ? "-2.0"
                                             : "3") +
                        "]]") +
           "> : " + typeText(shape, type));
    f.result("%y", shape, type);
    return f;
  });
}

TEST(Structure, Broadcast) {
  check(2, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Shape to = random.shape(random.integer(0, 4)), from;
    auto dims = random.subset(to.size(), random.integer(0, int64_t(to.size())));
    for (int64_t dim : dims)
      from.push_back(random.flip() ? to[dim] : Dim{1});
    std::string x = f.input(from, random.array(sizesOf(from), type));
    f.line("%y = lam.broadcast " + x + " dims " + listText(dims) + " " +
           f.sizes(to) + arrow(typeText(from, type), typeText(to, type)));
    f.result("%y", to, type);
    return f;
  });
}

TEST(Structure, Transpose) {
  check(3, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Shape from = random.shape(random.integer(0, 4)), to;
    auto perm = random.permutation(from.size());
    for (int64_t dim : perm)
      to.push_back(from[dim]);
    std::string x = f.input(from, random.array(sizesOf(from), type));
    f.line("%y = lam.transpose " + x + " perm " + listText(perm) +
           arrow(typeText(from, type), typeText(to, type)));
    f.result("%y", to, type);
    return f;
  });
}

TEST(Structure, Reverse) {
  check(4, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Shape shape = random.shape(random.integer(0, 3));
    auto dims =
        random.subset(shape.size(), random.integer(0, int64_t(shape.size())));
    std::string x = f.input(shape, random.array(sizesOf(shape), type));
    f.line("%y = lam.reverse " + x + " dims " + listText(dims) + " : " +
           typeText(shape, type));
    f.result("%y", shape, type);
    return f;
  });
}

/// Splits and joins sizes at random.
Shape regroup(Random &random, const Shape &from) {
  std::vector<int64_t> factors;
  int64_t total = 1;
  for (Dim dim : from) {
    total *= dim.size;
    factors.push_back(dim.size);
  }
  Shape to;
  for (int64_t left = total; left > 1;) {
    int64_t factor = left;
    for (int64_t tried : {2, 3, 5, 7})
      if (left % tried == 0 && random.flip())
        factor = tried;
    left /= factor;
    to.push_back({factor, random.flip()});
  }
  if (total == 0)
    to = random.shape(2), to.push_back({0, random.flip()});
  for (int i = 0; i < 2; ++i)
    if (random.flip())
      to.insert(to.begin() + random.integer(0, to.size()), {1, random.flip()});
  return to;
}

void reshape(unsigned seed, llvm::function_ref<Shape(Random &)> start) {
  check(seed, [&](Random &random) {
    Function f;
    DType type = random.pick(types);
    Shape from = start(random), to = regroup(random, from);
    std::string x = f.input(from, random.array(sizesOf(from), type));
    f.line("%y = lam.reshape " + x + " " + f.sizes(to) +
           arrow(typeText(from, type), typeText(to, type)));
    f.result("%y", to, type);
    return f;
  });
}

TEST(Structure, Reshape) {
  reshape(5, [](Random &random) { return random.shape(random.integer(0, 4)); });
}

TEST(Structure, ReshapeOfSomething) {
  reshape(6,
          [](Random &random) { return random.shape(random.integer(1, 4), 1); });
}

/// The leading size is the operand's own, as it is for batches.
TEST(Structure, ReshapeKeepsBatch) {
  check(7, [](Random &random) {
    Function f;
    DType type = DType::Float32;
    Shape from = random.shape(random.integer(2, 4));
    from[0].dynamic = true;
    Shape to = regroup(random, Shape(from.begin() + 1, from.end()));
    to.insert(to.begin(), from[0]);
    std::string x = f.input(from, random.array(sizesOf(from), type));
    f.line("%c0 = arith.constant 0 : index");
    f.line("%n = tensor.dim " + x + ", %c0 : " + typeText(from, type));
    std::string rest = f.sizes(Shape(to.begin() + 1, to.end()));
    std::string sizes =
        rest.empty() ? "sizes (%n)" : "sizes (%n, " + rest.substr(7);
    f.line("%y = lam.reshape " + x + " " + sizes +
           arrow(typeText(from, type), typeText(to, type)));
    f.result("%y", to, type);
    return f;
  });
}

struct Placement {
  Shape inner, outer;
  std::vector<int64_t> strides;
  std::string offsets;
};

/// A strided box in a larger one, with offsets of both kinds.
Placement placement(Random &random, Function &f) {
  Placement p;
  std::string offsets;
  int64_t rank = random.integer(0, 3);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t size = random.dim().size, stride = random.integer(1, 3),
            offset = random.integer(0, 3), behind = random.integer(0, 2);
    int64_t extent = size ? (size - 1) * stride + 1 : 0;
    p.inner.push_back({size, random.flip()});
    p.outer.push_back({offset + extent + behind, random.flip()});
    p.strides.push_back(stride);
    offsets += (i ? ", " : "") +
               (random.flip() ? std::to_string(offset) : f.index(offset));
  }
  p.offsets = "[" + offsets + "]";
  return p;
}

TEST(Structure, Slice) {
  check(8, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Placement p = placement(random, f);
    std::string x = f.input(p.outer, random.array(sizesOf(p.outer), type));
    f.line("%y = lam.slice " + x + " " + p.offsets + " strides " +
           listText(p.strides) + " " + f.sizes(p.inner) +
           arrow(typeText(p.outer, type), typeText(p.inner, type)));
    f.result("%y", p.inner, type);
    return f;
  });
}

TEST(Structure, Pad) {
  check(9, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Placement p = placement(random, f);
    std::string x = f.input(p.inner, random.array(sizesOf(p.inner), type)),
                value = f.input({}, random.array({}, type));
    f.line("%y = lam.pad " + x + " value " + value + " " + p.offsets +
           " strides " + listText(p.strides) + " " + f.sizes(p.outer) + " : " +
           typeText(p.inner, type) + ", " + typeText({}, type) + " -> " +
           typeText(p.outer, type));
    f.result("%y", p.outer, type);
    return f;
  });
}

TEST(Structure, Concat) {
  check(10, [](Random &random) {
    Function f;
    DType type = random.pick(types);
    Shape to = random.shape(random.integer(1, 3));
    int64_t dim = random.integer(0, to.size() - 1), total = 0;
    std::string operands, operandTypes;
    for (int64_t i = 0, count = random.integer(1, 4); i < count; ++i) {
      Shape piece = to;
      piece[dim] = random.dim();
      total += piece[dim].size;
      std::string x = f.input(piece, random.array(sizesOf(piece), type));
      // A piece that is computed here, and one that is the caller's.
      if (i % 2 == 0) {
        f.line("%r" + std::to_string(i) + " = lam.reverse " + x +
               " dims [0] : " + typeText(piece, type));
        x = "%r" + std::to_string(i);
      }
      operands += (i ? ", " : "") + x;
      operandTypes += (i ? ", " : "") + typeText(piece, type);
    }
    to[dim] = {total, random.flip()};
    f.line("%y = lam.concat " + operands + " dim " + std::to_string(dim) +
           " : (" + operandTypes + ") -> " + typeText(to, type));
    f.result("%y", to, type);
    return f;
  });
}

TEST(Structure, Iota) {
  check(11, [](Random &random) {
    Function f;
    DType type = random.pick(numberTypes);
    Shape shape = random.shape(random.integer(1, 3));
    f.line("%y = lam.iota " +
           std::to_string(random.integer(0, shape.size() - 1)) + " " +
           f.sizes(shape) + " : " + typeText(shape, type));
    f.result("%y", shape, type);
    return f;
  });
}

TEST(Structure, FromSize) {
  check(12, [](Random &random) {
    Function f;
    DType type = random.flip() ? DType::Int32 : DType::Int64;
    std::string n = f.index(random.integer(0, 9));
    f.line("%y = lam.from_size " + n + " : " + typeText({}, type));
    f.result("%y", {}, type);
    return f;
  });
}

/// Operands and shapes that gather and scatter share.
struct Access {
  Shape x, indices, part;
  std::vector<int64_t> axes;
  int64_t batchDims;
  std::string text() const {
    return " axes " + listText(axes) +
           (batchDims ? " {batch_dims = " + std::to_string(batchDims) + "}"
                      : "");
  }
};

Access access(Random &random) {
  Access a;
  int64_t rank = random.integer(1, 4);
  a.x = random.shape(rank);
  a.batchDims = random.integer(0, std::min<int64_t>(rank - 1, 2));
  a.axes = random.subset(
      rank - a.batchDims,
      random.integer(0, std::min<int64_t>(rank - a.batchDims, 2)));
  for (int64_t &axis : a.axes)
    axis += a.batchDims;
  a.indices.assign(a.x.begin(), a.x.begin() + a.batchDims);
  for (Dim dim : random.shape(random.integer(0, 2)))
    a.indices.push_back(dim);
  a.part = a.indices;
  for (int64_t i = a.batchDims; i < rank; ++i)
    if (!llvm::is_contained(a.axes, i))
      a.part.push_back(a.x[i]);
  a.indices.push_back({int64_t(a.axes.size())});
  // Nothing can be read from an empty dimension.
  for (int64_t axis : a.axes)
    a.x[axis].size = std::max<int64_t>(a.x[axis].size, 1);
  return a;
}

const std::vector<DType> indexTypes = {DType::Int32, DType::Int64, DType::UInt8,
                                       DType::UInt64, DType::Int8};

TEST(Structure, Gather) {
  check(13, [](Random &random) {
    Function f;
    DType type = random.pick(types), indexType = random.pick(indexTypes);
    Access a = access(random);
    std::string x = f.input(a.x, random.array(sizesOf(a.x), type)),
                at = f.input(a.indices,
                             random.array(sizesOf(a.indices), indexType));
    f.line("%y = lam.gather " + x + " at " + at + a.text() + " : " +
           typeText(a.x, type) + ", " + typeText(a.indices, indexType) +
           " -> " + typeText(a.part, type));
    f.result("%y", a.part, type);
    return f;
  });
}

TEST(Structure, Scatter) {
  check(14, [](Random &random) {
    Function f;
    DType type = random.pick(types), indexType = random.pick(indexTypes);
    Access a = access(random);
    std::string kind =
        type == DType::Bool
            ? "set"
            : random.pick<std::string>({"set", "add", "mul", "max", "min"});
    NDArray places = random.array(sizesOf(a.indices), indexType);
    for (int64_t i = 0; i < places.size(); ++i) // mostly inside
      places.setInt(i, random.integer(isSigned(indexType) ? -1 : 0, 5));
    std::string x = f.input(a.x, random.array(sizesOf(a.x), type)),
                at = f.input(a.indices, places),
                updates = f.input(a.part, random.array(sizesOf(a.part), type));
    f.line("%y = lam.scatter " + kind + " " + updates + " into " + x + " at " +
           at + a.text() + " : " + typeText(a.part, type) + ", " +
           typeText(a.x, type) + ", " + typeText(a.indices, indexType));
    f.result("%y", a.x, type);
    // Every meeting rounds to the element type.
    f.slack = 256;
    return f;
  });
}

/// Carries two values that trade places, reads and stacks slices, captures one.
TEST(Structure, Scan) {
  check(13, [](Random &random) {
    Function f;
    DType type =
        random.pick<DType>({DType::Int32, DType::UInt8, DType::Float32});
    Shape slice = random.shape(random.integer(0, 2)), whole = slice;
    whole.insert(whole.begin(), random.dim());
    std::string a = f.input(slice, random.array(sizesOf(slice), type)),
                b = f.input(slice, random.array(sizesOf(slice), type)),
                x = f.input(whole, random.array(sizesOf(whole), type));
    std::string s = typeText(slice, type), w = typeText(whole, type);
    f.line("%zero = arith.constant 0 : index");
    f.line("%n = tensor.dim " + x + ", %zero : " + w);
    f.line("%last:2, %all = lam.scan %n " +
           std::string(random.flip() ? "reverse " : "") + "from (" + a + ", " +
           b + " : " + s + ", " + s + ") over (" + x + " : " + w + ") with (" +
           a + " : " + s + ") " + f.sizes(whole) + " -> (" + s + ", " + s +
           ") stacking (" + w + ") {");
    f.line("^bb0(%a: " + s + ", %b: " + s + ", %x: " + s + ", %c: " + s + "):");
    f.line("%0 = lam.sub %a, %x : " + s);
    f.line("%1 = lam.add %0, %c : " + s);
    f.line("lam.yield %b, %1, %0 : " + s + ", " + s + ", " + s);
    f.line("}");
    f.result("%last#0", slice, type);
    f.result("%last#1", slice, type);
    f.result("%all", whole, type);
    f.slack = 64;
    return f;
  });
}

TEST(Structure, While) {
  check(14, [](Random &random) {
    Function f;
    Shape shape = random.shape(random.integer(0, 2));
    std::string x =
        f.input(shape, random.array(sizesOf(shape), DType::Float32));
    std::string count = f.input({}, random.array({}, DType::Int32));
    std::string t = typeText(shape, DType::Float32);
    f.line("%y, %i = lam.while from (" + x + ", " + count + " : " + t +
           ", tensor<i32>) with (" + x + " : " + t + ") -> (" + t +
           ", tensor<i32>) {");
    f.line("^bb0(%a: " + t + ", %i: tensor<i32>, %c: " + t + "):");
    f.line("%0 = lam.constant dense<7> : tensor<i32>");
    f.line("%1 = lam.lt %i, %0 : tensor<i32>");
    f.line("lam.yield %1 : tensor<i1>");
    f.line("} do {");
    f.line("^bb0(%a: " + t + ", %i: tensor<i32>, %c: " + t + "):");
    f.line("%0 = lam.constant dense<1> : tensor<i32>");
    f.line("%1 = lam.add %i, %0 : tensor<i32>");
    f.line("%2 = lam.sub %c, %a : " + t);
    f.line("lam.yield %2, %1 : " + t + ", tensor<i32>");
    f.line("}");
    f.result("%y", shape, DType::Float32);
    f.result("%i", {}, DType::Int32);
    f.slack = 64;
    return f;
  });
}

TEST(Coverage, EveryOpWasCompiled) { expectCovered(structureOps); }

/// Pointwise ops are found through their interface; any other op has to be in
/// one of the lists. Derivative operators do not reach linalg.
TEST(Coverage, EveryOpHasATest) {
  for (mlir::RegisteredOperationName name : lamOps()) {
    auto is = [&](const std::vector<std::string> &ops) {
      return llvm::is_contained(ops, name.getStringRef());
    };
    EXPECT_TRUE(
        name.hasInterface<lam::PointwiseOpInterface>() ||
        is({"lam.vjp", "lam.jvp", "lam.custom_gradient", "lam.yield"}) ||
        is(elementOps) || is(structureOps) || is(reductionOps))
        << name.getStringRef().str();
  }
}

} // namespace
