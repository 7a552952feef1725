//===- Data.cpp - what a model is trained on ------------------------------===//

#include "lamina/Training/Data.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"
#include <cmath>
#include <cstring>

using namespace lamina;

static llvm::Error columnError(const Column &column,
                               const llvm::Twine &message) {
  return llvm::createStringError(column.file + ": " + message);
}

std::vector<const Column *> Dataset::columns() const {
  std::vector<const Column *> result;
  for (const Column &column : inputs)
    result.push_back(&column);
  for (const Column &column : targets)
    result.push_back(&column);
  if (sampleWeight)
    result.push_back(&*sampleWeight);
  return result;
}

llvm::Error Dataset::check() const {
  for (const Column *column : columns())
    if (column->array.rank() == 0)
      return columnError(*column, "'" + column->name +
                                      "' is one number; the first axis of an "
                                      "array counts the samples");
  const Column &first = inputs.front();
  if (rows() == 0)
    return columnError(first, "there are no samples to train on: '" +
                                  first.name + "' has 0 rows");
  for (const Column *column : columns())
    if (column->array.shape()[0] != rows())
      return columnError(*column, "'" + column->name + "' has " +
                                      llvm::Twine(column->array.shape()[0]) +
                                      " rows, '" + first.name + "' of " +
                                      first.file + " has " +
                                      llvm::Twine(rows()));
  return llvm::Error::success();
}

llvm::Expected<std::pair<DataView, DataView>>
lamina::splitData(const Dataset &data, double fraction) {
  int64_t rows = data.rows();
  auto kept = static_cast<int64_t>(std::floor(rows * (1.0 - fraction)));
  if (kept <= 0 || kept >= rows)
    return llvm::createStringError(
        "a validation split of " + llvm::formatv("{0}", fraction).str() +
        " of " + llvm::Twine(rows) + " rows leaves no rows " +
        (kept <= 0 ? "to train on" : "for validation"));
  return std::pair(DataView(data, 0, kept), DataView(data, kept, rows - kept));
}

static void gatherColumn(const Column &column, int64_t first,
                         llvm::ArrayRef<int64_t> rows, NDArray &to) {
  llvm::SmallVector<int64_t> shape(column.array.shape());
  size_t rowBytes = column.array.bytes() / shape[0];
  shape[0] = rows.size();
  if (to.dtype() != column.array.dtype() ||
      to.shape() != llvm::ArrayRef<int64_t>(shape))
    to = NDArray(column.array.dtype(), shape);
  if (rowBytes == 0)
    return;
  auto *out = static_cast<char *>(to.data());
  const auto *in = static_cast<const char *>(column.array.data());
  for (auto [i, row] : llvm::enumerate(rows))
    std::memcpy(out + i * rowBytes, in + (first + row) * rowBytes, rowBytes);
}

void lamina::gather(const DataView &view, llvm::ArrayRef<int64_t> rows,
                    Batch &batch) {
  const Dataset &data = *view.data;
  batch.rows = rows.size();
  batch.inputs.resize(data.inputs.size());
  batch.targets.resize(data.targets.size());
  for (auto [column, to] : llvm::zip_equal(data.inputs, batch.inputs))
    gatherColumn(column, view.first, rows, to);
  for (auto [column, to] : llvm::zip_equal(data.targets, batch.targets))
    gatherColumn(column, view.first, rows, to);
  if (!data.sampleWeight) {
    batch.sampleWeight.reset();
    return;
  }
  if (!batch.sampleWeight)
    batch.sampleWeight.emplace();
  gatherColumn(*data.sampleWeight, view.first, rows, *batch.sampleWeight);
}

//===----------------------------------------------------------------------===//
// Fitting arrays to a model
//===----------------------------------------------------------------------===//

/// Whether `array` has the values of an array of dtype `wanted`.
static bool converts(const NDArray &array, DType wanted) {
  DType given = array.dtype();
  if (given == wanted || isFloat(wanted))
    return true;
  if (wanted == DType::Bool || isFloat(given))
    return false;
  // A negative uint64 is one above the largest int64.
  for (int64_t i = 0; i < array.size(); ++i) {
    int64_t value = array.getInt(i);
    bool huge = given == DType::UInt64 && value < 0;
    bool negative = given != DType::UInt64 && value < 0;
    if (wanted == DType::UInt64 ? negative
                                : huge || wrap(value, wanted) != value)
      return false;
  }
  return true;
}

/// The same elements in another shape.
static NDArray reshaped(const NDArray &array, llvm::ArrayRef<int64_t> shape) {
  NDArray result(array.dtype(), shape);
  if (array.bytes() != 0)
    std::memcpy(result.data(), array.data(), array.bytes());
  return result;
}

llvm::Error lamina::fitColumn(Column &column, const ArraySpec &spec,
                              llvm::StringRef role) {
  NDArray &array = column.array;
  llvm::SmallVector<int64_t> shape(array.shape());
  if (shape.size() + 1 == spec.shape.size() && !shape.empty() &&
      spec.shape.back() == 1)
    shape.push_back(1);
  else if (shape.size() == spec.shape.size() + 1 && shape.back() == 1)
    shape.pop_back();
  bool fits = shape.size() == spec.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = spec.shape[i] < 0 || spec.shape[i] == shape[i] ||
           i == 0; // the batch is checked with the batch size
  // What `lamina run` would refuse as an input is refused here, too.
  bool kindFits =
      role != "input" || isFloat(array.dtype()) == isFloat(spec.dtype);
  if (!fits || !kindFits || !converts(array, spec.dtype)) {
    llvm::SmallVector<int64_t> expected(spec.shape);
    if (!expected.empty())
      expected[0] = -1;
    return columnError(column, role + " '" + spec.name + "' must be " +
                                   describe(spec.dtype, expected) +
                                   ", the array is " +
                                   describe(array.dtype(), array.shape()));
  }
  if (shape != llvm::SmallVector<int64_t>(array.shape()))
    array = reshaped(array, shape);
  if (array.dtype() != spec.dtype)
    array = array.cast(spec.dtype);
  column.name = spec.name;
  return llvm::Error::success();
}

llvm::Error
lamina::applyClassWeights(Dataset &data,
                          const std::map<int64_t, double> &weights) {
  if (data.targets.size() != 1)
    return llvm::createStringError(
        "class weights need a model with one target, this one has " +
        llvm::Twine(data.targets.size()));
  const NDArray &labels = data.targets.front().array;
  int64_t rows = data.rows(), width = labels.size() / rows;
  NDArray result(DType::Float32, {rows});
  for (int64_t row = 0; row < rows; ++row) {
    int64_t label = 0;
    if (width == 1)
      label = std::llrint(labels.getDouble(row));
    for (int64_t i = 1; i < width; ++i)
      if (labels.getDouble(row * width + i) >
          labels.getDouble(row * width + label))
        label = i;
    auto found = weights.find(label);
    double weight = found == weights.end() ? 1.0 : found->second;
    if (data.sampleWeight)
      weight *= data.sampleWeight->array.getDouble(row);
    result.setDouble(row, weight);
  }
  std::string file = data.sampleWeight ? data.sampleWeight->file : "";
  data.sampleWeight = Column{"sample_weight", file, std::move(result)};
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// What is wrong with the values
//===----------------------------------------------------------------------===//

std::string lamina::placeOf(int64_t element, llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (size_t axis = shape.size(); axis-- > 0;) {
    text = std::to_string(element % shape[axis]) +
           (text.empty() ? "" : ", " + text);
    element /= shape[axis];
  }
  return "[" + text + "]";
}

std::optional<int64_t> lamina::firstNonFinite(const NDArray &array,
                                              int64_t from, int64_t to) {
  if (isFloat(array.dtype()))
    for (int64_t i = from; i < to; ++i)
      if (!std::isfinite(array.getDouble(i)))
        return i;
  return std::nullopt;
}

std::optional<std::string> lamina::findNonFinite(const DataView &view,
                                                 llvm::ArrayRef<int64_t> rows) {
  for (const Column *column : view.data->columns()) {
    const NDArray &array = column->array;
    int64_t width = array.size() / array.shape()[0];
    for (int64_t row : rows) {
      int64_t at = (view.first + row) * width;
      if (std::optional<int64_t> bad = firstNonFinite(array, at, at + width)) {
        double value = array.getDouble(*bad);
        return column->file + ": '" + column->name + "'" +
               placeOf(*bad, array.shape()) + " is " +
               (std::isnan(value) ? "nan"
                : value < 0       ? "-inf"
                                  : "inf");
      }
    }
  }
  return std::nullopt;
}

llvm::Error lamina::checkLabels(const Column &column, int64_t classes,
                                std::optional<int64_t> ignored) {
  const NDArray &labels = column.array;
  for (int64_t i = 0; i < labels.size(); ++i) {
    double value = labels.getDouble(i);
    if ((value >= 0 && value < classes && value == std::floor(value)) ||
        (ignored && value == *ignored))
      continue;
    std::string text = isFloat(labels.dtype())
                           ? llvm::formatv("{0}", value).str()
                           : std::to_string(labels.getInt(i));
    return columnError(column, "the label '" + column.name + "'" +
                                   placeOf(i, labels.shape()) + " is " + text +
                                   "; the model has the classes 0 to " +
                                   llvm::Twine(classes - 1));
  }
  return llvm::Error::success();
}

uint64_t lamina::fingerprint(const DataView &view) {
  uint64_t result = view.rows;
  for (const Column *column : view.data->columns()) {
    const NDArray &array = column->array;
    size_t rowBytes = array.bytes() / array.shape()[0];
    llvm::ArrayRef<uint8_t> bytes(static_cast<const uint8_t *>(array.data()),
                                  array.bytes());
    uint64_t hash = llvm::xxh3_64bits(
        bytes.slice(view.first * rowBytes, view.rows * rowBytes));
    result = result * 0x9e3779b97f4a7c15 + hash +
             static_cast<uint64_t>(array.dtype());
  }
  return result;
}
