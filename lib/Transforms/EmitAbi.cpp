//===- EmitAbi.cpp - the C entry points -----------------------------------===//
#include "AbiBuilder.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace lamina {
#define GEN_PASS_DEF_EMITABI
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
/// Emits one entry point and its scratch-size function.
class EntryEmitter {
public:
  EntryEmitter(ModuleOp module, const Signature &signature,
               const EntryPoint &entry, bool embedded)
      : abi(module), module(module), signature(signature), entry(entry),
        embedded(embedded) {}

  LogicalResult run() {
    kernel = module.lookupSymbol<func::FuncOp>(entry.name);
    sizes = module.lookupSymbol<func::FuncOp>(entry.name + "_dims");
    scratchSize = module.lookupSymbol<func::FuncOp>(entry.name + "_scratch");
    if (!kernel || !scratchSize ||
        kernel.getNumArguments() !=
            entry.arguments.size() + entry.results.size() + 1)
      return module.emitError("entry point '")
             << entry.name
             << "' does not have the signature it was recorded with";
    for (func::FuncOp function : {kernel, sizes, scratchSize})
      if (function)
        abi.makeInternal(function);
    for (func::FuncOp function : {sizes, scratchSize})
      if (function)
        abi.saturate(function);
    for (unsigned index = 0; index < kernel.getNumArguments(); ++index)
      kernel.setArgAttr(index, "llvm.noalias",
                        UnitAttr::get(module.getContext()));
    emitScratchSize();
    emitEntry();
    return success();
  }

private:
  AbiBuilder abi;
  ModuleOp module;
  const Signature &signature;
  const EntryPoint &entry;
  bool embedded;
  func::FuncOp kernel, sizes, scratchSize;
  Value tooLarge;

  std::string symbol(StringRef suffix = "") {
    return symbolName(signature, entry) + suffix.str();
  }

  /// `MODEL_ENTRY_scratch(n, …)`: bytes, with room to align; 0 for sizes that
  /// the entry point would refuse.
  void emitScratchSize() {
    SmallVector<Type> types(entry.symbols.size(), abi.i64());
    func::FuncOp function =
        abi.beginFunction(symbol("_scratch"), types, abi.i64(), kernel);
    Value bad = abi.constant(abi.i1(), 0);
    for (Value argument : function.getArguments())
      bad = abi.either(bad, abi.isNegative(argument));
    abi.returnIf(bad, abi.constant(abi.i64(), 0));
    Value size = abi.call(scratchSize, function.getArguments()).front();
    Value none = abi.either(abi.isZero(size), abi.isHuge(size));
    Value padded =
        abi.add(size, abi.constant(abi.i64(), AbiBuilder::alignment));
    abi.finish(abi.select(none, abi.constant(abi.i64(), 0), padded));
  }

  void emitEntry() {
    std::vector<AbiArgument> arguments = abiArguments(entry);
    SmallVector<Type> types;
    for (const AbiArgument &argument : arguments)
      types.push_back(argument.role == "batch" || argument.role == "dimension"
                          ? abi.i64()
                          : abi.pointer());
    func::FuncOp function =
        abi.beginFunction(symbol(), types, abi.i32(), kernel);
    SmallVector<Value> symbols;
    llvm::StringMap<Value> bySymbol;
    for (auto [index, name] : llvm::enumerate(entry.symbols)) {
      symbols.push_back(function.getArgument(1 + index));
      bySymbol[name] = symbols.back();
    }

    Value bad = abi.constant(abi.i1(), 0);
    for (Value size : symbols)
      bad = abi.either(bad, abi.isNegative(size));
    fail(bad, 2);

    // The shape of every tensor, in the kernel's order: arguments, then
    // results.
    SmallVector<Value> resultSizes;
    if (sizes)
      resultSizes = abi.call(sizes, symbols);
    std::vector<SmallVector<Value>> shapes;
    for (const TensorSignature &tensor : entry.arguments)
      shapes.push_back(abi.shape(tensor, bySymbol));
    size_t next = 0;
    bad = abi.constant(abi.i1(), 0);
    for (auto [index, tensor] : llvm::enumerate(entry.results)) {
      SmallVector<Value> shape;
      auto type = cast<MemRefType>(
          kernel.getArgument(entry.arguments.size() + index).getType());
      for (int64_t size : type.getShape()) {
        shape.push_back(ShapedType::isDynamic(size)
                            ? resultSizes[next++]
                            : abi.constant(abi.i64(), size));
        bad = abi.either(bad, abi.isNegative(shape.back()));
      }
      shapes.push_back(shape);
    }
    SmallVector<Value> bytes;
    for (auto [index, shape] : llvm::enumerate(shapes)) {
      auto type = cast<MemRefType>(kernel.getArgument(index).getType());
      bytes.push_back(abi.byteCount(
          shape, llvm::divideCeil(type.getElementTypeBitWidth(), 8), bad));
    }
    Value scratchBytes = abi.call(scratchSize, symbols).front();
    fail(abi.either(bad, abi.isHuge(scratchBytes)), 2);

    SmallVector<Value> pointers = tensorPointers(function, bytes);
    callKernel(pointers, shapes, scratchBytes, function.getArguments().back());
  }

  void fail(Value condition, int code) {
    abi.returnIf(condition, abi.constant(abi.i32(), code));
  }

  /// The data pointers in the kernel's order, checked.
  SmallVector<Value> tensorPointers(func::FuncOp function,
                                    ArrayRef<Value> bytes) {
    Value weights = function.getArgument(0);
    bool needsWeights = llvm::any_of(entry.arguments, [](const auto &tensor) {
      return tensor.role == "weight";
    });
    if (needsWeights && embedded)
      weights = abi.select(
          abi.isNull(weights),
          abi.addressOf(identifier(signature.model) + "_embedded"), weights);
    else if (needsWeights)
      fail(abi.isNull(weights), 3);

    SmallVector<Value> pointers;
    unsigned next = 1 + entry.symbols.size();
    Value missing = abi.constant(abi.i1(), 0), missingWeight = missing;
    for (size_t index = 0; index < bytes.size(); ++index) {
      bool isWeight = index < entry.arguments.size() &&
                      entry.arguments[index].role == "weight";
      Value pointer =
          isWeight
              ? abi.loadPointer(weights, weightNumber(entry.arguments[index]))
              : Value(function.getArgument(next++));
      Value absent = abi.both(abi.isNull(pointer), abi.isNonzero(bytes[index]));
      Value &which = isWeight ? missingWeight : missing;
      which = abi.either(which, absent);
      pointers.push_back(pointer);
    }
    fail(missingWeight, 3);
    fail(missing, 1);
    return pointers;
  }

  unsigned weightNumber(const TensorSignature &weight) {
    return llvm::find_if(
               signature.weights,
               [&](const auto &known) { return known.name == weight.name; }) -
           signature.weights.begin();
  }

  void callKernel(ArrayRef<Value> pointers, ArrayRef<SmallVector<Value>> shapes,
                  Value scratchBytes, Value scratch) {
    auto [buffer, owned] = abi.scratchBuffer(
        scratch, scratchBytes, [&](Value condition) { fail(condition, 4); });
    SmallVector<Value> operands;
    for (auto [index, pointer] : llvm::enumerate(pointers))
      operands.push_back(
          abi.memref(cast<MemRefType>(kernel.getArgument(index).getType()),
                     pointer, shapes[index]));
    operands.push_back(
        abi.memref(cast<MemRefType>(kernel.getArguments().back().getType()),
                   buffer, {scratchBytes}));
    abi.callMemRefs(kernel, operands);
    abi.release(owned);
    abi.finish(abi.constant(abi.i32(), 0));
  }
};

struct EmitAbi : lamina::impl::EmitAbiBase<EmitAbi> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Signature> signature = readSignature(module);
    if (failed(signature))
      return signalPassFailure();
    AbiBuilder abi(module);
    bool embedded = !signature->weights.empty() &&
                    llvm::all_of(signature->weights, [](const auto &weight) {
                      return bool(weight.value);
                    });
    if (embedded && failed(abi.embedWeights(*signature)))
      return signalPassFailure();
    abi.emitErrorTexts(identifier(signature->model));
    for (const EntryPoint &entry : signature->entries)
      if (failed(EntryEmitter(module, *signature, entry, embedded).run()))
        return signalPassFailure();
    dropValues(module);
  }

  /// The values live in globals from now on.
  static void dropValues(ModuleOp module) {
    AttrTypeReplacer replacer;
    replacer.addReplacement(
        [](DictionaryAttr attribute) -> std::optional<Attribute> {
          if (!attribute.contains("value"))
            return std::nullopt;
          NamedAttrList fields(attribute);
          fields.erase("value");
          fields.set("embedded", UnitAttr::get(attribute.getContext()));
          return fields.getDictionary(attribute.getContext());
        });
    module->setAttr("lamina.signature",
                    replacer.replace(module->getAttr("lamina.signature")));
  }
};
} // namespace
