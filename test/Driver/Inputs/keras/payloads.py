# Writes payloads.json, on Python 3.11: Lambda layers with code that does harm in the hands of a loader.
# python -c "exec(compile(open('payloads.py').read(), 'payloads.py', 'exec'))" FILE
import base64, json, marshal, sys

def assigned(x):
    import os as q
    q.environ.update(a='b')
    return x

def looped(x):
    while True:
        __import__('subprocess')
    return x

bodies = {
    "plain": lambda x: x * 2.0 + 1.0,
    "executes": lambda x: exec('1') or x,
    "imports": lambda x: __import__('os').system('true') or x,
    "statement": assigned,
    "undecodable": looped,
    "dunder": lambda x: ().__class__.__base__.__subclasses__() or x,
    "hidden": lambda x: x if x.shape else (lambda t: [eval(y) for y in t])(x),
    "writes": lambda x: tf.io.write_file('f', x),
    "reaches": lambda x: getattr(x, 'a' + 'b'),
}
def encoded(f):
    return base64.b64encode(marshal.dumps(f.__code__)).decode()
layers = [{"class_name": "Lambda", "config": {"name": name, "function": {
    "class_name": "__lambda__", "config": {"code": encoded(f), "defaults": None, "closure": None}}}}
    for name, f in bodies.items()]
layers.append({"class_name": "Lambda", "config": {
    "name": "old\x1b[31m", "function": [encoded(bodies["executes"]), None, None], "function_type": "lambda"}})
# In an option that nothing says to be code.
layers.append({"class_name": "Dense", "config": {"name": "elsewhere", "units": 1, "note": encoded(bodies["executes"])}})
layers.append({"class_name": "Lambda", "config": {"name": "broken", "function": {
    "class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}})
layers.append({"module": "subprocess", "class_name": "Popen", "config": {"name": "module", "args": ["true"]}})
layers.append({"class_name": "Lambda", "config": {"name": "named", "function": {
    "module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}}})
layers.append({"class_name": "Lambda", "config": {"name": "keras", "function": {
    "module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "function"}}})
json.dump({"class_name": "Sequential", "config": {"name": "payloads", "layers": layers}}, open(sys.argv[1], "w"), indent=1)
