# Writes the .h5 files of the folder hostile, with h5py: python hostile.py DIR
# (loop.h5 is not among them: a fuzzer damaged two_heads.h5 so that HDF5's library does not come to an end.)
import json, sys
import h5py, numpy as np
out = sys.argv[1]

def dense(units, size):
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [
        {"class_name": "Dense", "config": {"name": "d", "units": units, "batch_input_shape": [None, size]}}]}}

def write(name, layer="d", kernel=None):
    with h5py.File(out + "/" + name + ".h5", "w", libver=("v108", "v110")) as f:
        f.attrs["model_config"] = json.dumps(dense(2, 3))
        root = f.create_group("model_weights")
        root.attrs["layer_names"] = np.array([layer.encode()])
        if kernel == "link":
            root["d"] = h5py.ExternalLink("/tmp/other.h5", "/")
            return
        group = root.create_group("d")
        group.attrs["weight_names"] = np.array([b"kernel", b"bias"])
        group["bias"] = np.zeros(2, np.float32)
        if kernel == "soft":
            group["kernel"] = h5py.SoftLink("/model_weights/d/bias")
        elif kernel == "virtual":
            layout = h5py.VirtualLayout((3, 2), np.float32)
            layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape=(3, 2))
            group.create_virtual_dataset("kernel", layout)
        elif kernel == "external":
            group.create_dataset("kernel", (3, 2), np.float32, external=[("/tmp/other.bin", 0, 24)])
        elif kernel == "huge":
            group.create_dataset("kernel", (1 << 40, 1 << 20), np.float32)
        elif kernel == "overflow":
            group.create_dataset("kernel", (1 << 62, 1 << 2, 1 << 5), np.float32, chunks=(1, 1, 1))
        elif kernel == "bomb":
            group.create_dataset("kernel", (1 << 14, 1 << 14), np.float32, chunks=(2048, 2048), compression="gzip")
            group["kernel"][0, 0] = 1
        elif kernel == "text":
            group["kernel"] = np.array([b"a", b"b"])

write("link", kernel="link")
write("traversal", layer="../../../etc/passwd")
for kind in ["soft", "virtual", "external", "huge", "overflow", "bomb", "text"]:
    write(kind, kernel=kind)
