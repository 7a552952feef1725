//===- Interpreter.cpp - the reference semantics of lam -------------------===//
//
// Every float is a double and is rounded only where the program casts to a
// narrower type and at the results of the function, or nowhere if asked so. So
// the interpreter tells what the program means, to more digits than compiled
// code can.
//
//===----------------------------------------------------------------------===//

#include "lamina/Interpreter/Interpreter.h"
#include "Frame.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lamina::interpreter {

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

DType dtypeOf(Value value) {
  // The verifier admits only types that have one.
  return *fromMLIR(cast<RankedTensorType>(value.getType()).getElementType());
}

std::string toString(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(size);
  return text + "]";
}

LogicalResult checkSize(Operation *op, ArrayRef<int64_t> shape) {
  // 2^40 elements are 8 TiB here.
  constexpr int64_t limit = int64_t(1) << 40;
  int64_t count = 1;
  if (llvm::is_contained(shape, 0))
    return success();
  for (int64_t size : shape)
    if (llvm::MulOverflow(count, size, count) || count > limit)
      return op->emitError("a tensor of shape ")
             << toString(shape) << " is too large";
  return success();
}

FailureOr<Shape> shapeOf(Operation *op, Value result, ValueRange sizes,
                         const Frame &frame) {
  auto type = cast<RankedTensorType>(result.getType());
  Shape shape(type.getShape());
  auto next = sizes.begin();
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size) && (size = frame.scalar(*next++)) < 0)
      return op->emitError("the size ") << size << " is negative";
  if (failed(checkSize(op, shape)))
    return failure();
  return shape;
}

/// Whether `shape` is a shape of `type`.
static bool fits(ArrayRef<int64_t> shape, RankedTensorType type) {
  if (static_cast<int64_t>(shape.size()) != type.getRank())
    return false;
  for (auto [size, declared] : llvm::zip_equal(shape, type.getShape()))
    if (!ShapedType::isDynamic(declared) && size != declared)
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

namespace {
class Interpreter {
public:
  explicit Interpreter(Rounding rounding) : rounding(rounding) {}

  /// Evaluates the ops of `block`; the values of its terminator's operands.
  FailureOr<Cells> run(Block &block, ArrayRef<Cell> arguments);
  FailureOr<Cells> call(func::FuncOp function, ArrayRef<Cell> arguments,
                        Operation *at);

private:
  LogicalResult execute(Operation *op, Frame &frame);
  LogicalResult set(Operation *op, Value result, Result value, Frame &frame);
  LogicalResult setAll(Operation *op, FailureOr<Cells> cells, Frame &frame);
  FailureOr<Cells> read(Operation *op, const Frame &frame);

  Rounding rounding;
  unsigned depth = 0;
};
} // namespace

FailureOr<Cells> Interpreter::read(Operation *op, const Frame &frame) {
  Cells cells;
  for (Value operand : op->getOperands()) {
    if (!frame.has(operand))
      return op->emitError("uses a value that is not computed here");
    if (isa<RankedTensorType>(operand.getType()))
      cells.emplace_back(frame.tensor(operand), 0);
    else
      cells.emplace_back(std::nullopt, frame.scalar(operand));
  }
  return cells;
}

FailureOr<Cells> Interpreter::run(Block &block, ArrayRef<Cell> arguments) {
  Frame frame(rounding);
  for (auto [argument, cell] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    if (cell.first)
      frame.set(argument, *cell.first);
    else
      frame.set(argument, cell.second);
  }
  // What nobody will read again is dropped, so that the memory in use is that
  // of the live values.
  DenseMap<Value, Operation *> lastUse;
  for (Operation &op : block)
    for (Value operand : op.getOperands())
      lastUse[operand] = &op;

  for (Operation &op : block.without_terminator()) {
    for (Value operand : op.getOperands())
      if (!frame.has(operand))
        return op.emitError("uses a value that is not computed here");
    if (failed(execute(&op, frame)))
      return failure();
    for (Value operand : op.getOperands())
      if (lastUse.lookup(operand) == &op)
        frame.forget(operand);
    for (Value result : op.getResults())
      if (!lastUse.contains(result))
        frame.forget(result);
  }
  return read(block.getTerminator(), frame);
}

FailureOr<Cells> Interpreter::call(func::FuncOp function,
                                   ArrayRef<Cell> arguments, Operation *at) {
  constexpr unsigned deepest = 200;
  if (function.isDeclaration())
    return at->emitError("the function '")
           << function.getName() << "' has no body";
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("a function of several blocks cannot be "
                              "interpreted");
  if (depth == deepest)
    return at->emitError("calls are nested deeper than ") << deepest;
  ++depth;
  FailureOr<Cells> results = run(function.getBody().front(), arguments);
  --depth;
  return results;
}

LogicalResult Interpreter::set(Operation *op, Value result, Result value,
                               Frame &frame) {
  if (failed(value))
    return failure();
  auto type = cast<RankedTensorType>(result.getType());
  if (!fits(value->shape, type))
    return op->emitError("the result has shape ")
           << toString(value->shape) << ", which is not a " << type;
  frame.set(result, std::move(*value));
  return success();
}

LogicalResult Interpreter::setAll(Operation *op, FailureOr<Cells> cells,
                                  Frame &frame) {
  if (failed(cells))
    return failure();
  for (auto [result, cell] : llvm::zip_equal(op->getResults(), *cells)) {
    if (!cell.first)
      frame.set(result, cell.second);
    else if (failed(set(op, result, std::move(*cell.first), frame)))
      return failure();
  }
  return success();
}

LogicalResult Interpreter::execute(Operation *op, Frame &frame) {
  if (isa<lam::PointwiseOpInterface>(op) && !isa<lam::SelectOp>(op))
    return set(op, op->getResult(0), evaluatePointwise(op, frame), frame);
  if (isa_and_nonnull<arith::ArithDialect>(op->getDialect())) {
    FailureOr<int64_t> value = evaluateArith(op, frame);
    if (failed(value))
      return failure();
    frame.set(op->getResult(0), *value);
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lam::SelectOp, lam::CastOp, lam::BitcastOp, lam::BroadcastOp,
            lam::ReshapeOp, lam::TransposeOp, lam::SliceOp, lam::PadOp,
            lam::ReverseOp, lam::ConcatOp, lam::IotaOp, lam::GatherOp,
            lam::ScatterOp, lam::ReduceOp, lam::ArgReduceOp, lam::CumulativeOp,
            lam::DotOp, lam::ConvOp, lam::WindowOp, lam::RandomBitsOp>(
          [&](auto each) {
            return set(op, op->getResult(0), evaluate(each, frame), frame);
          })
      .Case([&](lam::SortOp sort) {
        auto sorted = evaluate(sort, frame);
        if (failed(sorted) ||
            failed(set(op, sort.getValues(), sorted->first, frame)))
          return failure();
        return set(op, sort.getIndices(), sorted->second, frame);
      })
      .Case([&](lam::ConstantOp constant) -> LogicalResult {
        std::optional<NDArray> array = fromElements(constant.getValue());
        if (!array)
          return op->emitError("the elements of the constant are not known");
        return set(op, constant.getY(), Tensor(*array, array->dtype()), frame);
      })
      .Case([&](lam::StopGradientOp identity) {
        return set(op, identity.getY(), frame.tensor(identity.getX()), frame);
      })
      .Case([&](lam::FromSizeOp fromSize) {
        Tensor result(dtypeOf(fromSize.getY()), {});
        result.integers()[0] =
            wrap(frame.scalar(fromSize.getSize()), result.type);
        return set(op, fromSize.getY(), result, frame);
      })
      .Case([&](tensor::CastOp cast) {
        return set(op, cast.getDest(), frame.tensor(cast.getSource()), frame);
      })
      .Case([&](tensor::DimOp dim) -> LogicalResult {
        const Shape &shape = frame.tensor(dim.getSource()).shape;
        int64_t index = frame.scalar(dim.getIndex());
        if (index < 0 || index >= static_cast<int64_t>(shape.size()))
          return op->emitError("dimension ")
                 << index << " of a tensor of rank " << shape.size();
        frame.set(dim.getResult(), shape[index]);
        return success();
      })
      .Case([&](func::CallOp callOp) -> LogicalResult {
        auto function = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
            op, callOp.getCalleeAttr());
        if (!function)
          return op->emitError("calls an unknown function");
        FailureOr<Cells> arguments = read(op, frame);
        if (failed(arguments))
          return failure();
        return setAll(op, call(function, *arguments, op), frame);
      })
      .Case<lam::ScanOp, lam::WhileOp>([&](auto loop) {
        auto body = [&](Block &block, ArrayRef<Cell> arguments) {
          return run(block, arguments);
        };
        return setAll(op, evaluate(loop, frame, body), frame);
      })
      .Default([&](Operation *) -> LogicalResult {
        return op->emitError("cannot be interpreted");
      });
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

/// `inputs` as the arguments of `block`, if they have their types.
static FailureOr<Cells> bind(Location loc, Block &block,
                             ArrayRef<NDArray> inputs, Rounding rounding) {
  if (inputs.size() != block.getNumArguments())
    return emitError(loc) << "expects " << block.getNumArguments()
                          << " inputs, got " << inputs.size();
  Cells cells;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto type = dyn_cast<RankedTensorType>(block.getArgument(i).getType());
    if (!type)
      return emitError(loc) << "argument " << i << " is not a tensor";
    DType declared = *fromMLIR(type.getElementType()), given = input.dtype();
    bool isTaken = given == declared || (rounding == Rounding::None &&
                                         isFloat(given) && isFloat(declared));
    if (!isTaken || !fits(input.shape(), type))
      return emitError(loc) << "input " << i << " is " << name(input.dtype())
                            << toString(input.shape()) << ", expected " << type;
    cells.emplace_back(Tensor(input, declared), 0);
  }
  return cells;
}

static FailureOr<std::vector<NDArray>>
unbind(Location loc, FailureOr<Cells> cells, Rounding rounding) {
  if (failed(cells))
    return failure();
  std::vector<NDArray> results;
  for (Cell &cell : *cells) {
    if (!cell.first)
      return emitError(loc) << "a result is not a tensor";
    bool isExact = rounding == Rounding::None && cell.first->isReal();
    results.push_back(
        cell.first->toArray(isExact ? DType::Float64 : cell.first->type));
  }
  return results;
}

} // namespace lamina::interpreter

using namespace lamina;
using namespace lamina::interpreter;

FailureOr<std::vector<NDArray>> lamina::interpret(func::FuncOp function,
                                                  ArrayRef<NDArray> inputs,
                                                  Rounding rounding) {
  Location loc = function.getLoc();
  if (function.isDeclaration())
    return function.emitError("has no body");
  FailureOr<Cells> arguments =
      bind(loc, function.getBody().front(), inputs, rounding);
  if (failed(arguments))
    return failure();
  return unbind(loc, Interpreter(rounding).call(function, *arguments, function),
                rounding);
}

FailureOr<std::vector<NDArray>>
lamina::interpret(Block &block, ArrayRef<NDArray> inputs, Rounding rounding) {
  Location loc = block.getParentOp() ? block.getParentOp()->getLoc()
                                     : block.front().getLoc();
  FailureOr<Cells> arguments = bind(loc, block, inputs, rounding);
  if (failed(arguments))
    return failure();
  return unbind(loc, Interpreter(rounding).run(block, *arguments), rounding);
}
