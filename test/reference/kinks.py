"""Records the gradients that Keras with JAX gives at kinks, ties and zeros.

Where the language differs by intent (docs/derivatives.md: guards, x ** y at 0,
a row of zeros normalized), there is no case.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python kinks.py
"""
import ast
import os
import re

import jax
import keras
import numpy as np
from compare_gradients import scope
from record import Recorder

here = os.path.dirname(os.path.abspath(__file__))
points = np.array([-6, -3, -1, -0.5, -0.0, 0.0, 0.5, 1, 2, 3, 6])
data = dict(
    x=points,
    # Pairs: equal, zero, of either sign.
    a=np.array([1.0, 1, 0, 0, -1, -1, 2, -2, 0]),
    b=np.array([1.0, 2, 0, 1, -1, 1, 0, 0, -1]),
    # Rows with ties, zeros, nothing but one value.
    t=np.array([[1.0, 1, 0, 2], [2, 2, 2, 2], [0, 0, 0, 0], [-1, 0, -1, 3], [0, 1, 0, 1]]),
    i=np.array([0, 0, 1, 1, 1], "int32"),
    image=np.array([1.0, 1, 0, 2, 2, 2, 0, 0, 0, 0, 0, 1, 3, 3, 3, 3]).reshape(1, 4, 4, 1),
    # Predictions for labels: equal, at the margin, at 0 and 1.
    y=np.array([[0.0, 1, 1, 0], [1, 0, 0, 0]]),
    p=np.array([[0.0, 1, 0, 1], [1, 0.5, 0, -1]]),
    q=np.array([[0.0, 1, 0.5, 0.5], [0.25, 0.25, 0.5, 0]]),
)

POINTWISE = """
abs(x) fabs(x) sqrt(abs(x)) sign(x) floor(x) ceil(x) round(x) trunc(x) square(x) sinc(x) softplus(x) sigmoid(x) tanh(x) erf(x)
relu(x) relu6(x) leaky_relu(x) elu(x) celu(x) selu(x) gelu(x) gelu(x,False) silu(x) softsign(x) soft_shrink(x)
hard_shrink(x) tanh_shrink(x) hard_tanh(x) hard_sigmoid(x) hard_silu(x) log_sigmoid(x) mish(x) squareplus(x)
sparse_plus(x) sparse_sigmoid(x) threshold(x,0.5,2.0) keras.activations.relu(x,0.1,3.0,0.5)
keras.activations.relu(x,0.0,1.0) keras.activations.elu(x,0.5) clip(x,-1.0,1.0) maximum(x,0.0) minimum(x,0.0)
maximum(x,x) nan_to_num(x) sqrt(x) log(x) log1p(x) rsqrt(x) reciprocal(x) arcsin(x) arccos(x) arctanh(x)
arccosh(x*x+1) power(x,2) power(x,3.0) power(x,0) power(x,1) power(x,0.5) power(x,-1) expm1(x) erfinv(x)
where(x>0,log(where(x>0,x,1.0)),0.0) sqrt(square(x)) x*x/x
""".split()
PAIRS = """
maximum(a,b) minimum(a,b) hypot(a,b) logaddexp(a,b) logaddexp2(a,b) arctan2(a,b) fmax(a,b) fmin(a,b) mod(a,b)
floor_divide(a,b) divide_no_nan(a,b) divide(a,b) fmod(a,b) heaviside(a,b) where(a>b,a,b) clip(a,b,b)
""".split()
ROWS = """
max(t,axis=1) min(t,axis=1) amax(t) amin(t) ptp(t,axis=1) max(t,axis=1,initial=2.0) prod(t,axis=1) prod(t)
cumprod(t,axis=1) cumsum(t,axis=1) std(t,axis=1) var(t,axis=1) norm(t) norm(t,axis=1) norm(t*0)
norm(t,ord=3,axis=1) norm(t,ord=float('inf'),axis=(0,1)) norm(t,ord=1,axis=1)
norm(t,ord=float('inf'),axis=1) norm(t,ord=-float('inf'),axis=1) norm(t,ord=1,axis=(0,1)) normalize(t,order=1)
logsumexp(t,axis=1) softmax(t)*t log_softmax(t)*t sparsemax(t)*t median(t,axis=1) quantile(t,0.3,axis=1)
quantile(t,0.5,axis=1,method='nearest') quantile(t,0.4,axis=1,method='midpoint') sort(t,axis=1)*arange(4)
top_k(t,2)[0]*arange(2) nanmax(t,axis=1) nanmin(t,axis=1) nanprod(t,axis=1) nanstd(t,axis=1)
layer_normalization(t)*t rms_normalization(t)*t average(t,axis=1,weights=t) segment_max(t,i,2) segment_min(t,i,2)
segment_sum(t,i,2) take_along_axis(t,argmax(t,axis=1,keepdims=True),axis=1) trapezoid(t) mean(t,axis=1)
max_pool(image,(2,2),(2,2)) max_pool(image,(3,3),(2,2),'same') average_pool(image,(3,3),(2,2),'same')
adaptive_max_pool(image,(2,2))
""".split()
LOSSES = """
mean_absolute_error(y,p) mean_absolute_percentage_error(y,p) mean_squared_logarithmic_error(y,p) huber(y,p) huber(y,p,0.5) log_cosh(y,p) hinge(y,p) squared_hinge(y,p) categorical_hinge(y,p) cosine_similarity(y,p)
kl_divergence(y,q) poisson(y,q) dice(y,q) tversky(y,q) binary_crossentropy(y,q)
categorical_crossentropy(y,q) binary_crossentropy(y,p,True) categorical_crossentropy(y,p,True)
categorical_focal_crossentropy(y,q) binary_focal_crossentropy(y,q) keras.losses.binary_crossentropy(y,q)
keras.losses.categorical_crossentropy(y,q) psnr(y,q,1.0)
""".split()


def main():
    recorder = Recorder(os.path.join(here, "../Unit/Inputs/gradients/kinks.txt"), "Written by test/reference/kinks.py.")
    recorder.data(**data)
    for text in POINTWISE + PAIRS + ROWS + LOSSES:
        used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        names = [n for n in data if n in used]
        which = tuple(k for k, n in enumerate(names) if data[n].dtype.kind == "f")
        params = ", ".join(names)
        f = eval(f"lambda {params}: {text}", scope())
        arrays = [keras.ops.convert_to_tensor(data[n]) for n in names]
        try:
            gradients = jax.grad(lambda *args: jax.numpy.sum(f(*args)), which)(*arrays)
        except (TypeError, ValueError) as error:
            print(f"left out, {text}: {error}")
            continue
        # In the language these names alone are Python's functions.
        text = re.sub(r"(?<![\w.])(abs|max|min|sum|round)\(", r"keras.ops.\1(", text)
        recorder.case(params, f"grad(lambda {params}: keras.ops.sum({text}), {which})({params})", *gradients)
    recorder.write()


if __name__ == "__main__":
    main()
