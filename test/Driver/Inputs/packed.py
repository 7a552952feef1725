"""Calls `forward` of a shared library with the embedded weights and with the same ones from a file, and with several
numbers of threads where it takes them; the bytes of the results must be equal.

usage: packed.py BASE WEIGHTS.npz"""
import ctypes, json, os, random, sys, zipfile

base, weights = sys.argv[1:]
with open(base + ".json") as file:
    manifest = json.load(file)
library = ctypes.CDLL(os.path.abspath(base + ".so"))
entry = next(e for e in manifest["entry_points"] if e["name"] == "forward")

fields = []
with zipfile.ZipFile(weights) as archive:
    for tensor in manifest["weights"]:
        data = archive.read(tensor["name"] + ".npy")
        data = data[10 + int.from_bytes(data[8:10], "little"):]
        fields.append(ctypes.create_string_buffer(data, len(data)))
table = (ctypes.c_void_p * len(fields))(*[ctypes.addressof(f) for f in fields])


def call(rows, given, threads):
    state = random.Random(rows)
    x = (ctypes.c_float * (rows * 200))(*[state.uniform(-1, 1) for _ in range(rows * 200)])
    y = (ctypes.c_float * (rows * 83))()
    values = {"weights": given, "batch": ctypes.c_int64(rows), "input": x, "output": y, "threads": ctypes.c_int(threads),
              "scratch": None}
    code = getattr(library, entry["symbol"])(*[values[a["role"]] for a in entry["arguments"]])
    assert code == 0, code
    assert any(bytes(y))
    return bytes(y)


takes_threads = any(a["role"] == "threads" for a in entry["arguments"])
for rows in (1, 7, 130, 700):
    expected = call(rows, table, 1)
    same = all(call(rows, None, threads) == expected for threads in ((1, 2, 3) if takes_threads else (1,)))
    print(rows, "rows:", "same" if same else "different")
