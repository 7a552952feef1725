//===- ExpressionDerivativesTest.cpp - random graphs of 5 to 20 ops -------===//
//
// Rules that are right one by one can still be put together wrongly: shared
// values, sizes that one op knows and another does not, dead and live branches.
//
//===----------------------------------------------------------------------===//

#include "DerivativeHarness.h"

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
/// Writes ops on values that are there already; numbers stay around 1.
class Expression {
public:
  explicit Expression(Program &p) : p(p) {}
  std::string write();

private:
  struct Value {
    std::string name;
    Shape shape;
  };
  Program &p;
  std::vector<Value> values;

  const Value &any() { return values[p.random.integer(0, values.size() - 1)]; }
  void add(const std::string &name, const Shape &shape) {
    values.push_back({name, shape});
  }
  std::string convert(const Value &value, const std::string &type);
  void unary();
  void binary();
  void choose();
  void move();
  void reduce();
  void contract();
  void look();
};
} // namespace

/// A value in another type of its shape.
std::string Expression::convert(const Value &value, const std::string &type) {
  const std::string &from = p.types[value.name];
  if (from == type)
    return value.name;
  return p.emit("tensor.cast " + value.name + " : " + from + " to " + type,
                type);
}

void Expression::unary() {
  static constexpr const char *ops[] = {"sin",  "cos",      "tanh", "sigmoid",
                                        "atan", "softplus", "erf",  "neg",
                                        "abs",  "asinh"};
  Value x = any();
  const char *op = ops[p.random.integer(0, std::size(ops) - 1)];
  add(p.apply("lam." + std::string(op) + " " + x.name, x.name), x.shape);
}

/// With another value of its shape, or with itself.
void Expression::binary() {
  static constexpr const char *ops[] = {"add", "sub", "mul", "max", "min"};
  Value x = any(), y = x;
  for (int i = 0; i < 5 && (y.shape != x.shape || y.name == x.name); ++i)
    y = any();
  if (y.shape != x.shape)
    y = x;
  const char *op = ops[p.random.integer(0, std::size(ops) - 1)];
  std::string z = convert(y, p.types[x.name]);
  add(p.apply("lam." + std::string(op) + " " + x.name + ", " + z, x.name),
      x.shape);
}

/// A guarded root: the branch that is not taken has no derivative.
void Expression::choose() {
  Value x = any();
  std::string zero = p.apply("lam.sub " + x.name + ", " + x.name, x.name);
  std::string positive = p.apply("lam.gt " + x.name + ", " + zero, x.name);
  std::string root = p.apply("lam.sqrt " + x.name, x.name);
  add(p.apply("lam.select " + positive + ", " + root + ", " + x.name, x.name),
      x.shape);
}

void Expression::move() {
  Value x = any();
  int64_t rank = x.shape.size();
  if (rank == 0 || p.coin()) {
    Shape to = x.shape, dims;
    for (int64_t i = 0; i < rank; ++i)
      dims.push_back(i + 1);
    to.insert(to.begin(), p.random.integer(1, 3));
    if (rank > 2)
      return;
    std::string type = p.type(to);
    add(p.emit("lam.broadcast " + x.name + " dims " + list(dims) +
                   p.sizes(type, to) + " : " + p.types[x.name] + " -> " + type,
               type),
        to);
    return;
  }
  if (p.coin()) {
    add(p.apply("lam.reverse " + x.name + " dims " + list(p.some(0, rank)),
                x.name),
        x.shape);
    return;
  }
  int64_t count = 1;
  for (int64_t size : x.shape)
    count *= size;
  std::string type = p.type({count});
  add(p.emit("lam.reshape " + x.name + p.sizes(type, {count}) + " : " +
                 p.types[x.name] + " -> " + type,
             type),
      {count});
}

void Expression::reduce() {
  Value x = any();
  if (x.shape.empty())
    return;
  int64_t dim = p.random.integer(0, x.shape.size() - 1);
  Shape to = x.shape;
  to.erase(to.begin() + dim);
  std::vector<std::string> dims = p.dims(x.name);
  dims.erase(dims.begin() + dim);
  const char *kind = p.coin() ? "sum" : p.coin() ? "max" : "prod";
  std::string type = p.tensor(dims);
  std::string y =
      p.emit("lam.reduce " + std::string(kind) + " " + x.name + " dims " +
                 list({dim}) + " : " + p.types[x.name] + " -> " + type,
             type);
  add(p.apply("lam.tanh " + y, y), to);
}

/// The matrix of all products of the last dimension with itself.
void Expression::contract() {
  Value x = any();
  if (x.shape.empty() || x.shape.size() > 2)
    return;
  int64_t last = x.shape.size() - 1;
  std::vector<std::string> dims;
  Shape to;
  for (int n = 0; n < 2; ++n)
    for (int64_t i = 0; i < last; ++i) {
      dims.push_back(p.dims(x.name)[i]);
      to.push_back(x.shape[i]);
    }
  std::string type = p.tensor(dims), in = p.types[x.name];
  std::string y =
      p.emit("lam.dot " + x.name + ", " + x.name + " batch [] x [] contract " +
                 list({last}) + " x " + list({last}) + " : (" + in + ", " + in +
                 ") -> " + type,
             type);
  add(p.apply("lam.sin " + y, y), to);
}

/// Rows of a value, some twice.
void Expression::look() {
  Value x = any();
  if (x.shape.empty())
    return;
  std::string at = p.integers({3, 1}, 0, x.shape[0] - 1, {1});
  Shape to = x.shape;
  to[0] = 3;
  std::string type = p.type(to);
  add(p.emit("lam.gather " + x.name + " at " + at + " axes [0] : " +
                 p.types[x.name] + ", " + p.types[at] + " -> " + type,
             type),
      to);
}

std::string Expression::write() {
  for (int64_t n = p.random.integer(1, 3); n > 0; --n) {
    Shape shape(p.random.integer(0, 2));
    for (int64_t &size : shape)
      size = p.random.integer(1, 4);
    add(p.input(shape), shape);
  }
  void (Expression::*kinds[])() = {
      &Expression::unary,  &Expression::unary,    &Expression::binary,
      &Expression::binary, &Expression::choose,   &Expression::move,
      &Expression::reduce, &Expression::contract, &Expression::look};
  for (int64_t n = p.random.integer(5, 20); n > 0; --n)
    (this->*kinds[p.random.integer(0, std::size(kinds) - 1)])();

  // The sum of all that is there, so that every op matters.
  std::string total;
  for (const Value &value : values) {
    Shape dims;
    for (size_t i = 0; i < value.shape.size(); ++i)
      dims.push_back(i);
    std::string sum =
        p.emit("lam.reduce sum " + value.name + " dims " + list(dims) + " : " +
                   p.types[value.name] + " -> tensor<f64>",
               "tensor<f64>");
    total = total.empty() ? sum : p.apply("lam.add " + total + ", " + sum, sum);
  }
  return total;
}

using ExpressionDerivatives = DerivativeTest;

TEST_F(ExpressionDerivatives, agreeWithDifferences) {
  const char *wanted = std::getenv("LAMINA_TEST_PROGRAMS");
  uint64_t programs = wanted ? std::strtoull(wanted, nullptr, 10) : 60;
  for (uint64_t seed = 1; seed <= programs && !HasFailure(); ++seed) {
    CheckRandom random(seed);
    Program program(random);
    std::string result = Expression(program).write();
    std::string text = program.finish(result);
    SCOPED_TRACE("seed " + std::to_string(seed) + ":\n" + text);
    OwningOpRef<ModuleOp> module = parse(text);
    if (module)
      checkDerivatives(*module, program.inputs, seed);
  }
  EXPECT_GT(compared, programs);
}
