//===- AbiValues.cpp - initial values in the object -----------------------===//
#include "AbiBuilder.h"
#include "Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace lamina;

/// The value as the bytes in memory need it: flat, signless, bools as bytes.
static FailureOr<ElementsAttr> flatten(ElementsAttr value) {
  Type element = value.getElementType();
  auto integer = dyn_cast<IntegerType>(element);
  if (integer)
    element =
        IntegerType::get(value.getContext(), std::max(8u, integer.getWidth()));
  auto flat = RankedTensorType::get({value.getNumElements()}, element);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return ElementsAttr(
        DenseResourceElementsAttr::get(flat, resource.getRawHandle()));
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  if (integer && integer.getWidth() == 1)
    dense = dense.mapValues(
        element, [](const APInt &bit) { return APInt(8, bit.getZExtValue()); });
  else if (integer && !integer.isSignless())
    dense = dense.bitcast(element);
  return ElementsAttr(dense.reshape(flat));
}

static ArrayRef<char> rawData(ElementsAttr flat) {
  if (auto dense = dyn_cast<DenseElementsAttr>(flat))
    return dense.getRawData();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(flat))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

static bool isAllZero(ElementsAttr flat) {
  ArrayRef<char> bytes = rawData(flat);
  return !bytes.empty() &&
         llvm::all_of(bytes, [](char byte) { return byte == 0; });
}

void AbiBuilder::constantGlobal(StringRef name, ElementsAttr flat) {
  auto type = LLVM::LLVMArrayType::get(
      flat.getElementType(), std::max<int64_t>(flat.getNumElements(), 1));
  Attribute contents = flat;
  if (flat.getNumElements() == 0)
    contents = {}; // an empty array has no constant; one zero stands for it
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  auto global = LLVM::GlobalOp::create(builder, type, /*isConstant=*/true,
                                       LLVM::Linkage::Internal, name, contents,
                                       alignment);
  if (contents)
    return;
  builder.createBlock(&global.getInitializerRegion());
  LLVM::ReturnOp::create(builder, Value(LLVM::ZeroOp::create(builder, type)));
}

/// The matrix `flat` of `rows` rows as panels of `panel` columns, each with its
/// rows one after the other; the last one is filled up to whole vectors of
/// `lanes`.
static ElementsAttr packPanels(ElementsAttr flat, int64_t rows, int64_t panel,
                               int64_t lanes) {
  int64_t columns = flat.getNumElements() / rows;
  auto type = RankedTensorType::get(
      {rows * int64_t(llvm::alignTo(columns, lanes))}, flat.getElementType());
  auto dense = dyn_cast<DenseElementsAttr>(flat);
  if (dense && dense.isSplat())
    return DenseElementsAttr::get(type, dense.getSplatValue<Attribute>());
  ArrayRef<char> from = rawData(flat);
  int64_t bytes = flat.getElementType().getIntOrFloatBitWidth() / 8;
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(type.getNumElements() * bytes, 64);
  char *to = blob.getMutableData().data();
  for (int64_t first = 0; first < columns; first += panel) {
    int64_t count = std::min(panel, columns - first);
    int64_t width = llvm::alignTo(count, lanes);
    for (int64_t row = 0; row < rows; ++row, to += width * bytes) {
      std::memcpy(to, from.data() + (row * columns + first) * bytes,
                  count * bytes);
      std::memset(to + count * bytes, 0, (width - count) * bytes);
    }
  }
  return DenseResourceElementsAttr::get(type, "panels", std::move(blob));
}

LogicalResult AbiBuilder::embedWeights(const Signature &signature) {
  std::string model = identifier(signature.model);
  SmallVector<std::string> names;
  auto packed = module->getAttrOfType<DictionaryAttr>(kPackedWeights);
  for (auto [index, weight] : llvm::enumerate(signature.weights)) {
    FailureOr<ElementsAttr> value = flatten(weight.value);
    if (failed(value))
      return module.emitError("the value of weight '")
             << weight.name << "' is not a dense array";
    if (packed)
      if (auto layout = packed.getAs<DenseI64ArrayAttr>(weight.name))
        value = packPanels(*value, weight.value.getShapedType().getDimSize(0),
                           layout[0], layout[1]);
    names.push_back(model + "_weight_" + std::to_string(index));
    constantGlobal(names.back(), *value);
  }
  builder.setInsertionPointToEnd(module.getBody());
  auto type = LLVM::LLVMStructType::getLiteral(
      module.getContext(), SmallVector<Type>(names.size(), pointer()));
  auto global = LLVM::GlobalOp::create(builder, type, /*isConstant=*/true,
                                       LLVM::Linkage::Internal,
                                       model + "_embedded", Attribute());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&global.getInitializerRegion());
  Value table = LLVM::PoisonOp::create(builder, type);
  for (auto [index, name] : llvm::enumerate(names))
    table = LLVM::InsertValueOp::create(builder, table, addressOf(name),
                                        int64_t(index));
  LLVM::ReturnOp::create(builder, table);
  return success();
}

/// Stores a number `count` times.
void AbiBuilder::fill(Value address, TypedAttr number, int64_t count) {
  Block *before = builder.getInsertionBlock();
  Region *region = before->getParent();
  Location loc = builder.getLoc();
  Block *head = builder.createBlock(region, region->end(), {i64()}, {loc});
  Block *body = builder.createBlock(region, region->end());
  Block *after = builder.createBlock(region, region->end());
  builder.setInsertionPointToEnd(before);
  cf::BranchOp::create(builder, head, constant(i64(), 0));
  builder.setInsertionPointToEnd(head);
  Value index = head->getArgument(0);
  Value more =
      compare(int(arith::CmpIPredicate::slt), index, constant(i64(), count));
  cf::CondBranchOp::create(builder, more, body, after);
  builder.setInsertionPointToEnd(body);
  Value element = LLVM::GEPOp::create(builder, pointer(), number.getType(),
                                      address, ArrayRef<LLVM::GEPArg>{index});
  LLVM::StoreOp::create(
      builder, LLVM::ConstantOp::create(builder, number.getType(), number),
      element);
  cf::BranchOp::create(builder, head, add(index, constant(i64(), 1)));
  builder.setInsertionPointToEnd(after);
}

LogicalResult AbiBuilder::emitInit(const Signature &signature) {
  std::string model = identifier(signature.model);
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(
      builder, model + "_init",
      builder.getFunctionType({pointer(), pointer()}, i32()));
  builder.setInsertionPointToStart(function.addEntryBlock());
  struct List {
    const std::vector<TensorSignature> &tensors;
    int code;
    SmallVector<Value> addresses;
  } lists[] = {{signature.weights, 3, {}}, {signature.optimizer, 5, {}}};

  // Nothing is written unless everything can be.
  for (auto [table, list] : llvm::zip_equal(function.getArguments(), lists)) {
    if (list.tensors.empty())
      continue;
    returnIf(isNull(table), constant(i32(), list.code));
    Value missing = constant(i1(), 0);
    for (auto [index, tensor] : llvm::enumerate(list.tensors)) {
      list.addresses.push_back(loadPointer(table, index));
      if (tensor.value.getNumElements() != 0)
        missing = either(missing, isNull(list.addresses.back()));
    }
    returnIf(missing, constant(i32(), list.code));
  }

  llvm::DenseMap<Attribute, std::string> globals;
  for (const List &list : lists)
    for (auto [index, tensor] : llvm::enumerate(list.tensors)) {
      FailureOr<ElementsAttr> value = flatten(tensor.value);
      if (failed(value))
        return module.emitError("the value of '")
               << tensor.name << "' is not a dense array";
      bool isWeight = &list.tensors == &signature.weights;
      if (isWeight)
        globals.try_emplace(*value, model + "_weight_" + std::to_string(index));
      int64_t count = value->getNumElements();
      Value to = list.addresses[index];
      if (count == 0)
        continue;
      Value bytes = constant(
          i64(),
          count * llvm::divideCeil(
                      value->getElementType().getIntOrFloatBitWidth(), 8));
      if (isAllZero(*value)) {
        LLVM::MemsetOp::create(builder, to, constant(builder.getI8Type(), 0),
                               bytes, /*isVolatile=*/false);
        continue;
      }
      auto known = globals.find(*value);
      if (known == globals.end() && value->isSplat()) {
        fill(to, cast<TypedAttr>(value->getSplatValue<Attribute>()), count);
        continue;
      }
      if (known == globals.end()) {
        std::string name = model + "_state_" + std::to_string(index);
        constantGlobal(name, *value);
        known = globals.try_emplace(*value, name).first;
      }
      LLVM::MemcpyOp::create(builder, to, addressOf(known->second), bytes,
                             /*isVolatile=*/false);
    }
  finish(constant(i32(), 0));
  return success();
}
