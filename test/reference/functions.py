"""Records what keras.ops and NumPy give for functions over shapes, axes and dtypes.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python functions.py
"""
import os

import keras
import numpy as np
from keras import ops
from record import Recorder

keras.config.set_floatx("float64")
here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(5)
m = np.arange(12).reshape(3, 4) % 3 > 0
data = dict(
    a=rng.normal(size=(3, 4)).astype("f4"),
    b=rng.normal(size=(3, 4)).astype("f4"),
    t=rng.normal(size=(2, 3, 4)).astype("f4"),
    u=rng.normal(size=(2, 3, 4)).astype("f4"),
    v=rng.normal(size=(4,)).astype("f4"),
    w=rng.normal(size=(5,)).astype("f4"),
    s=np.float32(1.7),
    i=rng.integers(-5, 6, size=(3, 4)).astype("i4"),
    k=rng.integers(0, 4, size=(6,)).astype("i4"),
    m=m,
    z=np.array([[0, -0.0, np.inf, -np.inf], [np.nan, 1, -1, 2.5], [0.5, -0.5, 3e-5, 30]], "f4"),
    c=rng.normal(size=(4, 30)).astype("f4"),
)

reductions = "sum mean max min prod std var argmax argmin median logsumexp count_nonzero nansum nanmean nanmax nanmin nanprod nanstd nanvar"
shapes = """reshape(t, (-1, 4))|transpose(t, (2, 0, 1))|moveaxis(t, 0, -1)|swapaxes(t, 0, -1)|expand_dims(t, (0, -1))|flip(t, (0, -1))
roll(t, -2, axis=1)|roll(t, (1, 2), axis=(0, 1))|rot90(a)|rot90(t, k=-1, axes=(0, 2))|tile(a, (2, 1, 3))|repeat(a, 2, axis=1)
stack([a, b], axis=-1)|concatenate([a, i], axis=1)|hstack([v, v])|vstack([v, v])|dstack([v, v])|split(t, [1, 2], axis=1)
array_split(t, 3, axis=2)|unstack(t, axis=1)|append(i, a, axis=1)|pad(a, ((1, 2), (0, 3)), constant_values=5)
pad(a, ((1, 2), (2, 1)), mode="reflect")|pad(a, ((1, 2), (2, 1)), mode="symmetric")|pad(a, ((1, 2), (0, 3)), mode="wrap")
pad(a, ((1, 2), (2, 1)), mode="mean")|pad(a, ((1, 2), (2, 1)), mode="median")|pad(a, ((1, 2), (2, 1)), mode="maximum")|pad(a, ((1, 2), (0, 3)), mode="minimum")|pad(a, ((2, 1), (3, 0)), mode="linear_ramp")|pad(i, ((2, 1), (3, 0)), mode="linear_ramp")|pad(i, 2, mode="mean")
meshgrid(v, w)|meshgrid(v, w, indexing="ij")|tril(t, k=-1)|triu(a, k=1)|diag(a, k=-1)|diag(v, k=1)|diagonal(t, offset=1, axis1=1, axis2=2)
diagflat(v, k=-1)|trace(t, offset=1, axis1=0, axis2=2)|vander(v)|vander(v, N=3)|vander(k, increasing=True)"""
values = """square(m)|trunc(i)|relu6(i)|round(i * 7, -1)|round(a * 100, -1)|round(a, decimals=1)|angle(a)|imag(a)|i0(a * 9)|allclose(a, b)|allclose(a, a)
clip(i, -1.5, 1.5)|where(m, i, a)|select([a > 1, a > 0], [a, b], 9.0)|nan_to_num(z, nan=1.0, posinf=2.0, neginf=3.0)|isin(i, [1, 2], invert=True)
searchsorted(sort(w), a, side="right")|digitize(a, [-1.0, 0.0, 1.0])|bincount(k, minlength=6)|bincount(k, weights=k * 2.0, minlength=6)
top_k(a, 2)|sort(a, axis=0)|argsort(i)|cumsum(t, axis=-2)|cumprod(a, axis=1)|diff(a, n=2, axis=0)|trapezoid(a, dx=0.5, axis=0)
quantile(t, [0.1, 0.5], axis=(0, 2), keepdims=True)|percentile(t, 30.0, method="nearest", keepdims=True)|norm(a, ord=3, axis=0, keepdims=True)|corrcoef(a)"""
signals = """fft((a, b))|fft2((t, u))|ifft2((t, u))|rfft(a)|rfft(w)|rfft(w, fft_length=8)|rfft(t, fft_length=3)|irfft((a, b))|irfft((a, b), fft_length=5)
irfft((a, b), fft_length=10)|fft((c, c * 2))|fft((reshape(c, (1, 120)), reshape(c, (1, 120))))|rfft(reshape(c[:2], (1, 60)), fft_length=37)
fft((reshape(pad(c, ((0, 0), (0, 7))), (2, 74)), zeros((2, 74))))|stft(c, 16, 4, 16)|stft(c, 10, 5, 16, window="hamming")
stft(c, 10, 5, 16, window=None, center=False)|istft(stft(c, 16, 4, 16), 16, 4, 16)|istft(stft(c, 12, 4, 16), 12, 4, 16, length=20)
bartlett(5) * w|blackman(5) * w|hamming(5) * w|hanning(5) * w|kaiser(5, 8.6) * w|correlate(v, w)|correlate(w, v, mode="full")|correlate(w, v, mode="same")
correlate(v, w, mode="same")"""
numpy = """convolve(v, w)|convolve(w, v, mode="same")|convolve(w, v, mode="valid")|ediff1d(a)|around(a, 1)|fix(a * 3)|invert(i)|copysign(a, b)|modf(a * 3)
vecdot(a, b)|atleast_3d(v)|atleast_3d(a)|atleast_3d(s)|delete(a, 1, axis=0)|delete(a, [0, 2], axis=1)|delete(a, 3)|insert(v, 1, 5.0)
insert(a, 1, v, axis=0)|insert(a, -1, 7.0, axis=1)|polyval(v, w)|gradient(v)|gradient(a)|gradient(a, 0.5, axis=1)|array_equal(a, a)|array_equal(a, b)|cumulative_sum(v)
histogram(a, bins=4)[1]|histogram(v, bins=3, range=(-1, 1), density=True)|matvec(t, v)|vecmat(v[:3], a)"""

r = Recorder(os.path.join(here, "../Unit/Inputs/training/functions.txt"),
             "Functions of keras.ops and NumPy. Made by test/reference/functions.py.")
r.data(**data)
# Computed in float64, as the interpreter does, and rounded to the types of float32 inputs.
narrow = {"float64": "float32", "int64": "int32"}
wide = {k: v.astype("f8") if v.dtype == "float32" else v for k, v in data.items()}
tensors = {k: ops.convert_to_tensor(v) for k, v in wide.items()}


def flat(x):
    return [y for part in x for y in flat(part)] if isinstance(x, (list, tuple)) else [np.asarray(x)]


def names(expression):
    code = compile(expression, "", "eval")
    return [n for n in code.co_names if n in data]


def record(expressions, prefix, scope):
    for expression in expressions.replace("\n", "|").split("|"):
        used = names(expression)
        outputs = flat(eval(expression, {**vars(scope), **(wide if prefix == "np" else tensors)}))
        outputs = [x.astype(narrow.get(str(x.dtype), x.dtype)) for x in outputs]
        # A bare sum is Python's.
        r.case(", ".join(used), expression.replace("sum(", "ops.sum(") if expression.startswith("sum") else expression, *outputs)


record("|".join(f"{f}({x})|{f}({x}, axis=-1)|{f}(t, axis=1, keepdims=True)" if f not in ("count_nonzero", "average") else f"{f}({x})|{f}({x}, axis=-1)"
                for f in reductions.split() for x in "aiz"), "ops", ops)
record(shapes, "ops", ops)
record(values, "ops", ops)
record(signals, "ops", ops)
record(numpy, "np", np)
r.write()
