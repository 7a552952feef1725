"""Calls every entry point of a library with variants; the bytes of all results
must be those of the library for the one processor whose variant runs.

usage: dispatch.py VARIANTS ONE SIZE, where VARIANTS.so, VARIANTS.json and, for
each processor, ONE-PROCESSOR.so, ONE-PROCESSOR.json are the same model."""
import ctypes, sys
from library import Model

variants, size = Model(sys.argv[1]), int(sys.argv[3])
chosen = variants.manifest["target"]["chosen"]
name = getattr(variants.library, chosen["symbol"])
name.restype = ctypes.c_char_p
first = variants.manifest["entry_points"][0]
variants.call(first, size, 0, True) # chooses as any function does
cpu = name().decode()
assert cpu in [variant["cpu"] for variant in variants.manifest["target"]["variants"]], cpu
one = Model(sys.argv[2] + "-" + cpu)
for entry in variants.manifest["entry_points"]:
    for own_scratch in (True, False):
        expected = one.call(entry, size, 0, own_scratch)
        assert variants.call(entry, size, 0, own_scratch) == expected, (cpu, entry["name"])
error = getattr(variants.library, variants.manifest["error_text"]["symbol"])
error.restype = ctypes.c_char_p
assert error(1) == b"a tensor argument is NULL", error(1)
print(cpu, "same")
