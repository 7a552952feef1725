"""Records what Keras's losses give, and compile's loss of several outputs.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python losses.py
"""
import os

import jax
import keras
import numpy as np
from keras.src import backend
from keras.src.trainers.compile_utils import CompileLoss
from record import Recorder

keras.config.set_floatx("float64")
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Unit/Inputs/training")
rng = np.random.default_rng(11)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def tensors(arrays):
    return {k: keras.ops.convert_to_tensor(v) for k, v in arrays.items()}


x = rng.normal(size=(4, 3)) * 2
z = rng.normal(size=(4, 2, 3))
e = rng.normal(size=(6, 4))
data = dict(
    x=x,
    y=rng.normal(size=(4, 3)),
    p=softmax(x),
    t=np.eye(3)[[0, 2, 1, 2]],
    q=softmax(rng.normal(size=(4, 3))),
    s=np.array([0, 2, 1, 2]),
    s1=np.array([[0], [2], [1], [2]]),
    b=np.array([[1], [0], [0], [1]]),
    b3=np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]]),
    h=np.array([[1.0, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, -1]]),
    u=rng.uniform(0.01, 0.99, size=(4, 1)),
    u3=rng.uniform(0.01, 0.99, size=(4, 3)),
    edge=np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]),
    v=rng.normal(size=(4,)),
    v1=rng.normal(size=(4, 1)),
    w=np.array([0.5, 2.0, 0.0, 1.5]),
    w1=np.array([[0.5], [2.0], [0.0], [1.5]]),
    z=z,
    zp=softmax(z),
    zt=np.eye(3)[rng.integers(0, 3, size=(4, 2))],
    zs=rng.integers(0, 3, size=(4, 2)),
    zw=rng.uniform(size=(4, 2)),
    zm=np.array([[1, 1], [1, 0], [0, 0], [1, 1]]).astype(bool),
    m=np.array([True, False, True, True]),
    e=e / np.linalg.norm(e, axis=1, keepdims=True),
    el=np.array([0, 1, 0, 2, 1, 0]),
)


def functions():
    r = Recorder(os.path.join(here, "losses.txt"), "Keras's losses on JAX, float64.")
    r.data(**data)
    gradients = Recorder(os.path.join(here, "loss_gradients.txt"), "What JAX gives as the gradients of Keras's losses, float64.")
    gradients.data(**data)
    given = tensors(data)

    def case(params, text):
        r.case(params, "keras.losses." + text, eval("losses." + text, {**vars(keras), **given}))
        prediction = params.split(", ")[1]

        def total(x):
            return keras.ops.sum(eval("losses." + text, {**vars(keras), **given, prediction: x}))

        derivative = f"grad(lambda {prediction}: keras.losses.{text})({prediction})"
        gradients.case(params, derivative, jax.grad(total)(given[prediction]))

    pairs = "mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error cosine_similarity huber log_cosh poisson"
    for f in pairs.split():
        y = "u3" if f == "poisson" else "x"
        case(f"y, {y}", f"{f}(y, {y})")
        case("t, p", f"{f}(t, p)")
        case("b3, p", f"{f}(b3, p)")
    case("v, v1", "mean_squared_error(v, v1)")
    case("v1, v", "mean_absolute_error(v1, v)")
    case("y, x", "cosine_similarity(y, x, axis=0)")
    case("y, x", "huber(y, x, 0.5)")
    for f in ("hinge", "squared_hinge", "categorical_hinge"):
        for labels in ("t", "b3", "h", "y"):
            case(f"{labels}, x", f"{f}({labels}, x)")
    for labels, values in (("t", "p"), ("q", "p"), ("t", "edge"), ("q", "edge"), ("edge", "q")):
        case(f"{labels}, {values}", f"kl_divergence({labels}, {values})")
        for f in ("categorical_crossentropy", "categorical_focal_crossentropy"):
            case(f"{labels}, {values}", f"{f}({labels}, {values})")
    for f in ("categorical_crossentropy", "categorical_focal_crossentropy"):
        case("t, x", f"{f}(t, x, from_logits=True)")
        case("t, x", f"{f}(t, x, from_logits=True, label_smoothing=0.2)")
        case("zt, zp", f"{f}(zt, zp, label_smoothing=0.1)")
        case("zt, z", f"{f}(zt, z, from_logits=True, axis=1)")
    case("t, p", "categorical_focal_crossentropy(t, p, alpha=0.7, gamma=1.5)")
    for f in ("binary_crossentropy", "binary_focal_crossentropy"):
        case("b, u", f"{f}(b, u)")
        case("b3, u3", f"{f}(b3, u3)")
        case("b3, edge", f"{f}(b3, edge)")
        case("b3, x", f"{f}(b3, x, from_logits=True)")
        case("b3, u3", f"{f}(b3, u3, label_smoothing=0.3, axis=0)")
    case("b3, u3", "binary_focal_crossentropy(b3, u3, apply_class_balancing=True, alpha=0.4, gamma=1.5)")
    for labels in ("s", "s1"):
        case(f"{labels}, p", f"sparse_categorical_crossentropy({labels}, p)")
    case("s, edge", "sparse_categorical_crossentropy(s, edge)")
    case("s, x", "sparse_categorical_crossentropy(s, x, from_logits=True)")
    case("s, x", "sparse_categorical_crossentropy(s, x, from_logits=True, ignore_class=2)")
    case("zs, zp", "sparse_categorical_crossentropy(zs, zp, ignore_class=1)")
    for f in ("dice", "tversky"):
        case("b3, u3", f"{f}(b3, u3)")
        case("b3, u3", f"{f}(b3, u3, axis=[1])")
    case("b3, u3", "tversky(b3, u3, alpha=0.3, beta=0.9)")
    case("el, e", "circle(el, e)")
    case("el, e", "circle(el, e, gamma=10, margin=0.2, remove_diagonal=False)")
    case("s, p", "categorical_generalized_cross_entropy(s, p, q=0.5)")
    case("s, p", "categorical_generalized_cross_entropy(s, p, 0.9)")

    # The classes: reductions, weights, masks.
    for c, labels, values in (
        ("MeanSquaredError()", "y", "x"),
        ("MeanAbsoluteError()", "v", "v1"),
        ("MeanAbsolutePercentageError()", "y", "x"),
        ("MeanSquaredLogarithmicError()", "u3", "p"),
        ("CosineSimilarity(axis=0)", "y", "x"),
        ("Huber(0.5)", "y", "x"),
        ("LogCosh()", "y", "x"),
        ("Hinge()", "b3", "x"),
        ("SquaredHinge()", "h", "x"),
        ("CategoricalHinge()", "t", "x"),
        ("KLDivergence()", "q", "p"),
        ("Poisson()", "y", "u3"),
        ("BinaryCrossentropy()", "b", "u"),
        ("BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "b3", "x"),
        ("BinaryFocalCrossentropy(True, 0.4, 1.5, from_logits=True)", "b3", "x"),
        ("CategoricalCrossentropy()", "t", "p"),
        ("CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)", "t", "x"),
        ("CategoricalFocalCrossentropy(0.4, 1.5)", "t", "p"),
        ("SparseCategoricalCrossentropy()", "s", "p"),
        ("SparseCategoricalCrossentropy(from_logits=True)", "s1", "x"),
        ("SparseCategoricalCrossentropy(ignore_class=2)", "s", "p"),
        ("SparseCategoricalCrossentropy(ignore_class=2)", "s1", "p"),
        ("SparseCategoricalCrossentropy(ignore_class=2, reduction='sum')", "zs", "zp"),
        ("Dice()", "b3", "u3"),
        ("Dice(axis=(1,))", "b3", "u3"),
        ("Tversky(0.3, 0.9)", "b3", "u3"),
        ("Circle()", "el", "e"),
        ("Circle(gamma=10.0, margin=0.2, remove_diagonal=False)", "el", "e"),
        ("CategoricalGeneralizedCrossEntropy(0.7)", "s", "p"),
    ):
        case(f"{labels}, {values}", f"{c}({labels}, {values})")
    for reduction in ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None):
        c = f"MeanSquaredError(reduction={reduction!r})"
        case("y, x", f"{c}(y, x)")
        for weight in ("w", "w1"):
            case(f"y, x, {weight}", f"{c}(y, x, sample_weight={weight})")
        case("y, x", f"{c}(y, x, sample_weight=0.5)")
        case("zt, z, zw", f"{c}(zt, z, zw)")
        case("zt, z, w1", f"{c}(zt, z, w1)")
        sparse = f"SparseCategoricalCrossentropy(ignore_class=1, reduction={reduction!r})"
        case("zs, zp, zw", f"{sparse}(zs, zp, zw)")
        for loss, arrays in ((c, "zt, z"), (sparse, "zs, zp")):
            a, b = arrays.split(", ")
            for weight in ("None", "zw", "w1"):
                # The mask is an attribute of Keras's tensor.
                y_pred = keras.ops.convert_to_tensor(data[b])
                backend.set_keras_mask(y_pred, given["zm"])
                value = eval(f"losses.{loss}", vars(keras))(given[a], y_pred, given.get(weight))
                more = f", {weight}" if weight != "None" else ""
                r.case(f"{arrays}, zm{more}", f"keras.losses.{loss}({arrays}, {weight}, mask=zm)", value)
    # Weights of the batch for values of more axes: each weighs its sample, as documented.
    weighted = keras.losses.MeanSquaredError()(given["zt"], given["z"], given["w1"])
    r.case("zt, z, w", "keras.losses.MeanSquaredError()(zt, z, w)", weighted)
    for name in ("mse", "MSE", "mae", "mape", "MSLE", "mean_squared_error", "MeanSquaredError", "huber", "Huber", "categorical_hinge", "kld", "KLD", "log_cosh", "cosine_similarity"):
        value = keras.losses.get(name)(given["q"], given["p"])
        r.case("q, p", f"keras.losses.get({name!r})(q, p)", value)
    r.case("b, u", "keras.losses.get('bce')(b, u)", keras.losses.get("bce")(given["b"], given["u"]))
    config = {"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}}
    r.case("t, x", f"keras.losses.get({config})(t, x)", keras.losses.get(config)(given["t"], given["x"]))

    # compile's loss.
    def compiled(params, loss, weights, targets, predictions, names, sample_weights=None):
        def values(names):
            return None if names is None else [given[n] for n in names] if isinstance(names, list) else given[names]

        space = {"keras": keras}
        total = CompileLoss(eval(loss, space), weights, output_names=names)(values(targets), values(predictions), values(sample_weights))
        shown = lambda names: str(names).replace("'", "")
        r.case(params, f"total_loss({{'loss': {loss}, 'loss_weights': {weights}}}, {shown(targets)}, {shown(predictions)}, {shown(sample_weights)}, {names})", total)

    compiled("y, x", "'mse'", None, "y", "x", ["a"])
    compiled("y, x", "['mse']", None, "y", "x", ["a"])
    compiled("y, x", "{'a': 'mse'}", None, "y", "x", ["a"])
    compiled("y, x, w", "'mse'", None, "y", "x", ["a"], "w")
    compiled("y, x", "keras.losses.MeanSquaredError(reduction='sum')", None, "y", "x", ["a"])
    compiled("y, x", "lambda t, p: keras.ops.sum(keras.ops.abs(t - p), -1)", None, "y", "x", ["a"])
    for labels, values in (("b", "u"), ("t", "p"), ("s", "p"), ("s1", "p")):
        compiled(f"{labels}, {values}", "'crossentropy'", None, labels, values, ["a"])
    two = (["y", "s"], ["x", "p"], ["a", "b"])
    sparse = "'sparse_categorical_crossentropy'"
    compiled("y, x, s, p", f"['mse', {sparse}]", None, *two)
    compiled("y, x, s, p", f"['mse', {sparse}]", [0.25, 2.0], *two)
    compiled("y, x, s, p", f"{{'b': {sparse}, 'a': 'mse'}}", {"a": 0.25, "b": 2.0}, *two)
    compiled("y, x, s, p, w", f"['mse', {sparse}]", [0.25, 2.0], *two, sample_weights=["w", "w"])
    compiled("y, x, s, p, w", f"['mse', {sparse}]", None, *two, sample_weights="w")
    compiled("y, x, q, p", "'mae'", None, ["y", "q"], ["x", "p"], ["a", "b"])
    compiled("y, x, q, p", "[None, 'mae']", None, ["y", "q"], ["x", "p"], ["a", "b"])
    r.write()
    gradients.write()


if __name__ == "__main__":
    functions()
