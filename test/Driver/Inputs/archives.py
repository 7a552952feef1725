# Writes archives that are made to do harm.
import json, struct, zipfile

model = {"class_name": "Sequential", "config": {"name": "m", "layers": [
    {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [None, 3]}}]}}
config = json.dumps(model)

def write(name, members):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in members:
            archive.writestr(path, text)

write("bomb.keras", [("config.json", b" " * (65 << 20) + config.encode())])
write("names.keras", [("../escaped.json", config), ("/tmp/../escaped.h5", "x"), ("config.json", config)])
write("outside.keras", [("../config.json", config)])
write("nested.keras", [("config.json", '{"a":' * 100000)])

# The directory says that the weights have 4 GiB; they have 4 bytes.
write("lie.keras", [("config.json", config), ("model.weights.h5", b"\x89HDF")])
data = bytearray(open("lie.keras", "rb").read())
entry = data.rfind(b"PK\x01\x02")
struct.pack_into("<I", data, entry + 24, 0xFFFFFFF0)
struct.pack_into("<I", data, data.find(b"PK\x03\x04", 4) + 22, 0xFFFFFFF0)
open("lie.keras", "wb").write(data)

def sized(name, **options):
    changed = json.loads(config)
    changed["config"]["layers"][0]["config"].update(options)
    json.dump(changed, open(name, "w"))

sized("units.json", units=1 << 60)
sized("shape.json", batch_input_shape=[None, 1 << 62, 1 << 62])
sized("negative.json", units=-5)
