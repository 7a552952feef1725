"""Calls every entry point of a shared library, as its manifest describes it, with
several numbers of threads; the bytes of all results must be the same.

usage: threads.py THREADED SERIAL SIZE, where THREADED.so, THREADED.json and
SERIAL.so, SERIAL.json are the same model with and without --threads."""
import _ctypes, ctypes, json, os, random, sys, threading

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


def tasks():
    return len(os.listdir("/proc/self/task"))


threaded, serial, size = Model(sys.argv[1]), Model(sys.argv[2]), int(sys.argv[3])
started = 1
for entry, plain in zip(threaded.manifest["entry_points"], serial.manifest["entry_points"]):
    expected = serial.call(plain, size, 0, True)
    for threads in (1, 2, 3, 8, 0):
        for own_scratch in (True, False):
            assert threaded.call(entry, size, threads, own_scratch) == expected, (entry["name"], threads)
        started = max(started, tasks())
    # Two callers at once.
    results = {}

    def many(caller, entry=entry):
        results[caller] = all(threaded.call(entry, size, 2, False) == expected for _ in range(3))

    callers = [threading.Thread(target=many, args=(i,)) for i in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == {0: True, 1: True}, (entry["name"], results)
    print(entry["name"], "same")
    if threaded.manifest["threads"]["runtime"] != "pool":
        continue # libgomp does not work behind a fork
    # A child has no threads but its own and starts new ones.
    child = os.fork()
    if child == 0:
        os._exit(0 if threaded.call(entry, size, 2, False) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0, entry["name"] + " in a child"
if threaded.manifest["threads"]["runtime"] == "pool":
    assert started == int(threaded.manifest["threads"].get("maximum", started)), started
    _ctypes.dlclose(threaded.library._handle)
    assert tasks() == 1, "threads are left behind"
print("threads:", started)
