//===- Size.h - symbolic sizes ----------------------------------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_SIZE_H
#define LAMINA_FRONTEND_SIZE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamina::frontend {

/// A dimension known at compile time or as a polynomial with integer
/// coefficients over named sizes (`n`, `x_dim1`, … >= 0) and over atoms
/// `floor(p / k)` and `max(0, p)`, in a normal form, so that equal sizes
/// compare equal: `2*n + n == 3*n`, `(n*10) // 5 == 2*n`, `n//2*2 + n%2 == n`,
/// `n - min(n, 1) == max(0, n-1)`. Arithmetic wraps at 64 bits; a product of
/// absurdly many terms is the symbol `?`, which has no value.
class Size {
public:
  Size(int64_t value = 0);
  /// A named size such as the batch `n`.
  static Size symbol(llvm::StringRef name);

  bool isStatic() const;
  std::optional<int64_t> value() const; // if static

  friend Size operator+(const Size &, const Size &);
  friend Size operator-(const Size &, const Size &);
  friend Size operator*(const Size &, const Size &);
  Size floorDiv(const Size &) const; // Python's //; 0 for a divisor of 0
  Size mod(const Size &) const;      // Python's %: p - floor(p / k) * k
  static Size max(const Size &, const Size &);
  static Size min(const Size &, const Size &);
  /// The exact quotient if the division leaves no remainder for every value of
  /// the symbols.
  std::optional<Size> divideExactly(const Size &) const;

  friend bool operator==(const Size &, const Size &); // provably equal
  friend bool operator!=(const Size &a, const Size &b) { return !(a == b); }
  /// Provably true or false for every value of the symbols (>= 0), or unknown.
  static std::optional<bool> lessThan(const Size &, const Size &);

  /// Provably >= 0 for every value of the symbols (>= 0).
  bool isNonNegative() const;

  /// "n", "2*n+1", "floor(n/2)", "max(0,n-1)".
  std::string str() const;
  /// The value if the symbols have those of `symbolValue`.
  int64_t
  evaluate(llvm::function_ref<int64_t(llvm::StringRef)> symbolValue) const;

  // A monomial is a sorted multiset of atoms; an atom is a symbol, a quotient
  // rounded down, or the positive part of a size, identified by its printed
  // form.
  struct Atom {
    std::string text;
    enum Kind { Symbol, FloorDiv, Positive } kind;
    std::shared_ptr<const Size> lhs, rhs; // floor(lhs / rhs), max(0, lhs)
    bool operator<(const Atom &o) const { return text < o.text; }
    bool operator==(const Atom &o) const { return text == o.text; }
  };
  using Monomial = std::vector<Atom>;
  const std::map<Monomial, int64_t> &terms() const { return termMap; }

private:
  static Size ofAtom(Atom atom);
  static Size positivePart(const Size &);
  void add(const Monomial &monomial, int64_t coefficient);
  friend class SizeProver;

  std::map<Monomial, int64_t>
      termMap; // no zero coefficients; the empty monomial is the constant
};

using Shape = llvm::SmallVector<Size, 4>;
/// "(n, 10)".
std::string toString(llvm::ArrayRef<Size> shape);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_SIZE_H
