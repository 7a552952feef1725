//===- SelectEntries.cpp - lam-select-entries -----------------------------===//

#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

namespace lamina {
#define GEN_PASS_DEF_LAMSELECTENTRIES
#include "lamina/Lam/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina::lam;

static StringRef text(Attribute attribute) {
  auto string = dyn_cast_or_null<StringAttr>(attribute);
  return string ? string.getValue() : "";
}

namespace {
struct LamSelectEntries
    : public lamina::impl::LamSelectEntriesBase<LamSelectEntries> {
  using LamSelectEntriesBase::LamSelectEntriesBase;

  void runOnOperation() override;

private:
  bool wants(StringRef entry) { return llvm::is_contained(entries, entry); }
  func::FuncOp addGradient(func::FuncOp forward, StringRef name);
  bool isDifferentiable(func::FuncOp function, std::string &why,
                        std::optional<Location> &where);
};
} // namespace

/// The function `name` with the vjp of `forward`, its arguments and results
/// described as callers see them.
func::FuncOp LamSelectEntries::addGradient(func::FuncOp forward,
                                           StringRef name) {
  Builder builder(&getContext());
  func::FuncOp vjp = addVjp(forward, name);
  auto describe = [&](DictionaryAttr from, StringRef role) {
    NamedAttrList attrs;
    for (StringRef key : {"lamina.dims", "lamina.dtype"})
      if (Attribute value = from ? from.get(key) : Attribute())
        attrs.set(key, value);
    std::string of = from ? text(from.get("lamina.name")).str() : "";
    attrs.set("lamina.role", builder.getStringAttr(role));
    attrs.set("lamina.name", builder.getStringAttr("d_" + of));
    return attrs;
  };
  unsigned argument = 0, result = 0;
  for (; argument < forward.getNumArguments(); ++argument)
    if (DictionaryAttr attrs = forward.getArgAttrDict(argument))
      vjp.setArgAttrs(argument, attrs);
  for (; result < forward.getNumResults(); ++result) {
    DictionaryAttr attrs = forward.getResultAttrDict(result);
    if (attrs)
      vjp.setResultAttrs(result, attrs);
    if (!isFloatTensor(forward.getResultTypes()[result]))
      continue;
    NamedAttrList cotangent = describe(attrs, "cotangent");
    if (Attribute name = attrs ? attrs.get("lamina.name") : Attribute())
      cotangent.set("lamina.of", name);
    vjp.setArgAttrs(argument++, cotangent);
  }
  for (unsigned i = 0; i < forward.getNumArguments(); ++i) {
    if (!isFloatTensor(forward.getArgumentTypes()[i]))
      continue;
    DictionaryAttr attrs = forward.getArgAttrDict(i);
    NamedAttrList gradient = describe(attrs, "gradient");
    if (attrs && text(attrs.get("lamina.role")) == "weight")
      gradient.set("lamina.of", attrs.get("lamina.name"));
    vjp.setResultAttrs(result++, gradient);
  }
  return vjp;
}

/// Differentiates a copy; what is wrong goes to `why`.
bool LamSelectEntries::isDifferentiable(func::FuncOp function, std::string &why,
                                        std::optional<Location> &where) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  module->push_back(function.clone());
  ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
    if (why.empty()) {
      why = diagnostic.str();
      where = diagnostic.getLocation();
    }
    return success();
  });
  return succeeded(differentiate(*module));
}

void LamSelectEntries::runOnOperation() {
  ModuleOp module = getOperation();
  if (wants("all"))
    return;
  bool isDefault = entries.empty();
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  bool hasGradient =
      forward && llvm::any_of(forward.getArgumentTypes(), isFloatTensor) &&
      llvm::any_of(forward.getResultTypes(), isFloatTensor);
  SmallVector<StringRef> known;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic())
      known.push_back(function.getName());
  if (hasGradient)
    known.append({"vjp", "forward_residuals", "backward"});
  for (const std::string &entry : entries)
    if (!llvm::is_contained(known, entry)) {
      auto near = llvm::find_if(known, [&](StringRef name) {
        return name.edit_distance(entry) <= 2;
      });
      module.emitError("the model has no entry point '")
          << entry << "'; it has " << llvm::join(known, ", ")
          << (entry == "train_step"
                  ? " (training needs model.compile with a loss)"
                  : "")
          << (near == known.end() ? "" : "; did you mean '" + *near + "'?");
      return signalPassFailure();
    }

  for (auto function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    StringRef name = function.getName();
    bool kept = isDefault ? name == "forward" || name == "train_step"
                          : wants(name) || function == forward;
    if (function.isPublic() && !kept)
      function.erase();
  }
  if (!hasGradient)
    return;
  if (isDefault || wants("vjp")) {
    func::FuncOp vjp = addGradient(forward, "vjp");
    std::string why;
    std::optional<Location> where;
    if (isDefault && !isDifferentiable(vjp, why, where)) {
      emitWarning(*where) << why << "; the entry point vjp is left out";
      vjp.erase();
    }
  }
  if (wants("forward_residuals") || wants("backward"))
    addGradient(forward, "split")
        ->setAttr("lamina.split", UnitAttr::get(&getContext()));
  if (!isDefault && !wants("forward"))
    forward.erase();
}
