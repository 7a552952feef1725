//===- TracerAttributes.cpp - attributes and methods of tensors -----------===//

#include "TracerImpl.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

/// Methods of NumPy's arrays and TensorFlow's tensors, and the library function
/// that each of them is, with the tensor as first argument.
const std::pair<StringRef, StringRef> methods[] = {{"all", "all"},
                                                   {"any", "any"},
                                                   {"argmax", "argmax"},
                                                   {"argmin", "argmin"},
                                                   {"argsort", "argsort"},
                                                   {"astype", "cast"},
                                                   {"clip", "clip"},
                                                   {"copy", "copy"},
                                                   {"cumprod", "cumprod"},
                                                   {"cumsum", "cumsum"},
                                                   {"diagonal", "diagonal"},
                                                   {"dot", "dot"},
                                                   {"flatten", "ravel"},
                                                   {"max", "max"},
                                                   {"mean", "mean"},
                                                   {"min", "min"},
                                                   {"prod", "prod"},
                                                   {"ravel", "ravel"},
                                                   {"repeat", "repeat"},
                                                   {"reshape", "reshape"},
                                                   {"round", "round"},
                                                   {"sort", "sort"},
                                                   {"squeeze", "squeeze"},
                                                   {"std", "std"},
                                                   {"sum", "sum"},
                                                   {"swapaxes", "swapaxes"},
                                                   {"take", "take"},
                                                   {"trace", "trace"},
                                                   {"transpose", "transpose"},
                                                   {"var", "var"},
                                                   {"conj", "conj"}};

/// `x.reshape(2, 3)` means `x.reshape((2, 3))`; `x.transpose(1, 0)` likewise.
void packIntegers(Evaluator &evaluator, StringRef method, CallArgs &args) {
  if ((method != "reshape" && method != "transpose") ||
      args.positional.size() < 2 || !all_of(args.positional, [](Value v) {
        return v.isInteger() || v.is(ValueKind::Size);
      }))
    return;
  args.positional = {evaluator.tuple(std::move(args.positional))};
  args.positionalAt.clear();
}

} // namespace

std::vector<StringRef> Tracer::attributeNames() {
  std::vector<StringRef> names = {"shape", "dtype", "ndim",
                                  "size",  "T",     "get_shape"};
  for (const auto &[method, function] : methods)
    names.push_back(method);
  return names;
}

std::optional<Result> Tracer::attribute(TensorObject *x, StringRef name,
                                        SMRange at) {
  auto sizes = [&] {
    std::vector<Value> items;
    for (const Size &size : x->shape)
      items.push_back(evaluator.size(size));
    return evaluator.tuple(std::move(items));
  };
  auto builtin = [&](BuiltinObject::Function function) {
    return Result(
        Value(evaluator.make<BuiltinObject>(name.str(), std::move(function))));
  };
  if (std::optional<Result> found =
          evaluator.models().attribute(x, name, at))
    return found;
  if (name == "shape")
    return Result(sizes());
  if (name == "dtype")
    return Result(Value(evaluator.make<DTypeObject>(dtypeOf(x))));
  if (name == "ndim")
    return Result(Value::integer(int64_t(x->shape.size())));
  if (name == "size")
    return Result(evaluator.size(productOf(x->shape)));
  if (name == "T") {
    CallArgs args;
    args.positional = {x};
    args.range = at;
    return evaluator.callLibrary("transpose", std::move(args));
  }
  if (name == "get_shape")
    return builtin([sizes](Evaluator &, CallArgs &) { return sizes(); });
  if (name == "set_shape") // a hint; the shape is known
    return builtin([](Evaluator &, CallArgs &) { return Value::none(); });
  for (const auto &[method, function] : methods)
    if (name == method)
      return builtin([x, method = method, function = function](
                         Evaluator &evaluator, CallArgs &args) -> Result {
        packIntegers(evaluator, method, args);
        args.positional.insert(args.positional.begin(), x);
        if (!args.positionalAt.empty())
          args.positionalAt.insert(args.positionalAt.begin(), args.range);
        return evaluator.callLibrary(function, std::move(args));
      });
  return std::nullopt;
}

} // namespace lamina::frontend
