//===- Remarks.cpp - what the planner decided, and why --------------------===//
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace lamina;

namespace {
/// Hands remarks to whoever handles the context's diagnostics.
struct ReportRemarks : remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text;
    for (const remark::detail::Remark::Arg &part : remark.getArgs())
      text += part.val;
    emitRemark(remark.getLocation())
        << remark.getFunction() << ": " << remark.getCombinedCategoryName()
        << ": " << text;
  }
};
} // namespace

LogicalResult lamina::enableRemarks(MLIRContext &context,
                                    llvm::StringRef subjects) {
  if (std::string why; !llvm::Regex(subjects).isValid(why))
    return failure();
  remark::RemarkCategories categories;
  categories.passed = subjects.str();
  return remark::enableOptimizationRemarks(
      context, std::make_unique<ReportRemarks>(),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

bool lamina::remarksEnabled(Operation *op) {
  return op->getContext()->getRemarkEngine() != nullptr;
}

remark::detail::InFlightRemark lamina::remarkOn(Operation *op,
                                                llvm::StringRef subject) {
  if (!remarksEnabled(op))
    return {};
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    function = op->getParentOfType<FunctionOpInterface>();
  return mlir::remark::passed(
      op->getLoc(), remark::RemarkOpts::name(op->getName().getStringRef())
                        .category(subject)
                        .function(function ? function.getName() : ""));
}

/// "mul" of "arith.mulf".
static llvm::StringRef plainName(Operation *op) {
  llvm::StringRef name = op->getName().stripDialect();
  bool isFloat = llvm::any_of(op->getOperandTypes(), llvm::IsaPred<FloatType>);
  if (name.size() > 3 && isFloat &&
      op->getName().getDialectNamespace() == llvm::StringRef("arith"))
    name.consume_back("f");
  return name;
}

std::string lamina::describe(Operation *op) {
  return remarksEnabled(op) ? nameOf(op) : std::string();
}

std::string lamina::nameOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::SmallSetVector<llvm::StringRef, 8> names;
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    for (Operation &inner : generic.getBody()->without_terminator())
      if (!inner.hasTrait<OpTrait::ConstantLike>())
        names.insert(plainName(&inner));
    if (names.empty())
      names.insert("copy");
  } else {
    names.insert(op->getName().stripDialect());
  }
  llvm::interleave(llvm::ArrayRef(names.getArrayRef()).take_front(5), os, "+");
  if (names.size() > 5)
    os << "+…";
  if (auto loops = dyn_cast<linalg::LinalgOp>(op)) {
    os << " ";
    llvm::interleave(
        loops.getStaticLoopRanges(), os,
        [&](int64_t size) {
          ShapedType::isDynamic(size) ? os << '?' : os << size;
        },
        "x");
  }
  return text;
}
