//===- ProductKernel.cpp - the kernel of a product ------------------------===//
#include "Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lamina;

/// Bytes of the widest and the narrowest copy that the device makes alone.
static constexpr int64_t copyBytes = 16, leastCopyBytes = 4;

static int64_t bytesOf(Type type) { return type.getIntOrFloatBitWidth() / 8; }

Value ProductKernel::both(Value x, Value y) {
  return b.createOrFold<arith::AndIOp>(x, y);
}
Value ProductKernel::isLess(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, x, y);
}
Type ProductKernel::sumType() {
  return getElementTypeOrSelf(product.result->get().getType());
}

Value ProductKernel::tiles() {
  Points points(b, product.op);
  Value count = b.createOrFold<arith::MulIOp>(
      divideUp(b, points.volume(product.rows), number(b, tile.rows)),
      divideUp(b, points.volume(product.columns), number(b, tile.columns)));
  count = b.createOrFold<arith::MulIOp>(count, number(b, parts));
  return b.createOrFold<arith::MulIOp>(count, points.volume(product.batch));
}

Value ProductKernel::results() {
  Points points(b, product.op);
  return b.createOrFold<arith::MulIOp>(
      points.volume(product.batch),
      b.createOrFold<arith::MulIOp>(points.volume(product.rows),
                                    points.volume(product.columns)));
}

void ProductKernel::allocatePartialSums() {
  partials = memref::AllocOp::create(
      b, MemRefType::get({parts, ShapedType::kDynamic}, sumType()),
      ValueRange{results()});
}

void ProductKernel::addParts(const Team &team) {
  Points points(b, product.op);
  rows = points.volume(product.rows);
  columns = points.volume(product.columns);
  Value zero = number(b, 0), one = number(b, 1);
  loop(b, team.id, results(), team.count, {}, [&](Value index, ValueRange) {
    Value sum = memref::LoadOp::create(b, partials, ValueRange{zero, index});
    sum = loop(b, one, number(b, parts), one, sum,
               [&](Value part, ValueRange carried) {
                 Value more = memref::LoadOp::create(b, partials,
                                                     ValueRange{part, index});
                 return Values{arith::AddFOp::create(b, carried[0], more)};
               })[0];
    Values point(points.loopSizes().size(), zero);
    Value outer = arith::DivUIOp::create(b, index, columns);
    points.locate(product.columns, arith::RemUIOp::create(b, index, columns),
                  point);
    points.locate(product.rows, arith::RemUIOp::create(b, outer, rows), point);
    points.locate(product.batch, arith::DivUIOp::create(b, outer, rows), point);
    finish(points, point, sum);
    return Values();
  });
}

Value ProductKernel::sharedBuffer(gpu::LaunchOp launch, ArrayRef<int64_t> shape,
                                  Type type) {
  auto shared = MemRefType::get(
      shape, type, MemRefLayoutAttrInterface(),
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup));
  return launch.addWorkgroupAttribution(shared, b.getLoc());
}

ProductKernel::Operand
ProductKernel::prepare(Points &points, gpu::LaunchOp launch, bool isLeft) {
  Operand result;
  result.operand = isLeft ? product.left : product.right;
  result.source = isLeft ? product.leftSource : product.rightSource;
  result.outer = isLeft ? product.rows : product.columns;
  result.extent = isLeft ? tile.rows : tile.columns;
  result.outerCount = isLeft ? rows : columns;
  auto type = cast<MemRefType>(result.source.getType());
  AffineMap map = product.op.getMatchingIndexingMap(result.operand);
  AffineExpr minor =
      map.getNumResults() ? map.getResults().back() : AffineExpr();
  auto isLast = [&](ArrayRef<unsigned> loops) {
    auto dim = dyn_cast_or_null<AffineDimExpr>(minor);
    return dim && !loops.empty() && dim.getPosition() == loops.back();
  };
  result.alongTerms = isLast(product.terms);
  int64_t elementBytes = bytesOf(type.getElementType());
  int64_t along = result.alongTerms ? tile.depth : result.extent;
  int64_t across = result.alongTerms ? result.extent : tile.depth;
  // Rows are moved apart, so that neighbours in a column are in other banks.
  int64_t padding = copyBytes / elementBytes;
  result.buffer =
      sharedBuffer(launch, {2, across, along + padding}, type.getElementType());
  bool isWalked = isLast(product.terms) || isLast(result.outer);
  if (!async || !isWalked || !type.getLayout().isIdentity())
    return result;
  // Wide copies: all rows begin at a multiple of their width, and so end.
  result.group = copyBytes / elementBytes;
  Value length = memref::DimOp::create(b, result.source, type.getRank() - 1);
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(b, result.source);
  Value rest = arith::OrIOp::create(
      b, arith::AndIOp::create(b, address, number(b, copyBytes - 1)),
      arith::AndIOp::create(b, length, number(b, result.group - 1)));
  result.aligned =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, number(b, 0));
  return result;
}

/// Copies the tile whose first row or column and term are given. What is
/// outside of the operand becomes 0.
void ProductKernel::copyTile(Points &points, const Operand &x, Value stage,
                             Value first, Value firstTerm, Value batch) {
  if (!x.aligned)
    return copyTile(points, x, 1, stage, first, firstTerm, batch);
  auto choice = scf::IfOp::create(b, x.aligned, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  copyTile(points, x, x.group, stage, first, firstTerm, batch);
  b.setInsertionPointToStart(choice.elseBlock());
  copyTile(points, x, 1, stage, first, firstTerm, batch);
}

void ProductKernel::copyTile(Points &points, const Operand &x, int64_t group,
                             Value stage, Value first, Value firstTerm,
                             Value batch) {
  int64_t along = (x.alongTerms ? tile.depth : x.extent) / group;
  int64_t across = x.alongTerms ? x.extent : tile.depth;
  loop(b, thread, number(b, along * across), number(b, tile.threads()), {},
       [&](Value copy, ValueRange) {
         Value minor = arith::MulIOp::create(
             b, arith::RemUIOp::create(b, copy, number(b, along)),
             number(b, group));
         Value major = arith::DivUIOp::create(b, copy, number(b, along));
         Value outer =
             arith::AddIOp::create(b, first, x.alongTerms ? major : minor);
         Value term =
             arith::AddIOp::create(b, firstTerm, x.alongTerms ? minor : major);
         Value isInside =
             both(isLess(outer, x.outerCount), isLess(term, terms));
         auto clamped = [&](Value index) -> Value {
           return arith::SelectOp::create(b, isInside, index, number(b, 0));
         };
         Values point(points.loopSizes().size(), number(b, 0));
         points.locate(x.outer, clamped(outer), point);
         points.locate(product.terms, clamped(term), point);
         points.locate(product.batch, batch, point);
         Values source = points.elementOf(*x.operand, point);
         Values target{stage, major, minor};
         auto type = cast<MemRefType>(x.source.getType());
         int64_t bytes = group * bytesOf(type.getElementType());
         if (async && bytes >= leastCopyBytes) {
           Value count = arith::SelectOp::create(b, isInside, number(b, group),
                                                 number(b, 0));
           bool wide = bytes == copyBytes;
           nvgpu::DeviceAsyncCopyOp::create(
               b, x.buffer, target, x.source, source, b.getIndexAttr(group),
               count, wide ? b.getUnitAttr() : UnitAttr());
           return Values();
         }
         auto read = scf::IfOp::create(b, type.getElementType(), isInside,
                                       /*withElseRegion=*/true);
         {
           OpBuilder::InsertionGuard guard(b);
           b.setInsertionPointToStart(read.thenBlock());
           Value value = memref::LoadOp::create(b, x.source, source);
           scf::YieldOp::create(b, value);
           b.setInsertionPointToStart(read.elseBlock());
           Value zero = arith::ConstantOp::create(
               b, b.getZeroAttr(type.getElementType()));
           scf::YieldOp::create(b, zero);
         }
         memref::StoreOp::create(b, read.getResult(0), x.buffer, target);
         return Values();
       });
}

void ProductKernel::waitForCopies() {
  if (async) {
    Value token = nvgpu::DeviceAsyncCreateGroupOp::create(
        b, nvgpu::DeviceAsyncTokenType::get(b.getContext()), ValueRange());
    nvgpu::DeviceAsyncWaitOp::create(b, token, b.getI32IntegerAttr(0));
  }
  gpu::BarrierOp::create(b);
}

void ProductKernel::finish(Points &points, const Values &point, Value sum) {
  Value matrix = product.result->get();
  Values element = points.elementOf(*product.result, point);
  if (!product.fill) {
    Value old = memref::LoadOp::create(b, matrix, element);
    sum = arith::AddFOp::create(b, old, sum);
  } else if (!matchPattern(product.fill.getInputs()[0], m_AnyZeroFloat())) {
    sum = arith::AddFOp::create(b, product.fill.getInputs()[0], sum);
  }
  bool replaced = product.epilogue &&
                  llvm::is_contained(product.epilogue.getDpsInits(), matrix);
  if (!replaced && !product.isPrivate)
    memref::StoreOp::create(b, sum, matrix, element);
  if (!product.epilogue)
    return;
  Points::Known known;
  for (OpOperand &operand : product.epilogue->getOpOperands())
    if (operand.get() == matrix)
      known[&operand] = sum;
  Points(b, product.epilogue).body(element, {}, known);
}

/// The sums go through shared memory, a slice at a time, so that neighbouring
/// threads have neighbouring elements, and one copy of the epilogue's code
/// serves for all of a slice.
void ProductKernel::finishTile(Points &points, Value firstRow,
                               Value firstColumn, Value batch, Value part,
                               ValueRange values) {
  for (int64_t i = 0; i < sums->slices(); ++i) {
    gpu::BarrierOp::create(b);
    sums->store(i, values, slice);
    gpu::BarrierOp::create(b);
    loop(b, thread, number(b, sums->sliceRows() * tile.columns),
         number(b, tile.threads()), {}, [&](Value item, ValueRange) {
           Value line =
               arith::DivUIOp::create(b, item, number(b, tile.columns));
           Value place =
               arith::RemUIOp::create(b, item, number(b, tile.columns));
           Value row = arith::AddIOp::create(b, firstRow, sums->rowOf(i, line));
           Value column = arith::AddIOp::create(b, firstColumn, place);
           when(b, both(isLess(row, rows), isLess(column, columns)), [&] {
             Value sum =
                 memref::LoadOp::create(b, slice, ValueRange{line, place});
             if (parts > 1) {
               Value index = arith::MulIOp::create(b, batch, rows);
               index = arith::AddIOp::create(b, index, row);
               index = arith::MulIOp::create(b, index, columns);
               index = arith::AddIOp::create(b, index, column);
               memref::StoreOp::create(b, sum, partials,
                                       ValueRange{part, index});
               return;
             }
             Values point(points.loopSizes().size(), number(b, 0));
             points.locate(product.rows, row, point);
             points.locate(product.columns, column, point);
             points.locate(product.batch, batch, point);
             finish(points, point, sum);
           });
           return Values();
         });
  }
}

void ProductKernel::emit(gpu::LaunchOp launch) {
  Points points(b, product.op);
  rows = points.volume(product.rows);
  columns = points.volume(product.columns);
  terms = points.volume(product.terms);
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  sums = TileSums::create(b, tile, product.tensors, thread);
  Operand left = prepare(points, launch, /*isLeft=*/true);
  Operand right = prepare(points, launch, /*isLeft=*/false);
  slice = sharedBuffer(launch, {sums->sliceRows(), tile.columns}, sumType());
  Value rowTiles = divideUp(b, rows, number(b, tile.rows));
  Value columnTiles = divideUp(b, columns, number(b, tile.columns));
  Value perBatch = arith::MulIOp::create(b, rowTiles, columnTiles);
  Value count =
      arith::MulIOp::create(b, perBatch, points.volume(product.batch));
  Value partCount = number(b, parts);
  if (parts > 1)
    count = arith::MulIOp::create(b, count, partCount);
  Value steps = divideUp(b, terms, number(b, tile.depth));
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
  Value zero = number(b, 0), one = number(b, 1), two = number(b, 2);
  auto computeTile = [&](Value index, ValueRange) {
    // The steps of this part: some of the last ones may have none.
    Value part = zero, begin = zero, end = steps;
    if (parts > 1) {
      part = arith::RemUIOp::create(b, index, partCount);
      index = arith::DivUIOp::create(b, index, partCount);
      Value stepsOfPart = divideUp(b, steps, partCount);
      begin = arith::MulIOp::create(b, part, stepsOfPart);
      end = arith::MinUIOp::create(
          b, arith::AddIOp::create(b, begin, stepsOfPart), steps);
    }
    Value batch = arith::DivUIOp::create(b, index, perBatch);
    Value inBatch = arith::RemUIOp::create(b, index, perBatch);
    Value firstRow = arith::MulIOp::create(
        b, arith::DivUIOp::create(b, inBatch, columnTiles),
        number(b, tile.rows));
    Value firstColumn = arith::MulIOp::create(
        b, arith::RemUIOp::create(b, inBatch, columnTiles),
        number(b, tile.columns));
    auto copy = [&](Value step, Value stage) {
      Value term = arith::MulIOp::create(b, step, number(b, tile.depth));
      copyTile(points, left, stage, firstRow, term, batch);
      copyTile(points, right, stage, firstColumn, term, batch);
    };
    copy(begin, arith::RemUIOp::create(b, begin, two));
    Value start = arith::ConstantOp::create(b, b.getZeroAttr(sumType()));
    Values initial(sums->count(), start);
    Values values =
        loop(b, begin, end, one, initial, [&](Value step, ValueRange carried) {
          // All have their part of this tile, and are done with the last one.
          waitForCopies();
          Value next = arith::AddIOp::create(b, step, one);
          when(b, isLess(next, end),
               [&] { copy(next, arith::RemUIOp::create(b, next, two)); });
          return sums->add(left, right, arith::RemUIOp::create(b, step, two),
                           carried);
        });
    waitForCopies(); // of nothing, where there are no terms
    finishTile(points, firstRow, firstColumn, batch, part, values);
    return Values();
  };
  if (parts == 1)
    loop(b, block, count, blocks, {}, computeTile);
  else // a block per part, which leaves more registers
    when(b, isLess(block, count), [&] { computeTile(block, {}); });
}
