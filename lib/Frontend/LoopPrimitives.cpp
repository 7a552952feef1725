//===- LoopPrimitives.cpp - prim.scan, prim.while_loop --------------------===//
//
// Both trace a function once, with tensors that stand for any step. What it
// carries keeps its dtype and shape.
//
//===----------------------------------------------------------------------===//

#include "Effects.h"
#include "Primitives.h"
#include "RegionTracer.h"
#include "mlir/IR/Matchers.h"

using namespace llvm;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {

namespace {

/// Gives `region` an argument for every value that it uses from outside; those
/// values. Constants are repeated inside.
SmallVector<mlir::Value> isolate(mlir::Region &region) {
  SetVector<mlir::Value> captured;
  region.walk([&](mlir::Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        captured.insert(operand);
  });
  SmallVector<mlir::Value> operands;
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockBegin(&region.front());
  for (mlir::Value value : captured) {
    mlir::Value inner;
    mlir::Operation *op = value.getDefiningOp();
    if (op && mlir::matchPattern(op, mlir::m_Constant())) {
      inner = builder.clone(*op)->getResult(0);
    } else {
      inner = region.addArgument(value.getType(), value.getLoc());
      operands.push_back(value);
    }
    value.replaceUsesWithIf(inner, [&](mlir::OpOperand &use) {
      return region.isAncestor(use.getOwner()->getParentRegion());
    });
  }
  return operands;
}

/// Is `got` what `wanted` is, with tensors of any kind at the same places?
bool sameStructure(Value wanted, Value got) {
  if (wanted.isTensor() || got.isTensor())
    return wanted.isTensor() && got.isTensor();
  auto *a = wanted.as<DictObject>(), *b = got.as<DictObject>();
  if (a || b) {
    if (!a || !b || a->items.size() != b->items.size())
      return false;
    for (auto [x, y] : zip_equal(a->items, b->items))
      if (!sameStructure(x.second, y.second))
        return false;
    return true;
  }
  auto x = sequenceItems(wanted), y = sequenceItems(got);
  if (!x || !y)
    return !x && !y && wanted.isNone() == got.isNone();
  return x->size() == y->size() && all_of(zip_equal(*x, *y), [](auto pair) {
           return sameStructure(std::get<0>(pair), std::get<1>(pair));
         });
}

/// The values that a loop carries, and what a step makes of them.
class Carried {
public:
  Carried(Evaluator &evaluator, StringRef loop, SMRange at)
      : evaluator(evaluator), tracer(evaluator.tracer()), loop(loop), at(at) {}

  LogicalResult start(Value init) {
    Result tensors = toTensors(evaluator, init, at);
    if (failed(tensors))
      return failure();
    structure = *tensors;
    flattenTensors(structure, values);
    for (TensorObject *x : values)
      operands.push_back(tracer.valueOf(x));
    return success();
  }

  /// Arguments of `region` in the structure of the values.
  Value arguments(RegionTracer &region) {
    return mapTensors(evaluator, structure, [&](TensorObject *x) -> Value {
      TensorObject *inner = region.argument(x);
      inner->weak = false;
      return inner;
    });
  }

  /// Traces a step in `region`. `call` makes it and gives what it returns as
  /// the next values. Traced again where a number at the start has to take the
  /// dtype of what it becomes, which is once per value at most.
  FailureOr<SmallVector<mlir::Value>> trace(std::optional<RegionTracer> &region,
                                            function_ref<Result()> call) {
    for (;;) {
      region.emplace(evaluator, at);
      EffectsScope effects(evaluator.models());
      Result returned = call();
      if (failed(returned))
        return failure();
      if (!effects.leave().empty())
        return evaluator.error(at, "a step of " + loop +
                                       " cannot assign to variables or add "
                                       "losses");
      FailureOr<SmallVector<mlir::Value>> values = next(*returned);
      if (failed(values) || replacements.empty())
        return values;
      region->yield({});
      if (failed(widen()))
        return failure();
    }
  }

  Value finals(mlir::ValueRange results) {
    size_t place = 0;
    return mapTensors(evaluator, structure, [&](TensorObject *x) {
      return tracer.tensor(results[place++], x->shape);
    });
  }

  SmallVector<mlir::Value> operands;

private:
  FailureOr<SmallVector<mlir::Value>> next(Value returned) {
    Result tensors = toTensors(evaluator, returned, at);
    if (failed(tensors))
      return failure();
    if (!sameStructure(structure, *tensors))
      return evaluator.error(
          at, loop + " carries " + evaluator.describe(structure) +
                  ", but a step returns " + evaluator.describe(*tensors));
    std::vector<TensorObject *> flat;
    flattenTensors(*tensors, flat);
    SmallVector<mlir::Value> result;
    for (size_t i = 0; i < flat.size(); ++i) {
      TensorObject *from = values[i], *to = flat[i];
      DType wanted = Tracer::dtypeOf(from), got = Tracer::dtypeOf(to);
      if (wanted != got && from->weak && !to->weak) {
        replacements.emplace_back(i, got);
        continue;
      }
      if ((wanted != got && !to->weak) || from->shape != to->shape)
        return evaluator.error(
            at, loop + " carries " + evaluator.describe(from) +
                    ", but a step makes it " + evaluator.describe(to) +
                    ": dtype and shape must stay the same");
      FailureOr<TensorObject *> cast = tracer.cast(to, wanted);
      if (failed(cast))
        return failure();
      result.push_back(tracer.valueOf(*cast));
    }
    return result;
  }

  /// Applies what `next` found; the loop is traced again then.
  LogicalResult widen() {
    for (auto [i, dtype] : replacements) {
      FailureOr<TensorObject *> cast = tracer.cast(values[i], dtype);
      if (failed(cast))
        return failure();
      values[i] = *cast;
      operands[i] = tracer.valueOf(*cast);
    }
    replacements.clear();
    size_t place = 0;
    structure = mapTensors(evaluator, structure,
                           [&](TensorObject *) { return values[place++]; });
    return success();
  }

  Evaluator &evaluator;
  Tracer &tracer;
  StringRef loop;
  SMRange at;
  Value structure;
  std::vector<TensorObject *> values;
  SmallVector<std::pair<size_t, DType>> replacements;
};

/// prim.scan(f, init, xs, length, reverse) -> (carry, ys), as jax.lax.scan.
Result scan(Evaluator &evaluator, CallArgs &args) {
  ArgParser p(evaluator, args, "scan",
              {"f", "init", "xs", "length", "reverse"});
  if (p.failed())
    return failure();
  SMRange at = args.range;
  Tracer &tracer = evaluator.tracer();
  mlir::Location loc = evaluator.currentLocation();
  Carried carried(evaluator, "a scan", at);
  if (failed(carried.start(p["init"])))
    return failure();

  // The sequences, and how many steps they have.
  std::optional<Size> length;
  if (!p["length"].isNone()) {
    FailureOr<Shape> given = tracer.asShape(p["length"], at);
    if (failed(given))
      return failure();
    length = (*given)[0];
  }
  Result xs = toTensors(evaluator, p["xs"], at);
  if (failed(xs))
    return failure();
  std::vector<TensorObject *> sequences;
  flattenTensors(*xs, sequences);
  SmallVector<mlir::Value> sequenceValues;
  for (TensorObject *x : sequences) {
    if (x->shape.empty())
      return evaluator.error(at, "a scan goes along the first axis of its "
                                 "sequences; " +
                                     evaluator.describe(x) + " has none");
    if (length && *length != x->shape[0])
      return evaluator.error(at, "a scan of " + length->str() +
                                     " steps cannot go along " +
                                     evaluator.describe(x));
    length = x->shape[0];
    sequenceValues.push_back(tracer.valueOf(x));
  }
  if (!length)
    return evaluator.error(at, "a scan needs a sequence or its length");
  mlir::Value count = tracer.sizeValue(*length);

  std::optional<RegionTracer> region;
  Value lastPiece;
  auto next = carried.trace(region, [&]() -> Result {
    Value carry = carried.arguments(*region);
    Value slices = mapTensors(evaluator, *xs, [&](TensorObject *x) -> Value {
      Shape shape(ArrayRef<Size>(x->shape).drop_front());
      return region->argument(shape, Tracer::dtypeOf(x));
    });
    Result returned = evaluator.call(p["f"], {carry, slices}, at);
    if (failed(returned))
      return failure();
    auto pair = sequenceItems(*returned);
    if (!pair || pair->size() != 2)
      return evaluator.error(at, "a step of a scan must return (carry, y), "
                                 "found " +
                                     evaluator.describe(*returned));
    lastPiece = (*pair)[1];
    return (*pair)[0];
  });
  if (failed(next))
    return failure();
  Result ys = toTensors(evaluator, lastPiece, at);
  if (failed(ys))
    return failure();
  std::vector<TensorObject *> pieces;
  flattenTensors(*ys, pieces);
  SmallVector<mlir::Value> yielded(*next);
  for (TensorObject *x : pieces)
    yielded.push_back(tracer.valueOf(x));
  region->yield(yielded);

  auto stackShape = [&](TensorObject *x) {
    Shape shape(x->shape);
    shape.insert(shape.begin(), *length);
    return shape;
  };
  SmallVector<mlir::Type> types;
  SmallVector<mlir::Value> sizes;
  for (TensorObject *x : pieces) {
    types.push_back(tracer.tensorType(stackShape(x), Tracer::dtypeOf(x)));
    append_range(sizes, tracer.dynamicSizes(stackShape(x)));
  }
  SmallVector<mlir::Value> invariants = isolate(region->region());
  auto op = lam::ScanOp::create(
      tracer.builder(), loc, typesOf(carried.operands), types, count,
      carried.operands, sequenceValues, invariants, sizes,
      p["reverse"].is(ValueKind::Bool) && p["reverse"].asBool());
  region->moveTo(op.getBody());
  size_t place = 0;
  Value stacked = mapTensors(evaluator, *ys, [&](TensorObject *x) {
    return tracer.tensor(op.getStacked()[place++], stackShape(x));
  });
  return evaluator.tuple({carried.finals(op.getFinals()), stacked});
}

/// prim.while_loop(cond, body, init): `init` is a tuple, and so is what `body`
/// returns.
Result whileLoop(Evaluator &evaluator, CallArgs &args) {
  ArgParser p(evaluator, args, "while_loop", {"cond", "body", "init"});
  if (p.failed())
    return failure();
  SMRange at = args.range;
  Tracer &tracer = evaluator.tracer();
  mlir::Location loc = evaluator.currentLocation();
  Carried carried(evaluator, "a while loop", at);
  if (failed(carried.start(p["init"])))
    return failure();
  auto callWith = [&](StringRef function, Value carry) {
    CallArgs inner;
    inner.range = at;
    inner.positional = *sequenceItems(carry);
    return evaluator.call(p[function], inner);
  };
  std::optional<RegionTracer> body;
  auto next = carried.trace(
      body, [&] { return callWith("body", carried.arguments(*body)); });
  if (failed(next))
    return failure();
  body->yield(*next);

  RegionTracer condition(evaluator, at);
  Result truth = callWith("cond", carried.arguments(condition));
  if (failed(truth))
    return failure();
  FailureOr<TensorObject *> flag = tracer.asTensor(*truth, std::nullopt, at);
  if (failed(flag))
    return failure();
  if (!(*flag)->shape.empty())
    return evaluator.error(at, "the condition of a while loop must be a "
                               "scalar, found " +
                                   evaluator.describe(*flag));
  FailureOr<TensorObject *> asBool = tracer.cast(*flag, DType::Bool);
  if (failed(asBool))
    return failure();
  condition.yield(tracer.valueOf(*asBool));

  // One list of invariants for both regions.
  SmallVector<mlir::Value> invariants = isolate(body->region()),
                           more = isolate(condition.region());
  size_t carries = carried.operands.size(), own = invariants.size();
  for (mlir::Value value : more)
    body->region().addArgument(value.getType(), value.getLoc());
  for (size_t i = 0; i < own; ++i)
    condition.region().insertArgument(carries + i, invariants[i].getType(),
                                      invariants[i].getLoc());
  append_range(invariants, more);
  auto op =
      lam::WhileOp::create(tracer.builder(), loc, typesOf(carried.operands),
                           carried.operands, invariants);
  condition.moveTo(op.getCondition());
  body->moveTo(op.getBody());
  return carried.finals(op.getFinals());
}

} // namespace

void registerLoopPrimitives(Evaluator &evaluator) {
  evaluator.definePrimitive("scan", scan);
  evaluator.definePrimitive("while_loop", whileLoop);
}

} // namespace lamina::frontend
