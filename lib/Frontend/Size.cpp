//===- Size.cpp - symbolic sizes ------------------------------------------===//

#include "lamina/Frontend/Size.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <numeric>

using namespace llvm;

namespace lamina::frontend {
namespace {

// Sizes come from user arithmetic; overflow must be defined, not right.
int64_t wrapAdd(int64_t a, int64_t b) {
  return int64_t(uint64_t(a) + uint64_t(b));
}
int64_t wrapMul(int64_t a, int64_t b) {
  return int64_t(uint64_t(a) * uint64_t(b));
}
int64_t wrapNeg(int64_t a) { return int64_t(-uint64_t(a)); }

/// Rounds towards minus infinity; defined for every operand.
int64_t floorDivide(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  if (b == -1)
    return wrapNeg(a);
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

uint64_t magnitude(int64_t a) { return a < 0 ? -uint64_t(a) : uint64_t(a); }

/// The common factor of all coefficients that pass `include`, at least 1.
template <typename Include>
int64_t commonFactor(const std::map<Size::Monomial, int64_t> &terms,
                     Include include) {
  uint64_t g = 0;
  for (const auto &[monomial, coefficient] : terms)
    if (include(monomial))
      g = std::gcd(g, magnitude(coefficient));
  return g == 0 || g > uint64_t(INT64_MAX) ? 1 : int64_t(g);
}

} // namespace

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

Size::Size(int64_t value) {
  if (value)
    termMap.emplace(Monomial(), value);
}

Size Size::ofAtom(Atom atom) {
  // Repeated division can double the text each time: see operator*.
  if (atom.text.size() > 2048)
    return symbol("?");
  Size result;
  result.termMap.emplace(Monomial{std::move(atom)}, 1);
  return result;
}

Size Size::symbol(StringRef name) {
  return ofAtom({name.str(), Atom::Symbol, nullptr, nullptr});
}

void Size::add(const Monomial &monomial, int64_t coefficient) {
  if (!coefficient)
    return;
  auto [it, isNew] = termMap.try_emplace(monomial, coefficient);
  if (isNew)
    return;
  it->second = wrapAdd(it->second, coefficient);
  if (!it->second)
    termMap.erase(it);
}

bool Size::isStatic() const {
  return termMap.empty() ||
         (termMap.size() == 1 && termMap.begin()->first.empty());
}

std::optional<int64_t> Size::value() const {
  if (termMap.empty())
    return 0;
  if (isStatic())
    return termMap.begin()->second;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Size operator+(const Size &a, const Size &b) {
  Size result = a;
  for (const auto &[monomial, coefficient] : b.termMap)
    result.add(monomial, coefficient);
  return result;
}

Size operator-(const Size &a, const Size &b) {
  Size result = a;
  for (const auto &[monomial, coefficient] : b.termMap)
    result.add(monomial, wrapNeg(coefficient));
  return result;
}

Size operator*(const Size &a, const Size &b) {
  // A size that no program needs must not take all memory: it becomes unknown.
  auto degree = [](const Size &s) {
    return s.termMap.empty() ? 0 : s.termMap.rbegin()->first.size();
  };
  if (a.termMap.size() * b.termMap.size() > 1024 || degree(a) + degree(b) > 32)
    return Size::symbol("?");
  Size result;
  for (const auto &[ma, ca] : a.termMap)
    for (const auto &[mb, cb] : b.termMap) {
      Size::Monomial monomial;
      monomial.reserve(ma.size() + mb.size());
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(),
                 std::back_inserter(monomial));
      result.add(monomial, wrapMul(ca, cb));
    }
  return result;
}

bool operator==(const Size &a, const Size &b) { return a.termMap == b.termMap; }

std::optional<Size> Size::divideExactly(const Size &divisor) const {
  if (divisor.termMap.empty())
    return std::nullopt;
  // Long division by leading terms in the graded order, which products respect.
  auto lead =
      [](const Size &size) -> const std::pair<const Monomial, int64_t> & {
    return *max_element(size.termMap, [](const auto &a, const auto &b) {
      return std::pair(a.first.size(), a.first) <
             std::pair(b.first.size(), b.first);
    });
  };
  const auto &[leadMonomial, leadCoefficient] = lead(divisor);
  Size rest = *this, quotient;
  for (unsigned step = 0; !rest.termMap.empty(); ++step) {
    const auto &[monomial, coefficient] = lead(rest);
    if (step == 64 || !std::includes(monomial.begin(), monomial.end(),
                                     leadMonomial.begin(), leadMonomial.end()))
      return std::nullopt;
    int64_t factor = floorDivide(coefficient, leadCoefficient);
    if (wrapMul(factor, leadCoefficient) != coefficient)
      return std::nullopt;
    Monomial others;
    std::set_difference(monomial.begin(), monomial.end(), leadMonomial.begin(),
                        leadMonomial.end(), std::back_inserter(others));
    Size term;
    term.add(others, factor);
    quotient = quotient + term;
    rest = rest - term * divisor;
  }
  return quotient;
}

Size Size::floorDiv(const Size &divisor) const {
  std::optional<int64_t> k = divisor.value();
  if (k == 0)
    return 0;
  if (auto exact = divideExactly(divisor))
    return *exact;
  if (!k) {
    Atom atom{"floor((" + str() + ")/(" + divisor.str() + "))", Atom::FloorDiv,
              std::make_shared<Size>(*this), std::make_shared<Size>(divisor)};
    return ofAtom(std::move(atom));
  }
  if (*k < 0)
    return (Size() - *this).floorDiv(Size(wrapNeg(*k)));
  // floor((k*q + r) / k) = q + floor(r / k), the coefficients of r in [0, k).
  Size quotient, rest;
  for (const auto &[monomial, coefficient] : termMap) {
    int64_t q = floorDivide(coefficient, *k);
    quotient.add(monomial, q);
    rest.add(monomial, wrapAdd(coefficient, wrapNeg(wrapMul(q, *k))));
  }
  if (rest.isStatic())
    return quotient;
  // floor((g*m + c) / (g*h)) = floor((m + floor(c/g)) / h).
  int64_t g = std::gcd(
      commonFactor(rest.termMap, [](const Monomial &m) { return !m.empty(); }),
      *k);
  Size inner;
  for (const auto &[monomial, coefficient] : rest.termMap)
    inner.add(monomial, floorDivide(coefficient, g));
  int64_t h = *k / g;
  if (h == 1)
    return quotient + inner;
  // floor((floor(p / j) + c) / h) = floor((p + c*j) / (j*h)).
  auto constant = inner.termMap.find({});
  const auto &[monomial, coefficient] = *inner.termMap.rbegin();
  if (inner.termMap.size() == 1u + (constant != inner.termMap.end()) &&
      coefficient == 1 && monomial.size() == 1 &&
      monomial[0].kind == Atom::FloorDiv && monomial[0].rhs->isStatic()) {
    int64_t j = *monomial[0].rhs->value();
    int64_t c = constant == inner.termMap.end() ? 0 : constant->second;
    return quotient + (*monomial[0].lhs + Size(wrapMul(c, j)))
                          .floorDiv(Size(wrapMul(j, h)));
  }
  Atom atom{"floor((" + inner.str() + ")/" + itostr(h) + ")", Atom::FloorDiv,
            std::make_shared<Size>(inner), std::make_shared<Size>(h)};
  if (inner.termMap.size() == 1 && coefficient == 1 && monomial.size() == 1)
    atom.text = "floor(" + inner.str() + "/" + itostr(h) + ")";
  return quotient + ofAtom(std::move(atom));
}

Size Size::mod(const Size &divisor) const {
  return *this - floorDiv(divisor) * divisor;
}

Size Size::positivePart(const Size &p) {
  if (auto v = p.value())
    return std::max<int64_t>(*v, 0);
  Size negated = Size() - p;
  if (p.isNonNegative())
    return p;
  if (negated.isNonNegative())
    return 0;
  // max(0, p) = p + max(0, -p): keep the one whose last coefficient is
  // positive.
  if (p.termMap.rbegin()->second < 0)
    return p + positivePart(negated);
  int64_t g = commonFactor(p.termMap, [](const Monomial &) { return true; });
  Size inner;
  for (const auto &[monomial, coefficient] : p.termMap)
    inner.add(monomial, coefficient / g);
  Atom atom{"max(0," + inner.str() + ")", Atom::Positive,
            std::make_shared<Size>(inner), nullptr};
  return Size(g) * ofAtom(std::move(atom));
}

Size Size::max(const Size &a, const Size &b) { return b + positivePart(a - b); }
Size Size::min(const Size &a, const Size &b) { return a - positivePart(a - b); }

//===----------------------------------------------------------------------===//
// Text and values
//===----------------------------------------------------------------------===//

std::string Size::str() const {
  // q - max(0, r) reads better as min(q, q - r).
  for (const auto &[monomial, coefficient] : termMap) {
    if (termMap.size() == 1 || monomial.size() != 1 ||
        monomial[0].kind != Atom::Positive || magnitude(coefficient) != 1)
      continue;
    Size rest = *this;
    rest.termMap.erase(monomial);
    if (any_of(rest.termMap, [](const auto &term) {
          return any_of(term.first,
                        [](const Atom &a) { return a.kind == Atom::Positive; });
        }))
      break;
    Size other =
        coefficient == 1 ? rest + *monomial[0].lhs : rest - *monomial[0].lhs;
    return (coefficient == 1 ? "max(" : "min(") + rest.str() + "," +
           other.str() + ")";
  }
  std::string text;
  auto append = [&](const Monomial &monomial, int64_t coefficient) {
    if (coefficient < 0)
      text += "-";
    else if (!text.empty())
      text += "+";
    uint64_t factor = magnitude(coefficient);
    if (monomial.empty() || factor != 1)
      text += utostr(factor) + (monomial.empty() ? "" : "*");
    interleave(
        monomial, [&](const Atom &atom) { text += atom.text; },
        [&] { text += "*"; });
  };
  for (const auto &[monomial, coefficient] : termMap)
    if (!monomial.empty())
      append(monomial, coefficient);
  if (auto constant = termMap.find({}); constant != termMap.end())
    append({}, constant->second);
  return text.empty() ? "0" : text;
}

int64_t Size::evaluate(function_ref<int64_t(StringRef)> symbolValue) const {
  int64_t sum = 0;
  for (const auto &[monomial, coefficient] : termMap) {
    int64_t product = coefficient;
    for (const Atom &atom : monomial) {
      int64_t factor = 0;
      switch (atom.kind) {
      case Atom::Symbol:
        factor = symbolValue(atom.text);
        break;
      case Atom::FloorDiv:
        factor = floorDivide(atom.lhs->evaluate(symbolValue),
                             atom.rhs->evaluate(symbolValue));
        break;
      case Atom::Positive:
        factor = std::max<int64_t>(0, atom.lhs->evaluate(symbolValue));
        break;
      }
      product = wrapMul(product, factor);
    }
    sum = wrapAdd(sum, product);
  }
  return sum;
}

std::string toString(ArrayRef<Size> shape) {
  std::string text = "(";
  interleave(
      shape, [&](const Size &size) { text += size.str(); },
      [&] { text += ", "; });
  return text + (shape.size() == 1 ? ",)" : ")");
}

} // namespace lamina::frontend
