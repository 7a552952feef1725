//===- LaunchKernels.cpp - launches are calls of the runtime --------------===//
#include "LibraryProducts.h"
#include "lamina/Gpu/Passes.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lamina {
#define GEN_PASS_DEF_LAUNCHKERNELS
#include "lamina/Gpu/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
struct LaunchKernels : lamina::impl::LaunchKernelsBase<LaunchKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ImplicitLocOpBuilder b(module.getLoc(), &getContext());
    SmallVector<std::string> names;
    for (auto kernels :
         llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
      for (auto kernel : kernels.getOps<LLVM::LLVMFuncOp>())
        if (kernel->hasAttr(gpu::GPUDialect::getKernelFuncAttrName()) ||
            kernel->hasAttr("nvvm.kernel"))
          names.push_back(kernel.getName().str());
      kernels.erase();
    }
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function.isExternal())
        function.erase(); // of the runtime
      else if (llvm::any_of(function.getArgumentTypes(),
                            llvm::IsaPred<MemRefType>))
        lower(b, function, names);
    describe(b, module, names);
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }

  Type pointer() { return LLVM::LLVMPointerType::get(&getContext()); }

  void lower(ImplicitLocOpBuilder &b, func::FuncOp function,
             ArrayRef<std::string> names) {
    Block &entry = function.getBody().front();
    Value call = entry.addArgument(pointer(), function.getLoc());
    function.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), {}));
    function.walk([&](Operation *op) {
      b.setLoc(op->getLoc());
      b.setInsertionPoint(op);
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
        lowerLaunch(b, launch, call, names);
      else if (auto called = dyn_cast<func::CallOp>(op);
               called && called.getCallee().starts_with(multiplyFunction))
        lowerMultiply(b, called, call);
      else if (auto load = dyn_cast<memref::LoadOp>(op))
        lowerRead(b, load, call);
    });
  }

  static Value word(ImplicitLocOpBuilder &b, Value index) {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  }
  static Value number(ImplicitLocOpBuilder &b, int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }

  /// Memory of the stack for words of 8 bytes.
  Value words(ImplicitLocOpBuilder &b, func::FuncOp function, int64_t count) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    return LLVM::AllocaOp::create(b, pointer(), b.getI64Type(),
                                  number(b, std::max<int64_t>(count, 1)));
  }

  Value wordAt(ImplicitLocOpBuilder &b, Value memory, int64_t index) {
    return LLVM::GEPOp::create(b, pointer(), b.getI64Type(), memory,
                               ArrayRef<LLVM::GEPArg>{int32_t(index)});
  }

  void lowerLaunch(ImplicitLocOpBuilder &b, gpu::LaunchFuncOp launch,
                   Value call, ArrayRef<std::string> names) {
    SmallVector<Value> fields;
    for (Value operand : launch.getKernelOperands())
      flatten(b, operand, fields);
    // The words, and behind them their addresses.
    int64_t count = fields.size();
    auto function = launch->getParentOfType<func::FuncOp>();
    Value memory = words(b, function, 2 * count);
    for (auto [index, field] : llvm::enumerate(fields)) {
      LLVM::StoreOp::create(b, field, wordAt(b, memory, index));
      LLVM::StoreOp::create(b, wordAt(b, memory, index),
                            wordAt(b, memory, count + index));
    }
    int64_t kernel =
        llvm::find(names, launch.getKernelName().getValue()) - names.begin();
    Type i64 = b.getI64Type();
    auto runtime = *LLVM::lookupOrCreateFn(
        b, function->getParentOfType<ModuleOp>(), "lamina_cuda_launch",
        {pointer(), i64, i64, i64, pointer()},
        LLVM::LLVMVoidType::get(b.getContext()));
    LLVM::CallOp::create(
        b, runtime,
        ValueRange{call, number(b, kernel), word(b, launch.getGridSizeX()),
                   word(b, launch.getBlockSizeX()), wordAt(b, memory, count)});
    launch.erase();
  }

  /// What the host itself needs of the device's memory.
  void lowerRead(ImplicitLocOpBuilder &b, memref::LoadOp load, Value call) {
    SmallVector<Value> pieces; // two addresses, the offset, sizes, strides
    flatten(b, load.getMemRef(), pieces);
    Value place = pieces[2];
    ValueRange strides = ValueRange(pieces).take_back(load.getIndices().size());
    for (auto [index, stride] : llvm::zip_equal(load.getIndices(), strides))
      place = arith::AddIOp::create(
          b, place, arith::MulIOp::create(b, word(b, index), stride));
    Type type = load.getType();
    Value address = LLVM::GEPOp::create(b, pointer(), type, pieces[1],
                                        ArrayRef<LLVM::GEPArg>{place});
    auto function = load->getParentOfType<func::FuncOp>();
    Value memory = words(b, function, 1);
    auto runtime = *LLVM::lookupOrCreateFn(
        b, function->getParentOfType<ModuleOp>(), "lamina_cuda_read",
        {pointer(), pointer(), pointer(), b.getI64Type()},
        LLVM::LLVMVoidType::get(b.getContext()));
    int64_t bytes = llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
    LLVM::CallOp::create(b, runtime,
                         ValueRange{call, memory, address, number(b, bytes)});
    Value value = LLVM::LoadOp::create(b, type, memory);
    load.replaceAllUsesWith(value);
    load.erase();
  }

  /// `struct lamina_cuda_product` of lib/Runtime/CublasLt.h.
  void lowerMultiply(ImplicitLocOpBuilder &b, func::CallOp multiply,
                     Value call) {
    SmallVector<Value> fields;
    for (Value operand : multiply.getOperands()) {
      if (operand.getType().isIndex()) {
        fields.push_back(word(b, operand));
        continue;
      }
      auto view = operand.getDefiningOp<memref::CastOp>();
      auto ranked = cast<MemRefType>(view.getSource().getType());
      SmallVector<Value> pieces;
      flatten(b, view.getSource(), pieces);
      fields.push_back(LLVM::GEPOp::create(b, pointer(),
                                           ranked.getElementType(), pieces[1],
                                           ArrayRef<LLVM::GEPArg>{pieces[2]}));
      if (ranked.getElementType().isInteger(8)) // how large the workspace is
        fields.push_back(number(b, ranked.getNumElements()));
    }
    auto function = multiply->getParentOfType<func::FuncOp>();
    Value memory = words(b, function, fields.size());
    for (auto [index, field] : llvm::enumerate(fields))
      LLVM::StoreOp::create(b, field, wordAt(b, memory, index));
    auto runtime = *LLVM::lookupOrCreateFn(
        b, function->getParentOfType<ModuleOp>(), multiplyFunction,
        {pointer(), pointer()}, b.getI64Type());
    Value done =
        LLVM::CallOp::create(b, runtime, ValueRange{call, memory}).getResult();
    multiply.getResult(0).replaceAllUsesWith(Value(arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, done, number(b, 0))));
    multiply.erase();
  }

  /// The parameters of a kernel that stand for a value, as the conversion of
  /// functions to LLVM has them.
  void flatten(ImplicitLocOpBuilder &b, Value value,
               SmallVector<Value> &fields) {
    LLVMTypeConverter converter(&getContext());
    Type type = converter.convertType(value.getType());
    if (type != value.getType())
      value = UnrealizedConversionCastOp::create(b, type, value).getResult(0);
    auto pieces = dyn_cast<LLVM::LLVMStructType>(type);
    if (!pieces) {
      fields.push_back(value);
      return;
    }
    for (auto [index, piece] : llvm::enumerate(pieces.getBody())) {
      auto array = dyn_cast<LLVM::LLVMArrayType>(piece);
      if (!array)
        fields.push_back(
            LLVM::ExtractValueOp::create(b, value, int64_t(index)));
      for (int64_t i = 0, e = array ? array.getNumElements() : 0; i < e; ++i)
        fields.push_back(LLVM::ExtractValueOp::create(
            b, value, ArrayRef<int64_t>{int64_t(index), i}));
    }
  }

  Value text(ImplicitLocOpBuilder &b, ModuleOp module, const Twine &name,
             StringRef contents) {
    std::string bytes = contents.str();
    bytes.push_back('\0');
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    LLVM::GlobalOp::create(
        b, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()), true,
        LLVM::Linkage::Internal, name.str(), b.getStringAttr(bytes));
    return {};
  }

  /// A global whose fields are `make` at their places.
  void global(ImplicitLocOpBuilder &b, ModuleOp module, StringRef name,
              ArrayRef<Type> types, bool constant,
              llvm::function_ref<Value(unsigned)> make) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    auto type = LLVM::LLVMStructType::getLiteral(&getContext(), types);
    auto op = LLVM::GlobalOp::create(b, type, constant, LLVM::Linkage::Internal,
                                     name, Attribute());
    b.createBlock(&op.getInitializerRegion());
    Value table = LLVM::PoisonOp::create(b, type);
    for (unsigned index = 0; index < types.size(); ++index)
      table =
          LLVM::InsertValueOp::create(b, table, make(index), int64_t(index));
    LLVM::ReturnOp::create(b, table);
  }

  /// `lamina_cuda_model`, the struct of lib/Runtime/Cuda.h.
  void describe(ImplicitLocOpBuilder &b, ModuleOp module,
                ArrayRef<std::string> names) {
    Type i64 = b.getI64Type();
    auto number = [&](int64_t value) -> Value {
      return LaunchKernels::number(b, value);
    };
    auto address = [&](const Twine &name) -> Value {
      return LLVM::AddressOfOp::create(b, pointer(), name.str());
    };
    for (auto [index, name] : llvm::enumerate(names))
      text(b, module, "lamina_cuda_name_" + Twine(index), name);
    auto texts = module->getAttrOfType<DictionaryAttr>("lamina.ptx");
    SmallVector<StringRef> images; // oldest first, as the texts are not
    for (auto chip : module->getAttrOfType<ArrayAttr>("lamina.architectures")
                         .getAsValueRange<StringAttr>()) {
      images.push_back(chip);
      text(b, module, "lamina_cuda_ptx_" + chip,
           texts.getAs<StringAttr>(chip).getValue());
    }
    global(b, module, "lamina_cuda_names",
           SmallVector<Type>(std::max<size_t>(names.size(), 1), pointer()),
           true, [&](unsigned index) -> Value {
             if (names.empty())
               return LLVM::ZeroOp::create(b, pointer());
             return address("lamina_cuda_name_" + Twine(index));
           });
    SmallVector<Type> types;
    for (size_t i = 0; i < images.size(); ++i)
      types.append({i64, i64, pointer()});
    global(b, module, "lamina_cuda_images", types, true, [&](unsigned index) {
      StringRef chip = images[index / 3], digits = chip.drop_front(3);
      // Code for one kind of device alone, or for a family.
      int64_t kind = digits.consume_back("a")   ? 1
                     : digits.consume_back("f") ? 2
                                                : 0;
      int64_t version = 0;
      (void)digits.getAsInteger(10, version);
      return index % 3 == 0   ? number(version)
             : index % 3 == 1 ? number(kind)
                              : address("lamina_cuda_ptx_" + chip);
    });
    global(b, module, "lamina_cuda_model",
           {i64, i64, pointer(), pointer(), pointer()}, false,
           [&](unsigned index) -> Value {
             switch (index) {
             case 0:
               return number(names.size());
             case 1:
               return number(images.size());
             case 2:
               return address("lamina_cuda_names");
             case 3:
               return address("lamina_cuda_images");
             default:
               return LLVM::ZeroOp::create(b, pointer());
             }
           });
  }
};
} // namespace
