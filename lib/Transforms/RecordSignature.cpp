//===- RecordSignature.cpp - entry points as a module attribute -----------===//
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/BitVector.h"

namespace lamina {
#define GEN_PASS_DEF_RECORDSIGNATURE
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
struct RecordSignature : lamina::impl::RecordSignatureBase<RecordSignature> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (module->hasAttr("lamina.signature"))
      return; // recorded before
    Builder builder(module.getContext());
    SmallVector<Attribute> entries;
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isPrivate() || function.isExternal())
        continue;
      FailureOr<DictionaryAttr> entry = describe(builder, function);
      if (failed(entry))
        return signalPassFailure();
      entries.push_back(*entry);
    }
    auto model = module->getAttrOfType<StringAttr>("lamina.model");
    module->setAttr(
        "lamina.signature",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("entries", builder.getArrayAttr(entries)),
             builder.getNamedAttr(
                 "model", model ? model : builder.getStringAttr("model"))}));
  }

  /// The dictionary of one function; its own `lamina.*` attributes are removed.
  FailureOr<DictionaryAttr> describe(Builder &builder, func::FuncOp function) {
    SmallVector<Attribute> arguments, results;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      FailureOr<DictionaryAttr> tensor =
          describe(builder, function, type, function.getArgAttrDict(index),
                   "arg" + std::to_string(index), "input");
      if (failed(tensor))
        return failure();
      arguments.push_back(*tensor);
      removeOurs(function.getArgAttrDict(index),
                 [&](StringAttr name) { function.removeArgAttr(index, name); });
    }
    for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
      FailureOr<DictionaryAttr> tensor =
          describe(builder, function, type, function.getResultAttrDict(index),
                   "out" + std::to_string(index), "output");
      if (failed(tensor))
        return failure();
      results.push_back(*tensor);
      removeOurs(function.getResultAttrDict(index), [&](StringAttr name) {
        function.removeResultAttr(index, name);
      });
    }
    if (failed(linkUpdates(builder, function, arguments, results)))
      return failure();
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("arguments", builder.getArrayAttr(arguments)),
         builder.getNamedAttr("name",
                              builder.getStringAttr(function.getName())),
         builder.getNamedAttr("results", builder.getArrayAttr(results))});
  }

  static StringRef text(Attribute tensor, StringRef key) {
    auto value = cast<DictionaryAttr>(tensor).getAs<StringAttr>(key);
    return value ? value.getValue() : "";
  }

  /// Gives every update the number of the argument that it replaces, as
  /// `lamina.in_place`.
  static LogicalResult linkUpdates(Builder &builder, func::FuncOp function,
                                   ArrayRef<Attribute> arguments,
                                   ArrayRef<Attribute> results) {
    llvm::BitVector taken(arguments.size());
    bool before = false;
    for (auto [index, result] : llvm::enumerate(results)) {
      if (text(result, "role") != "update") {
        if (before)
          return function.emitError("result ")
                 << index << " comes after an update; updates are last";
        continue;
      }
      before = true;
      StringRef of = text(result, "of");
      unsigned number =
          llvm::find_if(arguments,
                        [&](Attribute argument) {
                          StringRef role = text(argument, "role");
                          return text(argument, "name") == of &&
                                 (role == "weight" || role == "optimizer");
                        }) -
          arguments.begin();
      if (number == arguments.size())
        return function.emitError("result ")
               << index << " updates '" << of
               << "', which is no weight or optimizer state it takes";
      if (taken.test(number))
        return function.emitError("has two updates of '") << of << "'";
      taken.set(number);
      Type type = function.getArgumentTypes()[number];
      if (type != function.getResultTypes()[index] ||
          !cast<ShapedType>(type).hasStaticShape())
        return function.emitError("updates '")
               << of << "', a " << type << ", with a "
               << function.getResultTypes()[index];
      function.setResultAttr(index, "lamina.in_place",
                             builder.getI64IntegerAttr(number));
    }
    return success();
  }

  static void removeOurs(DictionaryAttr from,
                         llvm::function_ref<void(StringAttr)> remove) {
    if (from)
      for (NamedAttribute attribute : from)
        if (attribute.getName().getValue().starts_with("lamina."))
          remove(attribute.getName());
  }

  FailureOr<DictionaryAttr> describe(Builder &builder, func::FuncOp function,
                                     Type type, DictionaryAttr from,
                                     const std::string &defaultName,
                                     StringRef defaultRole) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return function.emitError(
                 "an entry point takes and gives ranked tensors, not ")
             << type;
    auto get = [&](StringRef key) {
      return from ? from.get(key) : Attribute();
    };
    auto name = dyn_cast_or_null<StringAttr>(get("lamina.name"));
    if (!name)
      name = builder.getStringAttr(defaultName);
    auto role = dyn_cast_or_null<StringAttr>(get("lamina.role"));
    if (!role)
      role = builder.getStringAttr(defaultRole);
    auto dtype = dyn_cast_or_null<StringAttr>(get("lamina.dtype"));
    if (!dtype) {
      std::optional<DType> known = fromMLIR(tensor.getElementType());
      if (!known)
        return function.emitError("has no C type for elements of ")
               << tensor.getElementType();
      dtype = builder.getStringAttr(lamina::name(*known));
    }

    auto dims = dyn_cast_or_null<ArrayAttr>(get("lamina.dims"));
    if (dims && dims.size() != size_t(tensor.getRank()))
      return function.emitError("'lamina.dims' of ")
             << name << " has " << dims.size() << " sizes for " << tensor;
    SmallVector<Attribute> sizes;
    for (auto [axis, size] : llvm::enumerate(tensor.getShape())) {
      if (!ShapedType::isDynamic(size))
        sizes.push_back(builder.getI64IntegerAttr(size)); // the type knows best
      else if (dims && isa<StringAttr>(dims[axis]) &&
               (defaultRole == "output" ||
                isSymbol(cast<StringAttr>(dims[axis]).getValue())))
        sizes.push_back(dims[axis]);
      else if (defaultRole == "output")
        sizes.push_back(builder.getStringAttr("?"));
      else
        sizes.push_back(builder.getStringAttr(identifier(name) + "_dim" +
                                              std::to_string(axis)));
    }

    SmallVector<NamedAttribute> fields = {
        builder.getNamedAttr("name", name), builder.getNamedAttr("role", role),
        builder.getNamedAttr("dtype", dtype),
        builder.getNamedAttr("dims", builder.getArrayAttr(sizes))};
    for (StringRef key : {"of", "trainable", "value"})
      if (Attribute value = get(("lamina." + key).str()))
        fields.push_back(builder.getNamedAttr(key, value));
    return builder.getDictionaryAttr(fields);
  }
};
} // namespace
