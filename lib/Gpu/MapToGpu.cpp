//===- MapToGpu.cpp - loops and linalg ops become launches ----------------===//
#include "BlockCode.h"
#include "HostCode.h"
#include "LibraryProducts.h"
#include "lamina/Gpu/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Threading.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lamina {
#define GEN_PASS_DEF_MAPTOGPU
#include "lamina/Gpu/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Threads of a block where nothing says otherwise, and blocks that fill any
/// machine: further work is done by the same threads.
static constexpr int64_t blockThreads = 256, maxBlocks = 4096;
/// Blocks of a kernel whose blocks take a tile each, or few.
static constexpr int64_t maxTiles = 1 << 30;
/// Blocks of a kernel that needs a piece of memory for each.
static constexpr int64_t maxPrivateBlocks = 1024;
/// Threads that keep a machine busy; results fewer than these share their
/// terms.
static constexpr int64_t enoughThreads = 16384, partsOfSum = 256;

namespace {
class Mapper {
public:
  Mapper(func::FuncOp function, ProductOptions options)
      : function(function), options(options),
        b(function.getLoc(), function.getContext()) {}

  LogicalResult run() { return mapBlock(function.getBody().front()); }

private:
  func::FuncOp function;
  ProductOptions options;
  ImplicitLocOpBuilder b;
  /// Products by the last op of their group, and the other ops of groups.
  llvm::DenseMap<Operation *, Product> products;
  llvm::SmallPtrSet<Operation *, 8> grouped;
  LaunchAccesses accesses;
  Access current; // of the op being mapped

  /// A block that the host runs: of the function, or of a loop in it.
  LogicalResult mapBlock(Block &block) {
    findProducts(block);
    HostReads reads(block);
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (!touchesMemory(&op) || grouped.contains(&op))
        continue;
      if (auto found = products.find(&op); found != products.end()) {
        mapProduct(found->second);
        continue;
      }
      b.setLoc(op.getLoc());
      b.setInsertionPoint(&op);
      if (isa<memref::LoadOp>(op)) {
        reads.add(&op); // once it is known where it is needed
      } else if (isHostLoop(&op)) {
        for (Region &region : op.getRegions())
          if (failed(mapBlock(region.front())))
            return failure();
      } else if (failed(map(&op))) {
        return failure();
      }
    }
    reads.moveToKernels(accesses);
    return success();
  }

  void findProducts(Block &block) {
    for (auto op : block.getOps<linalg::LinalgOp>()) {
      if (grouped.contains(op) || products.contains(op))
        continue;
      std::optional<Product> product = findProduct(op, options);
      if (!product)
        continue;
      // An op is part of one group.
      if (product->epilogue && (grouped.contains(product->epilogue) ||
                                products.contains(product->epilogue)))
        product->epilogue = {}, product->isPrivate = false;
      SmallVector<Operation *> parts;
      llvm::append_range(parts, product->widenings);
      parts.append({product->op.getOperation(), product->fill.getOperation()});
      for (Operation *part : parts)
        if (part && part != product->last())
          grouped.insert(part);
      products.try_emplace(product->last(), *product);
    }
  }

  void mapProduct(Product product) {
    // Those that others use come last.
    SmallVector<Operation *> parts{product.epilogue, product.op, product.fill};
    llvm::append_range(parts, product.widenings);
    llvm::erase(parts, nullptr);
    current = {};
    for (Operation *op : parts)
      current.add(accessOf(op));
    b.setLoc(product.op.getLoc());
    b.setInsertionPoint(product.last());
    if (auto call = LibraryProduct::find(b, product, options))
      mapToLibrary(product, *call);
    else
      mapToTiles(product);
    for (Operation *op : parts)
      op->erase();
  }

  void mapToTiles(Product product) {
    const TileShape &tile = tileFor(product);
    int64_t parts = partsFor(product, tile);
    ProductKernel kernel(b, product, tile, parts, options.async);
    if (parts > 1)
      kernel.allocatePartialSums();
    launch(b.createOrFold<arith::MaxUIOp>(atMost(kernel.tiles(), maxTiles),
                                          dim(1)),
           tile.threads(), [&](gpu::LaunchOp op) { kernel.emit(op); });
    if (parts > 1)
      launch(gridFor(kernel.results(), blockThreads), blockThreads,
             [&](gpu::LaunchOp) { kernel.addParts(wholeGrid(blockThreads)); });
  }

  /// The library computes the product and a kernel the epilogue, or one kernel
  /// does everything.
  void mapToLibrary(Product product, LibraryProduct &call) {
    Value done = call.call(b);
    auto choice = scf::IfOp::create(b, done, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    if (product.epilogue && !call.includesEpilogue()) {
      auto epilogue = cast<linalg::GenericOp>(b.clone(*product.epilogue));
      b.setInsertionPoint(epilogue);
      (void)mapToGrid(epilogue); // never fails
    }
    b.setInsertionPointToStart(choice.elseBlock());
    mapToTiles(product);
  }

  static bool touchesMemory(Operation *op) {
    if (isa<memref::AllocOp, memref::DeallocOp, func::ReturnOp>(op) ||
        isa<ViewLikeOpInterface>(op))
      return false;
    return !isMemoryEffectFree(op);
  }

  LogicalResult map(Operation *op) {
    current = accessOf(op);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      return mapToGrid(linalgOp);
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      auto equal =
          linalg::CopyOp::create(b, copy.getSource(), copy.getTarget());
      copy.erase();
      b.setInsertionPoint(equal);
      return mapToGrid(equal);
    }
    if (auto loop = dyn_cast<scf::ForOp>(op); loop && iterationsAreApart(loop))
      return isThreadWork(loop) ? mapToThreads(loop) : mapToBlocks(loop);
    return mapToOneBlock(op);
  }

  Value dim(int64_t value) { return number(b, value); }

  Value atMost(Value value, int64_t limit) {
    return b.createOrFold<arith::MinUIOp>(value, dim(limit));
  }

  /// A launch around what `body` emits.
  gpu::LaunchOp launch(Value blocks, int64_t threads,
                       llvm::function_ref<void(gpu::LaunchOp)> body) {
    Value one = dim(1);
    auto op =
        gpu::LaunchOp::create(b, blocks, one, one, dim(threads), one, one);
    accesses[op] = current;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&op.getBody().front());
    auto end = gpu::TerminatorOp::create(b);
    b.setInsertionPoint(end);
    body(op);
    return op;
  }

  Team wholeGrid(int64_t threads) {
    Value inBlock = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
    Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
    Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
    Value width = dim(threads);
    return {arith::AddIOp::create(b, arith::MulIOp::create(b, block, width),
                                  inBlock),
            arith::MulIOp::create(b, blocks, width)};
  }

  Value gridFor(Value items, int64_t threads) {
    // Nothing to do still takes a block: a grid is never empty.
    return b.createOrFold<arith::MaxUIOp>(
        atMost(divideUp(b, items, dim(threads)), maxBlocks), dim(1));
  }

  LogicalResult mapToGrid(linalg::LinalgOp op) {
    Points outside(b, op); // sizes for the host
    int64_t results = outside.staticResults(), terms = outside.staticTerms();
    bool fewResults =
        !ShapedType::isDynamic(results) && results < enoughThreads;
    bool manyTerms = ShapedType::isDynamic(terms) || terms > 64;
    if (outside.isPointwise()) {
      int64_t width = outside.groupWidth();
      launch(gridFor(divideUp(b, outside.results(), dim(width)), blockThreads),
             blockThreads, [&](gpu::LaunchOp) {
               Points(b, op).shareGroups(wholeGrid(blockThreads), width);
             });
    } else if (outside.isCombinable() && manyTerms && fewResults) {
      mapInParts(op, outside);
    } else if (outside.isCombinable() && manyTerms &&
               outside.reducesNeighbours()) {
      Value lanes =
          b.createOrFold<arith::MulIOp>(outside.results(), dim(warpSize));
      launch(gridFor(lanes, blockThreads), blockThreads, [&](gpu::LaunchOp) {
        Points(b, op).shareTermsInWarps(wholeGrid(blockThreads));
      });
    } else {
      launch(gridFor(outside.results(), blockThreads), blockThreads,
             [&](gpu::LaunchOp) {
               Points(b, op).shareResults(wholeGrid(blockThreads));
             });
    }
    op.erase();
    return success();
  }

  /// Few results of many terms: the threads of one kernel add up parts of the
  /// terms, those of another the parts, always the same ones in the same order.
  void mapInParts(linalg::LinalgOp op, Points &outside) {
    Value results = outside.results();
    bool together = outside.reducesNeighbours();
    SmallVector<Value> partials;
    for (Type type : outside.accumulatorTypes())
      partials.push_back(memref::AllocOp::create(
          b, MemRefType::get({partsOfSum, ShapedType::kDynamic}, type),
          ValueRange{results}));
    Value parts = dim(partsOfSum);
    Value items = b.createOrFold<arith::MulIOp>(results, parts);
    launch(gridFor(items, blockThreads), blockThreads, [&](gpu::LaunchOp) {
      Points points(b, op);
      Team team = wholeGrid(blockThreads);
      loop(b, team.id, items, team.count, {}, [&](Value item, ValueRange) {
        // Neighbouring threads read neighbours in memory.
        Value by = together ? parts : results;
        Value minor = arith::RemUIOp::create(b, item, by);
        Value major = arith::DivUIOp::create(b, item, by);
        points.partialResult(together ? major : minor, together ? minor : major,
                             parts, partials);
        return SmallVector<Value>();
      });
    });
    launch(gridFor(results, blockThreads), blockThreads, [&](gpu::LaunchOp) {
      Points points(b, op);
      Team team = wholeGrid(blockThreads);
      loop(b, team.id, results, team.count, {}, [&](Value result, ValueRange) {
        points.combinePartials(result, parts, partials);
        return SmallVector<Value>();
      });
    });
  }

  /// How often the loop runs.
  Value trips(scf::ForOp loop) {
    Value span = b.createOrFold<arith::SubIOp>(loop.getUpperBound(),
                                               loop.getLowerBound());
    return divideUp(b, b.createOrFold<arith::MaxSIOp>(span, dim(0)),
                    loop.getStep());
  }

  /// The iterations of `loop` in turn: those of number first, first + step, …
  scf::ForOp shareIterations(scf::ForOp loop, Value first, Value step) {
    auto copy = cast<scf::ForOp>(b.clone(*loop));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(copy);
    Value skipped = arith::MulIOp::create(b, first, loop.getStep());
    copy.setLowerBound(arith::AddIOp::create(b, loop.getLowerBound(), skipped));
    copy.setStep(arith::MulIOp::create(b, loop.getStep(), step));
    return copy;
  }

  LogicalResult mapToThreads(scf::ForOp loop) {
    // Small blocks: rows are few more often than points.
    constexpr int64_t threads = 64;
    PrivateMemory memory(b, loop);
    Value blocks =
        atMost(divideUp(b, trips(loop), dim(threads)), maxPrivateBlocks);
    blocks = b.createOrFold<arith::MaxUIOp>(blocks, dim(1));
    if (failed(memory.plan(b.createOrFold<arith::MulIOp>(blocks, dim(threads)),
                           /*forThreads=*/true)))
      return failure();
    launch(blocks, threads, [&](gpu::LaunchOp op) {
      Team team = wholeGrid(threads);
      scf::ForOp mine = shareIterations(loop, team.id, team.count);
      memory.place(mine, team.id, op);
    });
    loop.erase();
    return success();
  }

  LogicalResult mapToBlocks(scf::ForOp loop) {
    cacheRows(b, loop);
    PrivateMemory memory(b, loop);
    int64_t threads = threadsForBlock(loop, blockThreads);
    Value blocks = atMost(trips(loop), maxPrivateBlocks);
    blocks = b.createOrFold<arith::MaxUIOp>(blocks, dim(1));
    if (failed(memory.plan(blocks, /*forThreads=*/false)))
      return failure();
    LogicalResult result = success();
    launch(blocks, threads, [&](gpu::LaunchOp op) {
      Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
      Value count = gpu::GridDimOp::create(b, gpu::Dimension::x);
      scf::ForOp mine = shareIterations(loop, block, count);
      memory.place(mine, block, op);
      result = BlockCode(op, threads).run(mine);
    });
    loop.erase();
    return result;
  }

  /// What has an order of its own.
  LogicalResult mapToOneBlock(Operation *op) {
    PrivateMemory memory(b, op);
    if (failed(memory.plan(dim(1), /*forThreads=*/false)))
      return failure();
    LogicalResult result = success();
    launch(dim(1), blockThreads, [&](gpu::LaunchOp launched) {
      Value only = dim(0);
      Operation *copy = b.clone(*op);
      memory.place(copy, only, launched);
      result = BlockCode(launched, blockThreads).run(copy);
    });
    if (!op->use_empty())
      return op->emitError("'")
             << op->getName() << "' gives a number to the host";
    op->erase();
    return result;
  }
};

struct MapToGpu : lamina::impl::MapToGpuBase<MapToGpu> {
  using MapToGpuBase::MapToGpuBase;

  void runOnOperation() override {
    ProductOptions options;
    // sm_80 has copies from global to shared memory, and these tensor cores.
    options.async = architecture >= 80;
    options.tf32 = tf32;
    options.largeDevice = architecture >= 90;
    options.library = matmul == "cublaslt" ? Library::Always
                      : matmul == "auto"   ? Library::Auto
                                           : Library::Never;
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && usesBuffers(function))
        functions.push_back(function);
    declareMultiply(getOperation());
    if (failed(failableParallelForEach(&getContext(), functions,
                                       [&](func::FuncOp function) {
                                         return Mapper(function, options).run();
                                       })))
      return signalPassFailure();
    dropUnusedDeclarations();
  }

  void dropUnusedDeclarations() {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function.isExternal() &&
          SymbolTable::symbolKnownUseEmpty(function, getOperation()))
        function.erase();
  }

  /// Functions of sizes stay on the host.
  static bool usesBuffers(func::FuncOp function) {
    return llvm::any_of(function.getArgumentTypes(), llvm::IsaPred<MemRefType>);
  }
};
} // namespace
