//===- LaunchKernels.cpp - launches are calls of the runtime --------------===//
#include "lamina/Gpu/Passes.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
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
    for (auto function : module.getOps<func::FuncOp>())
      if (llvm::any_of(function.getArgumentTypes(), llvm::IsaPred<MemRefType>))
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
    function.walk([&](gpu::LaunchFuncOp launch) {
      b.setLoc(launch.getLoc());
      b.setInsertionPoint(launch);
      Type i64 = b.getI64Type();
      auto word = [&](Value index) -> Value {
        return arith::IndexCastOp::create(b, i64, index);
      };
      auto number = [&](int64_t value) -> Value {
        return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
      };
      SmallVector<Value> fields;
      for (Value operand : launch.getKernelOperands())
        flatten(b, operand, fields);
      // The words, and behind them their addresses.
      int64_t count = fields.size();
      Value memory;
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(&entry);
        memory = LLVM::AllocaOp::create(
            b, pointer(), i64, number(std::max<int64_t>(2 * count, 1)));
      }
      auto at = [&](int64_t index) -> Value {
        return LLVM::GEPOp::create(b, pointer(), i64, memory,
                                   ArrayRef<LLVM::GEPArg>{int32_t(index)});
      };
      for (auto [index, field] : llvm::enumerate(fields)) {
        LLVM::StoreOp::create(b, field, at(index));
        LLVM::StoreOp::create(b, at(index), at(count + index));
      }
      int64_t kernel =
          llvm::find(names, launch.getKernelName().getValue()) - names.begin();
      LLVM::CallOp::create(b, runtime(b, function->getParentOfType<ModuleOp>()),
                           ValueRange{call, number(kernel),
                                      word(launch.getGridSizeX()),
                                      word(launch.getBlockSizeX()), at(count)});
      launch.erase();
    });
  }

  LLVM::LLVMFuncOp runtime(ImplicitLocOpBuilder &b, ModuleOp module) {
    Type i64 = b.getI64Type();
    return *LLVM::lookupOrCreateFn(b, module, "lamina_cuda_launch",
                                   {pointer(), i64, i64, i64, pointer()},
                                   LLVM::LLVMVoidType::get(b.getContext()));
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
      return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
    };
    auto address = [&](const Twine &name) -> Value {
      return LLVM::AddressOfOp::create(b, pointer(), name.str());
    };
    for (auto [index, name] : llvm::enumerate(names))
      text(b, module, "lamina_cuda_name_" + Twine(index), name);
    auto images = module->getAttrOfType<DictionaryAttr>("lamina.ptx");
    for (NamedAttribute image : images)
      text(b, module, "lamina_cuda_ptx_" + image.getName().getValue(),
           cast<StringAttr>(image.getValue()).getValue());
    global(b, module, "lamina_cuda_names",
           SmallVector<Type>(std::max<size_t>(names.size(), 1), pointer()),
           true, [&](unsigned index) -> Value {
             if (names.empty())
               return LLVM::ZeroOp::create(b, pointer());
             return address("lamina_cuda_name_" + Twine(index));
           });
    SmallVector<Type> types;
    for (size_t i = 0; i < images.size(); ++i)
      types.append({i64, pointer()});
    global(b, module, "lamina_cuda_images", types, true, [&](unsigned index) {
      StringRef chip = images.getValue()[index / 2].getName().getValue();
      int64_t version = 0;
      StringRef digits = chip.drop_front(3).rtrim("af");
      (void)digits.getAsInteger(10, version);
      return index % 2 == 0 ? number(version)
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
