"""Records what Keras's layers and loops give, with weights that are sines.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python layers.py
"""
import math
import os

import keras
import numpy as np
from keras import layers, ops
from record import Recorder

keras.config.set_floatx("float64")
here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
data = dict(
    x=rng.normal(size=(2, 5, 3)).astype("f4"),
    y=rng.normal(size=(2, 4, 3)).astype("f4"),
    h=rng.normal(size=(2, 4)).astype("f4"),
    c=rng.normal(size=(2, 4)).astype("f4"),
    m=np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], bool),
    n=np.array([[1, 1, 0, 1], [0, 1, 1, 1]], bool),
    u=rng.normal(size=(1, 3, 4, 4, 2)).astype("f4"),
    v=rng.normal(size=(1, 3, 6, 2)).astype("f4"),
    p=rng.uniform(0.1, 1, size=(1, 5, 4, 3)).astype("f4"),
    k=np.array([[0, 2, 2], [3, 1, 0]], "i4"),
    s=rng.normal(size=(4,)).astype("f4"),
    w=rng.normal(size=(2, 40)).astype("f4"),
    x2=rng.normal(size=(2, 24, 2)).astype("f4"),
)
# W becomes an initializer (of prelude.lam), I and B the ones of a recurrent and another layer.
every = "kernel_initializer=W, recurrent_initializer=W, bias_initializer=W"

recurrent = """SimpleRNN(4, I)(x)|SimpleRNN(4, activation='relu', use_bias=False, return_sequences=True, I)(x)
LSTM(4, I)(x)|LSTM(4, return_sequences=True, I)(x)|LSTM(4, return_sequences=True, return_state=True, go_backwards=True, I)(x)
LSTM(4, unit_forget_bias=False, recurrent_activation='hard_sigmoid', use_bias=True, I)(x, initial_state=[h, c])
LSTM(4, return_sequences=True, return_state=True, I)(x, mask=m)|LSTM(4, go_backwards=True, I)(x, mask=m)|LSTM(4, unroll=True, return_sequences=True, I)(x, mask=m)
LSTM(4, dropout=0.3, recurrent_dropout=0.2, I)(x)
GRU(4, I)(x)|GRU(4, reset_after=False, return_sequences=True, I)(x)|GRU(4, use_bias=False, I)(x, initial_state=h)|GRU(4, return_state=True, I)(x, mask=m)
GRU(4, reset_after=False, return_sequences=True, go_backwards=True, I)(x, mask=m)
RNN(LSTMCell(4, I), return_state=True)(x)|RNN([GRUCell(2, I), SimpleRNNCell(4, I)], return_sequences=True, return_state=True)(x)
RNN([LSTMCell(2, I), LSTMCell(4, I)])(x, mask=m)|RNN(SimpleRNNCell(4, I), return_sequences=True, zero_output_for_mask=True)(x, mask=m)
Bidirectional(LSTM(4, I))(x)|Bidirectional(GRU(4, return_sequences=True, I), merge_mode='sum')(x)|Bidirectional(SimpleRNN(4, return_sequences=True, I), merge_mode='mul')(x, mask=m)
Bidirectional(LSTM(4, return_sequences=True, return_state=True, I), merge_mode='ave')(x)|Bidirectional(SimpleRNN(4, return_sequences=True, I), merge_mode=None)(x)
Bidirectional(GRU(4, I), backward_layer=GRU(3, go_backwards=True, I))(x)|Bidirectional(GRU(4, I))(x, initial_state=[h, c])
TimeDistributed(Dense(2, kernel_initializer=W))(x)|TimeDistributed(Conv2D(2, 2, kernel_initializer=W))(u)
ConvLSTM1D(2, 3, padding='same', return_sequences=True, return_state=True, I)(v)|ConvLSTM2D(2, 2, strides=2, go_backwards=True, I)(u)|ConvLSTM2D(2, (2, 1), return_sequences=True, unit_forget_bias=False, I)(u)"""
attention = """MultiHeadAttention(2, 3, B)(x, y)|MultiHeadAttention(2, 3, value_dim=2, output_shape=5, B)(x, y, x[:, :4], return_attention_scores=True)|MultiHeadAttention(2, 3, use_bias=False, kernel_initializer=W)(x, x, use_causal_mask=True)
MultiHeadAttention(2, 3, B)(x, y, value_mask=n)|MultiHeadAttention(2, 3, B)(x, y, attention_mask=m[:, :, None], return_attention_scores=True)
MultiHeadAttention(2, 3, sliding_window=2, use_gate=True, B)(x, x)|MultiHeadAttention(2, 2, attention_axes=(1,), B)(u[0], u[0])|MultiHeadAttention(2, 2, B)(u[:, :, :, 0], u[:, :, :, 1])
GroupQueryAttention(3, 4, 2, B)(x, y)|GroupQueryAttention(2, 2, 1, use_gate=True, B)(x, y, value_mask=n, return_attention_scores=True)|GroupQueryAttention(2, 4, 4, sliding_window=2, B)(x, x, use_causal_mask=True)
Attention()([x, y])|Attention(use_scale=True)([x, y], return_attention_scores=True)|Attention(score_mode='concat', use_scale=True)([x, y, y * 2])|Attention()([x, y], mask=[m, n])|Attention()([x, y], use_causal_mask=True)
AdditiveAttention(use_scale=False)([x, y])|AdditiveAttention(use_scale=False)([x, y, y * 2], mask=[m, n], return_attention_scores=True)
EinsumDense('abc,cd->abd', (None, 4), bias_axes='d', activation='tanh', B)(x)|EinsumDense('...x,xy->...y', 4, bias_axes='y', B)(x)|EinsumDense('abc,bde->acde', (3, 2, 2), bias_axes='de', B)(x)|EinsumDense('ab...,bd->ad...', 4, bias_axes='d', B)(x)"""
others = """Normalization(mean=[0.1, 0.2, 0.3], variance=[2.0, 3.0, 4.0])(x)|Normalization(mean=0.5, variance=2.0, invert=True)(x)|Normalization(axis=1, mean=s * 0 + 1, variance=[1.0, 2.0, 3.0, 4.0])(y)|Normalization()(x)
CategoryEncoding(4)(k)|CategoryEncoding(4, output_mode='count')(k)|CategoryEncoding(4, output_mode='one_hot')(k[0])|Discretization([-1.0, 0.0, 1.0])(x)|Discretization([-1.0, 0.0], output_mode='multi_hot')(h)
Resizing(3, 5)(p)|Resizing(7, 6)(p)|Resizing(7, 6, interpolation='nearest')(p)|Resizing(3, 3, antialias=True)(p)|Resizing(8, 3, interpolation='bicubic')(p)|Resizing(4, 6, interpolation='lanczos3', antialias=True)(p)|Resizing(4, 4, crop_to_aspect_ratio=True)(p)|Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=2.0)(p)
CenterCrop(3, 2)(p)|CenterCrop(7, 6)(p)|Cropping3D()(u)|Cropping3D(((0, 1), (1, 0), (2, 1)))(u)|UpSampling3D((1, 2, 3))(u)|UpSampling2D(2, interpolation='bilinear')(p)
Conv3D(2, 2, B)(u)|Conv3DTranspose(2, 2, strides=2, B)(u)|GlobalAveragePooling3D()(u)|GlobalMaxPooling3D(keepdims=True)(u)
AdaptiveAveragePooling1D(2)(x)|AdaptiveAveragePooling2D((2, 3))(p)|AdaptiveAveragePooling3D(2)(u)|AdaptiveMaxPooling1D(2)(x)|AdaptiveMaxPooling2D((2, 3))(p)|AdaptiveMaxPooling3D(2)(u)
RMSNormalization()(x)|SpectralNormalization(Dense(2, B))(h)|SpatialDropout3D(0.5)(u)|RandomFlip()(p, training=False)|GroupNormalization(1)(u)"""
loops = """scan(lambda c, v: (c * 0.5 + v, c * v), h[0], x[0, :, :1] * h[0])|scan(lambda c, v: (c + v, None), h[0] * 0, h, reverse=True)[0]|scan(lambda c, v: (c, c + v[0] * v[1]), 1.0, (s, s * 2))
scan(lambda c, v: ((c[1], c[0] + c[1]), c[0]), (s[0], s[1]), length=6)|keras.ops.map(lambda v: (v * 2, v[:2]), h)|vectorized_map(lambda v: v @ v, x[0])|fori_loop(1, 6, lambda i, v: v * 0.5 + i, s)
while_loop(lambda v, i: mean(v) < 100.0, lambda v, i: (v * v + 1.0, i + 1), (h, 0))|while_loop(lambda i: i < 7, lambda i: i + 2, k[0, 0])|while_loop(lambda v: all(v < 100.0), lambda v: v * 2 + 1, h, maximum_iterations=3)
associative_scan(lambda a, b: a + b, x, axis=1)|associative_scan(lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1]), (h, c), reverse=True)|cond(s[0] > 0, lambda: s, lambda: -s)|switch(k[0, 1], [lambda v: v, lambda v: v * 2, lambda v: v * 3], s)"""
images = """keras.ops.image.resize(p, (3, 3))|keras.ops.image.rgb_to_grayscale(p)|keras.ops.image.rgb_to_hsv(p)|keras.ops.image.hsv_to_rgb(p)|keras.ops.image.extract_patches(p, (2, 2))|keras.ops.image.extract_patches(p, 3, strides=1, padding='same')|keras.ops.image.crop_images(p, 1, 1, 2, 0)|keras.ops.image.crop_images(p, top_cropping=1, left_cropping=1, target_height=2, target_width=2)|keras.ops.image.pad_images(p, 1, 2, target_height=9, target_width=8)
I.map_coordinates(p[0], [s * 2, s + 1, abs(s)], 1)|I.map_coordinates(p[0, :, :, 0], [s * 3, s * 4], 1, fill_mode='reflect')|I.map_coordinates(p[0, :, :, 0], [s * 3, s * 4], 1, fill_mode='mirror')
I.map_coordinates(p[0, :, :, 0], [s * 3, s * 4], 0, fill_mode='wrap')|I.map_coordinates(p[0, :, :, 0], [s * 3, s * 4], 1, fill_mode='nearest')|I.map_coordinates(h[0], [s * 5], 0, fill_value=2.0)
I.affine_transform(p, [0.9, 0.2, -0.3, -0.1, 1.1, 0.4, 0.0, 0.0])|I.affine_transform(u[0], [[1.0, 0.3, -0.2, 0.1, 0.8, 0.4, 0.0, 0.0], [0.5, 0.0, 1.0, 0.0, 0.5, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]], 'nearest', 'reflect')|I.affine_transform(p[0], [1.1, 0.0, 1.5, 0.0, 0.9, 0.5, 0.0, 0.0], fill_mode='constant', fill_value=3.0)
I.perspective_transform(p, convert_to_tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [3.0, 4.0]]), convert_to_tensor([[0.3, 0.2], [2.6, 0.1], [0.2, 3.5], [2.9, 3.8]]), fill_value=1.0)
I.gaussian_blur(p, data_format='channels_last')|I.gaussian_blur(p, (3, 5), (0.7, 1.5), data_format='channels_last')|I.sobel_edges(p)|I.ssim(u[0], u[0] * 0.9 + 0.1, filter_size=3)|I.ssim(p[0], p[0] * p[0], 2.0, 3, 1.0)
I.scale_and_translate(p, (1, 7, 6, 3), [1.4, 1.3], [0.3, -0.5], (1, 2), 'linear')|I.scale_and_translate(p, (1, 3, 2, 3), [0.6, 0.5], [0.0, 0.25], (1, 2), 'cubic', False)
I.extract_patches_3d(u, 2)|I.extract_patches_3d(u[0], (1, 2, 2), strides=1, padding='same')"""
audio = """MelSpectrogram(16, 4, 12, num_mel_bins=4, sampling_rate=8000, min_freq=100.0, max_freq=3000.0, power_to_db=False, mag_exp=1.0, window='hamming')(w)|MelSpectrogram(20, 10, num_mel_bins=3, top_db=10.0, ref_power=2.0)(w[0])
STFTSpectrogram(frame_length=8)(w[:, :, None])|STFTSpectrogram('magnitude', 8, 3, 16, window='hamming', periodic=True, padding='same')(x2)|STFTSpectrogram('psd', 6, 2, scaling='spectrum', window='blackman', expand_dims=True)(x2)|STFTSpectrogram('stft', 8, 4)(x2)
STFTSpectrogram('real', 8, window=None)(x2)|STFTSpectrogram('imag', 7, window='bartlett')(x2)"""


@keras.saving.register_keras_serializable()
class Ramp(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        # Weights are float32.
        values = ops.sin(ops.arange(math.prod(shape)) * 0.75 + 0.25)
        return ops.reshape(ops.cast(ops.cast(values, "float32"), "float64"), shape)


r = Recorder(os.path.join(here, "../Unit/Inputs/training/layers.txt"),
             "Layers and loops of Keras. Made by test/reference/layers.py.")
r.data(**data)
tensors = {k: ops.convert_to_tensor(v.astype("f8") if v.dtype == "float32" else v) for k, v in data.items()}


def flat(x):
    return [z for part in x for z in flat(part)] if isinstance(x, (list, tuple)) else [] if x is None else [np.asarray(x)]


for expression in "|".join((recurrent, attention, others, loops, images, audio)).replace("\n", "|").split("|"):
    expression = expression.replace("I.", "keras.ops.image.").replace("I)", every + ")").replace("B)", "kernel_initializer=W, bias_initializer=W)").replace("W", "ramp")
    code = compile(expression, "", "eval")
    inner = [k.co_names for k in code.co_consts if hasattr(k, "co_names")]
    used = [n for n in data if any(n in names for names in (code.co_names, *inner))]
    scope = {**vars(ops), **vars(layers), "ramp": Ramp(), "keras": keras, **tensors}
    try:
        outputs = flat(eval(expression, scope))
    except Exception as error:
        print("refused:", expression[:150], "\n   ", str(error)[:300])
        continue
    narrow = {"float64": "float32", "int64": "int32"}
    r.case(", ".join(used), expression, *[z.astype(narrow.get(str(z.dtype), z.dtype)) for z in outputs])
r.write()
