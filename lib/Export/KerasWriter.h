//===- KerasWriter.h - lam as a functional model of Keras -------*- C++ -*-===//
#ifndef LAMINA_LIB_EXPORT_KERASWRITER_H
#define LAMINA_LIB_EXPORT_KERASWRITER_H

#include "GraphWriter.h"
#include "lamina/Lam/Sizes.h"
#include "llvm/Support/JSON.h"
#include <map>

namespace lamina {

/// A layer or operation of a functional model, and its calls.
struct KerasNode {
  std::string module, className, name;
  llvm::json::Object config;
  /// A call: its arguments, and the nodes and calls that they come from.
  struct Call {
    llvm::json::Array args;
    llvm::json::Object kwargs;
    std::vector<std::pair<unsigned, unsigned>> parents;
  };
  std::vector<Call> calls;
  bool isLayer = false;
  /// By the group of the HDF5 file below that of the layer.
  std::vector<std::pair<std::string, std::vector<NDArray>>> weights;
};

/// The positions of `nodes` in the order in which Keras numbers the layers of a
/// model whose outputs come from the calls `outputs` of nodes.
std::vector<unsigned>
kerasOrder(llvm::ArrayRef<KerasNode> nodes,
           llvm::ArrayRef<std::pair<unsigned, unsigned>> outputs);

/// The HDF5 file with these arrays by their paths, which groups lead to.
llvm::Expected<std::string>
writeHdf5(llvm::ArrayRef<std::pair<std::string, NDArray>> arrays);

/// Writes a function as a functional model. A value is a number in `tensors`,
/// or one in `constants`, with a `c` in front.
class KerasWriter : public GraphWriter {
public:
  using GraphWriter::GraphWriter;
  mlir::FailureOr<std::string> run();

private:
  using JSON = llvm::json::Value;
  using Array = llvm::json::Array;
  using Object = llvm::json::Object;
  using Shape = llvm::ArrayRef<int64_t>;

  /// An output of a call.
  struct Tensor {
    unsigned node, call, output;
    llvm::SmallVector<int64_t> shape;
    mlir::Type element;
  };
  std::vector<KerasNode> nodes;
  std::vector<Tensor> tensors;
  std::vector<mlir::DenseElementsAttr> constants;
  llvm::StringMap<unsigned> layers; // kept ones, by name
  llvm::DenseMap<mlir::Value, std::string> whole;
  std::map<std::pair<std::string, int64_t>, std::string> zeroLines;
  mlir::Operation *current = nullptr;
  std::string named(std::string result, unsigned number);
  std::string zero; // int32[], of no batch

  // KerasWeights.cpp: inputs, weights, layers
  void input(mlir::BlockArgument argument);
  bool weight(mlir::BlockArgument argument);
  std::string holder(llvm::StringRef name, const NDArray &value,
                     bool isTrainable);
  bool layerCall(mlir::func::CallOp call);

  // KerasWriter.cpp: nodes, arguments
  bool write(mlir::Operation *op) override;
  bool isUnknown(mlir::Operation *op) override {
    return mlir::isa<lam::RandomBitsOp, lam::ScanOp, lam::WhileOp>(op);
  }
  unsigned addNode(llvm::StringRef module, llvm::StringRef className,
                   llvm::StringRef name, Object config);
  std::string call(unsigned node, Array args, Object kwargs, unsigned output,
                   Shape shape, mlir::Type element);
  /// A new operation of keras.ops with its only call.
  std::string op(llvm::StringRef module, llvm::StringRef className,
                 Object config, Array args, Shape shape, mlir::Type element);
  /// What stands for a value among arguments. A number takes the type of the
  /// tensor that it meets, unless it `isTyped`.
  JSON argument(llvm::StringRef value, bool isTyped = false);
  JSON reference(const Tensor &tensor);
  static JSON shapeList(Shape shape);
  static std::string dtypeOf(mlir::Type element);
  std::string constant(mlir::DenseElementsAttr value);
  std::string numbers(llvm::ArrayRef<int64_t> values);
  NDArray valueOf(llvm::StringRef constant);
  /// The array broadcast to a shape, as NumPy does it.
  static NDArray repeated(const NDArray &array, Shape shape);
  bool isConstant(llvm::StringRef value) { return value.starts_with("c"); }
  Shape shapeOfValue(llvm::StringRef value);
  mlir::Type elementOfValue(llvm::StringRef value);
  mlir::Type int32() {
    return mlir::IntegerType::get(function.getContext(), 32);
  }
  mlir::RankedTensorType typeOf(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  void set(mlir::Value result, std::string name);
  void set(mlir::Value result, std::string name, Shape shape);

  // KerasShapes.cpp: values with all their elements, sizes
  /// The tensor with all its elements; empty if there is no way to them.
  std::string get(mlir::Value value);
  std::string expandDims(std::string x, Shape newDims);
  std::string reshape(llvm::StringRef x, Shape shape);
  /// Zeros int32[n], as long as a dimension is.
  std::string zeros(llvm::StringRef tensor, int64_t dim);
  std::string zerosOf(mlir::Value tensor, int64_t dim);
  /// Where a size comes from, through layers and equal sizes of inputs.
  lam::SizeSource originOf(mlir::Value tensor, int64_t dim);
  std::optional<int64_t> evaluate(mlir::OpFoldResult size,
                                  const lam::SizeSource &source, int64_t n);
  /// A size as int32[]; empty if there is no way to it.
  std::string size(mlir::OpFoldResult size);
  std::string size(mlir::Value tensor, int64_t dim);
  /// Is a size what the formula says of a dimension, whatever that is?
  bool agrees(mlir::OpFoldResult size, mlir::Value tensor, int64_t dim,
              llvm::function_ref<int64_t(int64_t)> formula);
  /// The number by which a size exceeds the dimension, whatever that is.
  std::optional<int64_t> excess(mlir::OpFoldResult size, mlir::Value tensor,
                                int64_t dim);
  /// The number that a size is, whatever the dimension is.
  std::optional<int64_t> constantOf(mlir::OpFoldResult size, mlir::Value tensor,
                                    int64_t dim);
  bool isSame(mlir::Value size, mlir::Value tensor, int64_t dim);

  // KerasOperations.cpp, KerasStructure.cpp, KerasContractions.cpp
  bool pointwise(mlir::Operation *op);
  bool fold(mlir::Operation *op);
  bool reduction(mlir::Operation *op);
  std::string toInt32(llvm::StringRef indices);
  bool sort(lam::SortOp op);
  bool cumulative(lam::CumulativeOp op);
  bool structure(mlir::Operation *op);
  bool reshapeOp(lam::ReshapeOp op);
  bool sliceOp(lam::SliceOp op);
  bool padOp(lam::PadOp op);
  bool iota(lam::IotaOp op);
  bool gather(lam::GatherOp op);
  bool scatter(lam::ScatterOp op);
  bool contraction(mlir::Operation *op);
  bool dot(lam::DotOp op);
  bool conv(lam::ConvOp op);
  bool window(lam::WindowOp op);
  std::string transpose(llvm::StringRef x, Shape perm);
  std::string pad(llvm::StringRef x, Shape low, Shape high, double value);
  /// x[start:stop:step, ...] where `stop` may be unknown: the end.
  std::string slice(llvm::StringRef x, Shape start, Shape stop, Shape step,
                    Shape result);
};

} // namespace lamina

#endif // LAMINA_LIB_EXPORT_KERASWRITER_H
