//===- Products.h - matrix products in tiles --------------------*- C++ -*-===//
//
// A product is any sum of products over loops of rows, columns, terms and
// batches, so that a convolution is one as well. A block of threads computes a
// tile of the result: it copies tiles of the operands to shared memory, the
// next ones while it works on these, and its threads keep sums in registers.
// What runs on each element of the result behind it is part of the kernel.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_GPU_PRODUCTS_H
#define LAMINA_LIB_GPU_PRODUCTS_H

#include "Points.h"
#include "TileSums.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace lamina {

/// A product, its loops, and what becomes part of its kernel.
struct Product {
  mlir::linalg::LinalgOp op;
  mlir::OpOperand *left = nullptr, *right = nullptr, *result = nullptr;
  /// Where the operands' elements are: the operands, or halves of which a
  /// pointwise op makes them.
  mlir::Value leftSource, rightSource;
  Multiplicand tensors = Multiplicand::None;
  /// Those that are neighbours in memory come last.
  llvm::SmallVector<unsigned> batch, rows, columns, terms;
  mlir::linalg::FillOp fill;        // with what the sums begin
  mlir::linalg::GenericOp epilogue; // pointwise, of the result
  bool isPrivate = false;           // nobody else reads the result
  llvm::SmallVector<mlir::Operation *, 2> widenings; // that nobody else needs

  /// The last op of the group: where the kernel is launched.
  mlir::Operation *last() {
    return epilogue ? epilogue.getOperation() : op.getOperation();
  }
};

/// When products are left to cuBLASLt: where that is faster, or always.
enum class Library { Never, Auto, Always };

/// What the kernels of products may use.
struct ProductOptions {
  bool async = false; // copies to shared memory, and tensor cores
  bool tf32 = false;  // float32 may be rounded to multiply it
  Library library = Library::Never;
  bool largeDevice = false; // sm_90 or newer
};

/// `op` as a product that is worth tiles, with the ops around it.
std::optional<Product> findProduct(mlir::linalg::LinalgOp op,
                                   ProductOptions options);

/// The row of the table that suits the product.
const TileShape &tileFor(Product product);

/// Into how many parts the terms are divided, where tiles are too few for a
/// device and terms are many. Sizes alone decide, so that sums are always the
/// same.
int64_t partsFor(Product product, const TileShape &tile);

/// Emits the kernel of a product.
class ProductKernel {
public:
  /// `async`: the device copies to shared memory without its threads. With
  /// several `parts`, allocatePartialSums() comes before the launches.
  ProductKernel(mlir::ImplicitLocOpBuilder &b, Product product,
                const TileShape &tile, int64_t parts, bool async)
      : b(b), product(product), tile(tile), parts(parts), async(async) {}

  /// How many parts of tiles there are to compute: for the host.
  mlir::Value tiles();
  /// How many results.
  mlir::Value results();
  /// Allocates a buffer for the sums of each part.
  void allocatePartialSums();
  /// The body of a launch of any number of blocks of tile.threads().
  void emit(mlir::gpu::LaunchOp launch);
  /// The body of a second launch, which adds up the parts.
  void addParts(const Team &team);

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;

  /// A tile of one operand, and where it comes from.
  struct Operand : TileBuffer {
    mlir::OpOperand *operand = nullptr;
    Value source;
    llvm::ArrayRef<unsigned> outer; // loops that are not terms
    int64_t extent = 0;             // of these in a tile
    Value outerCount;
    int64_t group = 1; // elements of a wide copy
    Value aligned;     // whether wide copies are right; null: never
  };

  mlir::ImplicitLocOpBuilder &b;
  Product product;
  const TileShape &tile;
  int64_t parts;
  bool async;
  Value partials; // [part, result]
  std::unique_ptr<TileSums> sums;
  Value thread, slice, rows, columns, terms;

  Operand prepare(Points &points, mlir::gpu::LaunchOp launch, bool isLeft);
  Value sharedBuffer(mlir::gpu::LaunchOp launch, llvm::ArrayRef<int64_t> shape,
                     mlir::Type type);
  void copyTile(Points &points, const Operand &operand, Value stage,
                Value first, Value firstTerm, Value batch);
  void copyTile(Points &points, const Operand &operand, int64_t group,
                Value stage, Value first, Value firstTerm, Value batch);
  void waitForCopies();
  void finishTile(Points &points, Value firstRow, Value firstColumn,
                  Value batch, Value part, mlir::ValueRange values);
  void finish(Points &points, const Values &point, Value sum);
  Value both(Value a, Value b);
  Value isLess(Value a, Value b);
  mlir::Type sumType();
};

} // namespace lamina

#endif // LAMINA_LIB_GPU_PRODUCTS_H
