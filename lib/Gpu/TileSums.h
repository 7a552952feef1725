//===- TileSums.h - the sums of a tile, in registers ------------*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_TILESUMS_H
#define LAMINA_LIB_GPU_TILESUMS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <memory>

namespace lamina {

/// What tensor cores multiply; none: the threads multiply themselves.
enum class Multiplicand { None, Half, BFloat, TF32 };

/// What a block has in shared memory, and who has which sums in registers.
struct TileShape {
  const char *name;
  int64_t rows, columns, depth;
  /// Of a thread's sums, or with tensor cores of those of a warp.
  int64_t ownRows, ownColumns;
  bool tensors = false;

  int64_t threads() const {
    return rows / ownRows * (columns / ownColumns) * (tensors ? 32 : 1);
  }
};

/// A tile of one operand in shared memory, in two stages: rows of neighbours in
/// the operand's memory, which are terms, or rows or columns of the result.
struct TileBuffer {
  mlir::Value buffer;
  bool alongTerms = false;
};

/// How the threads of a block keep and make the sums of a tile.
class TileSums {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;

  static std::unique_ptr<TileSums> create(mlir::ImplicitLocOpBuilder &b,
                                          const TileShape &tile,
                                          Multiplicand type, Value thread);
  virtual ~TileSums() = default;

  /// The sums of a thread.
  virtual int64_t count() const = 0;
  /// Adds all terms of the tiles at `stage`.
  virtual Values add(const TileBuffer &left, const TileBuffer &right,
                     Value stage, mlir::ValueRange sums) = 0;
  /// The tile is handed over in slices of so many rows.
  virtual int64_t slices() const = 0;
  int64_t sliceRows() const { return tile.rows / slices(); }
  virtual void store(int64_t slice, mlir::ValueRange sums, Value buffer) = 0;
  /// The row of the tile that is row `line` of a slice.
  virtual Value rowOf(int64_t slice, Value line) = 0;

protected:
  TileSums(mlir::ImplicitLocOpBuilder &b, const TileShape &tile)
      : b(b), tile(tile) {}

  mlir::ImplicitLocOpBuilder &b;
  const TileShape &tile;

  Value plus(Value a, int64_t offset);
  Value times(Value a, int64_t factor);
  Value over(Value a, int64_t divisor);
  Value rest(Value a, int64_t divisor);
  Value load(const TileBuffer &x, Value stage, Value outer, Value term);
};

} // namespace lamina

#endif // LAMINA_LIB_GPU_TILESUMS_H
