//===- IndexBounds.h - Python's slices on symbolic sizes --------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_INDEXBOUNDS_H
#define LAMINA_LIB_FRONTEND_INDEXBOUNDS_H

#include "lamina/Frontend/Size.h"

namespace lamina::frontend {

/// `lower:upper:step` of a dimension. If `reversed`, the dimension is reversed
/// first and the rest refers to that; the stride is positive.
struct SliceBounds {
  Size offset, length;
  int64_t stride = 1;
  bool reversed = false;
};

/// Python's meaning of a slice, exactly, for every value of the symbols. An
/// absent bound is the end in the direction of `step`, which is not 0.
SliceBounds resolveSlice(std::optional<Size> lower, std::optional<Size> upper,
                         int64_t step, const Size &size);

/// The place that index `i` means: negative ones count from the end.
Size resolveIndex(const Size &i, const Size &size);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_INDEXBOUNDS_H
