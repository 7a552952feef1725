//===- ModelCheck.cpp - every gradient of a model -------------------------===//

#include "lamina/Check/ModelCheck.h"
#include "LayerFunctions.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Passes.h"
#include "lamina/Support/Elements.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>

using namespace mlir;
using namespace lamina;

bool GradientRow::isWrong() const {
  // Where the function is finite and its gradient never is, something is wrong.
  return !isCustom && (check.verdict == Verdict::Differs ||
                       check.verdict == Verdict::GradientNotFinite);
}

namespace {
using Arrays = std::vector<NDArray>;

/// The arguments of @forward: what they are called and how they look.
struct Argument {
  std::string name;
  bool isWeight;
  RankedTensorType type;
  SmallVector<std::string> dims; // symbols of unknown sizes, else ""
  std::optional<NDArray> value;
};

class Checker {
public:
  Checker(ModuleOp module, ModuleOp lowered, uint64_t seed)
      : module(module), lowered(lowered), random(seed) {}

  FailureOr<std::vector<GradientRow>> run();

private:
  ModuleOp module, lowered;
  CheckRandom random;
  SmallVector<Argument> arguments;
  /// Sizes that fit; each attempt to find some is one of them.
  llvm::MapVector<StringRef, int64_t> sizes;
  std::vector<GradientRow> rows;

  void readArguments(func::FuncOp forward);
  Arrays randomArguments(unsigned attempt = 0);
  LogicalResult findSizes(ModuleOp plain, StringRef name);
  void checkFunction(ModuleOp module, StringRef function, GradientRow row,
                     ArrayRef<std::string> names,
                     llvm::function_ref<FailureOr<Arrays>(unsigned)> point);
  LogicalResult checkLayers(model::ModelOp model);
};

/// The first error while it lives, instead of printing it.
class FirstError {
public:
  explicit FirstError(MLIRContext *context)
      : handler(context, [this](Diagnostic &message) {
          if (message.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          if (!location) {
            location = message.getLocation();
            text = message.str();
          }
          return success();
        }) {}
  std::optional<Location> location;
  std::string text;

private:
  ScopedDiagnosticHandler handler;
};
} // namespace

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

void Checker::readArguments(func::FuncOp forward) {
  for (unsigned i = 0; i < forward.getNumArguments(); ++i) {
    Argument argument;
    auto string = [&](StringRef key) {
      auto attr = forward.getArgAttrOfType<StringAttr>(i, key);
      return attr ? attr.getValue().str() : "";
    };
    argument.name = string("lamina.name");
    if (argument.name.empty())
      argument.name = "argument " + std::to_string(i);
    argument.isWeight = string("lamina.role") == "weight";
    argument.type = cast<RankedTensorType>(forward.getArgumentTypes()[i]);
    auto dims = forward.getArgAttrOfType<ArrayAttr>(i, "lamina.dims");
    for (int64_t d = 0; d < argument.type.getRank(); ++d) {
      auto symbol = dims ? dyn_cast<StringAttr>(dims[d]) : StringAttr();
      // Without names every unknown size is one and the same.
      StringRef name = symbol ? symbol.getValue() : "n";
      bool isUnknown = argument.type.isDynamicDim(d);
      argument.dims.push_back(isUnknown ? name.str() : "");
    }
    if (auto value = forward.getArgAttrOfType<ElementsAttr>(i, "lamina.value"))
      argument.value = fromElements(value);
    arguments.push_back(std::move(argument));
  }
  for (const Argument &argument : arguments)
    for (const std::string &dim : argument.dims)
      if (!dim.empty())
        sizes.insert({dim, 3});
}

/// Weights around their initial values, so that none is exactly 0; inputs that
/// are normal numbers, small integers or coins. Some attempts take numbers
/// above 1, as for a logarithm or an inverse hyperbolic cosine, or between 0 and
/// 1, as for an arcsine.
Arrays Checker::randomArguments(unsigned attempt) {
  auto input = [&] {
    double x = random.normal();
    return attempt == 2   ? 1.1 + std::abs(x)
           : attempt == 3 ? 0.1 + 0.8 / (1 + std::exp(-x))
                          : x;
  };
  Arrays arrays;
  for (const Argument &argument : arguments) {
    SmallVector<int64_t> shape(argument.type.getShape());
    for (auto [size, dim] : llvm::zip_equal(shape, argument.dims))
      if (!dim.empty())
        size = sizes[dim];
    DType type = *fromMLIR(argument.type.getElementType());
    NDArray array(isFloat(type) ? DType::Float64 : type, shape);
    for (int64_t i = 0; i < array.size(); ++i) {
      double start = argument.value ? argument.value->getDouble(i) : 0;
      if (isFloat(type))
        array.setDouble(i, argument.isWeight ? start + 0.1 * random.normal()
                                             : input());
      else if (argument.value)
        array.setInt(i, argument.value->getInt(i));
      else
        array.setInt(i, random.integer(0, type == DType::Bool ? 1 : 4));
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

/// Unknown sizes other than the batch often have to be large enough, or even.
LogicalResult Checker::findSizes(ModuleOp plain, StringRef name) {
  auto function = plain.lookupSymbol<func::FuncOp>(name);
  std::string text;
  Location location = function.getLoc();
  for (int64_t size : {5, 3, 4, 8, 16, 32, 28, 64, 1}) {
    for (auto &[symbol, value] : sizes)
      value = symbol == "n" ? 3 : size;
    FirstError error(module.getContext());
    if (succeeded(interpret(function, randomArguments(), Rounding::None)))
      return success();
    text = error.text;
    location = error.location.value_or(location);
    if (sizes.empty())
      break;
  }
  return emitError(location) << text;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Whether `next` tells more than `old`.
static bool isBetter(const ArgumentCheck &next, const ArgumentCheck &old) {
  return old.verdict != Verdict::Agrees && old.verdict != Verdict::Differs &&
         next.verdict != Verdict::NotFinite;
}

/// Adds one row per float argument that has a name. `row` is its beginning.
void Checker::checkFunction(
    ModuleOp module, StringRef function, GradientRow row,
    ArrayRef<std::string> names,
    llvm::function_ref<FailureOr<Arrays>(unsigned)> point) {
  auto f = module.lookupSymbol<func::FuncOp>(function);
  f.walk([&](lam::CustomGradientOp) { row.isCustom = true; });
  FailureOr<GradientCheck> check = failure();
  {
    FirstError error(module.getContext());
    check = GradientCheck::create(module, function);
    if (failed(check))
      row.noDerivative = error.text;
    if (failed(check) && error.location)
      row.place = *error.location;
  }
  if (failed(check)) {
    rows.push_back(row);
    return;
  }
  check->checked = names.size();
  constexpr unsigned attempts = 5;
  SmallVector<ArgumentCheck> best;
  for (unsigned attempt = 0; attempt < attempts; ++attempt) {
    FailureOr<Arrays> inputs = point(attempt);
    if (failed(inputs))
      continue;
    FirstError error(module.getContext()); // a point that does not fit
    FailureOr<SmallVector<ArgumentCheck>> checks = check->at(*inputs, random);
    if (failed(checks))
      continue;
    if (best.empty())
      best = *checks;
    for (auto [old, next] : llvm::zip_equal(best, *checks))
      if (isBetter(next, old))
        old = next;
    if (llvm::all_of(best, [](const ArgumentCheck &each) {
          return each.verdict == Verdict::Agrees ||
                 each.verdict == Verdict::Differs;
        }))
      break;
  }
  for (const ArgumentCheck &each : best) {
    row.of = names[each.argument];
    row.check = each;
    rows.push_back(row);
  }
}

LogicalResult Checker::checkLayers(model::ModelOp model) {
  std::vector<std::string> weights;
  for (const Argument &argument : arguments)
    if (argument.isWeight)
      weights.push_back(argument.name);
  LayerFunctions functions = makeLayerFunctions(model, weights);
  PassManager passes(module.getContext());
  passes.addPass(createLamDifferentiate());
  // What cannot be differentiated within a body is an error of the model.
  if (failed(passes.run(*functions.module)))
    return failure();
  for (LayerFunction &layer : functions.layers) {
    auto count =
        layer.module->lookupSymbol<func::FuncOp>("layer").getNumArguments();
    GradientRow row;
    row.layer = layer.name;
    row.className = layer.className;
    checkFunction(
        *layer.module, "layer", row, layer.arguments,
        [&](unsigned attempt) -> FailureOr<Arrays> {
          FailureOr<Arrays> all = interpret(
              functions.points, randomArguments(attempt), Rounding::None);
          if (failed(all))
            return failure();
          auto begin = all->begin() + layer.firstPoint;
          Arrays point(begin, begin + count);
          // What comes out of a ReLU has ties at 0: a little aside, unless that
          // leaves the domain.
          for (NDArray &array : point)
            for (int64_t i = 0;
                 attempt % 2 == 0 && i < array.size() && isFloat(array.dtype());
                 ++i)
              array.setDouble(i, array.getDouble(i) + 0.01 * random.normal());
          return point;
        });
  }
  return success();
}

FailureOr<std::vector<GradientRow>> Checker::run() {
  auto forward = lowered.lookupSymbol<func::FuncOp>("forward");
  readArguments(forward);
  OwningOpRef<ModuleOp> plain = lowered.clone();
  PassManager passes(module.getContext());
  passes.addPass(createLamDifferentiate());
  if (failed(passes.run(*plain)) || failed(findSizes(*plain, "forward")))
    return failure();
  GradientRow whole;
  whole.layer = "(model)";
  for (auto model : module.getOps<model::ModelOp>()) {
    whole.layer = model.getTitle().str();
    whole.className = model.getClassName().str();
    if (failed(checkLayers(model)))
      return failure();
  }
  std::vector<std::string> names;
  for (const Argument &argument : arguments)
    names.push_back(argument.name);
  // Alone in its module: other entry points are not looked at here.
  OwningOpRef<ModuleOp> alone = ModuleOp::create(forward.getLoc());
  alone->push_back(forward.clone());
  checkFunction(*alone, "forward", whole, names,
                [&](unsigned attempt) { return randomArguments(attempt); });
  return rows;
}

FailureOr<std::vector<GradientRow>>
lamina::checkGradients(ModuleOp module, ModuleOp lowered, uint64_t seed) {
  return Checker(module, lowered, seed).run();
}
