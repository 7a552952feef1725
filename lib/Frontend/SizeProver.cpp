//===- SizeProver.cpp - signs of symbolic sizes ---------------------------===//
//
// Sound, not complete: a polynomial is shown to be nonnegative by its signs, or
// by replacing one atom by the bounds that its definition gives. The search is
// cut off after a number of steps.
//
//===----------------------------------------------------------------------===//

#include "lamina/Frontend/Size.h"
#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace llvm;

namespace lamina::frontend {

class SizeProver {
public:
  bool nonNegative(const Size &p, unsigned depth) {
    if (auto value = p.value())
      return *value >= 0;
    if (budget == 0)
      return false;
    --budget;
    if (all_of(p.termMap, [&](const auto &term) {
          return term.second >= 0 &&
                 all_of(term.first, [&](const Size::Atom &atom) {
                   return nonNegative(atom, depth);
                 });
        }))
      return true;
    if (depth == 0)
      return false;
    std::set<Size::Atom> tried;
    for (const auto &[monomial, coefficient] : p.termMap)
      for (const Size::Atom &atom : monomial)
        if (atom.kind != Size::Atom::Symbol && tried.insert(atom).second &&
            byBounds(p, atom, depth - 1))
          return true;
    return false;
  }

private:
  bool nonNegative(const Size::Atom &atom, unsigned depth) {
    switch (atom.kind) {
    case Size::Atom::Symbol:
    case Size::Atom::Positive:
      return true;
    case Size::Atom::FloorDiv:
      return depth && nonNegative(*atom.lhs, depth - 1) &&
             nonNegative(*atom.rhs, depth - 1);
    }
    return false;
  }

  /// p = a * atom + b with `atom` in neither, if p is linear in it.
  static bool split(const Size &p, const Size::Atom &atom, Size &a, Size &b) {
    for (const auto &[monomial, coefficient] : p.termMap) {
      size_t power = llvm::count(monomial, atom);
      if (power > 1)
        return false;
      Size::Monomial rest;
      copy_if(monomial, std::back_inserter(rest),
              [&](const Size::Atom &other) { return !(other == atom); });
      (power ? a : b).add(rest, coefficient);
    }
    return true;
  }

  bool byBounds(const Size &p, const Size::Atom &atom, unsigned depth) {
    Size a, b;
    if (!split(p, atom, a, b))
      return false;
    if (atom.kind == Size::Atom::Positive) {
      // The atom is 0 or lhs, whichever is larger.
      bool atZero = nonNegative(b, depth),
           atLhs = nonNegative(a * *atom.lhs + b, depth);
      return (atZero && atLhs) || ((atZero || atLhs) && nonNegative(a, depth));
    }
    std::optional<int64_t> k = atom.rhs->value();
    if (k && *k > 0) { // (lhs - k + 1) / k <= atom <= lhs / k
      if (nonNegative(a, depth))
        return nonNegative(a * (*atom.lhs - Size(*k - 1)) + Size(*k) * b,
                           depth);
      return nonNegative(Size() - a, depth) &&
             nonNegative(a * *atom.lhs + Size(*k) * b, depth);
    }
    // floor(p / d) <= p for p, d >= 0 (and 0 if d is).
    return !k && nonNegative(*atom.lhs, depth) &&
           nonNegative(*atom.rhs, depth) && nonNegative(Size() - a, depth) &&
           nonNegative(a * *atom.lhs + b, depth);
  }

  unsigned budget = 500;
};

bool Size::isNonNegative() const { return SizeProver().nonNegative(*this, 4); }

std::optional<bool> Size::lessThan(const Size &a, const Size &b) {
  if (a.isStatic() && b.isStatic())
    return *a.value() < *b.value();
  if ((b - a - Size(1)).isNonNegative())
    return true;
  if ((a - b).isNonNegative())
    return false;
  return std::nullopt;
}

} // namespace lamina::frontend
