//===- OnnxContractions.cpp - lam as ONNX: products and windows -----------===//

#include "OnnxWriter.h"
#include "lamina/Support/Elements.h"
#include <limits>

using namespace mlir;

namespace lamina {

static SmallVector<int64_t> concat(ArrayRef<ArrayRef<int64_t>> parts) {
  SmallVector<int64_t> result;
  for (ArrayRef<int64_t> part : parts)
    llvm::append_range(result, part);
  return result;
}

/// The dimensions that are in neither list.
static SmallVector<int64_t> others(int64_t rank, ArrayRef<int64_t> a,
                                   ArrayRef<int64_t> b) {
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < rank; ++i)
    if (!llvm::is_contained(a, i) && !llvm::is_contained(b, i))
      result.push_back(i);
  return result;
}

void OnnxWriter::dot(lam::DotOp op) {
  ArrayRef<int64_t> batchA = op.getBatchA(), batchB = op.getBatchB();
  ArrayRef<int64_t> sumA = op.getContractA(), sumB = op.getContractB();
  int64_t rankA = shapeOfType(op.getA()).size();
  int64_t rankB = shapeOfType(op.getB()).size();
  SmallVector<int64_t> freeA = others(rankA, batchA, sumA);
  SmallVector<int64_t> freeB = others(rankB, batchB, sumB);
  std::string a = get(op.getA()), b = get(op.getB());
  Type element = elementOf(op), wide = element;
  if (isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 32) {
    wide = IntegerType::get(op.getContext(), 32);
    a = cast(a, wide);
    b = cast(b, wide);
  }
  std::string y;
  bool isProduct = sumA.size() == 1 && freeB.size() <= 1 &&
                   (batchA.empty() || (freeA.size() == 1 && freeB.size() == 1));
  if (isProduct) {
    y = node("MatMul", {transpose(a, concat({batchA, freeA, sumA})),
                        transpose(b, concat({batchB, sumB, freeB}))});
  } else {
    std::string inA(rankA, ' '), inB(rankB, ' '), out;
    char letter = 'a';
    for (auto [i, j] : llvm::zip(batchA, batchB)) {
      out += letter;
      inA[i] = inB[j] = letter++;
    }
    for (auto [i, j] : llvm::zip(sumA, sumB))
      inA[i] = inB[j] = letter++;
    for (int64_t i : freeA)
      out += inA[i] = letter++;
    for (int64_t i : freeB)
      out += inB[i] = letter++;
    y = node(
        "Einsum", {a, b},
        OnnxAttribute("equation", StringRef(inA + "," + inB + "->" + out)));
  }
  set(op, wide == element ? y : cast(y, element));
}

/// Cuts off what is padded by less than nothing.
static bool isNegative(int64_t pad) { return pad < 0; }

void OnnxWriter::conv(lam::ConvOp op) {
  int64_t rank = shapeOfType(op.getX()).size(), spatial = rank - 2;
  Type element = elementOf(op), single = Float32Type::get(op.getContext());
  bool isFloat = isa<FloatType>(element);
  std::string x = get(op.getX()), kernel = get(op.getKernel());
  if (!isFloat) {
    x = cast(x, single);
    kernel = cast(kernel, single);
  }
  SmallVector<int64_t> toChannels{0, rank - 1}, back{0};
  SmallVector<int64_t> ofKernel{rank - 1, rank - 2};
  for (int64_t i = 0; i < spatial; ++i) {
    toChannels.push_back(i + 1);
    back.push_back(i + 2);
    ofKernel.push_back(i);
    x = spread(x, rank, i + 1, op.getXDilation()[i],
               scalar(isFloat ? element : single, 0));
  }
  back.push_back(1);
  SmallVector<int64_t> low(op.getPadLow()), high(op.getPadHigh());
  if (llvm::any_of(low, isNegative) || llvm::any_of(high, isNegative)) {
    std::vector<std::string> starts, ends;
    SmallVector<int64_t> axes, steps(spatial, 1);
    for (int64_t i = 0; i < spatial; ++i) {
      axes.push_back(i + 1);
      starts.push_back(integers({std::max<int64_t>(0, -low[i])}));
      ends.push_back(integers({high[i] < 0 ? high[i] : INT64_MAX}));
      low[i] = std::max<int64_t>(0, low[i]);
      high[i] = std::max<int64_t>(0, high[i]);
    }
    x = slice(x, starts, ends, axes, steps);
  }
  std::string y =
      node("Conv", {transpose(x, toChannels), transpose(kernel, ofKernel)},
           {OnnxAttribute("strides", op.getStrides()),
            OnnxAttribute("pads", concat({low, high})),
            OnnxAttribute("dilations", op.getKernelDilation()),
            OnnxAttribute("group", int64_t(op.getGroups()))});
  y = transpose(y, back);
  set(op, isFloat ? y : cast(y, element));
}

bool OnnxWriter::window(lam::WindowOp op) {
  int64_t rank = shapeOfType(op.getX()).size();
  ArrayRef<int64_t> size = op.getWindow(), strides = op.getStrides(),
                    low = op.getPadLow(), high = op.getPadHigh(),
                    dilation = op.getDilation();
  Type element = elementOf(op);
  bool isSum = op.getKind() == lam::ReduceKind::Sum;
  bool isMin = op.getKind() == lam::ReduceKind::Min;
  SmallVector<int64_t> rest, pooled;
  bool isPadded = false; // by more than operators take
  for (int64_t i = 0; i < rank; ++i) {
    bool isTrivial =
        size[i] == 1 && strides[i] == 1 && low[i] == 0 && high[i] == 0;
    (isTrivial ? rest : pooled).push_back(i);
    isPadded |=
        low[i] < 0 || high[i] < 0 || low[i] >= size[i] || high[i] >= size[i];
  }
  int64_t spatial = pooled.size();
  if (op.getKind() == lam::ReduceKind::Prod || spatial > 3 || spatial == 0)
    return false;
  // The operators of windows are there for float32.
  Type number = isa<FloatType>(element)
                    ? element
                    : Type(Float32Type::get(op.getContext()));
  std::string x = get(op.getX());
  if (number != element)
    x = cast(x, number);
  if (isMin)
    x = node("Neg", {x});
  SmallVector<int64_t> perm = concat({rest, pooled}), back(rank);
  for (auto [i, p] : llvm::enumerate(perm))
    back[p] = i;
  x = transpose(x, perm);
  if (isPadded) {
    SmallVector<int64_t> pads(2 * rank, 0);
    for (auto [i, dim] : llvm::enumerate(pooled)) {
      pads[rest.size() + i] = low[dim];
      pads[rank + rest.size() + i] = high[dim];
    }
    x = node(
        "Pad",
        {x, integers(pads),
         scalar(number, isSum ? 0 : -std::numeric_limits<double>::infinity())});
  }
  // [N, C, places...]; sums have no channels.
  std::string outer;
  if (rest.size() != 2 || isSum) {
    outer = node("Shape", {x}, OnnxAttribute("end", int64_t(rest.size())));
    std::string inner =
        node("Shape", {x}, OnnxAttribute("start", int64_t(rest.size())));
    x = node("Reshape", {x, joined({integers({-1, 1}), inner})});
  }
  SmallVector<int64_t> kernel, steps, holes, pads(2 * spatial, 0);
  for (auto [i, dim] : llvm::enumerate(pooled)) {
    kernel.push_back(size[dim]);
    steps.push_back(strides[dim]);
    holes.push_back(dilation[dim]);
    if (!isPadded) {
      pads[i] = low[dim];
      pads[spatial + i] = high[dim];
    }
  }
  std::vector<OnnxAttribute> attributes{
      OnnxAttribute("kernel_shape", kernel), OnnxAttribute("strides", steps),
      OnnxAttribute("pads", pads), OnnxAttribute("dilations", holes)};
  std::string y;
  if (isSum) {
    SmallVector<int64_t> shape = concat({{1, 1}, kernel});
    NDArray ones(*fromMLIR(number), shape);
    for (int64_t i = 0; i < ones.size(); ++i)
      ones.setDouble(i, 1);
    y = node("Conv", {x, constant(toElements(ones, op.getContext()))},
             attributes);
  } else {
    y = node("MaxPool", {x}, attributes);
  }
  if (!outer.empty())
    y = node(
        "Reshape",
        {y, joined({outer, node("Shape", {y}, OnnxAttribute("start", 2))})});
  y = transpose(y, back);
  if (isMin)
    y = node("Neg", {y});
  set(op, number == element ? y : cast(y, element));
  return true;
}

bool OnnxWriter::contraction(Operation *op) {
  if (auto dot = dyn_cast<lam::DotOp>(op))
    this->dot(dot);
  else if (auto conv = dyn_cast<lam::ConvOp>(op);
           conv && shapeOfType(conv).size() > 2)
    this->conv(conv);
  else if (auto window = dyn_cast<lam::WindowOp>(op))
    return this->window(window);
  else
    return false;
  return true;
}

} // namespace lamina
