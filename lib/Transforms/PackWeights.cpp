//===- PackWeights.cpp - embedded weights as panels of products -----------===//
//
// A weight that is only ever the right operand of products is embedded as the
// panels that these read: [N / NR][K][NR], the last panel as wide as the
// vectors that it takes. Weights that the caller passes stay plain matrices, so
// that a function with such weights is told which ones it has, by another
// argument.
//
//===----------------------------------------------------------------------===//
#include "Gemm.h"
#include "Products.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace lamina;

namespace {
/// A weight in the functions that may be given the embedded one.
struct Weight {
  SmallVector<BlockArgument> arguments;
  bool isPanels = true; // nobody needs the plain matrix
};
} // namespace

static bool isMatrix(Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getRank() == 2 && type.hasStaticShape() &&
         type.getLayout().isIdentity() &&
         (type.getElementType().isF32() || type.getElementType().isF64());
}

/// Whether all that is done with `matrix` is to multiply something by it.
static bool isRightOperand(Value matrix) {
  return isMatrix(matrix) && llvm::all_of(matrix.getUsers(), [](Operation *op) {
           auto cast = dyn_cast<memref::CastOp>(op);
           return cast && llvm::all_of(cast->getUses(), [](OpOperand &use) {
                    auto call = dyn_cast<func::CallOp>(use.getOwner());
                    return call && use.getOperandNumber() == 1 &&
                           call.getCallee().starts_with("lamina_gemm_");
                  });
         });
}

/// Reads `matrix` as panels where `packed` says so.
static void readPanels(ImplicitLocOpBuilder &b, Value packed, Value matrix) {
  auto type = cast<MemRefType>(matrix.getType());
  for (Operation *op : llvm::make_early_inc_range(matrix.getUsers())) {
    auto cast = mlir::cast<memref::CastOp>(op);
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    auto choose = [&](int64_t panels, int64_t plain) -> OpFoldResult {
      return arith::SelectOp::create(b, packed, number(panels), number(plain))
          .getResult();
    };
    // Rows at distance 0 tell panels, and columns as far apart as theirs.
    SmallVector<OpFoldResult> sizes{b.getIndexAttr(type.getDimSize(0)),
                                    b.getIndexAttr(type.getDimSize(1))},
        strides{choose(0, type.getDimSize(1)), choose(type.getDimSize(0), 1)};
    Value view = memref::ReinterpretCastOp::create(
        b, mlir::cast<MemRefType>(cast.getType()), matrix,
        OpFoldResult(b.getIndexAttr(0)), sizes, strides);
    cast.getResult().replaceAllUsesWith(view);
    cast.erase();
  }
}

void lamina::packWeights(ModuleOp module, const Strategy &strategy) {
  if (!module->hasAttr("lamina.signature"))
    return;
  FailureOr<Signature> signature = readSignature(module);
  // Where weights are trained, their initial values are copied.
  if (failed(signature) || signature->hasInit() ||
      !llvm::all_of(signature->weights, [](const TensorSignature &weight) {
        return bool(weight.value);
      }))
    return;
  llvm::MapVector<StringRef, Weight> weights;
  for (const EntryPoint &entry : signature->entries) {
    auto kernel = module.lookupSymbol<func::FuncOp>(entry.name);
    if (!kernel || entry.changes("weight"))
      continue;
    for (auto [index, tensor] : llvm::enumerate(entry.arguments))
      if (tensor.role == "weight" && !kernel.getArgument(index).use_empty()) {
        Weight &weight = weights[tensor.name];
        weight.arguments.push_back(kernel.getArgument(index));
        weight.isPanels &= isRightOperand(kernel.getArgument(index));
      }
  }
  llvm::MapVector<Operation *, Value> flags;
  SmallVector<NamedAttribute> layouts;
  Builder attributes(module.getContext());
  for (auto &[name, weight] : weights) {
    if (!weight.isPanels)
      continue;
    auto type = cast<MemRefType>(weight.arguments.front().getType());
    GemmShape shape(cast<FloatType>(type.getElementType()), strategy);
    layouts.push_back(attributes.getNamedAttr(
        name, attributes.getDenseI64ArrayAttr({shape.columns, shape.lanes})));
    for (BlockArgument argument : weight.arguments) {
      auto kernel = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      ImplicitLocOpBuilder b(kernel.getLoc(), module.getContext());
      b.setInsertionPointToStart(argument.getOwner());
      Value &flag = flags[kernel];
      if (!flag) {
        (void)kernel.insertArgument(kernel.getNumArguments(), b.getIndexType(),
                                    {}, kernel.getLoc());
        kernel->setAttr(kPackedWeights, b.getUnitAttr());
        flag = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                     kernel.getArguments().back(),
                                     arith::ConstantIndexOp::create(b, 0));
      }
      b.setInsertionPointAfterValue(flag);
      readPanels(b, flag, argument);
    }
  }
  if (!layouts.empty())
    module->setAttr(kPackedWeights, attributes.getDictionaryAttr(layouts));
}
