//===- OutlineParallel.cpp - loops shared among threads -------------------===//
#include "ParallelLoops.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/FormatVariadic.h"

namespace lamina {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

static constexpr const char *runFunction = "lamina_parallel_run";

scf::ForOp lamina::outermostParallel(Operation *op) {
  scf::ForOp result;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>())
    if (loop->hasAttr(parallelAttribute))
      result = loop;
  return result;
}

Value lamina::callWorker(scf::ForOp loop) {
  OpBuilder builder(loop.getContext());
  auto module = loop->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(workerFunction)) {
    builder.setInsertionPointToStart(module.getBody());
    func::FuncOp::create(builder, loop.getLoc(), workerFunction,
                         builder.getFunctionType({}, builder.getIndexType()))
        .setPrivate();
  }
  builder.setInsertionPointToStart(loop.getBody());
  return func::CallOp::create(builder, loop.getLoc(), workerFunction,
                              builder.getIndexType())
      .getResult(0);
}

/// Replaces the calls of the stand-in within `root`.
static void setWorker(Operation *root,
                      llvm::function_ref<Value(Operation *)> worker) {
  root->walk([&](func::CallOp call) {
    if (call.getCallee() != workerFunction)
      return;
    call.getResult(0).replaceAllUsesWith(worker(call));
    call.erase();
  });
}

/// Whether the function of a loop makes such a value again: views of memory,
/// constants, and its own temporaries.
static bool isRemade(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || op->getNumResults() != 1)
    return false;
  if (op->hasTrait<OpTrait::ConstantLike>() || op->hasAttr(privateAttribute))
    return true;
  return isMemoryEffectFree(op) && isa<MemRefType, VectorType>(value.getType());
}

namespace {
class Outliner {
public:
  explicit Outliner(func::FuncOp kernel)
      : kernel(kernel), module(kernel->getParentOfType<ModuleOp>()),
        b(kernel.getLoc(), kernel.getContext()),
        converter(kernel.getContext()) {}

  void run() {
    SmallVector<scf::ForOp> loops;
    kernel.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (!loop->hasAttr(parallelAttribute) || loop.getNumResults() != 0)
        return WalkResult::advance();
      loops.push_back(loop);
      return WalkResult::skip();
    });
    for (scf::ForOp loop : loops)
      outline(loop);
  }

private:
  func::FuncOp kernel;
  ModuleOp module;
  ImplicitLocOpBuilder b;
  LLVMTypeConverter converter;
  unsigned count = 0;

  Type pointer() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value number(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value word(Value index) {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  }

  void outline(scf::ForOp loop) {
    b.setLoc(loop.getLoc());
    b.setInsertionPoint(loop);
    Value cost = estimateCost(b, loop);
    std::optional<int64_t> known = getConstantIntValue(cost);
    if (known && *known <= worthThreads)
      return report(loop, "serial: it takes " + inMicroseconds(*known) +
                              ", threads pay from " +
                              inMicroseconds(worthThreads) + " on");
    report(loop, "shared by threads" +
                     (known ? ": it takes " + inMicroseconds(*known)
                            : " in calls whose sizes make it take " +
                                  inMicroseconds(worthThreads)));
    Value span =
        arith::SubIOp::create(b, loop.getUpperBound(), loop.getLowerBound());
    Value full = arith::AddIOp::create(
        b, span, arith::SubIOp::create(b, loop.getStep(), number(1)));
    Value trips = arith::DivSIOp::create(b, full, loop.getStep());

    llvm::SetVector<Value> captured;
    collect(loop, captured);
    func::FuncOp body = emitBody(loop, captured);
    auto context = LLVM::LLVMStructType::getLiteral(
        b.getContext(), llvm::map_to_vector(captured, [&](Value value) {
          return converter.convertType(value.getType());
        }));
    LLVM::LLVMFuncOp entry = emitEntry(body, context);
    emitCalls(loop, body, entry, context, captured, trips, cost);
    loop.erase();
  }

  static void report(scf::ForOp loop, std::string text) {
    remarkOn(loop, "threads") << "loop: " << text;
  }
  static std::string inMicroseconds(int64_t cost) {
    return llvm::formatv("{0:f1} us", double(cost) / 4000);
  }

  /// What the loop's function needs to be given.
  static void collect(scf::ForOp loop, llvm::SetVector<Value> &captured) {
    llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    for (size_t next = 0; next < used.size(); ++next) {
      Value value = used[next];
      if (!isRemade(value))
        captured.insert(value);
      else
        for (Value operand : value.getDefiningOp()->getOperands())
          used.insert(operand);
    }
  }

  /// The iterations [first, last) of the loop.
  func::FuncOp emitBody(scf::ForOp loop,
                        const llvm::SetVector<Value> &captured) {
    OpBuilder::InsertionGuard guard(b);
    SmallVector<Type> types;
    for (Value value : captured)
      types.push_back(value.getType());
    types.append(3, b.getIndexType());
    b.setInsertionPointAfter(kernel);
    auto body = func::FuncOp::create(
        b, (kernel.getName() + "_loop" + Twine(count++)).str(),
        b.getFunctionType(types, {}));
    makeInternal(body);
    Block *block = body.addEntryBlock();
    b.setInsertionPointToStart(block);
    IRMapping mapping;
    for (auto [index, value] : llvm::enumerate(captured)) {
      mapping.map(value, block->getArgument(index));
      auto argument = dyn_cast<BlockArgument>(value);
      if (isa<MemRefType>(value.getType()) && argument &&
          argument.getOwner() == &kernel.getBody().front())
        body.setArgAttr(index, "llvm.noalias", b.getUnitAttr());
    }
    auto remake = [&](Value value, auto &&self) -> Value {
      if (Value known = mapping.lookupOrNull(value))
        return known;
      for (Value operand : value.getDefiningOp()->getOperands())
        self(operand, self);
      return b.clone(*value.getDefiningOp(), mapping)->getResult(0);
    };
    llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    for (Value value : used)
      remake(value, remake);

    ArrayRef<BlockArgument> range = block->getArguments().take_back(3);
    auto copy = cast<scf::ForOp>(b.clone(*loop, mapping));
    b.setInsertionPoint(copy);
    Value start = copy.getLowerBound(), step = copy.getStep();
    auto at = [&](Value iteration) -> Value {
      return arith::AddIOp::create(b, start,
                                   arith::MulIOp::create(b, iteration, step));
    };
    copy.setUpperBound(
        arith::MinSIOp::create(b, copy.getUpperBound(), at(range[1])));
    copy.setLowerBound(at(range[0]));
    setWorker(copy, [&](Operation *) { return range[2]; });
    b.setInsertionPointToEnd(block);
    func::ReturnOp::create(b);
    return body;
  }

  void makeInternal(func::FuncOp function) {
    function.setPrivate();
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  }

  Value field(Type context, Value address, unsigned index) {
    return LLVM::GEPOp::create(b, pointer(), context, address,
                               ArrayRef<LLVM::GEPArg>{0, int32_t(index)});
  }

  Value converted(Type type, Value value) {
    if (value.getType() == type)
      return value;
    return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
  }

  /// The same as the threads call it: what it needs is in memory.
  LLVM::LLVMFuncOp emitEntry(func::FuncOp body, LLVM::LLVMStructType context) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(body);
    Type i64 = b.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), {pointer(), i64, i64, i64});
    auto entry = LLVM::LLVMFuncOp::create(b, (body.getName() + "_thread").str(),
                                          type, LLVM::Linkage::Internal);
    Block *block = entry.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    SmallVector<Value> operands;
    for (auto [index, type] : llvm::enumerate(context.getBody())) {
      Value value = LLVM::LoadOp::create(
          b, type, field(context, block->getArgument(0), index));
      operands.push_back(converted(body.getArgumentTypes()[index], value));
    }
    for (Value number : block->getArguments().drop_front())
      operands.push_back(converted(b.getIndexType(), number));
    func::CallOp::create(b, body, operands);
    LLVM::ReturnOp::create(b, ValueRange{});
    return entry;
  }

  LLVM::LLVMFuncOp runtime() {
    Type i64 = b.getI64Type();
    return *LLVM::lookupOrCreateFn(b, module, runFunction,
                                   {pointer(), pointer(), i64, i64, i64},
                                   LLVM::LLVMVoidType::get(b.getContext()));
  }

  /// Threads where it pays, a plain call otherwise.
  void emitCalls(scf::ForOp loop, func::FuncOp body, LLVM::LLVMFuncOp entry,
                 LLVM::LLVMStructType context,
                 const llvm::SetVector<Value> &captured, Value trips,
                 Value cost) {
    Value threads = kernel.getArguments().back();
    auto more = [&](Value value, int64_t than) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, value,
                                   number(than));
    };
    Value pays = arith::AndIOp::create(
        b, more(threads, 1),
        arith::AndIOp::create(b, more(trips, 1), more(cost, worthThreads)));
    auto choice = scf::IfOp::create(b, pays, /*withElseRegion=*/true);

    b.setInsertionPointToStart(&kernel.getBody().front());
    Value memory = LLVM::AllocaOp::create(
        b, pointer(), context,
        LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(1)));
    b.setInsertionPointToStart(choice.thenBlock());
    for (auto [index, value] : llvm::enumerate(captured))
      LLVM::StoreOp::create(b, converted(context.getBody()[index], value),
                            field(context, memory, index));
    Value function = LLVM::AddressOfOp::create(b, entry);
    LLVM::CallOp::create(
        b, runtime(),
        ValueRange{function, memory, word(trips), word(threads), word(cost)});
    b.setInsertionPointToStart(choice.elseBlock());
    SmallVector<Value> operands(captured.begin(), captured.end());
    operands.append({number(0), trips, number(0)});
    func::CallOp::create(b, body, operands);
  }
};

struct OutlineParallel : lamina::impl::OutlineParallelBase<OutlineParallel> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!module->hasAttr("lamina.threads"))
      return;
    FailureOr<Signature> signature = readSignature(module);
    if (failed(signature))
      return signalPassFailure();
    for (const EntryPoint &entry : signature->entries)
      if (auto kernel = module.lookupSymbol<func::FuncOp>(entry.name))
        Outliner(kernel).run();
    // Loops that stayed are run by the caller.
    setWorker(module, [](Operation *call) -> Value {
      OpBuilder b(call);
      return arith::ConstantIndexOp::create(b, call->getLoc(), 0);
    });
    if (Operation *worker = module.lookupSymbol(workerFunction))
      worker->erase();
  }
};
} // namespace
