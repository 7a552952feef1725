//===- CopiesToLinalg.cpp - buffer copies as linalg ops -------------------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lamina {
#define GEN_PASS_DEF_COPIESTOLINALG
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;

namespace {
struct CopiesToLinalg : lamina::impl::CopiesToLinalgBase<CopiesToLinalg> {
  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp copy) {
      OpBuilder builder(copy);
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      copy.erase();
    });
  }
};
} // namespace
