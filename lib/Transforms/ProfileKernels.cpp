//===- ProfileKernels.cpp - what each kernel takes, and should take -------===//
//
// For `lamina bench`: two passes around the vectorizer. The first one names the
// ops of an entry point by their locations, which the loops made of them keep;
// the second one reads the processor's clock where one kernel follows another,
// and adds the ticks, and the work that the cost model estimates, to a table in
// memory that the benchmark reads.
//
//===----------------------------------------------------------------------===//
#include "CostModel.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Profile.h"
#include "lamina/Transforms/Remarks.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lamina {
#define GEN_PASS_DEF_NAMEKERNELS
#define GEN_PASS_DEF_PROFILEKERNELS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

static constexpr const char *mark = "kernel: ";

/// What a top-level op computes.
static std::string kernelName(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return call.getCallee().str();
  if (op->getNumRegions() == 0 || isa<linalg::LinalgOp>(op))
    return nameOf(op);
  std::string text = "loop of";
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    auto call = dyn_cast<func::CallOp>(inner);
    bool counts = isa<linalg::LinalgOp>(inner) && !isa<linalg::FillOp>(inner);
    if (!counts && !call)
      return;
    if (text.size() < 80)
      text += " " + (call ? call.getCallee().str() : nameOf(inner)) + ",";
    else if (!StringRef(text).ends_with("…"))
      text += " …";
  });
  if (StringRef(text).ends_with(","))
    text.pop_back();
  return text;
}

namespace {
struct NameKernels : lamina::impl::NameKernelsBase<NameKernels> {
  void runOnOperation() override {
    unsigned count = 0;
    if (getOperation().isExternal())
      return;
    for (Operation &op : getOperation().getBody().front()) {
      if (isMemoryEffectFree(&op) || op.hasTrait<OpTrait::IsTerminator>() ||
          isa<memref::AllocaOp>(op))
        continue;
      std::string name = (mark + Twine(count++) + " " + kernelName(&op)).str();
      op.setLoc(
          NameLoc::get(StringAttr::get(&getContext(), name), op.getLoc()));
    }
  }
};

/// One entry point.
class Profiler {
public:
  explicit Profiler(func::FuncOp function)
      : function(function), b(function.getLoc(), function.getContext()) {}

  ArrayAttr run(ModuleOp module) {
    Block &block = function.getBody().front();
    for (Operation &op : block)
      if (NameLoc name = nameIn(op.getLoc());
          name && (names.empty() || names.back() != name) &&
          !llvm::is_contained(names, name))
        names.push_back(name);
    if (names.empty())
      return b.getArrayAttr({});
    declareTable(module);
    std::optional<unsigned> current;
    Value since;
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      ops.push_back(&op);
    for (Operation *op : ops) {
      NameLoc name = nameIn(op->getLoc());
      bool ends = op->hasTrait<OpTrait::IsTerminator>();
      unsigned kernel = llvm::find(names, name) - names.begin();
      if (ends || (name && kernel != current)) {
        b.setInsertionPoint(op);
        Value now = readClock();
        if (current)
          add(*current, 0, LLVM::SubOp::create(b, now, since));
        since = now;
        if (!ends)
          current = kernel;
      }
      if (!ends && current)
        addWork(*current, op);
    }
    SmallVector<Attribute> texts;
    for (NameLoc name : names)
      texts.push_back(
          b.getStringAttr(name.getName().getValue().drop_front(strlen(mark))));
    return b.getArrayAttr(texts);
  }

private:
  func::FuncOp function;
  ImplicitLocOpBuilder b;
  SmallVector<NameLoc> names;
  LLVM::GlobalOp table;

  static NameLoc nameIn(Location loc) {
    NameLoc found;
    loc->walk([&](Location inner) {
      auto name = dyn_cast<NameLoc>(inner);
      if (!name || !name.getName().getValue().starts_with(mark))
        return WalkResult::advance();
      found = name;
      return WalkResult::interrupt();
    });
    return found;
  }

  void declareTable(ModuleOp module) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    table = LLVM::GlobalOp::create(
        b, LLVM::LLVMArrayType::get(b.getI64Type(), 4 * names.size()),
        /*isConstant=*/false, LLVM::Linkage::External,
        profileTable(function.getName()), Attribute());
    Block *block = b.createBlock(&table.getInitializerRegion());
    b.setInsertionPointToStart(block);
    Value zero = LLVM::ZeroOp::create(b, table.getType());
    LLVM::ReturnOp::create(b, zero);
  }

  Value readClock() {
    return LLVM::CallIntrinsicOp::create(
               b, b.getI64Type(), b.getStringAttr("llvm.readcyclecounter"),
               ValueRange())
        .getResult(0);
  }

  void add(unsigned kernel, unsigned column, Value amount) {
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    Value place = LLVM::GEPOp::create(
        b, pointer, table.getType(), LLVM::AddressOfOp::create(b, table),
        ArrayRef<LLVM::GEPArg>{0, int32_t(4 * kernel + column)});
    Value old = LLVM::LoadOp::create(b, b.getI64Type(), place);
    LLVM::StoreOp::create(b, LLVM::AddOp::create(b, old, amount), place);
  }

  /// Of whichever branch is taken, if there are several ways to do it.
  void addWork(unsigned kernel, Operation *op) {
    if (isa<scf::IfOp>(op))
      for (Region &region : op->getRegions())
        for (Operation &inner : llvm::make_early_inc_range(region.getOps()))
          addWork(kernel, &inner);
    if (!isa<scf::ForOp, func::CallOp>(op))
      return;
    b.setInsertionPoint(op);
    WorkEstimate work = estimateWork(b, op);
    for (auto [column, value] :
         llvm::enumerate(std::array{work.time, work.flops, work.bytes}))
      add(kernel, column + 1,
          arith::IndexCastOp::create(b, b.getI64Type(), value));
  }
};

struct ProfileKernels : lamina::impl::ProfileKernelsBase<ProfileKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Signature> signature = readSignature(module);
    if (failed(signature))
      return signalPassFailure();
    SmallVector<NamedAttribute> kernels;
    for (const EntryPoint &entry : signature->entries)
      if (auto function = module.lookupSymbol<func::FuncOp>(entry.name))
        kernels.push_back({StringAttr::get(&getContext(), entry.name),
                           Profiler(function).run(module)});
    module->setAttr(kernelsAttribute,
                    DictionaryAttr::get(&getContext(), kernels));
  }
};
} // namespace
