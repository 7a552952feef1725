//===- AbiBuilder.cpp - small pieces of the C entry points ----------------===//
#include "AbiBuilder.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace lamina;

AbiBuilder::AbiBuilder(ModuleOp module)
    : module(module), builder(module.getLoc(), module.getContext()),
      converter(module.getContext()) {
  builder.setInsertionPointToEnd(module.getBody());
}

Type AbiBuilder::pointer() {
  return LLVM::LLVMPointerType::get(module.getContext());
}

func::FuncOp AbiBuilder::beginFunction(StringRef name, ArrayRef<Type> arguments,
                                       Type result, func::FuncOp near) {
  builder.setInsertionPointAfter(near);
  builder.setLoc(near.getLoc());
  auto function = func::FuncOp::create(
      builder, name, builder.getFunctionType(arguments, result));
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void AbiBuilder::finish(Value result) {
  func::ReturnOp::create(builder, result);
}

void AbiBuilder::returnIf(Value condition, Value result) {
  leaveIf(condition, [&] { return result; });
}

void AbiBuilder::leaveIf(Value condition, function_ref<Value()> result) {
  Block *here = builder.getInsertionBlock();
  Region *region = here->getParent();
  Block *leave = builder.createBlock(region, region->end());
  func::ReturnOp::create(builder, result());
  Block *stay = builder.createBlock(region, region->end());
  builder.setInsertionPointToEnd(here);
  cf::CondBranchOp::create(builder, condition, leave, stay);
  builder.setInsertionPointToStart(stay);
}

void AbiBuilder::makeInternal(func::FuncOp function) {
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(module.getContext(), LLVM::Linkage::Internal));
}

Value AbiBuilder::constant(Type type, int64_t value) {
  return arith::ConstantOp::create(builder,
                                   builder.getIntegerAttr(type, value));
}
Value AbiBuilder::nullPointer() {
  return LLVM::ZeroOp::create(builder, pointer());
}
Value AbiBuilder::index(Value number) {
  return arith::IndexCastOp::create(builder, builder.getIndexType(), number);
}
Value AbiBuilder::add(Value a, Value b) {
  return arith::AddIOp::create(builder, a, b);
}
Value AbiBuilder::either(Value a, Value b) {
  return arith::OrIOp::create(builder, a, b);
}
Value AbiBuilder::both(Value a, Value b) {
  return arith::AndIOp::create(builder, a, b);
}
Value AbiBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, condition, a, b);
}
Value AbiBuilder::compare(int predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder, arith::CmpIPredicate(predicate), a, b);
}
Value AbiBuilder::isNegative(Value number) {
  return compare(int(arith::CmpIPredicate::slt), number, constant(i64(), 0));
}
Value AbiBuilder::isZero(Value number) {
  return compare(int(arith::CmpIPredicate::eq), number, constant(i64(), 0));
}
Value AbiBuilder::isNonzero(Value number) {
  return compare(int(arith::CmpIPredicate::ne), number, constant(i64(), 0));
}
Value AbiBuilder::isDifferent(Value a, Value b) {
  return compare(int(arith::CmpIPredicate::ne), a, b);
}
Value AbiBuilder::isAtMost(Value number, int64_t limit) {
  return compare(int(arith::CmpIPredicate::ule), number,
                 constant(i64(), limit));
}
Value AbiBuilder::isHuge(Value number) {
  return compare(int(arith::CmpIPredicate::ugt), number,
                 constant(i64(), int64_t(1) << 60));
}
Value AbiBuilder::isNull(Value address) {
  Value null = LLVM::ZeroOp::create(builder, pointer());
  return LLVM::ICmpOp::create(builder, LLVM::ICmpPredicate::eq, address, null);
}

SmallVector<Value> AbiBuilder::shape(const TensorSignature &tensor,
                                     const llvm::StringMap<Value> &symbols) {
  SmallVector<Value> result;
  for (const std::string &dim : tensor.dims) {
    int64_t number = 0;
    bool isSymbol = StringRef(dim).getAsInteger(10, number);
    result.push_back(isSymbol ? symbols.lookup(dim) : constant(i64(), number));
  }
  return result;
}

Value AbiBuilder::byteCount(ArrayRef<Value> shape, int64_t elementBytes,
                            Value &bad) {
  Value bytes = constant(i64(), elementBytes);
  auto pair =
      LLVM::LLVMStructType::getLiteral(module.getContext(), {i64(), i1()});
  for (Value size : shape) {
    Value product =
        LLVM::SMulWithOverflowOp::create(builder, pair, bytes, size);
    bytes = LLVM::ExtractValueOp::create(builder, product, 0);
    bad = either(bad, LLVM::ExtractValueOp::create(builder, product, 1));
  }
  bad = either(bad, isHuge(bytes));
  return bytes;
}

void AbiBuilder::saturate(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<arith::MulIOp, arith::AddIOp>(op) &&
        op->getResult(0).getType().isIndex())
      ops.push_back(op);
  });
  auto pair =
      LLVM::LLVMStructType::getLiteral(module.getContext(), {i64(), i1()});
  for (Operation *op : ops) {
    builder.setInsertionPoint(op);
    Value a = arith::IndexCastOp::create(builder, i64(), op->getOperand(0));
    Value b = arith::IndexCastOp::create(builder, i64(), op->getOperand(1));
    Value both =
        isa<arith::MulIOp>(op)
            ? Value(LLVM::SMulWithOverflowOp::create(builder, pair, a, b))
            : Value(LLVM::SAddWithOverflowOp::create(builder, pair, a, b));
    Value number = LLVM::ExtractValueOp::create(builder, both, 0);
    Value overflow = LLVM::ExtractValueOp::create(builder, both, 1);
    Value result = select(
        overflow, constant(i64(), std::numeric_limits<int64_t>::max()), number);
    op->getResult(0).replaceAllUsesWith(Value(
        arith::IndexCastOp::create(builder, builder.getIndexType(), result)));
    op->erase();
  }
}

SmallVector<Value> AbiBuilder::call(func::FuncOp function, ValueRange numbers) {
  SmallVector<Value> operands;
  for (Value number : numbers)
    operands.push_back(index(number));
  auto call = func::CallOp::create(builder, function, operands);
  SmallVector<Value> results;
  for (Value result : call.getResults())
    results.push_back(arith::IndexCastOp::create(builder, i64(), result));
  return results;
}

void AbiBuilder::callMemRefs(func::FuncOp function, ValueRange operands) {
  func::CallOp::create(builder, function, operands);
}

Value AbiBuilder::memref(MemRefType type, Value address,
                         ArrayRef<Value> shape) {
  SmallVector<Value> strides(shape.size());
  Value stride = constant(i64(), 1);
  for (int axis = int(shape.size()) - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride = arith::MulIOp::create(builder, stride, shape[axis]);
  }
  SmallVector<Value> fields = {address, address, constant(i64(), 0)};
  llvm::append_range(fields, shape);
  llvm::append_range(fields, strides);
  Value descriptor = MemRefDescriptor::pack(builder, builder.getLoc(),
                                            converter, type, fields);
  return UnrealizedConversionCastOp::create(builder, type, descriptor)
      .getResult(0);
}

Value AbiBuilder::loadPointer(Value base, unsigned index) {
  Value address = LLVM::GEPOp::create(builder, pointer(), pointer(), base,
                                      ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(builder, pointer(), address);
}

Value AbiBuilder::addressOf(StringRef global) {
  return LLVM::AddressOfOp::create(builder, pointer(), global);
}

Value AbiBuilder::callLibrary(StringRef name, Type result,
                              ValueRange arguments) {
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    Type type =
        result ? result : Type(LLVM::LLVMVoidType::get(module.getContext()));
    LLVM::LLVMFuncOp::create(builder, name,
                             LLVM::LLVMFunctionType::get(
                                 type, llvm::to_vector(arguments.getTypes())));
  }
  auto call = LLVM::CallOp::create(
      builder, result ? TypeRange(result) : TypeRange(), name, arguments);
  return result ? call.getResult() : Value();
}

Value AbiBuilder::seedWords(Value number) {
  Value words =
      LLVM::AllocaOp::create(builder, pointer(), i32(), constant(i64(), 2));
  Value high = LLVM::LShrOp::create(builder, number, constant(i64(), 32));
  Value halves[] = {number, high};
  for (auto [index, word] : llvm::enumerate(halves)) {
    Value half = LLVM::TruncOp::create(builder, i32(), word);
    Value address = LLVM::GEPOp::create(builder, pointer(), i32(), words,
                                        ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, half, address);
  }
  return words;
}

Value AbiBuilder::stackBuffer(int64_t bytes) {
  OpBuilder::InsertionGuard guard(builder);
  Region *body = builder.getInsertionBlock()->getParent();
  builder.setInsertionPointToStart(&body->front()); // else it is not static
  return LLVM::AllocaOp::create(builder, pointer(), builder.getI8Type(),
                                constant(i64(), bytes));
}

std::pair<Value, Value>
AbiBuilder::scratchBuffer(Value given, Value bytes,
                          function_ref<void(Value)> onFailure) {
  // Either way there is room for the alignment: the size function adds it.
  given = select(both(isNull(given), isAtMost(bytes, scratchOnStack)),
                 stackBuffer(scratchOnStack + alignment), given);
  Value missing = both(isNull(given), isNonzero(bytes));
  Block *here = builder.getInsertionBlock();
  Region *region = here->getParent();
  Block *allocate = builder.createBlock(region, region->end());
  Value fresh = callLibrary("lamina_allocate", pointer(),
                            add(bytes, constant(i64(), alignment)));
  Block *ready =
      builder.createBlock(region, region->end(), {pointer(), pointer()},
                          {builder.getLoc(), builder.getLoc()});
  builder.setInsertionPointToEnd(allocate);
  onFailure(isNull(fresh));
  cf::BranchOp::create(builder, ready, ValueRange{fresh, fresh});
  builder.setInsertionPointToEnd(here);
  Value null = LLVM::ZeroOp::create(builder, pointer());
  cf::CondBranchOp::create(builder, missing, allocate, ValueRange{}, ready,
                           ValueRange{given, null});
  builder.setInsertionPointToStart(ready);

  Value address =
      LLVM::PtrToIntOp::create(builder, i64(), ready->getArgument(0));
  Value negative = arith::SubIOp::create(builder, constant(i64(), 0), address);
  Value gap =
      arith::AndIOp::create(builder, negative, constant(i64(), alignment - 1));
  Value aligned =
      LLVM::GEPOp::create(builder, pointer(), builder.getI8Type(),
                          ready->getArgument(0), ArrayRef<LLVM::GEPArg>{gap});
  return {aligned, ready->getArgument(1)};
}

void AbiBuilder::release(Value owned) { callLibrary("free", Type(), owned); }

void AbiBuilder::textGlobal(StringRef name, StringRef text) {
  std::string bytes = text.str();
  bytes.push_back('\0');
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(builder, type, /*isConstant=*/true,
                         LLVM::Linkage::Internal, name,
                         builder.getStringAttr(bytes));
}

Value AbiBuilder::loadWord(Value base, unsigned index, Type type) {
  Value address =
      LLVM::GEPOp::create(builder, pointer(), i64(), base,
                          ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(builder, type, address);
}

void AbiBuilder::storeWord(Value value, Value base, unsigned index) {
  Value address =
      LLVM::GEPOp::create(builder, pointer(), i64(), base,
                          ArrayRef<LLVM::GEPArg>{int32_t(index)});
  LLVM::StoreOp::create(builder, value, address);
}

void AbiBuilder::emitErrorTexts(const Signature &signature) {
  std::string model = identifier(signature.model);
  builder.setInsertionPointToEnd(module.getBody());
  std::string prefix = model + "_error";
  textGlobal(prefix + "_unknown", "unknown error code");
  for (const ErrorCode &code : errorCodesOf(signature))
    textGlobal(prefix + "_" + std::to_string(code.value),
               errorText(signature, code));
  auto function = func::FuncOp::create(
      builder, prefix, builder.getFunctionType(i32(), pointer()));
  builder.setInsertionPointToStart(function.addEntryBlock());
  Value text = addressOf(prefix + "_unknown");
  for (const ErrorCode &code : errorCodesOf(signature)) {
    Value matches =
        compare(int(arith::CmpIPredicate::eq), function.getArgument(0),
                constant(i32(), code.value));
    text = select(matches, addressOf(prefix + "_" + std::to_string(code.value)),
                  text);
  }
  finish(text);
}
