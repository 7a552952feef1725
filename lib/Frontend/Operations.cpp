//===- Operations.cpp - functions and operators between layers ------------===//
//
// `y = keras.ops.sqrt(x) + 1` outside of any layer: in Keras every function and
// operator on the tensors of a model is an Operation, a node of the graph with
// a name and a row in the summary. What its evaluation emits is moved into the
// body of a `model.layer` that has no weights of its own.
//
//===----------------------------------------------------------------------===//

#include "GraphReplay.h"
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/ScopeExit.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;

llvm::StringRef frontend::operationName(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "add";
  case BinaryOp::Sub:
    return "subtract";
  case BinaryOp::Mul:
    return "multiply";
  case BinaryOp::Div:
    return "true_divide";
  case BinaryOp::FloorDiv:
    return "floor_divide";
  case BinaryOp::Mod:
    return "mod";
  case BinaryOp::Pow:
    return "power";
  case BinaryOp::MatMul:
    return "matmul";
  case BinaryOp::And:
    return "logical_and";
  case BinaryOp::Or:
    return "logical_or";
  case BinaryOp::Xor:
    return "logical_xor";
  case BinaryOp::Shl:
    return "left_shift";
  case BinaryOp::Shr:
    return "right_shift";
  }
  return "";
}

llvm::StringRef frontend::operationName(UnaryOp op) {
  switch (op) {
  case UnaryOp::Neg:
    return "negative";
  case UnaryOp::Pos:
    return "positive";
  default:
    return "logical_not";
  }
}

llvm::StringRef frontend::operationName(CompareOp op) {
  switch (op) {
  case CompareOp::Eq:
    return "equal";
  case CompareOp::Ne:
    return "not_equal";
  case CompareOp::Lt:
    return "less";
  case CompareOp::Le:
    return "less_equal";
  case CompareOp::Gt:
    return "greater";
  case CompareOp::Ge:
    return "greater_equal";
  default:
    return "";
  }
}

/// Does the tensor depend on an input of a model, other than on its sizes?
static bool isSymbolic(mlir::Value tensor) {
  llvm::SmallVector<mlir::Value> worklist = {tensor};
  llvm::DenseSet<mlir::Value> seen;
  while (!worklist.empty()) {
    mlir::Value value = worklist.pop_back_val();
    mlir::Operation *op = value.getDefiningOp();
    if (!op || !seen.insert(value).second ||
        !mlir::isa<mlir::RankedTensorType>(value.getType()))
      continue;
    if (mlir::isa<model::InputOp, model::LayerOp>(op))
      return true;
    worklist.append(op->operand_begin(), op->operand_end());
  }
  return false;
}

/// The class of Keras's operation, or "" if the function makes none.
static mlir::FailureOr<std::string> classOf(Evaluator &evaluator,
                                            llvm::StringRef function) {
  std::optional<Result> find = evaluator.library("operations", "class_of");
  if (!find || failed(*find))
    return failure();
  Result name = evaluator.call(**find, {evaluator.string(function)}, {});
  if (failed(name))
    return failure();
  return evaluator.str(*name);
}

namespace {

/// The operations that an evaluation has put into the workspace, and their
/// move into a layer's body.
class Capture {
public:
  explicit Capture(Evaluator &evaluator)
      : evaluator(evaluator), builder(evaluator.tracer().builder()),
        block(builder.getInsertionBlock()), end(builder.getInsertionPoint()) {
    if (end != block->begin())
      before = &*std::prev(end);
  }

  /// Whether the operations since then can be a layer's body.
  bool collect();
  Value wrap(llvm::StringRef name, llvm::StringRef className, Value result,
             llvm::ArrayRef<TensorObject *> arguments);

private:
  Evaluator &evaluator;
  mlir::OpBuilder &builder;
  mlir::Block *block;
  mlir::Block::iterator end;
  mlir::Operation *before = nullptr;
  llvm::SetVector<mlir::Operation *> ops;

  bool isInside(mlir::Operation *op) {
    mlir::Operation *top = block->findAncestorOpInBlock(*op);
    return top && ops.contains(top);
  }
};

} // namespace

bool Capture::collect() {
  auto begin = before ? std::next(before->getIterator()) : block->begin();
  for (mlir::Operation &op : llvm::make_range(begin, end)) {
    // A function that calls layers is no operation itself.
    if (mlir::isa<model::LayerOp, model::InputOp, model::WeightOp,
                  model::EntryOp>(op))
      return false;
    if (symbolOf(&op).empty())
      ops.insert(&op);
  }
  // Only the results may be used by others.
  for (mlir::Operation *op : ops)
    for (mlir::Operation *user : op->getUsers())
      if (!isInside(user))
        return false;
  return true;
}

Value Capture::wrap(llvm::StringRef name, llvm::StringRef className,
                    Value result, llvm::ArrayRef<TensorObject *> arguments) {
  // As in Keras, a tensor that is given twice is connected twice.
  std::vector<mlir::Value> inputs;
  for (TensorObject *tensor : arguments)
    inputs.push_back(tensor->value);
  llvm::SetVector<mlir::Value> weights;
  auto use = [&](mlir::Value value) {
    if (value.getDefiningOp<model::WeightOp>())
      weights.insert(value);
    else if (isSymbolic(value) && !llvm::is_contained(inputs, value))
      inputs.push_back(value);
  };
  for (mlir::Operation *op : ops)
    op->walk([&](mlir::Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        if (mlir::Operation *source = operand.getDefiningOp();
            source && !isInside(source))
          use(operand);
    });

  std::vector<TensorObject *> tensors;
  flattenTensors(result, tensors);
  llvm::SmallVector<mlir::Value> values;
  for (TensorObject *tensor : tensors)
    values.push_back(tensor->value);
  mlir::Location loc = evaluator.currentLocation();
  mlir::ValueRange none;
  auto layer = model::LayerOp::create(
      builder, loc, mlir::TypeRange(mlir::ValueRange(values)),
      mlir::TypeRange(), mlir::TypeRange(), name, className,
      builder.getDictionaryAttr({}), inputs, none, weights.getArrayRef());
  layer->setAttr("own", builder.getUnitAttr()); // no layer of the library
  mlir::Block &body = layer.getBody().emplaceBlock();
  for (mlir::Operation *op : ops)
    op->moveBefore(&body, body.end());
  mlir::OpBuilder inside = mlir::OpBuilder::atBlockEnd(&body);
  model::YieldOp::create(inside, loc, values);
  for (mlir::Value outer : layer.getOperands()) {
    mlir::Value inner = body.addArgument(outer.getType(), loc);
    outer.replaceUsesWithIf(inner, [&](mlir::OpOperand &operand) {
      return layer.getBody().isAncestor(operand.getOwner()->getParentRegion());
    });
  }
  size_t next = 0;
  return mapTensors(evaluator, result, [&](TensorObject *tensor) -> Value {
    return evaluator.tracer().tensor(layer.getOutputs()[next++], tensor->shape,
                                     tensor->weak);
  });
}

Result ModelBuilder::operation(llvm::StringRef function,
                               llvm::ArrayRef<Value> operands,
                               llvm::function_ref<Result()> compute) {
  mlir::OpBuilder &builder = evaluator.tracer().builder();
  if (inOperation || evaluator.inLibrary() ||
      builder.getInsertionBlock() != workspaceBlock())
    return compute();
  std::vector<TensorObject *> arguments;
  for (Value operand : operands)
    flattenTensors(operand, arguments);
  llvm::erase_if(arguments, [](TensorObject *tensor) {
    return !isSymbolic(tensor->value);
  });
  if (arguments.empty())
    return compute();
  inOperation = true;
  llvm::scope_exit reset([&] { inOperation = false; });
  mlir::FailureOr<std::string> className = classOf(evaluator, function);
  if (failed(className))
    return failure();
  Capture capture(evaluator);
  Result result = compute();
  if (failed(result) || className->empty())
    return result;
  std::vector<TensorObject *> tensors;
  flattenTensors(*result, tensors);
  // What is known at compile time, such as a shape, stays known.
  bool isKnown = tensors.empty() || llvm::any_of(tensors, [&](auto *tensor) {
                   return evaluator.tracer().knownSizes(tensor).has_value();
                 });
  if (isKnown || !capture.collect())
    return result;
  return capture.wrap(autoName(*className), *className, *result, arguments);
}
