//===- GraphWriter.h - what writing graphs has in common --------*- C++ -*-===//
#ifndef LAMINA_LIB_EXPORT_GRAPHWRITER_H
#define LAMINA_LIB_EXPORT_GRAPHWRITER_H

#include "lamina/Lam/Lam.h"
#include "lamina/Support/NDArray.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

namespace lamina {

/// What stands for a value in a file: its name there, and its shape, which
/// follows NumPy's rules of broadcasting: `lam` repeats tensors explicitly,
/// other frameworks do so wherever they meet, so a tensor that `lam.broadcast`
/// made keeps sizes of 1, and lacks leading ones, until somebody needs it
/// whole.
struct Written {
  std::string name;
  llvm::SmallVector<int64_t> shape;
};

/// Writes the operations of a function into a graph of another framework.
class GraphWriter {
public:
  explicit GraphWriter(mlir::func::FuncOp function) : function(function) {}
  virtual ~GraphWriter() = default;

protected:
  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, Written> written;

  /// Writes one operation with its results; false if the framework has nothing
  /// for it.
  virtual bool write(mlir::Operation *op) = 0;
  /// Is there nothing for it, whatever its operands are?
  virtual bool isUnknown(mlir::Operation *op) = 0;
  /// Writes all operations, also behind one that failed.
  void writeBlock(mlir::Block &block);

  /// Not to be written, and why.
  void reject(mlir::Operation *op, const llvm::Twine &why);
  /// One error with everything that was rejected; success if nothing was.
  mlir::LogicalResult report(llvm::StringRef format,
                             llvm::StringRef suggestion = "");

  /// Another name that begins with the layers of `op`: "dense/MatMul".
  std::string nameOf(mlir::Operation *op, llvm::StringRef kind,
                     char separator = '/');
  std::string unique(llvm::StringRef name);

  /// Has it all elements of its type?
  static bool isWhole(const Written &tensor, mlir::Type type);
  /// The shape of an operation of these, element by element.
  static llvm::SmallVector<int64_t> shapeOf(llvm::ArrayRef<Written> operands);
  /// How a `lam.broadcast` looks before anything is repeated: the shape, and
  /// which of its dimensions are new.
  struct Aligned {
    llvm::SmallVector<int64_t> shape, newDims;
  };
  static Aligned align(lam::BroadcastOp op, const Written &x);

  /// The role, name and shape of an argument or result.
  static llvm::StringRef text(mlir::DictionaryAttr attrs, llvm::StringRef key);

private:
  llvm::StringMap<unsigned> names;
  std::vector<std::pair<mlir::Location, std::string>> rejected;
};

/// The layers around an operation, outermost first: "encoder/dense"; see
/// `rememberLayers`.
std::string layersOf(mlir::Location location);

/// The number that all elements of `value` are known to be.
std::optional<double> splatOf(mlir::Value value);

/// Replaces operations that few frameworks have by formulas of those that all
/// have.
void expandFunctions(mlir::func::FuncOp function);

} // namespace lamina

#endif // LAMINA_LIB_EXPORT_GRAPHWRITER_H
