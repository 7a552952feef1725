"""Calls every entry point of a shared library, as its manifest describes it, with
several numbers of threads; the bytes of all results must be the same.

usage: threads.py THREADED SERIAL SIZE, where THREADED.so, THREADED.json and
SERIAL.so, SERIAL.json are the same model with and without --threads."""
import _ctypes, os, sys, threading
from library import Model

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
