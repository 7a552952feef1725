//===- EmitAbi.cpp - the C entry points -----------------------------------===//
#include "AbiBuilder.h"
#include "Products.h"
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
        kernel.getNumArguments() != entry.arguments.size() +
                                        entry.results.size() + 1 +
                                        kernel->hasAttr(kPackedWeights) +
                                        entry.threaded + signature.usesCuda())
      return module.emitError("entry point '")
             << entry.name
             << "' does not have the signature it was recorded with";
    for (func::FuncOp function : {kernel, sizes, scratchSize})
      if (function)
        abi.makeInternal(function);
    for (func::FuncOp function : {sizes, scratchSize})
      if (function)
        abi.saturate(function);
    for (auto [index, type] : llvm::enumerate(kernel.getArgumentTypes()))
      if (isa<MemRefType>(type))
        kernel.setArgAttr(index, "llvm.noalias",
                          UnitAttr::get(module.getContext()));
    emitScratchSize();
    emitEntry();
    if (signature.usesCuda())
      emitEntry(/*onDevice=*/true);
    return success();
  }

private:
  AbiBuilder abi;
  ModuleOp module;
  const Signature &signature;
  const EntryPoint &entry;
  bool embedded;
  Value givenEmbedded; // whether the caller leaves the weights to the object
  func::FuncOp kernel, sizes, scratchSize;
  /// The C arguments that stand for a tensor, and the others by role.
  llvm::DenseMap<const TensorSignature *, Value> passed;
  llvm::StringMap<Value> structs;
  bool onDevice = false; // the entry takes the device's pointers
  static constexpr int64_t callBytes = 256; // of a struct lamina_cuda_call

  std::string symbol(StringRef suffix = "") {
    return symbolName(signature, entry) + suffix.str();
  }

  /// `MODEL_ENTRY_scratch(n, …)`: bytes, with room to align; 0 for sizes that
  /// the entry point would refuse.
  void emitScratchSize() {
    SmallVector<Type> types(entry.symbols.size(), abi.i64());
    if (entry.threaded)
      types.push_back(abi.i32());
    func::FuncOp function =
        abi.beginFunction(symbol("_scratch"), types, abi.i64(), kernel);
    Value bad = abi.constant(abi.i1(), 0);
    SmallVector<Value> numbers(
        function.getArguments().take_front(entry.symbols.size()));
    for (Value size : numbers)
      bad = abi.either(bad, abi.isNegative(size));
    abi.returnIf(bad, abi.constant(abi.i64(), 0));
    if (entry.threaded)
      numbers.push_back(threadCount(function.getArguments().back()));
    Value size = abi.call(scratchSize, numbers).front();
    Value none = abi.either(abi.isZero(size), abi.isHuge(size));
    Value padded =
        abi.add(size, abi.constant(abi.i64(), AbiBuilder::alignment));
    abi.finish(abi.select(none, abi.constant(abi.i64(), 0), padded));
  }

  /// How many threads a call that asks for `requested` may use.
  Value threadCount(Value requested) {
    auto isUsed = [](func::FuncOp function) {
      return !function.getArguments().back().use_empty();
    };
    if (!isUsed(kernel) && !isUsed(scratchSize))
      return abi.constant(abi.i64(), 1);
    int64_t limit = 0; // as the machine or OpenMP has
    (void)StringRef(signature.threads).getAsInteger(10, limit);
    return abi.callLibrary("lamina_parallel_count", abi.i64(),
                           {requested, abi.constant(abi.i64(), limit)});
  }

  Type typeOf(const AbiArgument &argument) {
    if (argument.role == "threads")
      return abi.i32();
    if (argument.onDevice)
      return abi.pointer();
    return llvm::is_contained({"batch", "dimension", "seed"}, argument.role)
               ? abi.i64()
               : abi.pointer();
  }

  void emitEntry(bool withDevicePointers = false) {
    onDevice = withDevicePointers;
    std::vector<AbiArgument> arguments = abiArguments(entry, onDevice);
    SmallVector<Type> types;
    for (const AbiArgument &argument : arguments)
      types.push_back(typeOf(argument));
    func::FuncOp function = abi.beginFunction(symbol(onDevice ? "_cuda" : ""),
                                              types, abi.i32(), kernel);
    SmallVector<Value> symbols;
    for (auto [argument, value] :
         llvm::zip_equal(arguments, function.getArguments())) {
      if (argument.tensor)
        passed[argument.tensor] = value;
      else if (argument.role == "batch" || argument.role == "dimension")
        symbols.push_back(value);
      else
        structs[argument.role] = value;
      if (argument.role == "seed" && !argument.onDevice)
        passed[argument.tensor] = abi.seedWords(value);
    }

    Value bad = abi.constant(abi.i1(), 0);
    for (Value size : symbols)
      bad = abi.either(bad, abi.isNegative(size));
    fail(bad, 2);
    std::vector<SmallVector<Value>> shapes = tensorShapes(symbols, bad);
    SmallVector<Value> bytes;
    for (auto [index, shape] : llvm::enumerate(shapes)) {
      auto type = cast<MemRefType>(kernel.getArgument(index).getType());
      bytes.push_back(abi.byteCount(
          shape, llvm::divideCeil(type.getElementTypeBitWidth(), 8), bad));
    }
    SmallVector<Value> numbers(symbols);
    Value threads;
    if (entry.threaded) {
      threads = threadCount(structs["threads"]);
      numbers.push_back(threads);
    }
    Value scratchBytes = abi.call(scratchSize, numbers).front();
    fail(abi.either(bad, abi.isHuge(scratchBytes)), 2);

    SmallVector<Value> pointers = tensorPointers(bytes);
    if (signature.usesCuda())
      return callOnDevice(pointers, bytes, shapes, scratchBytes,
                          function.getArguments().back());
    callKernel(pointers, shapes, scratchBytes, function.getArguments().back(),
               threads);
  }

  /// The shape of every tensor in the kernel's order: arguments, then results.
  /// Sets `bad` where a size of a result is negative, or not that of its
  /// cotangent.
  std::vector<SmallVector<Value>> tensorShapes(ArrayRef<Value> symbols,
                                               Value &bad) {
    SmallVector<Value> resultSizes;
    if (sizes)
      resultSizes = abi.call(sizes, symbols);
    std::vector<SmallVector<Value>> results;
    size_t next = 0;
    for (size_t index = 0; index < entry.results.size(); ++index) {
      auto type = cast<MemRefType>(
          kernel.getArgument(entry.arguments.size() + index).getType());
      SmallVector<Value> &shape = results.emplace_back();
      for (int64_t size : type.getShape()) {
        shape.push_back(ShapedType::isDynamic(size)
                            ? resultSizes[next++]
                            : abi.constant(abi.i64(), size));
        bad = abi.either(bad, abi.isNegative(shape.back()));
      }
    }
    llvm::StringMap<Value> bySymbol;
    for (auto [name, value] : llvm::zip_equal(entry.symbols, symbols))
      bySymbol[name] = value;
    std::vector<SmallVector<Value>> shapes;
    for (const TensorSignature &tensor : entry.arguments) {
      shapes.push_back(abi.shape(tensor, bySymbol));
      // A cotangent has the shape of its output.
      for (auto [result, shape] : llvm::zip_equal(entry.results, results))
        if (tensor.role == "cotangent" && result.name == tensor.of)
          for (auto [a, b] : llvm::zip_equal(shapes.back(), shape))
            bad = abi.either(bad, abi.isDifferent(a, b));
    }
    llvm::append_range(shapes, results);
    return shapes;
  }

  void fail(Value condition, int code) {
    abi.returnIf(condition, abi.constant(abi.i32(), code));
  }

  /// A struct of pointers that a C argument gives.
  struct Table {
    StringRef role; // of the C argument
    const std::vector<TensorSignature> &order;
    int code; // where it or a pointer in it is NULL
    Value missing;
  };

  /// The struct that holds the pointer of `tensor`, if one does.
  Table *tableOf(const TensorSignature &tensor, MutableArrayRef<Table> tables) {
    if (!inStruct(tensor))
      return nullptr;
    return &tables[tensor.role == "weight"      ? 0
                   : tensor.role == "optimizer" ? 1
                                                : 2];
  }

  /// The data pointers in the kernel's order, checked.
  SmallVector<Value> tensorPointers(ArrayRef<Value> bytes) {
    Value no = abi.constant(abi.i1(), 0), missing = no;
    Table tables[] = {{"weights", signature.weights, 3, no},
                      {"optimizer", signature.optimizer, 5, no},
                      {"gradients", signature.weights, 6, no}};
    SmallVector<const TensorSignature *> tensors;
    for (const std::vector<TensorSignature> *list :
         {&entry.arguments, &entry.results})
      for (const TensorSignature &tensor : *list)
        tensors.push_back(&tensor);

    for (Table &table : tables) {
      if (llvm::none_of(tensors, [&](const TensorSignature *tensor) {
            return tableOf(*tensor, tables) == &table;
          }))
        continue;
      Value &address = structs[table.role];
      Value null = abi.isNull(address);
      if (table.role == "weights" && embedded && !entry.changes("weight")) {
        givenEmbedded = null;
        address = abi.select(
            null, abi.addressOf(identifier(signature.model) + "_embedded"),
            address);
      } else {
        fail(null, table.code);
      }
    }
    SmallVector<Value> pointers;
    for (auto [tensor, size] : llvm::zip_equal(tensors, bytes)) {
      Table *table = tableOf(*tensor, tables);
      Value pointer =
          table ? abi.loadPointer(structs[table->role],
                                  Signature::position(table->order,
                                                      tensor->role == "gradient"
                                                          ? tensor->of
                                                          : tensor->name))
                : passed[tensor];
      Value &which = table ? table->missing : missing;
      which =
          abi.either(which, abi.both(abi.isNull(pointer), abi.isNonzero(size)));
      pointers.push_back(pointer);
    }
    for (const Table &table : tables)
      fail(table.missing, table.code);
    fail(missing, 1);
    return pointers;
  }

  /// Lets the runtime find the buffers on the device, calls the kernels' host
  /// function there, and ends the call.
  void callOnDevice(ArrayRef<Value> pointers, ArrayRef<Value> bytes,
                    ArrayRef<SmallVector<Value>> shapes, Value scratchBytes,
                    Value scratch) {
    enum { in = 1, out = 2, constant = 4 }; // lib/Runtime/Cuda.h
    constexpr unsigned words = 4;                       // of a buffer
    Value call = abi.stackBuffer(callBytes);
    Value buffers =
        abi.stackBuffer(std::max<int64_t>(pointers.size() * words * 8, 8));
    for (auto [index, pointer] : llvm::enumerate(pointers)) {
      bool isResult = index >= entry.arguments.size();
      const TensorSignature &tensor =
          isResult ? entry.results[index - entry.arguments.size()]
                   : entry.arguments[index];
      bool changes = llvm::any_of(entry.updates, [&](const auto &update) {
        return update.of == tensor.name;
      });
      int64_t use = isResult ? out : in | (changes ? out : 0);
      Value flags = abi.constant(abi.i64(), use);
      if (tensor.role == "weight" && embedded && !entry.changes("weight"))
        flags = abi.select(givenEmbedded,
                           abi.constant(abi.i64(), in | constant), flags);
      abi.storeWord(pointer, buffers, words * index);
      abi.storeWord(bytes[index], buffers, words * index + 1);
      abi.storeWord(flags, buffers, words * index + 2);
    }
    auto number = [&](int64_t value) { return abi.constant(abi.i64(), value); };
    Value stream = onDevice ? structs["stream"] : abi.nullPointer();
    Value code =
        abi.callLibrary("lamina_cuda_begin", abi.i32(),
                        {abi.addressOf("lamina_cuda_model"), call, buffers,
                         number(pointers.size()), stream, number(onDevice)});
    auto end = [&] {
      return abi.callLibrary("lamina_cuda_end", abi.i32(), {call});
    };
    abi.leaveIf(abi.isDifferent(code, abi.constant(abi.i32(), 0)), end);
    Value memory = abi.callLibrary("lamina_cuda_scratch", abi.pointer(),
                                   {call, scratch, scratchBytes});
    abi.leaveIf(abi.both(abi.isNull(memory), abi.isNonzero(scratchBytes)), end);
    SmallVector<Value> operands;
    for (size_t index = 0; index < pointers.size(); ++index)
      operands.push_back(
          abi.memref(cast<MemRefType>(kernel.getArgument(index).getType()),
                     abi.loadWord(buffers, words * index + 3, abi.pointer()),
                     shapes[index]));
    operands.push_back(
        abi.memref(cast<MemRefType>(kernel.getArgumentTypes()[pointers.size()]),
                   memory, {scratchBytes}));
    operands.push_back(call);
    abi.callMemRefs(kernel, operands);
    abi.finish(end());
  }

  void callKernel(ArrayRef<Value> pointers, ArrayRef<SmallVector<Value>> shapes,
                  Value scratchBytes, Value scratch, Value threads) {
    auto [buffer, owned] = abi.scratchBuffer(
        scratch, scratchBytes, [&](Value condition) { fail(condition, 4); });
    SmallVector<Value> operands;
    for (auto [index, pointer] : llvm::enumerate(pointers))
      operands.push_back(
          abi.memref(cast<MemRefType>(kernel.getArgument(index).getType()),
                     pointer, shapes[index]));
    if (kernel->hasAttr(kPackedWeights))
      operands.push_back(
          abi.index(abi.select(givenEmbedded, abi.constant(abi.i64(), 1),
                               abi.constant(abi.i64(), 0))));
    operands.push_back(
        abi.memref(cast<MemRefType>(kernel.getArgumentTypes()[operands.size()]),
                   buffer, {scratchBytes}));
    if (threads)
      operands.push_back(abi.index(threads));
    abi.callMemRefs(kernel, operands);
    Value success = abi.constant(abi.i32(), 0);
    abi.returnIf(abi.isNull(owned), success);
    abi.release(owned);
    abi.finish(success);
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
                      return weight.embedded;
                    });
    if (embedded && failed(abi.embedWeights(*signature)))
      return signalPassFailure();
    if (signature->hasInit() && failed(abi.emitInit(*signature)))
      return signalPassFailure();
    abi.emitErrorTexts(*signature);
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
