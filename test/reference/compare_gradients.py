"""Compares `lamina eval --grad` with jax.grad on the cases of the gradient tests.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python compare_gradients.py LAMINA [NAME...]

Takes the functions of test/Unit/Inputs/gradients/cases.txt whose expression is one of
keras.ops, keras.activations or keras.losses as well, in float64, without rounding
(--interpret). The gradient is that of the sum of the outputs times fixed weights, so that
functions whose sum is constant count. Exits with 1 if any differ.
"""
import os
import re
import subprocess
import sys
import tempfile

import jax
import keras
import numpy as np
from keras.src.backend.common import dtypes

dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
keras.config.set_floatx("float64")
here = os.path.dirname(os.path.abspath(__file__))

# Not functions of Keras though a name of it means something else, or not the same by intent.
DIFFERENT = {
    "random.": "other random bits",
}


def draw(domain, shape, rng):
    if domain == "normal":
        return rng.normal(size=shape)
    if domain == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if domain == "positive":
        return rng.uniform(0.5, 2, shape)
    numbers = [float(n) for n in re.findall(r"-?[0-9.]+", domain)]
    if domain.startswith("below"):
        return rng.integers(0, int(numbers[0]), shape).astype("int32")
    return rng.uniform(*numbers, shape)


def cases():
    for line in open(os.path.join(here, "../Unit/Inputs/gradients/cases.txt")):
        if line[:1] in "#\n" or line.startswith("none "):
            continue
        name, rest = line.rstrip().split(": ", 1)
        code, inputs = rest.rsplit("; ", 1)
        if code.startswith("layer "):
            continue
        inputs = [re.fullmatch(r"(\w+)=(.*)\[(.*)\]", i).groups() for i in inputs.split()]
        yield name, code, [(n, d, tuple(int(k) for k in s.split(",") if k)) for n, d, s in inputs]


def scope():
    names = dict(vars(keras.activations))
    names.update(vars(keras.losses))
    names.update(vars(keras.ops))
    names.update(keras=keras, grad=jax.grad, vjp=jax.vjp, jvp=jax.jvp, value_and_grad=jax.value_and_grad)
    return names


def floats(outputs):
    leaves = [keras.ops.convert_to_tensor(x) for x in jax.tree_util.tree_leaves(outputs)]
    return [x for x in leaves if x.dtype.kind == "f"]


def weighted(outputs, np_):
    return sum((x * np_.cos(np_.arange(x.size, dtype="float64")).reshape(x.shape)).sum() for x in floats(outputs))


# The same weights in the language: outputs are flattened tensors in nested structures.
PRELUDE = (
    "(lambda f: lambda {params}: (lambda ys: [y * reshape(cos(arange(size(y), dtype='float64')), y.shape) "
    "for y in ys])((lambda walk: walk(walk, f({params})))(lambda walk, y: [v for u in y for v in walk(walk, u)] "
    "if isinstance(y, (list, tuple)) else [y] if 'float' in str(convert_to_tensor(y).dtype) else [])))"
)


def lamina_gradient(lamina, code, inputs, folder):
    params = ", ".join(n for n, _ in inputs)
    wrapped = PRELUDE.format(params=params) + f"({code})"
    command = [lamina, "eval", "--interpret", "--grad", wrapped, "-o", os.path.join(folder, "out.npz")]
    for name, x in inputs:
        np.save(os.path.join(folder, name + ".npy"), x)
        command += ["--input", f"{name}={folder}/{name}.npy"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(result.stderr.strip())
    return np.load(os.path.join(folder, "out.npz"))


def compare(lamina, name, code, specs, rng, folder):
    inputs = [(n, draw(d, s, rng)) for n, d, s in specs]
    try:
        f = eval(code, scope())
        values = [keras.ops.convert_to_tensor(x) for _, x in inputs]
        which = [i for i, (_, x) in enumerate(inputs) if x.dtype.kind == "f"]
        expected = jax.grad(lambda *a: weighted(f(*a), jax.numpy), tuple(which))(*values)
    except Exception as error:
        return "skipped", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    try:
        got = lamina_gradient(lamina, code, inputs, folder)
    except RuntimeError as error:
        return "failed", str(error)
    worst = 0.0
    for i, g in zip(which, expected):
        key = "d_" + inputs[i][0]
        g, h = np.asarray(g), got[key]
        if g.shape != h.shape or not np.array_equal(np.isnan(g), np.isnan(h)):
            return "differs", f"{key}: {h} where JAX has {g}"
        error = np.nanmax(np.abs(g - h), initial=0) / (1 + np.nanmax(np.abs(g), initial=0))
        worst = max(worst, error)
    # Constants such as epsilons have the digits of float32 in one of the two.
    return ("agrees", worst) if worst < 1e-6 else ("differs", f"by {worst:.2g}")


def main():
    lamina, only = os.path.abspath(sys.argv[1]), sys.argv[2:]
    count = {}
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        for name, code, specs in cases():
            if only and name not in only:
                continue
            reason = next((r for prefix, r in DIFFERENT.items() if name.startswith(prefix)), None)
            verdict, detail = ("skipped", reason) if reason else compare(lamina, name, code, specs, rng, folder)
            count[verdict] = count.get(verdict, 0) + 1
            if verdict != "agrees":
                print(f"{verdict}: {name}: {code}\n    {detail}", flush=True)
    print(", ".join(f"{n} {v}" for v, n in sorted(count.items())))
    sys.exit(bool(count.get("differs") or count.get("failed")))


if __name__ == "__main__":
    main()
