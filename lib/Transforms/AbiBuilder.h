//===- AbiBuilder.h - small pieces of the C entry points --------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_ABIBUILDER_H
#define LAMINA_LIB_TRANSFORMS_ABIBUILDER_H

#include "lamina/Transforms/Abi.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace lamina {

/// Writes straight-line code with early returns, in `func`, `arith` and `llvm`.
/// Numbers are i64, addresses are !llvm.ptr.
class AbiBuilder {
public:
  explicit AbiBuilder(mlir::ModuleOp module);

  static constexpr int64_t alignment = 64;
  /// Bytes of scratch for which nobody allocates memory.
  static constexpr int64_t scratchOnStack = 8192;

  mlir::Type i1() { return builder.getI1Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type pointer();

  /// Starts a public function beside `near`; `finish` ends it.
  mlir::func::FuncOp beginFunction(llvm::StringRef name,
                                   llvm::ArrayRef<mlir::Type> arguments,
                                   mlir::Type result, mlir::func::FuncOp near);
  void finish(mlir::Value result);
  void returnIf(mlir::Value condition, mlir::Value result);
  /// The same with a result that is computed only then.
  void leaveIf(mlir::Value condition,
               llvm::function_ref<mlir::Value()> result);
  /// Not visible outside of the object.
  void makeInternal(mlir::func::FuncOp function);

  mlir::Value constant(mlir::Type type, int64_t value);
  mlir::Value nullPointer();
  mlir::Value index(mlir::Value number);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value either(mlir::Value a, mlir::Value b);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value isNegative(mlir::Value number);
  mlir::Value isZero(mlir::Value number);
  mlir::Value isDifferent(mlir::Value a, mlir::Value b);
  mlir::Value isNonzero(mlir::Value number);
  /// More bytes than any memory has; what overflowed ends here, too.
  mlir::Value isHuge(mlir::Value number);
  mlir::Value isAtMost(mlir::Value number, int64_t limit); // unsigned
  mlir::Value isNull(mlir::Value address);

  /// The sizes of a tensor whose dims are numbers or symbols.
  llvm::SmallVector<mlir::Value>
  shape(const TensorSignature &tensor,
        const llvm::StringMap<mlir::Value> &symbols);
  /// The bytes of a tensor; sets `bad` where they do not fit an int64_t.
  mlir::Value byteCount(llvm::ArrayRef<mlir::Value> shape, int64_t elementBytes,
                        mlir::Value &bad);

  /// Makes sums and products of sizes that do not fit stay at the largest
  /// number.
  void saturate(mlir::func::FuncOp function);
  /// Calls a function from index to index with i64 values.
  llvm::SmallVector<mlir::Value> call(mlir::func::FuncOp function,
                                      mlir::ValueRange numbers);
  void callMemRefs(mlir::func::FuncOp function, mlir::ValueRange operands);
  /// A row-major memref at an address.
  mlir::Value memref(mlir::MemRefType type, mlir::Value address,
                     llvm::ArrayRef<mlir::Value> shape);
  mlir::Value loadPointer(mlir::Value base, unsigned index);
  /// Word `index` of memory.
  mlir::Value loadWord(mlir::Value base, unsigned index, mlir::Type type);
  void storeWord(mlir::Value value, mlir::Value base, unsigned index);
  mlir::Value addressOf(llvm::StringRef global);

  /// Calls a C function.
  mlir::Value callLibrary(llvm::StringRef name, mlir::Type result,
                          mlir::ValueRange arguments);

  /// The address of the two 32-bit words of a number, the low one first.
  mlir::Value seedWords(mlir::Value number);

  /// The caller's scratch buffer, or a fresh one, aligned; and what to
  /// release in the end. `onFailure` is given the condition that there is none.
  std::pair<mlir::Value, mlir::Value>
  scratchBuffer(mlir::Value given, mlir::Value bytes,
                llvm::function_ref<void(mlir::Value)> onFailure);
  void release(mlir::Value owned);
  /// Memory of the function being built, until it returns.
  mlir::Value stackBuffer(int64_t bytes);

  /// Constants for the weights, and `MODEL_embedded`, a struct of pointers to
  /// them.
  llvm::LogicalResult embedWeights(const Signature &signature);
  /// `int MODEL_init(struct MODEL_weights *w, struct MODEL_optimizer *o)`, which
  /// copies the initial values. Zeros are no data.
  llvm::LogicalResult emitInit(const Signature &signature);
  /// `const char *MODEL_error(int code)`.
  void emitErrorTexts(const Signature &signature);

private:
  mlir::ModuleOp module;
  mlir::ImplicitLocOpBuilder builder;
  mlir::LLVMTypeConverter converter;

  mlir::Value compare(int predicate, mlir::Value a, mlir::Value b);

  void constantGlobal(llvm::StringRef name, mlir::ElementsAttr flat);
  void fill(mlir::Value address, mlir::TypedAttr number, int64_t count);
  void textGlobal(llvm::StringRef name, llvm::StringRef text);
};

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_ABIBUILDER_H
