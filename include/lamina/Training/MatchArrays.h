//===- MatchArrays.h - arrays by name for what a model needs ----*- C++ -*-===//
#ifndef LAMINA_TRAINING_MATCHARRAYS_H
#define LAMINA_TRAINING_MATCHARRAYS_H

#include "lamina/Support/Npy.h"

namespace lamina {

/// An array that somebody needs: a weight, an optimizer's state.
struct ArraySpec {
  std::string name;
  DType dtype = DType::Float32;
  llvm::SmallVector<int64_t> shape;
};

/// "float32[2,10]"; an unknown size is shown as `?`.
std::string describe(DType dtype, llvm::ArrayRef<int64_t> shape);

/// The arrays that `specs` name, in their order. A float array of another width
/// is converted; everything else must be as specified. The one error says what
/// is missing, what nobody knows, and what has another shape or dtype. Names
/// may begin with the name of a model, as Keras's paths do.
llvm::Expected<std::vector<NDArray>>
matchArrays(NamedArrays arrays, llvm::ArrayRef<ArraySpec> specs,
            llvm::StringRef what = "weights");

} // namespace lamina

#endif // LAMINA_TRAINING_MATCHARRAYS_H
