//===- Indexer.h - one indexing of a tensor ---------------------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_INDEXER_H
#define LAMINA_LIB_FRONTEND_INDEXER_H

#include "IndexBounds.h"
#include "TracerImpl.h"

namespace lamina::frontend {

/// One item of an index after `...` is expanded.
struct IndexItem {
  enum Kind { Integer, Slice, NewAxis, Advanced } kind;
  Size place;                      // of Integer
  SliceBounds bounds;              // of Slice
  TensorObject *indices = nullptr; // of Advanced
  int64_t axis = -1;               // of x, except for NewAxis
};

/// Reads an index (IndexItems.cpp) and emits what it selects (Indexing.cpp).
class Indexer {
public:
  Indexer(Evaluator &evaluator, TensorObject *x, llvm::SMRange at)
      : evaluator(evaluator), tracer(evaluator.tracer()), x(x), at(at) {}

  Result run(Value index);

private:
  mlir::LogicalResult expand(Value index);
  mlir::LogicalResult addItem(Value value, int64_t axis);
  mlir::LogicalResult addInteger(const Size &index, int64_t axis);
  mlir::LogicalResult addSlice(SliceObject *slice, int64_t axis);
  mlir::LogicalResult addTensor(Value value, int64_t axis);
  mlir::FailureOr<std::optional<Size>> bound(Value value, llvm::StringRef what);
  mlir::FailureOr<TensorObject *> checkedIndices(TensorObject *indices,
                                                 int64_t axis);
  TensorObject *sliced();
  mlir::FailureOr<TensorObject *> gathered(TensorObject *y);
  bool joinsAdvanced(const IndexItem &item) const {
    return item.kind == IndexItem::Advanced ||
           (item.kind == IndexItem::Integer && hasArray);
  }

  Evaluator &evaluator;
  Tracer &tracer;
  TensorObject *x;
  llvm::SMRange at;
  llvm::SmallVector<IndexItem> items;
  bool hasArray = false; // an index tensor that is not a scalar
  std::optional<size_t>
      emptyEllipsis; // the item that `...` for nothing precedes
  // Of the gather: the shape of the indices, and where it goes in the result.
  Shape indexShape;
  size_t firstAdvanced = 0;
  bool indicesLead = false;
};

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_INDEXER_H
