//===- IndexBounds.cpp - Python's slices on symbolic sizes ----------------===//

#include "IndexBounds.h"
#include <algorithm>

namespace lamina::frontend {
namespace {

/// 1 where v < 0, else 0.
Size isNegative(const Size &v) {
  Size negated = Size() - v;
  return Size::max(negated, 0) - Size::max(negated - Size(1), 0);
}

/// Python's clamping of the bound `i` of a slice in `size` elements, plus
/// `shift`, which is 0 for a positive step (i becomes a place in [0, size]) and
/// 1 for a negative one (i becomes a place in [-1, size - 1]).
Size clampBound(const Size &i, int64_t shift, const Size &size) {
  Size place = i + Size(shift), fromEnd = place + size;
  if (i.isNonNegative())
    return Size::min(place, size);
  if (Size::lessThan(i, 0) == true)
    return Size::max(fromEnd, 0);
  Size fromStart = Size::min(Size::max(place, 0), size);
  // size-1 (and size-2) are negative only where counting from the end gives the
  // same.
  if (auto back = (size - i).value(); back && *back <= 2 - shift)
    return fromStart;
  return fromStart + isNegative(i) * Size::max(fromEnd, 0);
}

/// Keeps static arithmetic away from overflow; no dimension is as large.
std::optional<Size> bounded(const std::optional<Size> &bound) {
  constexpr int64_t limit = int64_t(1) << 48;
  if (bound && bound->isStatic())
    return Size(std::clamp(*bound->value(), -limit, limit));
  return bound;
}

} // namespace

SliceBounds resolveSlice(std::optional<Size> lower, std::optional<Size> upper,
                         int64_t step, const Size &size) {
  lower = bounded(lower);
  upper = bounded(upper);
  step = *bounded(Size(step))->value();
  SliceBounds bounds;
  bounds.reversed = step < 0;
  bounds.stride = std::abs(step);
  // On a reversed dimension place i is size - 1 - i, so that Python's interval
  // [-1, size - 1] is [size, 0].
  auto place = [&](const Size &i) {
    return bounds.reversed ? size - clampBound(i, 1, size)
                           : clampBound(i, 0, size);
  };
  Size first = lower ? place(*lower) : Size(0);
  Size end = upper ? place(*upper) : size;
  Size span = Size::max(end - first, 0);
  bounds.offset = first;
  bounds.length = (span + Size(bounds.stride - 1)).floorDiv(bounds.stride);
  if (bounds.length == Size(0))
    bounds.offset = 0;
  return bounds;
}

Size resolveIndex(const Size &i, const Size &size) {
  if (i.isNonNegative())
    return i;
  if (Size::lessThan(i, 0) == true)
    return i + size;
  // size-1 is negative only where there is nothing to index.
  if ((size - i).value() == 1)
    return i;
  return i + isNegative(i) * size;
}

} // namespace lamina::frontend
