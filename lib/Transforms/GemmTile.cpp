//===- GemmTile.cpp - the register tile of matrix products ----------------===//
#include "Gemm.h"
#include "PointerBuilder.h"

using namespace mlir;
using namespace lamina;

/// Accumulators that hide the latency of the multiply-add.
static constexpr int64_t enoughChains = 8;

namespace {
class TileEmitter {
public:
  TileEmitter(func::FuncOp function, const GemmShape &shape, int64_t rows,
              int64_t vectors)
      : b(function.getLoc(), shape.type, shape.lanes), rows(rows),
        vectors(vectors) {
    b.setInsertionPointToStart(function.addEntryBlock());
    Value *const names[] = {&k, &a,   &rsA,  &csA,        &right, &ldb,
                            &c, &ldc, &last, &accumulate, &fetch, &fetchRows};
    for (auto [name, argument] :
         llvm::zip_equal(names, function.getArguments()))
      *name = argument;
    while (rows * vectors * chains < enoughChains && chains < unroll)
      chains *= 2;
  }

  void emit() {
    Value rsA2 = b.add(rsA, rsA);
    rowOffsets = {Value(), rsA, rsA2};
    fetchStep = b.mul(fetchRows, ldb);
    isOne = isEqual(fetchRows, 1);
    isAll = isEqual(fetchRows, unroll);
    PointerBuilder::Values state(rows * vectors * chains, b.zero());
    Value base = a;
    Value rsA3 = b.add(rsA2, rsA);
    for (int64_t row = 0; row < rows; row += 3) {
      state.push_back(base);
      base = b.offset(base, rsA3);
    }
    state.push_back(right);
    state.push_back(fetch);

    Value whole = b.mul(b.divide(k, unroll), b.number(unroll));
    state = b.loop(b.number(0), whole, b.number(unroll), state,
                   [&](Value, ValueRange values) {
                     PointerBuilder::Values next(values);
                     fetchAhead(next.back());
                     for (int64_t i = 0; i < unroll; ++i)
                       step(next, i % chains);
                     return next;
                   });
    state = b.loop(whole, k, b.number(1), state, [&](Value, ValueRange values) {
      PointerBuilder::Values next(values);
      step(next, 0);
      return next;
    });
    sumChains(state);
    finish(state);
    func::ReturnOp::create(b);
  }

private:
  static constexpr int64_t unroll = 4;
  PointerBuilder b;
  int64_t rows, vectors;
  int64_t chains = 1; // independent sums per element of the tile
  Value isOne, isAll, fetchStep;
  Value k, a, rsA, csA, right, ldb, c, ldc, last, accumulate, fetch, fetchRows;
  SmallVector<Value> rowOffsets;

  int64_t count() const { return rows * vectors; }

  /// Adds one column of A times one row of B. `state` holds the accumulators,
  /// the addresses of every third row of A, that of B, and what to fetch.
  void step(PointerBuilder::Values &state, int64_t chain) {
    int64_t bytes = b.vector.getNumElements() * b.elementBytes;
    Value *accumulators = state.data() + chain * count();
    Value *bases = state.data() + chains * count();
    Value &row = state[state.size() - 2];
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(b.load(b.offset(row, v * bytes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value address = bases[r / 3];
      if (r % 3 != 0)
        address = b.offset(address, rowOffsets[r % 3]);
      Value left = b.splat(address);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = accumulators[r * vectors + v];
        sum = LLVM::FMAOp::create(b, left, columns[v], sum);
      }
    }
    for (int64_t r = 0; r < rows; r += 3)
      bases[r / 3] = b.offset(bases[r / 3], csA);
    row = b.offset(row, ldb);
  }

  Value isEqual(Value x, int64_t y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, b.number(y));
  }

  /// Fetches rows of the right operand that later tiles or steps will load.
  void fetchAhead(Value &row) {
    auto lines = [&](Value row, unsigned level) {
      int64_t width = vectors * b.vector.getNumElements() * b.elementBytes;
      for (int64_t line = 0; line < width; line += PointerBuilder::lineBytes)
        b.prefetch(b.offset(row, line), level);
    };
    b.when(isOne, [&] { lines(row, 2); });
    b.when(isAll, [&] {
      Value next = row;
      for (int64_t i = 0; i < unroll; ++i) {
        lines(next, 1);
        next = b.offset(next, ldb);
      }
    });
    row = b.offset(row, fetchStep);
  }

  void sumChains(PointerBuilder::Values &state) {
    for (int64_t half = chains / 2; half >= 1; half /= 2)
      for (int64_t i = 0; i < half * count(); ++i)
        state[i] =
            arith::AddFOp::create(b, state[i], state[i + half * count()]);
  }

  void finish(ArrayRef<Value> sums) {
    int64_t bytes = b.vector.getNumElements() * b.elementBytes;
    Value mask = b.mask(last);
    SmallVector<Value> places;
    Value row = c;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t v = 0; v < vectors; ++v)
        places.push_back(b.offset(row, v * bytes));
      row = b.offset(row, ldc);
    }
    auto isLast = [&](int64_t i) { return i % vectors + 1 == vectors; };
    auto added = scf::IfOp::create(
        b, TypeRange(ValueRange(sums.take_front(count()))), accumulate,
        /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(added.thenBlock());
      PointerBuilder::Values results;
      for (int64_t i = 0; i < count(); ++i) {
        Value old = isLast(i) ? b.load(places[i], mask) : b.load(places[i]);
        results.push_back(arith::AddFOp::create(b, old, sums[i]));
      }
      scf::YieldOp::create(b, results);
      b.setInsertionPointToStart(added.elseBlock());
      scf::YieldOp::create(b, sums.take_front(count()));
    }
    for (int64_t i = 0; i < count(); ++i)
      if (isLast(i))
        b.store(added.getResult(i), places[i], mask);
      else
        b.store(added.getResult(i), places[i]);
  }
};
} // namespace

func::FuncOp lamina::registerTile(ModuleOp module, const GemmShape &shape,
                                  int64_t rows, int64_t vectors) {
  std::string name = shape.name("gemm") + "_" + std::to_string(rows) + "x" +
                     std::to_string(vectors * shape.lanes);
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  Builder builder(module.getContext());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = builder.getI64Type(), i1 = builder.getI1Type();
  func::FuncOp function =
      createSharedFunction(module, name,
                           {i64, pointer, i64, i64, pointer, i64, pointer, i64,
                            i64, i1, pointer, i64});
  function->setAttr("no_inline", builder.getUnitAttr());
  TileEmitter(function, shape, rows, vectors).emit();
  return function;
}

func::FuncOp lamina::rowTile(ModuleOp module, const GemmShape &shape) {
  std::string name = shape.name("gemm") + "_row";
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  Builder builder(module.getContext());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = builder.getI64Type(), i1 = builder.getI1Type();
  func::FuncOp function = createSharedFunction(
      module, name, {i64, pointer, i64, pointer, i64, i64, pointer, i1});
  function->setAttr("no_inline", builder.getUnitAttr());
  PointerBuilder b(module.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(function.addEntryBlock());
  auto arguments = function.getArguments();
  Value k = arguments[0], csA = arguments[2], ldb = arguments[4],
        next = arguments[5], c = arguments[6], accumulate = arguments[7];
  int64_t bytes = shape.lanes * b.elementBytes,
          panels = shape.wideColumns / shape.columns;
  // Places of the panels, and then of their vectors.
  SmallVector<Value> panelOffsets{Value()};
  for (int64_t panel = 1; panel < panels; ++panel)
    panelOffsets.push_back(b.mul(next, b.number(panel)));
  auto forEachVector = [&](function_ref<void(int64_t, int64_t)> body) {
    for (int64_t panel = 0; panel < panels; ++panel)
      for (int64_t v = 0; v < shape.vectors; ++v)
        body(panel, v * bytes);
  };
  PointerBuilder::Values state(panels * shape.vectors, b.zero());
  state.push_back(arguments[1]);
  state.push_back(arguments[3]);
  auto steps = [&](int64_t count) {
    return [&, count](Value, ValueRange values) {
      PointerBuilder::Values now(values);
      Value &left = now[now.size() - 2], &right = now.back();
      for (int64_t i = 0; i < count; ++i) {
        Value term = b.splat(left), *sum = now.data();
        forEachVector([&](int64_t panel, int64_t at) {
          Value row = panel ? b.offset(right, panelOffsets[panel]) : right;
          *sum = LLVM::FMAOp::create(b, term, b.load(b.offset(row, at)), *sum);
          ++sum;
        });
        left = b.offset(left, csA);
        right = b.offset(right, ldb);
      }
      return now;
    };
  };
  constexpr int64_t unroll = 4;
  Value whole = b.mul(b.divide(k, unroll), b.number(unroll));
  state = b.loop(b.number(0), whole, b.number(unroll), state, steps(unroll));
  state = b.loop(whole, k, b.number(1), state, steps(1));
  for (int64_t v = 0; v < panels * shape.vectors; ++v) {
    Value place = b.offset(c, v * bytes);
    Value sum = arith::AddFOp::create(b, b.load(place), state[v]);
    b.store(arith::SelectOp::create(b, accumulate, sum, state[v]), place);
  }
  func::ReturnOp::create(b);
  return function;
}
