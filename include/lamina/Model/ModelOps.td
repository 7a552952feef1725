//===- ModelOps.td - models, layers, weights ------------------*- tablegen -*-===//
//
// What a Keras user calls a model: inputs, weights, layers with their bodies
// embedded as lam, outputs. See docs/architecture.md.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_MODEL_MODELOPS_TD
#define LAMINA_MODEL_MODELOPS_TD

include "lamina/Lam/LamBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/OpAsmInterface.td"

def Model_Named : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>;
def Model_NamedWithBody
    : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames", "getAsmBlockArgumentNames"]>;

def Model_EntryNames : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>;

def Model_Dialect : Dialect {
  let name = "model";
  let summary = "Models made of layers whose bodies are lam";
  let description = [{
    A `model.model` holds inputs, weights and layers. A layer carries its Keras
    name, class and configuration, and a region with its body in `lam`.
  }];
  let cppNamespace = "::lamina::model";
  let dependentDialects = ["::lamina::lam::LamDialect"];
}

class Model_Op<string mnemonic, list<Trait> traits = []> : Op<Model_Dialect, mnemonic, traits>;

def ModelOp : Model_Op<"model", [Symbol, IsolatedFromAbove, SingleBlock, NoRegionArguments]> {
  let summary = "A model: inputs, weights, layers, outputs";
  let description = [{
    The symbol is the variable that held the model; name and class are Keras's.
    `compile` holds what `model.compile` was given.

    ```mlir
    model.model @model "sequential" : "Sequential" compile {loss = "mse", optimizer = "adam"} {
      %x = model.input "x" dims ["n", 10] : tensor<?x10xf32>
      …
      model.output %y names ["y"] dims [["n", 5]] : tensor<?x5xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$title, StrAttr:$class_name, OptionalAttr<DictionaryAttr>:$compile);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $title `:` $class_name (`compile` $compile^)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def InputOp : Model_Op<"input", [Model_Named]> {
  let summary = "An input of the model";
  let description = [{
    `dims` names every dimension: an integer, or the symbol of an unknown size
    (`"n"`, the batch, is shared by all inputs).
  }];
  let arguments = (ins StrAttr:$name, ArrayAttr:$dims);
  let results = (outs Lam_Tensor:$result);
  let assemblyFormat = "$name `dims` $dims attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def WeightOp : Model_Op<"weight", [IsolatedFromAbove, SingleBlock, Model_NamedWithBody]> {
  let summary = "A weight of the model and how it is initialized";
  let description = [{
    The region takes a key for random bits and yields the initial value. A
    weight is `trainable`, or state of the `optimizer`, or neither.

    ```mlir
    %w = model.weight "dense/bias" trainable init (%key) {
      %0 = lam.constant dense<0.0> : tensor<5xf32>
      model.yield %0 : tensor<5xf32>
    } : tensor<5xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, UnitAttr:$trainable, UnitAttr:$optimizer);
  let regions = (region SizedRegion<1>:$init);
  let results = (outs Lam_Tensor:$result);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def LayerOp : Model_Op<"layer", [SingleBlock, RecursiveMemoryEffects, AttrSizedOperandSegments,
                                 AttrSizedResultSegments, Model_NamedWithBody]> {
  let summary = "A call of a layer, with its body";
  let description = [{
    The block's arguments are the inputs, the masks and the weights, in this
    order; `model.yield` gives the outputs, then the masks of the outputs, then
    the effects: what a call in training assigned to variables, and the losses
    it added. Sizes and constants may be captured from above. A layer that is called twice
    appears twice under its name, with the same weights.

    ```mlir
    %y = model.layer "dense" : "Dense" inputs(%a = %x : tensor<?x10xf32>)
        weights(%k = %w : tensor<10x5xf32>) config {units = 5} -> tensor<?x5xf32> {
      %0 = lam.dot %a, %k …
      model.yield %0 : tensor<?x5xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$class_name, DictionaryAttr:$config,
                       Variadic<Lam_Tensor>:$inputs, Variadic<Lam_Tensor>:$masks, Variadic<Lam_Tensor>:$weights);
  let results = (outs Variadic<Lam_Tensor>:$outputs, Variadic<Lam_Tensor>:$output_masks,
                      Variadic<Lam_Tensor>:$effects);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
}

def EntryOp : Model_Op<"entry", [SingleBlock, Model_EntryNames]> {
  let summary = "One more function of the model, such as a step of training";
  let description = [{
    The block's arguments are what the function takes besides the model's
    inputs and weights, which it uses from above; `model.yield` gives its
    results. `arg_attrs` and `result_attrs` hold a dictionary for each, with
    `role`, `name` and `dims` (as in `model.input`). Arguments are a `target`,
    the `sample_weight` or the `seed`, a key for random bits. Results are an
    `output`, the `loss`, a `metric` or an `update`: the new value of the weight
    whose name is `of`.

    A `standalone` entry takes its own arguments alone (role `input`).

    ```mlir
    model.entry "train_step" (%y_true: tensor<?x5xf32>)
        args [{dims = ["n", 5], name = "y_true", role = "target"} ]
        results [{dims = [], name = "loss", role = "loss"},
                 {dims = [5], name = "dense/bias", of = "dense/bias", role = "update"} ] {
      …
      model.yield %loss, %bias : tensor<f32>, tensor<5xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, UnitAttr:$standalone,
                       TypedArrayAttrBase<DictionaryAttr, "one dictionary per argument">:$arg_attrs,
                       TypedArrayAttrBase<DictionaryAttr, "one dictionary per result">:$result_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The role in a dictionary of `arg_attrs` or `result_attrs`, or "".
    static ::llvm::StringRef roleOf(::mlir::Attribute attrs);
    /// Checks the results with role `update` against the model's weights.
    ::llvm::LogicalResult verifyUpdates(const ::llvm::StringMap<::mlir::Operation *> &weights);
  }];
}

def YieldOp : Model_Op<"yield", [Pure, Terminator, ParentOneOf<["LayerOp", "WeightOp", "EntryOp"]>]> {
  let summary = "The results of a layer or entry, or the initial value of a weight";
  let arguments = (ins Variadic<Lam_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def OutputOp : Model_Op<"output", [Pure, Terminator, HasParent<"ModelOp">]> {
  let summary = "The outputs of the model, by name";
  let description = "`dims` as in `model.input`; a string may also be a polynomial such as `2*n`.";
  let arguments = (ins Variadic<Lam_Tensor>:$values, StrArrayAttr:$names, ArrayAttr:$dims);
  let assemblyFormat = "$values `names` $names `dims` $dims attr-dict `:` type($values)";
  let hasVerifier = 1;
}

#endif // LAMINA_MODEL_MODELOPS_TD
