"""Divides rows by single numbers in compiled code; every quotient must be the
float next to the exact one. A quotient of two floats rounded to a double and
then to a float is that. Subnormal quotients, and those of numbers so small that
the remainder is subnormal, may be one unit off.

usage: division.py LIBRARY"""
import ctypes, itertools, math, random, struct, sys

library = ctypes.CDLL(sys.argv[1])
kind, code, smallest, unit = ctypes.c_float, "<f", 2.0**-126, 2.0**-149


def rounded(value):
    try:
        return struct.unpack(code, struct.pack(code, value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def divide(a, b):
    if b != 0:
        try:
            return rounded(a / b)
        except OverflowError:
            return math.copysign(math.inf, a) * math.copysign(1, b)
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


state = random.Random(5)
largest = (2 - 2.0**-23) * 2.0**127
low, high = -149, 127
special = [0.0, 1.0, 3.0, 7.0, 0.1, 1 / 3, unit, 3 * unit, smallest, smallest - unit, largest, largest / 2, 1e-30, 1e30,
           math.inf, math.nan]
special = [rounded(s) for v in special for s in (v, -v)]
numbers = [rounded(state.uniform(-1, 1) * 2.0 ** state.randint(low + 1, high)) for _ in range(48)]
row = special + numbers
divisors = special + [rounded(state.uniform(-1, 1) * 2.0 ** state.randint(low + 1, high)) for _ in range(300)]
count = len(divisors)
x = (kind * (count * 80))(*(row * count))
s = (kind * count)(*divisors)
y = (kind * (count * 80))()
assert len(row) == 80
assert library.model_forward(None, ctypes.c_int64(count), x, s, y, None) == 0
wrong = 0
for i, (b, a) in enumerate(itertools.product(divisors, row)):
    want, got = divide(a, b), y[i]
    same = (math.isnan(want) and math.isnan(got)) or (want == got and math.copysign(1, want) == math.copysign(1, got))
    small = abs(want) <= smallest or abs(a) < smallest * 2**24
    if not same and not (small and abs(want - got) <= max(unit, 2.0**-23 * abs(want))):
        wrong += 1
        if wrong < 10:
            print(a, "/", b, "is", got, "instead of", want)
print(count * 80, "quotients,", wrong, "wrong")
