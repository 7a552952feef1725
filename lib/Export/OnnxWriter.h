//===- OnnxWriter.h - lam as ONNX -------------------------------*- C++ -*-===//
#ifndef LAMINA_LIB_EXPORT_ONNXWRITER_H
#define LAMINA_LIB_EXPORT_ONNXWRITER_H

#include "GraphWriter.h"
#include "Protobuf.h"

namespace lamina {

/// Fields of ONNX's messages (onnx.proto3).
namespace onnx {
enum Model {
  IrVersion = 1,
  Producer = 2,
  ProducerVersion = 3,
  Graph = 7,
  Opset = 8
};
enum OpsetId { Domain = 1, Version = 2 };
enum GraphProto {
  Node = 1,
  GraphName = 2,
  Initializer = 5,
  Input = 11,
  Output = 12
};
enum NodeProto {
  NodeInput = 1,
  NodeOutput = 2,
  NodeName = 3,
  OpType = 4,
  NodeAttribute = 5
};
enum AttributeProto {
  AttributeName = 1,
  Float = 2,
  Int = 3,
  String = 4,
  SubGraph = 6,
  Ints = 8,
  Type = 20
};
enum AttributeType {
  FloatType = 1,
  IntType = 2,
  StringType = 3,
  GraphType = 5,
  IntsType = 7
};
enum TensorProto { Dims = 1, DataType = 2, TensorName = 8, RawData = 9 };
enum ValueInfo { ValueName = 1, ValueType = 2 };
enum TypeProto {
  TensorType = 1,
  ElementType = 1,
  Shape = 2,
  Dim = 1,
  DimValue = 1,
  DimParam = 2
};
/// TensorProto.DataType
int64_t dataType(mlir::Type elementType);
} // namespace onnx

/// An attribute of a node.
struct OnnxAttribute : ProtoMessage {
  OnnxAttribute(llvm::StringRef name, int64_t value);
  OnnxAttribute(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  OnnxAttribute(llvm::StringRef name, llvm::StringRef value);
  OnnxAttribute(llvm::StringRef name, const ProtoMessage &graph);
};

/// Writes a function as an ONNX graph. Sizes are tensors int64[1], so that a
/// shape is a Concat of them.
class OnnxWriter : public GraphWriter {
public:
  using GraphWriter::GraphWriter;
  mlir::FailureOr<std::string> run();

private:
  using Names = llvm::ArrayRef<std::string>;
  using Attributes = llvm::ArrayRef<OnnxAttribute>;

  /// What is known in a graph and the graphs inside it.
  struct Scope {
    llvm::DenseMap<mlir::Value, Written> written;
    llvm::DenseMap<mlir::Value, std::string> whole, sizes;
    std::map<std::pair<std::string, int64_t>, std::string> dims;
  };
  llvm::DenseMap<mlir::Value, std::string> whole; // what had to be repeated
  llvm::DenseMap<mlir::Value, std::string> sizes; // of type index
  std::map<std::pair<std::string, int64_t>, std::string> dims;
  std::map<std::string, std::string> constants; // by contents
  ProtoMessage *graph = nullptr;                // that is being written
  ProtoMessage top;
  mlir::Operation *current = nullptr; // the operation that is being written
  size_t weightBytes = 0;

  // OnnxWriter.cpp: nodes, constants, sizes
  bool write(mlir::Operation *op) override;
  bool isUnknown(mlir::Operation *op) override {
    return mlir::isa<lam::RandomBitsOp, lam::BitcastOp, lam::NextAfterOp>(op);
  }
  void weights();
  void initializer(llvm::StringRef name, mlir::ElementsAttr value);
  ProtoMessage valueInfo(llvm::StringRef name, mlir::Type type,
                         mlir::DictionaryAttr attrs = {});
  std::vector<std::string> node(llvm::StringRef type, Names inputs,
                                Attributes attributes, unsigned results);
  std::string node(llvm::StringRef type, Names inputs,
                   Attributes attributes = {}) {
    return node(type, inputs, attributes, 1).front();
  }
  std::string constant(mlir::DenseElementsAttr value);
  /// int64[n], or a scalar of an element type.
  std::string integers(llvm::ArrayRef<int64_t> values);
  std::string scalar(mlir::Type elementType, double value);
  std::string cast(llvm::StringRef x, mlir::Type elementType);
  /// A size as int64[1].
  std::string size(mlir::OpFoldResult size);
  std::string size(mlir::Value tensor, int64_t dim);
  /// Sizes, `dynamic` where `shape` does not know them, as int64[rank].
  std::string shape(llvm::ArrayRef<int64_t> shape, mlir::ValueRange dynamic);
  std::string joined(llvm::ArrayRef<std::string> sizes);
  std::string offsets(llvm::ArrayRef<int64_t> known, mlir::ValueRange dynamic);

  /// The tensor with all its elements.
  std::string get(mlir::Value value);
  Written part(mlir::Value value) { return written.lookup(value); }
  void set(mlir::Value result, std::string name);
  void set(mlir::Value result, std::string name, llvm::ArrayRef<int64_t> shape);
  mlir::Type elementOf(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getElementType();
  }
  llvm::ArrayRef<int64_t> shapeOfType(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }

  // OnnxPointwise.cpp
  bool pointwise(mlir::Operation *op);
  std::string pointwiseNode(mlir::Operation *op, Names inputs);
  std::string shift(mlir::Operation *op, Names inputs);

  // OnnxStructure.cpp
  bool structure(mlir::Operation *op);
  std::string reshape(llvm::StringRef x, llvm::ArrayRef<int64_t> shape,
                      mlir::ValueRange sizes);
  std::string slice(llvm::StringRef x, Names starts, Names ends,
                    llvm::ArrayRef<int64_t> axes,
                    llvm::ArrayRef<int64_t> steps);
  std::string transpose(llvm::StringRef x, llvm::ArrayRef<int64_t> perm);
  /// Puts `step - 1` elements of 0, or of `value`, behind each element of a
  /// dimension but the last.
  std::string spread(llvm::StringRef x, int64_t rank, int64_t dim, int64_t step,
                     llvm::StringRef value);
  void broadcast(lam::BroadcastOp op);
  void sliceOp(lam::SliceOp op);
  void padOp(lam::PadOp op);

  // OnnxGather.cpp
  bool indexed(mlir::Operation *op);
  void gather(lam::GatherOp op);
  void scatter(lam::ScatterOp op);
  std::string clamped(mlir::Value indices, mlir::Value x,
                      llvm::ArrayRef<int64_t> axes);

  // OnnxReductions.cpp
  bool reduction(mlir::Operation *op);
  void reduce(lam::ReduceOp op);
  std::string reduceNode(lam::ReduceKind kind, llvm::StringRef x,
                         mlir::Type element, llvm::ArrayRef<int64_t> dims);
  void cumulative(lam::CumulativeOp op);
  void sort(lam::SortOp op);

  // OnnxContractions.cpp
  bool contraction(mlir::Operation *op);
  void dot(lam::DotOp op);
  void conv(lam::ConvOp op);
  bool window(lam::WindowOp op);

  // OnnxLoops.cpp
  bool loop(mlir::Operation *op);
  void scan(lam::ScanOp op);
  void whileLoop(lam::WhileOp op);
  ProtoMessage body(llvm::function_ref<void()> write);
  std::vector<std::string> region(mlir::Region &region, Names arguments);
};

} // namespace lamina

#endif // LAMINA_LIB_EXPORT_ONNXWRITER_H
