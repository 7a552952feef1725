"""Writes classes.keras and .h5: layers whose groups of weights are named after classes, in two branches.

    KERAS_BACKEND=jax python classes.py    prints what Keras predicts for ones
"""
import keras
import numpy as np
from keras import layers as L

keras.utils.set_random_seed(11)
image = keras.Input((6, 6, 2), name="image")
a = L.Conv2D(2, 3)(image)
a = L.Conv2D(2, 2)(a)
a = L.SeparableConv2D(2, 2, dilation_rate=2)(L.UpSampling2D(2)(a))
a = L.GlobalAveragePooling2D()(L.Conv2DTranspose(2, 2)(a))
steps = keras.Input((4, 3), name="steps")
b = L.Bidirectional(L.LSTM(2, return_sequences=True))(steps)
b = L.RNN([L.LSTMCell(3), L.GRUCell(2)])(b)
film = L.Reshape((4, 3, 1, 1))(steps)
c = L.Flatten()(L.ConvLSTM2D(1, (2, 1))(film))
model = keras.Model([image, steps], L.Concatenate()([a, b, c]))
for weight in model.weights:
    weight.assign(np.sin(np.arange(weight.numpy().size) * 0.7 + 1).reshape(weight.shape))
model.save("classes.keras")
model.save("classes.h5")
print(model.predict([np.ones((1, 6, 6, 2)), np.ones((1, 4, 3))], verbose=0).tolist())
