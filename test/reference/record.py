"""Writes recorded cases: shared arrays, expressions in the language, their values.

    data NAME DTYPE[SHAPE] NUMBERS...
    case lambda NAME, ...: EXPRESSION
    out DTYPE[SHAPE] NUMBERS...

The parameters of a case are bound to the arrays of their names.
"""
import numpy as np
from keras.src.backend.common import dtypes

# Lamina keeps float64, where Keras would go on in float32.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def text(x):
    x = np.asarray(x)
    shape = ",".join(str(n) for n in x.shape)
    if x.dtype.kind == "f":
        words = [repr(float(v)) for v in x.flatten()]
    else:
        words = [str(int(v)) for v in x.flatten()]
    return f"{x.dtype}[{shape}] " + " ".join(words)


class Recorder:
    def __init__(self, path, comment):
        self.path, self.lines, self.arrays = path, ["# " + comment], {}

    def data(self, **arrays):
        for name, x in arrays.items():
            self.arrays[name] = np.asarray(x)
            self.lines.append(f"data {name} {text(x)}")

    def case(self, params, expression, *outputs):
        self.lines.append(f"case lambda {params}: {expression}")
        self.lines += ["out " + text(x) for x in outputs]

    def write(self):
        with open(self.path, "w") as f:
            f.write("\n".join(self.lines) + "\n")
        count = sum(line.startswith("case") for line in self.lines)
        print(f"{self.path}: {count} cases")
