"""Exports models, loads what was written in Keras (safe_mode on) and onnxruntime, and compares with Lamina's interpreter.

    KERAS_BACKEND=jax LAMINA=build/bin/lamina python3 test/reference/exports.py test/examples/*.lam

Needs keras, jax, onnx and onnxruntime. A model is ok, wrong, refused (by the export, with its reason) or failing (where it is loaded or
run). --sizes gives the numbers for unknown sizes, --seed those for inputs, --only one of the formats.
"""
import argparse, collections, os, subprocess, sys, tempfile
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")
import numpy as np
import onnx


class Refused(Exception): pass
class Wrong(Exception): pass


def lamina(*args):
    done = subprocess.run([os.environ.get("LAMINA", "build/bin/lamina"), *args], capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr.strip().split("\n")[0] if done.returncode == 1 else f"exit {done.returncode}: {done.stderr[-300:]}")


def arrays_for(graph, rng, sizes):
    """An array for each input, of the declared type; unknown sizes of one name are the same."""
    known = {}
    for value in graph.input:
        tensor = value.type.tensor_type
        shape = [d.dim_value if d.HasField("dim_value") else known.setdefault(d.dim_param, sizes[len(known) % len(sizes)]) for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if dtype.kind == "f": array = rng.standard_normal(shape).astype(dtype)
        elif dtype.kind == "b": array = rng.random(shape) < 0.5
        else: array = rng.integers(0, 3, shape).astype(dtype)
        yield value.name, array


def compare(got, wanted, limit):
    if len(got) != len(wanted): raise Wrong(f"{len(got)} outputs for {len(wanted)}")
    worst = 0.0
    for g, w in zip(got, wanted):
        g, w = np.asarray(g), np.asarray(w)
        if g.shape != w.shape: raise Wrong(f"shape {g.shape} for {w.shape}")
        if g.dtype != w.dtype: raise Wrong(f"{g.dtype} for {w.dtype}")
        scale = 1e-3 / 1e-6 if w.dtype.itemsize == 2 and w.dtype.kind == "f" else 1  # half precision
        g, w = g.astype("f8"), w.astype("f8")
        if not np.array_equal(np.isfinite(g), np.isfinite(w)): raise Wrong("another number is not finite")
        g, w = g[np.isfinite(w)], w[np.isfinite(w)]
        if w.size: worst = max(worst, float(np.max(np.abs(g - w)) / max(np.max(np.abs(w)), 1e-6)) / scale)
    if worst > limit: raise Wrong(f"off by {worst:.1e}")
    return worst


def run_onnx(path, inputs):
    import onnxruntime
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, inputs)


def run_keras(path, inputs):
    import keras
    keras.backend.clear_session()
    model = keras.saving.load_model(path, safe_mode=True)
    results = model([inputs[x.name] for x in model.inputs] if len(model.inputs) > 1 else inputs[model.inputs[0].name])
    return [np.asarray(r) for r in (results if isinstance(results, (list, tuple)) else [results])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--only", choices=["keras", "onnx"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[3, 5, 4])
    parser.add_argument("--limit", type=float, default=2e-6)
    options = parser.parse_args()
    counts = collections.Counter()
    for model in options.models:
        with tempfile.TemporaryDirectory() as folder:
            inputs = wanted = None
            for kind in ("onnx", "keras"):
                path = f"{folder}/m.{kind}"
                try:
                    lamina("export", model, "-o", path)
                    if kind == "onnx":
                        rng = np.random.default_rng(options.seed)
                        inputs = dict(arrays_for(onnx.load(path).graph, rng, options.sizes))
                    if inputs is None: raise Refused("no ONNX file says what its inputs are")
                    if wanted is None:
                        arguments = []
                        for name, array in inputs.items():
                            np.save(f"{folder}/{len(arguments)}.npy", array)
                            arguments += ["--input", f"{name}={folder}/{len(arguments)}.npy"]
                        lamina("run", model, "--interpret", *arguments, "-o", f"{folder}/out.npz")
                        stored = np.load(f"{folder}/out.npz")
                        wanted = [stored[name] for name in stored.files]
                    if options.only in (None, kind):
                        worst = compare((run_onnx if kind == "onnx" else run_keras)(path, inputs), wanted, options.limit)
                        status, text = "ok", f"{worst:.0e}"
                    else: continue
                except Refused as e: status, text = "refused", str(e)
                except Wrong as e: status, text = "wrong", str(e)
                except Exception as e: status, text = "failing", f"{type(e).__name__}: {e}".replace("\n", " ")[-400:]
                counts[kind, status] += 1
                print(f"{kind:5} {status:8} {model} {text}", flush=True)
    for (kind, status), count in sorted(counts.items()): print(f"{kind:5} {status:8} {count}")
    sys.exit(any(status in ("wrong", "failing") for _, status in counts))


main()
