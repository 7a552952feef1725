//===- Elements.h - arrays as attributes ------------------------*- C++ -*-===//
#ifndef LAMINA_SUPPORT_ELEMENTS_H
#define LAMINA_SUPPORT_ELEMENTS_H

#include "lamina/Support/NDArray.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace lamina {

/// The array as an attribute; one element if all have the same bits.
mlir::DenseElementsAttr toElements(const NDArray &array,
                                   mlir::MLIRContext *context);

/// The attribute as an array; nothing if its element type is not one of ours,
/// or its data is not there (an elided resource).
std::optional<NDArray> fromElements(mlir::ElementsAttr elements);

} // namespace lamina

#endif // LAMINA_SUPPORT_ELEMENTS_H
