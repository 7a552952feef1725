"""Records twenty steps of training of the models in Unit/Inputs/training/models.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python training.py

Everything is in float64. For a model: its initial weights, four batches, which
are taken in turn, the loss of every step, the weights after the last one, and what
evaluate gives for the first batch.
"""
import os
import sys
import types

import keras
import numpy as np
from keras.src.backend.common import dtypes

dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
keras.config.set_floatx("float64")
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Unit/Inputs/training/models")
STEPS, BATCHES, N = 20, 4, 6

# Programs that were written for TensorFlow use what Keras has under these names.
tensorflow = types.ModuleType("tensorflow")
tensorflow.keras, tensorflow.math, tensorflow.abs = keras, keras.ops, keras.ops.abs
backend = types.ModuleType("backend")
backend.mean, backend.relu, backend.concatenate = keras.ops.mean, keras.ops.relu, keras.ops.concatenate
backend.l2_normalize = lambda x, axis: x / keras.ops.sqrt(keras.ops.maximum(keras.ops.sum(x * x, axis, keepdims=True), 1e-12))
sys.modules["tensorflow"] = tensorflow


def text(x):
    x = np.asarray(x)
    words = [repr(float(v)) if x.dtype.kind == "f" else str(int(v)) for v in x.flatten()]
    return f"{x.dtype}[{','.join(map(str, x.shape))}] " + " ".join(words)


def target(rng, y, loss):
    name = loss if isinstance(loss, str) else type(loss).__name__
    if name.startswith("sparse"):
        return rng.integers(0, y.shape[-1], (N,) + tuple(y.shape[1:-1])).astype("int32")
    if name.startswith("Categorical"):
        return np.eye(y.shape[-1])[rng.integers(0, y.shape[-1], N)]
    return rng.normal(size=(N,) + tuple(y.shape[1:]))


def record(name):
    with open(os.path.join(here, name + ".lam")) as f:
        source = f.read()
    keras.backend.clear_session()
    space = {}
    original = keras.backend
    keras.backend = backend
    sys.modules["keras.backend"] = backend
    exec(source, space)
    keras.backend = original
    model = space["model"]
    rng = np.random.default_rng(len(name))
    weights = [np.asarray(w) for w in model.get_weights()]
    weights = [np.abs(w + 0.3 * rng.normal(size=w.shape)) if "variance" in v.path else w + 0.3 * rng.normal(size=w.shape) for v, w in zip(model.weights, weights)]
    model.set_weights(weights)
    if isinstance(model, (keras.Sequential, keras.src.models.Functional)):
        inputs = model.inputs
        outputs = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    else:
        inputs = [keras.Input(shape=(3,))]
        outputs = model(inputs[0])
    lines = ["# Keras on JAX, float64: see test/reference/training.py."]
    lines += [f"weight {text(w)}" for w in weights]
    loss = model.loss
    batches = []
    for i in range(BATCHES):
        xs = [rng.integers(0, 7, (N,) + tuple(x.shape[1:])).astype("int32") if "int" in x.dtype else rng.normal(size=(N,) + tuple(x.shape[1:])) * 2 + 0.5 for x in inputs]
        if isinstance(outputs, dict):
            ys = {k: target(rng, outputs[k], loss[k]) for k in outputs}
        elif isinstance(outputs, list):
            ys = [target(rng, y, part) for y, part in zip(outputs, loss)]
        else:
            ys = target(rng, outputs, loss)
        batches.append((xs if len(xs) > 1 else xs[0], ys))
        lines += [f"input {i} {text(x)}" for x in xs]
        lines += [f"target {i} {text(y)}" for y in keras.tree.flatten(ys)]
    losses = []
    for step in range(STEPS):
        x, y = batches[step % BATCHES]
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
    lines.append("loss " + text(np.array(losses)))
    lines += [f"after {text(w)}" for w in model.get_weights()]
    model.reset_metrics()
    values = model.test_on_batch(*batches[0], return_dict=True)
    lines += [f"value {k} {text(np.float64(v))}" for k, v in values.items()]
    with open(os.path.join(here, name + ".txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


for name in sys.argv[1:] or sorted(f[:-4] for f in os.listdir(here) if f.endswith(".lam")):
    print(name)
    record(name)
