"""A model's shared library, called as its manifest describes it."""
import ctypes, json, os, random

BYTES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint32": 4, "uint64": 8, "bool": 1, "uint8": 1}


def buffer(tensor, sizes, seed, full=True):
    """An array of small numbers, or of zeros."""
    count = 1
    for dim in tensor["shape"]:
        count *= dim if isinstance(dim, int) else sizes[dim]
    kind = {"float32": ctypes.c_float, "float64": ctypes.c_double}.get(tensor["dtype"])
    if kind is None or not full:
        return (ctypes.c_char * max(count * BYTES[tensor["dtype"]], 1))()
    state = random.Random(seed)
    block = [state.uniform(-0.5, 0.5) for _ in range(997)]
    return (kind * max(count, 1))(*(block * (count // 997 + 1))[:count])


class Model:
    def __init__(self, base):
        with open(base + ".json") as file:
            self.manifest = json.load(file)
        self.library = ctypes.CDLL(os.path.abspath(base + ".so"))

    def call(self, entry, size, threads, own_scratch):
        """The bytes of everything that the entry point may have written."""
        sizes = {a["name"]: size for a in entry["arguments"] if a["role"] in ("batch", "dimension")}
        words, written = [], []
        for number, argument in enumerate(entry["arguments"]):
            role = argument["role"]
            if role in ("batch", "dimension"):
                words.append(ctypes.c_int64(size))
            elif role == "seed":
                words.append(ctypes.c_uint64(7))
            elif role == "threads":
                words.append(ctypes.c_int(threads))
            elif role == "scratch":
                function = getattr(self.library, entry["scratch"]["symbol"])
                function.restype = ctypes.c_size_t
                arguments = [ctypes.c_int(threads) if name == "threads" else ctypes.c_int64(sizes[name])
                             for name in entry["scratch"]["arguments"]]
                room = (ctypes.c_char * (function(*arguments) + 64))() if own_scratch else None
                if room:
                    ctypes.memset(ctypes.byref(room, len(room) - 64), 0x5A, 64)
                words.append(room)
            elif role in ("weights", "optimizer", "gradients"):
                tensors = self.manifest["optimizer" if role == "optimizer" else "weights"]
                fields = [buffer(t, sizes, 100 + i, role == "weights") for i, t in enumerate(tensors)]
                words.append((ctypes.c_void_p * max(len(fields), 1))(*[ctypes.addressof(f) for f in fields]))
                written += fields
            else:
                written.append(buffer(argument, sizes, number, role in ("input", "cotangent", "target")))
                words.append(written[-1])
        function = getattr(self.library, entry["symbol"])
        code = function(*words)
        assert code == 0, (entry["symbol"], code)
        if own_scratch:
            assert bytes(words[-1])[-64:] == b"\x5a" * 64, entry["symbol"] + " writes behind its scratch buffer"
        return [bytes(w) for w in written]
