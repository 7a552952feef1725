"""Records what Keras's metrics give after two batches, and compile's metrics.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python metrics.py
"""
import os

import keras
import numpy as np
from keras.src import backend
from keras.src.trainers.compile_utils import CompileMetrics
from record import Recorder

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Unit/Inputs/training")
rng = np.random.default_rng(5)
N, CUT = 8, 5


def f(x):
    return np.asarray(x, "float32")


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


x = rng.normal(size=(N, 4)) * 2
z = rng.normal(size=(N, 2, 3))
data = dict(
    x=f(x),
    y=f(rng.normal(size=(N, 4))),
    p=f(softmax(x)),
    t=f(np.eye(4)[rng.integers(0, 4, N)]),
    s=rng.integers(0, 4, N),
    s1=rng.integers(0, 4, (N, 1)),
    b=rng.integers(0, 2, N),
    b1=rng.integers(0, 2, (N, 1)),
    b4=rng.integers(0, 2, (N, 4)),
    u=f(rng.uniform(size=N)),
    u1=f(rng.uniform(size=(N, 1))),
    u4=f(rng.uniform(size=(N, 4))),
    grid=f(rng.integers(0, 17, N) / 16),
    ends=f([0, 1, 0.5, 0, 1, 0.25, 0, 1]),
    h=f(rng.integers(0, 2, (N, 4)) * 2 - 1),
    w=f(rng.uniform(size=N)),
    w4=f(rng.uniform(size=(N, 4))),
    zs=rng.integers(0, 3, (N, 2)),
    zt=f(np.eye(3)[rng.integers(0, 3, (N, 2))]),
    zp=f(softmax(z)),
    zw=f(rng.uniform(size=(N, 2))),
    zm=rng.integers(0, 2, (N, 2)).astype(bool),
    ids=np.argsort(-x, axis=1),
)
r = Recorder(os.path.join(here, "metrics.txt"), "Keras's metrics on JAX, float32, after two batches.")
r.data(**data)


def case(metric, y_true, y_pred, weight=None, mask=None):
    m = eval("keras.metrics." + metric)
    for part in (slice(None, CUT), slice(CUT, None)):
        prediction = keras.ops.convert_to_tensor(data[y_pred][part])
        if mask:
            backend.set_keras_mask(prediction, keras.ops.convert_to_tensor(data[mask][part]))
        m.update_state(data[y_true][part], prediction, *([data[weight][part]] if weight else []))
    params = ", ".join([n for n in (y_true, y_pred, weight, mask) if n])
    r.case(params, f"measure(keras.metrics.{metric}, {y_true}, {y_pred}, {weight}, {mask})", np.asarray(m.result(), "float32"))


def both(metric, y_true, y_pred, weight="w"):
    case(metric, y_true, y_pred)
    case(metric, y_true, y_pred, weight)


def metrics():
    for m in ("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "RootMeanSquaredError", "LogCoshError", "CosineSimilarity", "R2Score", "PearsonCorrelation", "ConcordanceCorrelation"):
        both(m + "()", "y", "x")
    both("MeanSquaredLogarithmicError()", "u4", "p")
    case("RootMeanSquaredError()", "y", "x", "w4")
    case("MeanSquaredError()", "zt", "zp", "zw")
    case("MeanSquaredError()", "u", "u1")
    for m in ("R2Score(class_aggregation=None)", "R2Score('variance_weighted_average')", "R2Score(num_regressors=2)", "R2Score(num_regressors=50)"):
        both(m, "y", "x")
    case("R2Score()", "y", "x", "w4")
    for labels in ("t", "h", "b4"):
        for m in ("Hinge()", "SquaredHinge()", "CategoricalHinge()"):
            both(m, labels, "x")
    both("KLDivergence()", "u4", "p")
    both("Poisson()", "u4", "p")
    both("BinaryCrossentropy()", "b4", "u4")
    both("BinaryCrossentropy(from_logits=True, label_smoothing=0.2)", "b4", "x")
    both("CategoricalCrossentropy()", "t", "p")
    both("CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)", "t", "x")
    both("SparseCategoricalCrossentropy()", "s", "p")
    both("SparseCategoricalCrossentropy(from_logits=True)", "s1", "x")
    both("SparseCategoricalCrossentropy(ignore_class=1)", "s", "p")
    both("SparseCategoricalCrossentropy(ignore_class=1)", "zs", "zp", "zw")

    both("Accuracy()", "b", "s")
    both("Accuracy()", "b4", "t")
    case("Accuracy()", "b4", "t", "w4")
    both("BinaryAccuracy()", "b", "u")
    both("BinaryAccuracy()", "b1", "u1")
    both("BinaryAccuracy(threshold=0.7)", "b4", "u4")
    both("CategoricalAccuracy()", "t", "p")
    both("SparseCategoricalAccuracy()", "s", "p")
    both("SparseCategoricalAccuracy()", "s1", "p")
    both("SparseCategoricalAccuracy()", "zs", "zp", "zw")
    case("SparseCategoricalAccuracy()", "zs", "zp", "w")
    for k in (1, 2, 4):
        both(f"TopKCategoricalAccuracy({k})", "t", "p")
        both(f"SparseTopKCategoricalAccuracy({k})", "s", "p")
    both("TopKCategoricalAccuracy(2)", "zt", "zp", "zw")
    both("SparseTopKCategoricalAccuracy(2)", "zs", "zp", "zw")
    both("SparseTopKCategoricalAccuracy(2, from_sorted_ids=True)", "s", "ids")
    # Masks of the predictions.
    for m, labels in (("SparseCategoricalAccuracy()", "zs"), ("MeanSquaredError()", "zt"), ("SparseCategoricalCrossentropy(ignore_class=1)", "zs")):
        case(m, labels, "zp", None, "zm")
        case(m, labels, "zp", "zw", "zm")

    for c in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives", "Precision", "Recall"):
        both(c + "()", "b", "u")
        both(c + "(0.3)", "b1", "u1")
        both(c + "(thresholds=[0.2, 0.9])", "b4", "u4")
        case(c + "(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])", "b", "grid", "w")
        case(c + "()", "b4", "u4", "w4")
    for c in ("Precision", "Recall"):
        both(c + "(top_k=2)", "b4", "u4")
        both(c + "(class_id=1)", "b4", "u4")
        both(c + "(thresholds=0.4, top_k=3, class_id=2)", "b4", "u4")
    for c in ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision"):
        both(c + "(0.6)", "b", "u")
        both(c + "(0.4, num_thresholds=17)", "b", "grid")
        both(c + "(0.4, num_thresholds=1)", "b", "u")
        both(c + "(0.4, class_id=1)", "b4", "u4")
    both("AUC()", "b", "u")
    for curve in ("ROC", "PR", "PRGAIN"):
        for method in ("interpolation", "majoring", "minoring"):
            both(f"AUC(curve='{curve}', summation_method='{method}')", "b", "u")
        both(f"AUC(17, curve='{curve}')", "b", "grid")
        both(f"AUC(curve='{curve}')", "b4", "u4")
        both(f"AUC(curve='{curve}', thresholds=[0.2, 0.4, 0.9])", "b", "u")
        both(f"AUC(curve='{curve}', thresholds=[0.5])", "b", "grid")
        both(f"AUC(curve='{curve}', multi_label=True, num_labels=4)", "b4", "u4")
        both(f"AUC(curve='{curve}', multi_label=True, num_labels=4, label_weights=[0.1, 0.5, 1.0, 2.0])", "b4", "u4")
        case(f"AUC(curve='{curve}', label_weights=[0.1, 0.5, 1.0, 2.0])", "b4", "u4")
    # Predictions of exactly 0 and 1.
    for m in ("AUC()", "AUC(17, curve='PR', summation_method='majoring')", "SensitivityAtSpecificity(0.4)", "TrueNegatives(thresholds=[0.0, 0.5, 1.0])"):
        both(m, "b", "ends")
    case("AUC(from_logits=True)", "b4", "x")
    for average in (None, "micro", "macro", "weighted"):
        both(f"F1Score(average={average!r})", "t", "p")
        both(f"FBetaScore(average={average!r}, beta=2.0, threshold=0.4)", "b4", "u4")
    for m in ("MeanIoU(4)", "IoU(4, [0, 2])", "MeanIoU(4, ignore_class=1)"):
        case(m, "s", "b")
    case("BinaryIoU()", "b", "u")
    case("BinaryIoU((1,), threshold=0.7)", "b4", "u4")
    case("OneHotIoU(4, [0, 3])", "t", "p")
    case("OneHotMeanIoU(4)", "t", "p")
    case("MeanIoU(4, sparse_y_pred=False)", "s", "p")
    for name in ("mse", "MAE", "mean_squared_error", "categorical_accuracy", "AUC", "auc", "precision", "f1_score", "top_k_categorical_accuracy", "TopKCategoricalAccuracy"):
        m = keras.metrics.get(name)
        m.update_state(data["t"], data["p"])
        r.case("t, p", f"measure(keras.metrics.get({name!r}), t, p, None, None)", np.asarray(m.result(), "float32"))
    for m in ("Mean()", "Sum()"):
        for weight in (None, "w"):
            o = eval("keras.metrics." + m)
            o.update_state(data["x"], *([data[weight]] if weight else []))
            r.case("x" + (", w" if weight else ""), f"[m.result(m.accumulate(x, {weight})) for m in [keras.metrics.{m}]][0]", np.asarray(o.result(), "float32"))


def compiled():
    """Names, in order, and values."""

    def case(params, metrics, weighted, targets, predictions, names, sample_weight=None):
        def values(names):
            return None if names is None else [data[n] for n in names] if isinstance(names, list) else data[names]

        space = {"keras": keras}
        m = CompileMetrics(eval(metrics, space), eval(weighted, space), output_names=names)
        m.update_state(values(targets), values(predictions), values(sample_weight))
        result = m.result()
        shown = lambda names: str(names).replace("'", "")
        r.case(params, f"all_metrics({{'metrics': {metrics}, 'weighted_metrics': {weighted}}}, {shown(targets)}, {shown(predictions)}, {shown(sample_weight)}, {names}, {list(result)})", *[np.asarray(v, "float32") for v in result.values()])

    one = ["a"]
    for labels, predictions in (("b1", "u1"), ("b", "u1"), ("t", "p"), ("s", "p"), ("s1", "p"), ("zs", "zp")):
        case(f"{labels}, {predictions}", "['accuracy', 'acc']", "None", labels, predictions, one)
    case("t, p", "['mse', 'mae', keras.metrics.AUC(name='area'), keras.metrics.mean_absolute_error, 'acc']", "None", "t", "p", one)
    case("t, p", "['mse', 'mse', 'mse']", "None", "t", "p", one)
    case("t, p", "{'a': ['mse', 'mae']}", "None", "t", "p", one)
    case("t, p, w", "['mse', 'mae']", "['mse', 'acc']", "t", "p", one, "w")
    case("t, p, w", "None", "['mse', keras.metrics.Precision(name='pre')]", "t", "p", one, "w")
    case("t, p", "['mse']", "['mse', 'mse']", "t", "p", one)
    two = ["left", "right"]
    both = "t, p, s, x"
    case(both, "[['mse', 'acc'], ['acc']]", "None", ["t", "s"], ["p", "x"], two)
    case(both, "['mse', 'acc']", "None", ["t", "s"], ["p", "x"], two)
    case(both, "[None, 'acc']", "None", ["t", "s"], ["p", "x"], two)
    case(both, "{'right': 'acc'}", "None", ["t", "s"], ["p", "x"], two)
    case(both + ", w", "{'right': 'acc', 'left': ['mse', 'acc']}", "[['mse'], ['acc']]", ["t", "s"], ["p", "x"], two, ["w", "w"])


if __name__ == "__main__":
    metrics()
    compiled()
    r.write()
