//===- LamBase.td - the lam dialect, its types and op classes -*- tablegen -*-===//

#ifndef LAMINA_LAM_LAMBASE_TD
#define LAMINA_LAM_LAMBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "lamina/Lam/LamInterfaces.td"

def Lam_Dialect : Dialect {
  let name = "lam";
  let summary = "Pure tensor expressions over ranked tensors";
  let description = [{
    The body of a lambda: pure, typed expressions over ranked tensors whose
    dimensions may be dynamic. Nothing broadcasts implicitly, so that pointwise
    derivative rules need no un-broadcasting.

    Element types are `i1` (bool), signless integers (signed values),
    `ui8`…`ui64`, `f16`, `bf16`, `f32` and `f64`. A dynamic size of a result is
    an `index` operand in `sizes(...)`, one per `?` of the result type, computed
    with `tensor.dim` and `arith` on `index`.
  }];
  let cppNamespace = "::lamina::lam";
  let hasConstantMaterializer = 1;
  let hasCanonicalizer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Lam_FloatTensor : RankedTensorOf<[F16, BF16, F32, F64]>;
def Lam_IntTensor : RankedTensorOf<[I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;
def Lam_BoolTensor : RankedTensorOf<[I1]>;
def Lam_NumberTensor : RankedTensorOf<
    [F16, BF16, F32, F64, I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;
def Lam_IntegralTensor : RankedTensorOf<[I1, I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;
def Lam_Tensor : RankedTensorOf<
    [I1, F16, BF16, F32, F64, I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;

//===----------------------------------------------------------------------===//
// Pointwise ops: one line each
//===----------------------------------------------------------------------===//

class Lam_Op<string mnemonic, list<Trait> traits = []>
    : Op<Lam_Dialect, mnemonic, !listconcat([Pure], traits)>;

// Meaning and partial derivatives are formulas over the operands and the result
// `y`; they only use operators and the functions of ScalarMath.h / Expr.h. The
// one text is the manual, the lowering to scalars, the float64 oracle and the
// pullback. `domain` bounds the operands for numerical tests, "lo, hi" each.
class Lam_Pointwise<string mnemonic, string meaning, list<string> names,
                    list<string> partials, list<string> domains, list<Trait> traits>
    : Lam_Op<mnemonic, !listconcat([Elementwise, DeclareOpInterfaceMethods<PointwiseOpInterface>], traits)> {
  defvar params = !interleave(!foreach(n, names, "[[maybe_unused]] T " # n), ", ");
  defvar indices = !range(!size(names));
  let summary = "y = " # meaning;
  let description = "Pointwise `y = " # meaning # "`.\n\n"
    # !interleave(!foreach(i, !range(!size(partials)),
        "* `∂y/∂" # names[i] # " = " # partials[i] # "`"), "\n") # "\n";
  let assemblyFormat = "operands attr-dict `:` type($" # names[0] # ")";
  code common = "static constexpr unsigned arity = " # !size(names) # ";\n"
    # "static constexpr bool differentiable = " # !if(!empty(partials), "false", "true") # ";\n"
    # "/// The interval of every operand in numerical tests.\n"
    # "static ::llvm::SmallVector<std::pair<double, double>> domain() { return {"
    # !interleave(!foreach(d, domains, "{" # d # "}"), ", ") # "}; }\n"
    # "template <class T> static T formula(" # params # ") { return " # meaning # "; }\n"
    # "template <class T> static ::llvm::SmallVector<T> partials(" # params
    # !if(!empty(names), "", ", ") # "[[maybe_unused]] T y) { return {"
    # !interleave(!foreach(p, partials, "T(" # p # ")"), ", ") # "}; }\n";
  let extraClassDeclaration = common;
  code pullbackDefinition = !if(!empty(partials), "",
      "::llvm::SmallVector<::lamina::lam::Expr> $cppClass::pullback(::llvm::ArrayRef<::lamina::lam::Expr> dys) {\n"
    # "  ::lamina::lam::Expr dy = dys[0];\n"
    # "  auto d = partials<::lamina::lam::Expr>("
    # !interleave(!foreach(i, indices, "dy.of(getOperation()->getOperand(" # i # "))"), ", ")
    # ", dy.of(getResult()));\n"
    # "  for (auto &p : d) p = dy * p;\n  return d;\n}\n");
  code formulaDefinition =
      "::lamina::lam::Expr $cppClass::formulaOf(::llvm::ArrayRef<::lamina::lam::Expr> args) {\n"
    # "  return formula<::lamina::lam::Expr>(" # !interleave(!foreach(i, indices, "args[" # i # "]"), ", ") # ");\n}\n"
    # "double $cppClass::evaluate(::llvm::ArrayRef<double> args) {\n"
    # "  return formula<double>(" # !interleave(!foreach(i, indices, "args[" # i # "]"), ", ") # ");\n}\n"
    # "::lamina::lam::Integer $cppClass::evaluateInteger(::llvm::ArrayRef<::lamina::lam::Integer> args) {\n"
    # "  return formula<::lamina::lam::Integer>(" # !interleave(!foreach(i, indices, "args[" # i # "]"), ", ") # ");\n}\n"
    # pullbackDefinition;
  let extraClassDefinition = formulaDefinition;
}

// What C++ needs to know to make the op: the operands' element types (see
// lam::Elements in Lam.h), and whether the result is bool.
class Lam_ElementsOf<Type on, string isPredicate = "false"> {
  defvar kind = !subst("Tensor", "", !subst("Lam_", "", !cast<string>(on)));
  code declaration = "static constexpr ::lamina::lam::Elements elements = ::lamina::lam::Elements::"
    # !if(!empty(kind), "Any", kind) # ";\n"
    # "static constexpr bool isPredicate = " # isPredicate # ";\n";
}

defvar Lam_Differentiable = DeclareOpInterfaceMethods<DifferentiableOpInterface>;

// y has the type of its operands. `on` limits the element types.
class Unary<string mnemonic, string dx, string meaning = mnemonic # "(x)",
            string domain = "-3, 3", Type on = Lam_FloatTensor>
    : Lam_Pointwise<mnemonic, meaning, ["x"], [dx], [domain], [SameOperandsAndResultType, Lam_Differentiable]> {
  let extraClassDeclaration = common # Lam_ElementsOf<on>.declaration;
  let arguments = (ins on:$x);
  let results = (outs on:$y);
}
class Binary<string mnemonic, string meaning, string da, string db,
             string domainA = "-3, 3", string domainB = "-3, 3", Type on = Lam_NumberTensor,
             list<Trait> traits = []>
    : Lam_Pointwise<mnemonic, meaning, ["a", "b"], [da, db], [domainA, domainB],
                    !listconcat([SameOperandsAndResultType, Lam_Differentiable], traits)> {
  let extraClassDeclaration = common # Lam_ElementsOf<on>.declaration;
  let arguments = (ins on:$a, on:$b);
  let results = (outs on:$y);
}
// Integers and booleans: no derivative, for the reason that nothing moves.
class BitUnary<string mnemonic, string meaning = mnemonic # "(x)", Type on = Lam_IntegralTensor>
    : Lam_Pointwise<mnemonic, meaning, ["x"], [], ["-9, 9"], [SameOperandsAndResultType]> {
  let extraClassDeclaration = common # Lam_ElementsOf<on>.declaration;
  let arguments = (ins on:$x);
  let results = (outs on:$y);
}
class BitBinary<string mnemonic, string meaning, Type on = Lam_IntegralTensor, list<Trait> traits = []>
    : Lam_Pointwise<mnemonic, meaning, ["a", "b"], [], ["-9, 9", "-9, 9"],
                    !listconcat([SameOperandsAndResultType], traits)> {
  let extraClassDeclaration = common # Lam_ElementsOf<on>.declaration;
  let arguments = (ins on:$a, on:$b);
  let results = (outs on:$y);
}
// A predicate or comparison: the result is bool, of the operands' shape.
class Lam_ToBool<string mnemonic, string meaning, list<string> names, list<string> domains, list<Trait> traits = []>
    : Lam_Pointwise<mnemonic, meaning, names, [], domains, !listconcat([SameOperandsAndResultShape,
        TypesMatchWith<"the result is bool of the operands' shape", names[0], "y", "::lamina::lam::boolLike($_self)">], traits)> {
  let results = (outs Lam_BoolTensor:$y);
}
class Predicate<string mnemonic, string meaning = mnemonic # "(x)">
    : Lam_ToBool<mnemonic, meaning, ["x"], ["-3, 3"]> {
  let extraClassDeclaration = common # Lam_ElementsOf<Lam_FloatTensor, "true">.declaration;
  let arguments = (ins Lam_FloatTensor:$x);
}
class Comparison<string mnemonic, string meaning>
    : Lam_ToBool<mnemonic, meaning, ["a", "b"], ["-3, 3", "-3, 3"], [SameTypeOperands]> {
  let extraClassDeclaration = common # Lam_ElementsOf<Lam_Tensor, "true">.declaration;
  let arguments = (ins Lam_Tensor:$a, Lam_Tensor:$b);
}

#endif // LAMINA_LAM_LAMBASE_TD
