//===- Data.h - what a model is trained on ----------------------*- C++ -*-===//
#ifndef LAMINA_TRAINING_DATA_H
#define LAMINA_TRAINING_DATA_H

#include "lamina/Training/MatchArrays.h"
#include <map>

namespace lamina {

/// An array whose first axis counts the samples, and where it came from.
struct Column {
  std::string name, file;
  NDArray array;
};

/// The columns of a data set; all have the same number of rows.
struct Dataset {
  std::vector<Column> inputs, targets;
  std::optional<Column> sampleWeight;

  std::vector<const Column *> columns() const;
  int64_t rows() const { return inputs.front().array.shape()[0]; }
  /// Checks that there are rows, as many in each column.
  llvm::Error check() const;
};

/// A range of a data set's rows.
struct DataView {
  const Dataset *data = nullptr;
  int64_t first = 0, rows = 0;

  DataView() = default;
  DataView(const Dataset &data) : data(&data), rows(data.rows()) {}
  DataView(const Dataset &data, int64_t first, int64_t rows)
      : data(&data), first(first), rows(rows) {}
};

/// The first rows, and the last `fraction` of them, as Keras splits.
llvm::Expected<std::pair<DataView, DataView>> splitData(const Dataset &data,
                                                        double fraction);

/// What one step works on.
struct Batch {
  std::vector<NDArray> inputs, targets;
  std::optional<NDArray> sampleWeight;
  int64_t rows = 0;
};

/// Copies the rows of `view` that `rows` lists to `batch`, whose memory is
/// reused where it fits.
void gather(const DataView &view, llvm::ArrayRef<int64_t> rows, Batch &batch);

/// Makes an array the column `spec` of a model: numbers of another dtype are
/// converted where no value can change (or, for a float, only its precision;
/// an input of integers does not become one of floats), an axis of one element
/// is added or dropped at the end.
llvm::Error fitColumn(Column &column, const ArraySpec &spec,
                      llvm::StringRef role);

/// The weight of each row by the class in `target`, a label or the largest of
/// the last axis; 1 for a class that is not in the table, as in Keras. Weights
/// that there are already are multiplied.
llvm::Error applyClassWeights(Dataset &data,
                              const std::map<int64_t, double> &weights);

/// A place in an array, as NumPy indexes: "[3, 0]".
std::string placeOf(int64_t element, llvm::ArrayRef<int64_t> shape);

/// The first element that is not finite among the given rows of a view, as
/// "FILE: 'x'[3, 0] is nan"; nothing if there is none.
std::optional<std::string> findNonFinite(const DataView &view,
                                         llvm::ArrayRef<int64_t> rows);

/// The first element of `array` that is not finite.
std::optional<int64_t> firstNonFinite(const NDArray &array, int64_t from,
                                      int64_t to);

/// Checks that the labels of a column are classes: at least 0, below `classes`.
/// A label equal to `ignored` is one that a loss passes over.
llvm::Error checkLabels(const Column &column, int64_t classes,
                        std::optional<int64_t> ignored = std::nullopt);

/// A number that changes when the data does.
uint64_t fingerprint(const DataView &view);

} // namespace lamina

#endif // LAMINA_TRAINING_DATA_H
