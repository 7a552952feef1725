"""Writes inputs of 5 x 9 and 3 x 1 steps; compares two arrays. Without NumPy."""
import random
import struct
import sys


def write(name, shape):
    random.seed(7)
    count = 1
    for size in shape:
        count *= size
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    with open(name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%df" % count, *(random.gauss(0, 1) for _ in range(count))))


def read(name):
    data = open(name, "rb").read()
    data = data[10 + struct.unpack("<H", data[8:10])[0]:]
    return struct.unpack("<%df" % (len(data) // 4), data)


if len(sys.argv) == 1:
    write("long.npy", (5, 9, 5))
    write("one.npy", (3, 1, 5))
else:
    _, _, name, rows = sys.argv
    ours, reference = read(name + "_out.npy"), read(name + "_ref.npy")
    assert len(ours) == len(reference) == 3 * int(rows), (len(ours), len(reference))
    worst = max(abs(a - b) for a, b in zip(ours, reference))
    assert worst < 1e-6, worst
