//===- KerasContractions.cpp - lam as Keras: products and windows ---------===//

#include "KerasWriter.h"

using namespace mlir;

namespace lamina {

bool KerasWriter::dot(lam::DotOp op) {
  RankedTensorType a = typeOf(op.getA()), b = typeOf(op.getB()), y = typeOf(op);
  std::string left = get(op.getA()), right = get(op.getB());
  if (left.empty() || right.empty())
    return false;
  Array args{argument(left, true), argument(right, true)};
  Type element = y.getElementType();
  // rows times columns
  int64_t rankA = a.getRank(), rankB = b.getRank();
  bool isProduct = op.getBatchA().empty() && rankA >= 2 && rankB == 2 &&
                   op.getContractA() == ArrayRef<int64_t>{rankA - 1} &&
                   op.getContractB() == ArrayRef<int64_t>{0};
  std::string result;
  if (isProduct) {
    result = this->op("numpy", "Matmul", Object{}, std::move(args),
                      y.getShape(), element);
  } else {
    std::string inA(rankA, ' '), inB(rankB, ' '), out;
    char letter = 'a';
    for (auto [i, j] : llvm::zip(op.getBatchA(), op.getBatchB())) {
      out += letter;
      inA[i] = inB[j] = letter++;
    }
    for (auto [i, j] : llvm::zip(op.getContractA(), op.getContractB()))
      inA[i] = inB[j] = letter++;
    for (char &c : inA)
      if (c == ' ')
        out += c = letter++;
    for (char &c : inB)
      if (c == ' ')
        out += c = letter++;
    result = this->op("numpy", "Einsum",
                      Object{{"subscripts", inA + "," + inB + "->" + out}},
                      std::move(args), y.getShape(), element);
  }
  // Keras widens products of small integers.
  if (isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 32)
    result = this->op("core", "Cast",
                      Object{{"dtype", lamina::name(*fromMLIR(element))}},
                      Array{argument(result)}, y.getShape(), element);
  set(op, result);
  return true;
}

bool KerasWriter::conv(lam::ConvOp op) {
  RankedTensorType type = typeOf(op.getX()), y = typeOf(op);
  std::string x = get(op.getX()), kernel = get(op.getKernel());
  int64_t spatial = type.getRank() - 2;
  bool isSpread =
      llvm::any_of(op.getXDilation(), [](int64_t d) { return d != 1; });
  bool isCut = llvm::any_of(op.getPadLow(), [](int64_t p) { return p < 0; }) ||
               llvm::any_of(op.getPadHigh(), [](int64_t p) { return p < 0; });
  if (x.empty() || kernel.empty() || isSpread || isCut || spatial < 1)
    return false;
  SmallVector<int64_t> low{0}, high{0};
  llvm::append_range(low, op.getPadLow());
  llvm::append_range(high, op.getPadHigh());
  low.push_back(0);
  high.push_back(0);
  x = pad(x, low, high, 0);
  set(op, this->op("nn", "Conv",
                   Object{{"strides", Array(op.getStrides())},
                          {"padding", "valid"},
                          {"data_format", "channels_last"},
                          {"dilation_rate", Array(op.getKernelDilation())}},
                   Array{argument(x, true), argument(kernel, true)},
                   y.getShape(), y.getElementType()));
  return true;
}

bool KerasWriter::window(lam::WindowOp op) {
  RankedTensorType type = typeOf(op.getX()), y = typeOf(op);
  int64_t rank = type.getRank();
  Type element = type.getElementType();
  std::string x = get(op.getX());
  bool isSum = op.getKind() == lam::ReduceKind::Sum;
  if (x.empty() || rank < 3 || rank > 5 || !isa<FloatType>(element) ||
      (!isSum && op.getKind() != lam::ReduceKind::Max))
    return false;
  for (int64_t i = 0; i < rank; ++i) {
    bool isPlace = i > 0 && i < rank - 1;
    if (op.getDilation()[i] != 1 || op.getPadLow()[i] < 0 ||
        op.getPadHigh()[i] < 0 ||
        (!isPlace && (op.getWindow()[i] != 1 || op.getStrides()[i] != 1 ||
                      op.getPadLow()[i] || op.getPadHigh()[i])))
      return false;
  }
  x = pad(x, op.getPadLow(), op.getPadHigh(),
          isSum ? 0 : -std::numeric_limits<double>::infinity());
  // The layer, as the operation takes no lists from a file.
  ArrayRef<int64_t> sizes = op.getWindow().slice(1, rank - 2);
  std::string kind = (isSum ? "AveragePooling" : "MaxPooling") +
                     std::to_string(rank - 2) + "D";
  unsigned node =
      addNode("keras.layers", kind,
              nameOf(op, isSum ? "average_pooling" : "max_pooling", '_'),
              Object{{"pool_size", Array(sizes)},
                     {"strides", Array(op.getStrides().slice(1, rank - 2))},
                     {"padding", "valid"},
                     {"data_format", "channels_last"},
                     {"dtype", lamina::name(*fromMLIR(element))}});
  std::string result =
      call(node, Array{argument(x)}, Object{}, 0, y.getShape(), element);
  if (isSum) {
    double count = 1;
    for (int64_t size : sizes)
      count *= size;
    result = this->op("numpy", "Multiply", Object{},
                      Array{argument(result), count}, y.getShape(), element);
  }
  set(op, result);
  return true;
}

bool KerasWriter::contraction(Operation *op) {
  if (auto dot = dyn_cast<lam::DotOp>(op))
    return this->dot(dot);
  if (auto conv = dyn_cast<lam::ConvOp>(op))
    return this->conv(conv);
  if (auto window = dyn_cast<lam::WindowOp>(op))
    return this->window(window);
  return false;
}

} // namespace lamina
