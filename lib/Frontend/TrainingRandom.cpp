//===- TrainingRandom.cpp - the random numbers of a training step ---------===//
//
// Counter-based bits: of a step's seed, the draw, the sample and the place in
// the sample. The low word of the seed is the step's, the high word says which
// of the step's samples is the first of the batch, so that a batch may be
// computed in parts.
//
//===----------------------------------------------------------------------===//

#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;

/// Spreads the bits of a number (splitmix64).
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static FailureOr<TensorObject *> words(Tracer &tracer, uint32_t low,
                                       uint32_t high) {
  NDArray array(DType::UInt32, {2});
  array.setInt(0, low);
  array.setInt(1, high);
  return tracer.constant(array);
}

/// The argument `seed` of the entry. The step's key is spread, so that
/// neighbouring seeds have nothing in common.
mlir::LogicalResult ModelBuilder::openSeed(llvm::SMRange at) {
  if (entry->seed)
    return mlir::success();
  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  mlir::RankedTensorType type = tracer.tensorType({Size(2)}, DType::UInt32);
  mlir::OpBuilder::InsertionGuard guard(builder);
  mlir::Block *block = &entry->op.getBody().front();
  entry->seed = block->addArgument(type, loc);
  builder.setInsertionPointToStart(block);
  FailureOr<TensorObject *> lowOnly = words(tracer, 1, 0);
  if (failed(lowOnly))
    return failure();
  mlir::Value low = lam::MulOp::create(builder, loc, type, entry->seed,
                                       tracer.valueOf(*lowOnly));
  entry->key = lam::RandomBitsOp::create(builder, loc, type, low, mlir::Value(),
                                         mlir::ValueRange());
  Result high =
      tracer.getItem(tracer.tensor(entry->seed, {Size(2)}).as<TensorObject>(),
                     Value::integer(1), at);
  if (failed(high))
    return failure();
  FailureOr<TensorObject *> row =
      tracer.cast(high->as<TensorObject>(), DType::UInt64);
  if (failed(row))
    return failure();
  entry->firstRow = (*row)->value;
  return mlir::success();
}

/// The key of a draw in training: another one for every step and every draw.
Result ModelBuilder::trainingKey(Value seed, Object *generator,
                                 llvm::SMRange at) {
  if (failed(openSeed(at)))
    return failure();
  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  mlir::Type type = entry->seed.getType();
  uint64_t bits =
      seed.isInteger()
          ? mix(mix(uint64_t(seed.asInt()) + 1) + entry->drawsOf[generator]++)
          : mix(entry->draws++);
  FailureOr<TensorObject *> number = words(tracer, bits, bits >> 32);
  if (failed(number))
    return failure();
  mlir::Value mixed = lam::XorOp::create(builder, loc, type, entry->key,
                                         tracer.valueOf(*number));
  mlir::Value key = lam::RandomBitsOp::create(
      builder, loc, type, mixed, mlir::Value(), mlir::ValueRange());
  entry->keys.insert(key);
  return tracer.tensor(key, {Size(2)});
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

/// The axis of `shape` that has a row for each sample (or several), and how
/// many elements a sample has; nothing if there is none.
static std::optional<std::pair<size_t, Size>>
samplesOf(llvm::ArrayRef<Size> shape, std::optional<int64_t> batch) {
  Size total = 1;
  for (const Size &size : shape)
    total = total * size;
  if (batch) {
    if (shape.empty() || shape[0] != Size(*batch) || *batch == 0)
      return std::nullopt;
    return std::pair(size_t(0), *total.divideExactly(*batch));
  }
  Size n = Size::symbol("n");
  llvm::StringMap<Size> one;
  one["n"] = 1;
  std::optional<Size> elements = total.divideExactly(n);
  if (!elements || substitute(*elements, one) != *elements)
    return std::nullopt;
  for (auto [axis, size] : llvm::enumerate(shape))
    if (size.divideExactly(n))
      return std::pair(axis, *elements);
  return std::nullopt;
}

FailureOr<mlir::Value> ModelBuilder::randomBits(TensorObject *key,
                                                llvm::ArrayRef<Size> shape,
                                                llvm::SMRange at) {
  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  auto emit = [&](mlir::Value start,
                  llvm::ArrayRef<Size> shape) -> mlir::Value {
    return lam::RandomBitsOp::create(
        builder, loc, tracer.tensorType(shape, DType::UInt32), key->value,
        start, tracer.dynamicSizes(shape));
  };
  auto samples = entry && entry->keys.contains(key->value)
                     ? samplesOf(shape, batch)
                     : std::nullopt;
  if (!samples)
    return emit({}, shape);
  auto [axis, elements] = *samples;
  FailureOr<TensorObject *> count =
      tracer.asTensor(evaluator.size(elements), DType::UInt64, at);
  if (failed(count))
    return failure();
  mlir::Value start =
      lam::MulOp::create(builder, loc, entry->firstRow.getType(),
                         entry->firstRow, tracer.valueOf(*count));
  // The elements of a sample are neighbours, wherever the batch axis is.
  Shape ordered = {shape[axis]};
  llvm::SmallVector<int64_t> places;
  for (size_t i = 0; i < shape.size(); ++i) {
    places.push_back(i == axis ? 0 : int64_t(ordered.size()));
    if (i != axis)
      ordered.push_back(shape[i]);
  }
  mlir::Value bits = emit(start, ordered);
  if (axis == 0)
    return bits;
  return lam::TransposeOp::create(builder, loc,
                                  tracer.tensorType(shape, DType::UInt32), bits,
                                  places)
      .getResult();
}
