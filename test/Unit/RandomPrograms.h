//===- RandomPrograms.h - writing random functions of lam -------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_RANDOMPROGRAMS_H
#define LAMINA_TEST_UNIT_RANDOMPROGRAMS_H

#include "lamina/Check/GradientCheck.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <set>
#include <string>
#include <vector>

namespace lamina::test {

using Shape = std::vector<int64_t>;

/// The text of a function of `lam` that is being written, with its inputs.
/// Sizes in types are static or `?` at random.
class Program {
public:
  explicit Program(CheckRandom &random, std::string element = "f64")
      : random(random), element(std::move(element)),
        isDynamic(random.integer(0, 1)) {}

  CheckRandom &random;
  /// Of the floats.
  std::string element;
  std::vector<NDArray> inputs;

  /// "tensor<2x?xf64>"; `fixed` dimensions never become `?`.
  std::string type(const Shape &shape, const std::set<int64_t> &fixed = {}) {
    return type(shape, element, fixed);
  }
  std::string type(const Shape &shape, llvm::StringRef element,
                   const std::set<int64_t> &fixed) {
    std::string text = "tensor<";
    for (size_t i = 0; i < shape.size(); ++i) {
      bool hides = isDynamic && !fixed.contains(i) && random.integer(0, 1);
      text += hides ? "?x" : std::to_string(shape[i]) + "x";
    }
    return text + element.str() + ">";
  }

  /// A further argument of random numbers; its type is `types[name]`.
  std::string input(const Shape &shape, const std::set<int64_t> &fixed = {}) {
    return argument(random.normals(shape), type(shape, fixed));
  }
  /// One of integers from low to high.
  std::string integers(const Shape &shape, int64_t low, int64_t high,
                       const std::set<int64_t> &fixed = {}) {
    NDArray array(DType::Int32, shape);
    for (int64_t i = 0; i < array.size(); ++i)
      array.setInt(i, random.integer(low, high));
    return argument(std::move(array), type(shape, "i32", fixed));
  }
  std::string argument(NDArray array, const std::string &type) {
    std::string name = "%x" + std::to_string(inputs.size());
    arguments += (inputs.empty() ? "" : ", ") + name + ": " + type;
    types[name] = type;
    inputs.push_back(std::move(array));
    return name;
  }

  std::string index(int64_t value) {
    std::string name = "%c" + std::to_string(names++);
    body += "  " + name + " = arith.constant " + std::to_string(value) +
            " : index\n";
    return name;
  }
  /// Sets some elements of the last input to 0.
  void addZeros() {
    for (int64_t i = 0; i < inputs.back().size(); ++i)
      if (random.integer(0, 3) == 0)
        inputs.back().setDouble(i, 0);
  }

  /// " sizes(…)" for the `?` of `type`, a type of `shape`.
  std::string sizes(const std::string &type, const Shape &shape) {
    std::string text;
    llvm::StringRef rest = type;
    rest.consume_front("tensor<");
    for (int64_t size : shape) {
      auto [dim, more] = rest.split('x');
      if (dim == "?")
        text += (text.empty() ? "" : ", ") + index(size);
      rest = more;
    }
    return text.empty() ? "" : " sizes(" + text + ")";
  }

  /// The dimensions in the type of `name`, as text, and the type of such.
  std::vector<std::string> dims(const std::string &name) const {
    std::vector<std::string> result;
    llvm::StringRef rest = types.at(name);
    rest.consume_front("tensor<");
    while (rest.contains('x')) {
      auto [dim, more] = rest.split('x');
      result.push_back(dim.str());
      rest = more;
    }
    return result;
  }
  std::string tensor(const std::vector<std::string> &dims) const {
    std::string text = "tensor<";
    for (const std::string &dim : dims)
      text += dim + "x";
    return text + element + ">";
  }
  /// `op : type of x`, with the type of x.
  std::string apply(const std::string &op, const std::string &x) {
    return emit(op + " : " + types[x], types[x]);
  }

  /// Appends `%y = op : …` and gives its name.
  std::string emit(const std::string &op, const std::string &type,
                   unsigned results = 1) {
    std::string name = "%v" + std::to_string(names++);
    body += "  " + name +
            (results > 1 ? ":" + std::to_string(results) : std::string()) +
            " = " + op + "\n";
    types[name] = type;
    return name;
  }

  std::string finish(const std::string &result) const {
    const std::string &type = types.at(result);
    return "func.func @f(" + arguments + ") -> " + type + " {\n" + body +
           "  return " + result + " : " + type + "\n}\n";
  }

  std::map<std::string, std::string> types;

  // ---- random choices
  bool coin() { return random.integer(0, 1); }
  /// Mostly small, often 1, seldom 0.
  int64_t size() {
    constexpr int64_t sizes[] = {0, 1, 1, 2, 3, 3, 4, 5, 7};
    return sizes[random.integer(0, std::size(sizes) - 1)];
  }
  Shape shape(int64_t lowestRank, int64_t highestRank) {
    Shape result(random.integer(lowestRank, highestRank));
    for (int64_t &each : result)
      each = size();
    return result;
  }
  Shape permutation(size_t rank) {
    Shape perm;
    for (size_t i = 0; i < rank; ++i)
      perm.insert(perm.begin() + random.integer(0, i), i);
    return perm;
  }
  /// An increasing choice of dimensions.
  Shape some(int64_t from, int64_t to) {
    Shape dims;
    for (int64_t i = from; i < to; ++i)
      if (coin())
        dims.push_back(i);
    return dims;
  }

private:
  bool isDynamic;
  std::string arguments, body;
  unsigned names = 0;
};

/// "[1, 2]".
inline std::string list(const Shape &values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i)
    text += (i ? ", " : "") + std::to_string(values[i]);
  return text + "]";
}

/// A way to write random programs around one op.
struct ProgramWriter {
  const char *name;
  const char *op;
  /// The result is linear in all float arguments together.
  bool isLinear;
  /// Gives the name of the result.
  std::string (*write)(Program &);
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_RANDOMPROGRAMS_H
