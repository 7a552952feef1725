//===- SizeFunction.h - sizes as functions of unknown dimensions *- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_SIZEFUNCTION_H
#define LAMINA_LIB_TRANSFORMS_SIZEFUNCTION_H

#include "lamina/Transforms/Signature.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <map>

namespace lamina {

/// The argument of `function` whose dimension the value reads, and which.
struct DimensionOf {
  unsigned argument;
  int64_t axis;
};
std::optional<DimensionOf> dimensionOfArgument(mlir::Value value);

/// Rebuilds index computations elsewhere: in another place of the function, or
/// in a function whose arguments are the entry point's unknown sizes.
class SizeCloner {
public:
  /// Clones to where `builder` stands, in the same function.
  explicit SizeCloner(mlir::OpBuilder &builder) : builder(builder) {}
  /// Clones into a function with one index argument per symbol of `entry`.
  SizeCloner(mlir::OpBuilder &builder, const EntryPoint &entry,
             mlir::ValueRange symbols)
      : builder(builder), entry(&entry),
        symbols(symbols.begin(), symbols.end()) {}

  /// `value` is `copy` there.
  void map(mlir::Value value, mlir::Value copy) { known[value] = copy; }

  /// The same number, or null if it depends on more than the arguments'
  /// dimensions.
  mlir::Value clone(mlir::Value value);

private:
  mlir::OpBuilder &builder;
  const EntryPoint *entry = nullptr;
  llvm::SmallVector<mlir::Value> symbols;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
  std::map<std::pair<unsigned, int64_t>, mlir::Value> dimensions;

  mlir::Value cloneDimension(mlir::Operation *op, DimensionOf dimension);
};

/// A private function `NAME` after `after`, from the symbols of `entry` and
/// `more` numbers to `results` numbers; its body is empty.
mlir::func::FuncOp createSizeFunction(mlir::func::FuncOp after,
                                      llvm::StringRef name,
                                      const EntryPoint &entry,
                                      unsigned results, unsigned more = 0);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_SIZEFUNCTION_H
