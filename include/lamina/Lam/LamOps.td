//===- LamOps.td - the primitives of the lam dialect ----------*- tablegen -*-===//
//
// About 80 primitives; everything else is written in the language itself, in
// lib/Library. A new pointwise primitive is one line here: see docs/add-an-op.md.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LAM_LAMOPS_TD
#define LAMINA_LAM_LAMOPS_TD

include "lamina/Lam/LamBase.td"
include "lamina/Lam/LamLoopOps.td"

//===----------------------------------------------------------------------===//
// Pointwise: arithmetic. Conventions at kinks and ties follow Keras on JAX.
//===----------------------------------------------------------------------===//

def AddOp : Binary<"add", "a + b", "1.0", "1.0", "-3, 3", "-3, 3", Lam_NumberTensor, [Commutative]> { let hasFolder = 1; let hasCanonicalizer = 1; }
def SubOp : Binary<"sub", "a - b", "1.0", "-1.0"> { let hasFolder = 1; }
def MulOp : Binary<"mul", "a * b", "b", "a", "-3, 3", "-3, 3", Lam_NumberTensor, [Commutative]> { let hasFolder = 1; let hasCanonicalizer = 1; }
def DivOp : Binary<"div", "a / b", "1.0 / b", "-y / b", "-3, 3", "0.5, 3", Lam_FloatTensor> { let hasFolder = 1; }
def FloorDivOp : Binary<"floor_div", "floor_div(a, b)", "0.0", "0.0", "-9, 9", "0.5, 3">;
def ModOp : Binary<"mod", "mod(a, b)", "1.0", "-floor_div(a, b)", "-9, 9", "0.5, 3">;
def RemOp : Binary<"rem", "rem(a, b)", "1.0", "-trunc(a / b)", "-9, 9", "0.5, 3">;
def PowOp : Binary<"pow", "pow(a, b)", "select(eq(b, 0.0), 0.0, b * pow(a, b - 1.0))",
                   "select(eq(a, 0.0), 0.0, y * log(a))", "0.1, 3", "-3, 3"> { let hasFolder = 1; let hasCanonicalizer = 1; }
def MaxOp : Binary<"max", "max(a, b)", "select(gt(a, b), 1.0, select(eq(a, b), 0.5, 0.0))",
                   "select(gt(b, a), 1.0, select(eq(a, b), 0.5, 0.0))", "-3, 3", "-3, 3", Lam_NumberTensor, [Commutative]>;
def MinOp : Binary<"min", "min(a, b)", "select(lt(a, b), 1.0, select(eq(a, b), 0.5, 0.0))",
                   "select(lt(b, a), 1.0, select(eq(a, b), 0.5, 0.0))", "-3, 3", "-3, 3", Lam_NumberTensor, [Commutative]>;
def Atan2Op : Binary<"atan2", "atan2(a, b)", "b / (a * a + b * b)", "-a / (a * a + b * b)",
                     "0.1, 3", "-3, 3", Lam_FloatTensor>;
def NextAfterOp : BitBinary<"nextafter", "nextafter(a, b)", Lam_FloatTensor>;

def NegOp : Unary<"neg", "-1.0", "-x", "-3, 3", Lam_NumberTensor> { let hasFolder = 1; }
def AbsOp : Unary<"abs", "select(ge(x, 0.0), 1.0, -1.0)", "abs(x)", "-3, 3", Lam_NumberTensor>;
def SignOp : Unary<"sign", "0.0", "sign(x)", "-3, 3", Lam_NumberTensor>;
def FloorOp : Unary<"floor", "0.0">;
def CeilOp : Unary<"ceil", "0.0">;
def RoundOp : Unary<"round", "0.0">; // half to even
def TruncOp : Unary<"trunc", "0.0">;

//===----------------------------------------------------------------------===//
// Pointwise: exponentials, roots, trigonometry, special functions
//===----------------------------------------------------------------------===//

def ExpOp : Unary<"exp", "y">;
def Exp2Op : Unary<"exp2", "y * 0.693147180559945309417">;
def Expm1Op : Unary<"expm1", "y + 1.0">;
def LogOp : Unary<"log", "1.0 / x", "log(x)", "0.1, 9">;
def Log2Op : Unary<"log2", "1.4426950408889634074 / x", "log2(x)", "0.1, 9">;
def Log10Op : Unary<"log10", "0.43429448190325182765 / x", "log10(x)", "0.1, 9">;
def Log1pOp : Unary<"log1p", "1.0 / (1.0 + x)", "log1p(x)", "-0.9, 9">;
def SqrtOp : Unary<"sqrt", "0.5 / y", "sqrt(x)", "0.1, 9">;
def RsqrtOp : Unary<"rsqrt", "-0.5 * y / x", "rsqrt(x)", "0.1, 9">;
def CbrtOp : Unary<"cbrt", "1.0 / (3.0 * y * y)", "cbrt(x)", "0.1, 9">;
def SinOp : Unary<"sin", "cos(x)">;
def CosOp : Unary<"cos", "-sin(x)">;
def TanOp : Unary<"tan", "1.0 + y * y", "tan(x)", "-1.3, 1.3">;
def AsinOp : Unary<"asin", "rsqrt(1.0 - x * x)", "asin(x)", "-0.9, 0.9">;
def AcosOp : Unary<"acos", "-rsqrt(1.0 - x * x)", "acos(x)", "-0.9, 0.9">;
def AtanOp : Unary<"atan", "1.0 / (1.0 + x * x)">;
def SinhOp : Unary<"sinh", "cosh(x)">;
def CoshOp : Unary<"cosh", "sinh(x)">;
def TanhOp : Unary<"tanh", "1.0 - y * y">;
def AsinhOp : Unary<"asinh", "rsqrt(x * x + 1.0)">;
def AcoshOp : Unary<"acosh", "rsqrt((x - 1.0) * (x + 1.0))", "acosh(x)", "1.1, 9">;
def AtanhOp : Unary<"atanh", "1.0 / (1.0 - x * x)", "atanh(x)", "-0.9, 0.9">;
def ErfOp : Unary<"erf", "1.12837916709551257390 * exp(-x * x)">;
def ErfcOp : Unary<"erfc", "-1.12837916709551257390 * exp(-x * x)">;
def ErfinvOp : Unary<"erfinv", "0.88622692545275801365 * exp(y * y)", "erfinv(x)", "-0.95, 0.95">;
def SigmoidOp : Unary<"sigmoid", "y * (1.0 - y)">;
def SoftplusOp : Unary<"softplus", "sigmoid(x)">; // log(1 + exp(x))

//===----------------------------------------------------------------------===//
// Pointwise: predicates, comparisons, logic, bits
//===----------------------------------------------------------------------===//

def IsNanOp : Predicate<"is_nan">;
def IsInfOp : Predicate<"is_inf">;
def IsFiniteOp : Predicate<"is_finite">;
def EqOp : Comparison<"eq", "eq(a, b)">;
def NeOp : Comparison<"ne", "ne(a, b)">;
def LtOp : Comparison<"lt", "lt(a, b)">;
def LeOp : Comparison<"le", "le(a, b)">;
def GtOp : Comparison<"gt", "gt(a, b)">;
def GeOp : Comparison<"ge", "ge(a, b)">;
// Of bool operands these are the logical operations.
def NotOp : BitUnary<"not", "bit_not(x)"> { let hasFolder = 1; }
def AndOp : BitBinary<"and", "bit_and(a, b)", Lam_IntegralTensor, [Commutative]>;
def OrOp : BitBinary<"or", "bit_or(a, b)", Lam_IntegralTensor, [Commutative]>;
def XorOp : BitBinary<"xor", "bit_xor(a, b)", Lam_IntegralTensor, [Commutative]>;
// A shift by the width or more gives 0 (or the sign), as in NumPy.
def ShiftLeftOp : BitBinary<"shift_left", "shift_left(a, b)", Lam_IntTensor>;
def ShiftRightOp : BitBinary<"shift_right", "shift_right(a, b)", Lam_IntTensor>;

def SelectOp : Lam_Op<"select", [Elementwise, AllTypesMatch<["a", "b", "y"]>, SameOperandsAndResultShape,
    TypesMatchWith<"the condition is bool of the operands' shape", "a", "c", "::lamina::lam::boolLike($_self)">,
    DeclareOpInterfaceMethods<PointwiseOpInterface>, Lam_Differentiable]> {
  let summary = "y = c ? a : b";
  let description = "Pointwise choice. The branch not taken gets the cotangent 0, never NaN.";
  let arguments = (ins Lam_BoolTensor:$c, Lam_Tensor:$a, Lam_Tensor:$b);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "operands attr-dict `:` type($a)";
  let hasFolder = 1;
  let extraClassDeclaration = "static constexpr unsigned arity = 3;";
}

//===----------------------------------------------------------------------===//
// Constants, casts, sizes
//===----------------------------------------------------------------------===//

def ConstantOp : Lam_Op<"constant", [ConstantLike, AllTypesMatch<["value", "y"]>]> {
  let summary = "A tensor known at compile time";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}
def CastOp : Lam_Op<"cast", [SameOperandsAndResultShape, Elementwise, Lam_Differentiable]> {
  let summary = "Converts the element type";
  let description = [{
    Float to integer truncates towards zero and saturates (NaN gives 0); integer
    to a narrower integer wraps; anything to bool is `x != 0`; narrowing floats round to nearest even.
  }];
  let arguments = (ins Lam_Tensor:$x);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasFolder = 1;
}
def BitcastOp : Lam_Op<"bitcast", [SameOperandsAndResultShape, Elementwise]> {
  let summary = "Reads the bits of every element as another type of the same width";
  let arguments = (ins Lam_NumberTensor:$x);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def FromSizeOp : Lam_Op<"from_size"> {
  let summary = "A symbolic size as a rank-0 integer tensor";
  let arguments = (ins Index:$size);
  let results = (outs RankedTensorOf<[I32, I64]>:$y);
  let assemblyFormat = "$size attr-dict `:` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}
def StopGradientOp : Lam_Op<"stop_gradient", [Lam_Differentiable, SameOperandsAndResultType, Elementwise]> {
  let summary = "The identity, through which no derivative flows";
  let arguments = (ins Lam_Tensor:$x);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

//===----------------------------------------------------------------------===//
// Structure: adjoint pairs broadcast/sum, slice/pad, gather/scatter, concat/slices
//===----------------------------------------------------------------------===//

def BroadcastOp : Lam_Op<"broadcast", [Lam_Differentiable]> {
  let summary = "Repeats a tensor along new or unit dimensions";
  let description = [{
    Dimension `i` of `x` becomes dimension `dims[i]` of the result (`dims` is
    strictly increasing). It keeps its size, or is 1 and is repeated. All other
    result dimensions are new.

    ```mlir
    %y = lam.broadcast %x dims [1] sizes (%n) : tensor<10xf32> -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins Lam_Tensor:$x, DenseI64ArrayAttr:$dims, Variadic<Index>:$sizes);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x `dims` $dims (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def ReshapeOp : Lam_Op<"reshape", [Lam_Differentiable]> {
  let summary = "The same elements in row-major order under another shape";
  let arguments = (ins Lam_Tensor:$x, Variadic<Index>:$sizes);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def TransposeOp : Lam_Op<"transpose", [Lam_Differentiable, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "Permutes dimensions: dimension i of the result is dimension perm[i] of x";
  let arguments = (ins Lam_Tensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x `perm` $perm attr-dict `:` type($x) `->` type($y)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def SliceOp : Lam_Op<"slice", [Lam_Differentiable, AttrSizedOperandSegments]> {
  let summary = "y[i] = x[offset + i * stride] in every dimension";
  let description = [{
    One static offset per dimension (`ShapedType::kDynamic` stands for the next
    operand of `offsets`), positive static strides, and the result's own shape.
    The caller guarantees that the slice lies within `x`.
  }];
  let arguments = (ins Lam_Tensor:$x, DenseI64ArrayAttr:$static_offsets, DenseI64ArrayAttr:$strides,
                       Variadic<Index>:$offsets, Variadic<Index>:$sizes);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = [{
    $x custom<MixedOffsets>($offsets, $static_offsets) `strides` $strides
    (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}
def PadOp : Lam_Op<"pad", [Lam_Differentiable, AttrSizedOperandSegments]> {
  let summary = "y[offset + i * stride] = x[i], and `value` elsewhere";
  let description = [{
    The adjoint of `lam.slice`: places `x` at `offsets` with `strides` in a
    tensor of the result's shape that is otherwise filled with `value`. Offsets
    as in `lam.slice`, never negative.
  }];
  let arguments = (ins Lam_Tensor:$x, Lam_Tensor:$value, DenseI64ArrayAttr:$static_offsets,
                       DenseI64ArrayAttr:$strides, Variadic<Index>:$offsets, Variadic<Index>:$sizes);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = [{
    $x `value` $value custom<MixedOffsets>($offsets, $static_offsets) `strides` $strides
    (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `,` type($value) `->` type($y)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}
def ReverseOp : Lam_Op<"reverse", [Lam_Differentiable, SameOperandsAndResultType]> {
  let summary = "Reverses the order of the elements along some dimensions";
  let arguments = (ins Lam_Tensor:$x, DenseI64ArrayAttr:$dims);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x `dims` $dims attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}
def ConcatOp : Lam_Op<"concat", [Lam_Differentiable]> {
  let summary = "Joins tensors along one dimension";
  let arguments = (ins Variadic<Lam_Tensor>:$xs, I64Attr:$dim);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$xs `dim` $dim attr-dict `:` functional-type($xs, $y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}
def IotaOp : Lam_Op<"iota"> {
  let summary = "Every element is its own index along `dim`";
  let arguments = (ins I64Attr:$dim, Variadic<Index>:$sizes);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = "$dim (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($y)";
  let hasVerifier = 1;
}

def GatherOp : Lam_Op<"gather", [Lam_Differentiable]> {
  let summary = "Reads elements or slices of x at computed places";
  let description = [{
    `x` has shape `[B..., D...]` with `batch_dims` leading dimensions `B`;
    `indices` has shape `[B..., I..., m]`: its last dimension holds one index for
    each of the `m` dimensions of `x` listed in `axes` (increasing, all
    `>= batch_dims`). The result has shape `[B..., I..., R...]`, `R` being the
    dimensions of `x` that are neither batch nor indexed. An index outside is
    clamped to the nearest valid one (the frontend adds the size to negative ones);
    where an indexed dimension is empty, the result is 0.
  }];
  let arguments = (ins Lam_Tensor:$x, Lam_IntTensor:$indices, DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$x `at` $indices `axes` $axes attr-dict `:` type($x) `,` type($indices) `->` type($y)";
  let hasVerifier = 1;
}

def Lam_ScatterKind : I32EnumAttr<"ScatterKind", "how an update meets the old value", [
    I32EnumAttrCase<"Set", 0, "set">, I32EnumAttrCase<"Add", 1, "add">, I32EnumAttrCase<"Mul", 2, "mul">,
    I32EnumAttrCase<"Max", 3, "max">, I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::lamina::lam";
}
def ScatterOp : Lam_Op<"scatter", [Lam_Differentiable, AllTypesMatch<["x", "y"]>]> {
  let summary = "x with elements or slices at computed places updated";
  let description = [{
    The adjoint of `lam.gather`: `updates` has the shape that `lam.gather` of
    `x` at `indices` gives. Updates apply in row-major order of `indices`, so
    the result is deterministic. An update whose index is outside is dropped.
  }];
  let arguments = (ins Lam_Tensor:$x, Lam_IntTensor:$indices, Lam_Tensor:$updates, Lam_ScatterKind:$kind,
                       DenseI64ArrayAttr:$axes, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = [{
    $kind $updates `into` $x `at` $indices `axes` $axes attr-dict
    `:` type($updates) `,` type($x) `,` type($indices)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Reductions, scans, order
//===----------------------------------------------------------------------===//

def Lam_ReduceKind : I32EnumAttr<"ReduceKind", "an associative operation", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Prod", 1, "prod">, I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Any", 4, "any">, I32EnumAttrCase<"All", 5, "all">]> {
  let cppNamespace = "::lamina::lam";
}
def ReduceOp : Lam_Op<"reduce", [Lam_Differentiable, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "Reduces some dimensions away";
  let description = [{
    `dims` is strictly increasing. `any` and `all` are of bool. The value of an
    empty reduction is the identity: 0, 1, -inf (the lowest integer), inf (the
    highest integer), false, true. `max` and `min` propagate NaN. `f16` and
    `bf16` are accumulated in `f32`.
  }];
  let arguments = (ins Lam_ReduceKind:$kind, Lam_Tensor:$x, DenseI64ArrayAttr:$dims);
  let results = (outs Lam_Tensor:$y);
  let assemblyFormat = "$kind $x `dims` $dims attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}
def ArgReduceOp : Lam_Op<"arg_reduce", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "The index of the first maximum or minimum along a dimension";
  let description = "`kind` is `max` or `min`; NaN counts as the extreme. The result is `i32`. Not differentiable: it is an index.";
  let arguments = (ins Lam_ReduceKind:$kind, Lam_Tensor:$x, I64Attr:$dim);
  let results = (outs RankedTensorOf<[I32]>:$y);
  let assemblyFormat = "$kind $x `dim` $dim attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def CumulativeOp : Lam_Op<"cumulative", [Lam_Differentiable, AllTypesMatch<["x", "y"]>]> {
  let summary = "Running reduction along a dimension";
  let description = [{
    `kind` is `sum`, `prod`, `max` or `min`. `exclusive` leaves the element itself
    out (the first result is the identity); `reverse` runs from the end.
  }];
  let arguments = (ins Lam_ReduceKind:$kind, Lam_NumberTensor:$x, I64Attr:$dim, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = "$kind $x `dim` $dim (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:` type($x)";
  let hasVerifier = 1;
}
def SortOp : Lam_Op<"sort", [Lam_Differentiable, AllTypesMatch<["x", "values"]>]> {
  let summary = "Stable sort along a dimension, with the permutation that sorts";
  let description = [{
    Increasing, NaN last; `descending` is the stable decreasing order (NaN first, equal
    elements in their original order). `indices[i]` is where `values[i]` came from.
  }];
  let arguments = (ins Lam_Tensor:$x, I64Attr:$dim, UnitAttr:$descending);
  let results = (outs Lam_Tensor:$values, RankedTensorOf<[I32]>:$indices);
  let assemblyFormat = "$x `dim` $dim (`descending` $descending^)? attr-dict `:` type($x) `->` type($values) `,` type($indices)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Contractions, windows, random bits
//===----------------------------------------------------------------------===//

def DotOp : Lam_Op<"dot", [Lam_Differentiable, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "General contraction of two tensors";
  let description = [{
    The result has the batch dimensions, then the free dimensions of `a`, then
    those of `b`, each in order. All operands and the result share one element type; `f16` and `bf16`
    accumulate in `f32`.

    ```mlir
    %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x10xf32>, tensor<10x5xf32>) -> tensor<?x5xf32>
    ```
  }];
  let arguments = (ins Lam_NumberTensor:$a, Lam_NumberTensor:$b, DenseI64ArrayAttr:$batch_a, DenseI64ArrayAttr:$batch_b,
                       DenseI64ArrayAttr:$contract_a, DenseI64ArrayAttr:$contract_b);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = [{
    $a `,` $b `batch` $batch_a `x` $batch_b `contract` $contract_a `x` $contract_b
    attr-dict `:` functional-type(operands, $y)
  }];
  let hasVerifier = 1;
}
def ConvOp : Lam_Op<"conv", [Lam_Differentiable]> {
  let summary = "Convolution (cross-correlation) over any number of spatial dimensions";
  let description = [{
    `x` is `[N, spatial..., C]`, `kernel` is `[window..., C / groups, O]`, the result
    `[N, out..., O]`. One entry per spatial dimension in `strides`, `pad_low`,
    `pad_high` (zeros, may be negative), `x_dilation` (holes in x, for transposed
    convolutions) and `kernel_dilation`. A dynamic spatial size is an operand of `sizes`
    (as is the batch).
  }];
  let arguments = (ins Lam_NumberTensor:$x, Lam_NumberTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pad_low,
                       DenseI64ArrayAttr:$pad_high, DenseI64ArrayAttr:$x_dilation, DenseI64ArrayAttr:$kernel_dilation,
                       DefaultValuedAttr<I64Attr, "1">:$groups, Variadic<Index>:$sizes);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = [{
    $x `,` $kernel `strides` $strides `pad` $pad_low `x` $pad_high `dilation` $x_dilation `x` $kernel_dilation
    (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `,` type($kernel) `->` type($y)
  }];
  let hasVerifier = 1;
}
def WindowOp : Lam_Op<"window", [Lam_Differentiable]> {
  let summary = "Reduction over sliding windows";
  let description = [{
    `kind` is `sum`, `prod`, `max` or `min`. One entry per dimension of `x` in
    `window`, `strides`, `pad_low`, `pad_high` (of the kind's identity) and `dilation` (holes in the window).
  }];
  let arguments = (ins Lam_ReduceKind:$kind, Lam_NumberTensor:$x, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pad_low, DenseI64ArrayAttr:$pad_high, DenseI64ArrayAttr:$dilation, Variadic<Index>:$sizes);
  let results = (outs Lam_NumberTensor:$y);
  let assemblyFormat = [{
    $kind $x `window` $window `strides` $strides `pad` $pad_low `x` $pad_high `dilation` $dilation
    (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($x) `->` type($y)
  }];
  let hasVerifier = 1;
}
def RandomBitsOp : Lam_Op<"random_bits", [AttrSizedOperandSegments]> {
  let summary = "Uniform 32-bit words, a function of the key and the element's place";
  let description = [{
    Threefry-2x32 with 20 rounds: element `i` (row-major) is word `i % 2` of the
    block with counter `(i / 2)` (low and high 32 bits). Same key, same bits, however the work is split:
    a part of the whole begins at the place `start` (0 if absent).
    Not differentiable: the bits do not depend on any float.
  }];
  let arguments = (ins RankedTensorOf<[UI32]>:$key, Optional<RankedTensorOf<[UI64]>>:$start,
                       Variadic<Index>:$sizes);
  let results = (outs RankedTensorOf<[UI32]>:$y);
  let assemblyFormat = "$key (`start` `(` $start^ `:` type($start) `)`)? (`sizes` `(` $sizes^ `)`)? attr-dict `:` type($key) `->` type($y)";
  let hasVerifier = 1;
}

#endif // LAMINA_LAM_LAMOPS_TD
