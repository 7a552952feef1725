"""Measures Lamina on the workloads of the peers' harness, one JSON line for each.

    lamina_peer.py HARNESS [--only W1,W6] [--phase fwd] [--lamina PATH] [--mcpu CPU] [-O N] [--dynamic] [--keep DIR]

HARNESS is the folder of the harness: its `common.py` gives the inputs, the weights and the references. Every model
of models/ is compiled for the entry point alone; the calls are timed in C. Needs numpy.
"""
import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 3e-6  # the largest error relative to the largest element of the float64 reference

# The model of a workload, and the harness's names of its weights in the model's.
DENSE = {'W': 'dense/kernel', 'b': 'dense/bias'}
MODELS = {
    'W1': ('w1', {'w': 'w', 'b': 'b'}),
    'W2': ('w2', DENSE),
    'W3': ('w3', dict(DENSE, s='weighted/weight')),
    'W4': ('w4', {}),
    'W5': ('w5', {}),
    'W6': ('w6', {'W1': 'dense/kernel', 'b1': 'dense/bias', 'W2': 'dense_1/kernel', 'b2': 'dense_1/bias',
                  'W3': 'dense_2/kernel', 'b3': 'dense_2/bias'}),
    'W7s': ('w7_softmax', {}),
    'W7l': ('w7_layernorm', {'g': 'gamma', 'be': 'beta'}),
    'W8': ('w8', {}),
    'W9': ('w9', DENSE),
}
SMALL = {'64x128': 'w1_small'}  # the same formula for another number of columns
ENTRIES = {'fwd': 'forward', 'vjp': 'vjp', 'train': 'train_step'}


def aligned(shape, dtype):
    """An array of zeros that begins a cache line."""
    count = int(np.prod(shape))
    size = np.dtype(dtype).itemsize
    raw = np.zeros(count * size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + count * size].view(dtype).reshape(shape)


def copied(array, dtype=None):
    result = aligned(array.shape, dtype or array.dtype)
    result[...] = array
    return result


class Entry:
    """A compiled entry point with the arrays of one call."""

    def __init__(self, options, case, phase, folder):
        model, self.names = MODELS[case['w']]
        model = SMALL.get(case['variant'], model)
        self.case, self.phase = case, phase
        self.params, self.inputs, self.data = common.data(case)
        weights = os.path.join(folder, 'weights.npz')
        np.savez(weights, **{self.names[k]: v for k, v in self.params.items()})
        base = os.path.join(folder, 'model')
        command = [options.lamina, 'compile', os.path.join(HERE, 'models', model + '.lam'), '-o', base + '.o',
                   '--entry', ENTRIES[phase], '--mcpu', options.mcpu, f'-O{options.O}']
        if self.params:
            command += ['--weights', weights]
        if not options.dynamic:
            command += ['--batch', str(case['batch'])]
        start = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        self.compile_s = time.perf_counter() - start
        with open(base + '.json') as file:
            self.manifest = json.load(file)
        self.entry = next(e for e in self.manifest['entry_points'] if e['name'] == ENTRIES[phase])
        self.link(base)
        self.bind()

    def link(self, base):
        """Links the object with the timing loop and a call of the entry point, as the manifest describes it."""
        words = []
        for i, argument in enumerate(self.entry['arguments']):
            integer = '(intptr_t)' if argument['role'] in ('batch', 'dimension', 'seed', 'threads') else ''
            words.append(f'({argument["ctype"]}){integer}a[{i}]')
        with open(base + '_call.c', 'w') as file:
            file.write(f'#include "model.h"\nint call(void *const *a) {{\n'
                       f'  return {self.entry["symbol"]}({", ".join(words)});\n}}\n')
        shared = base + '_timed.so'
        subprocess.run(['cc', '-O2', '-shared', '-fPIC', '-I', os.path.dirname(base), '-o', shared, base + '_call.c',
                        os.path.join(HERE, 'timing.c'), base + '.o', '-lm'], check=True)
        self.library = ctypes.CDLL(shared)
        self.library.time_calls.restype = ctypes.c_int64

    def struct(self, tensors, arrays):
        return (ctypes.c_void_p * len(tensors))(*[arrays[t['name']].ctypes.data for t in tensors])

    def bind(self):
        sizes = {'n': self.case['batch']}
        tensors, optimizer = self.manifest['weights'], self.manifest['optimizer']
        mine = {self.names[k]: v for k, v in self.params.items()}
        self.weights = {t['name']: copied(mine[t['name']]) for t in tensors}
        self.gradients = {t['name']: aligned(t['shape'], t['dtype']) for t in tensors}
        self.optimizer = {t['name']: aligned(t['shape'], t['dtype']) for t in optimizer}
        self.structs = {'weights': self.struct(tensors, self.weights),
                        'gradients': self.struct(tensors, self.gradients),
                        'optimizer': self.struct(optimizer, self.optimizer)}
        self.arrays = {}
        words = []
        inputs = list(self.inputs.values())
        for argument in self.entry['arguments']:
            role = argument['role']
            if role == 'weights' and self.phase == 'fwd':
                words.append(None)  # those in the object, as the peers have them
            elif role in self.structs:
                words.append(ctypes.addressof(self.structs[role]))
            elif role in ('batch', 'dimension'):
                words.append(sizes[argument['name']])
            elif role == 'threads':
                words.append(None)  # as compiled
            elif role == 'scratch':
                words.append(self.scratch(sizes))
            else:
                shape = [sizes.get(d, d) for d in argument['shape']]
                if role == 'input':
                    array = copied(inputs.pop(0))
                elif role in ('target', 'cotangent'):
                    array = copied(self.data, argument['dtype'])
                else:
                    array = aligned(shape, argument['dtype'])
                assert list(array.shape) == shape and array.dtype == argument['dtype'], argument['name']
                self.arrays[argument['name']] = array
                words.append(array.ctypes.data)
        self.words = (ctypes.c_void_p * len(words))(*words)
        if self.phase == 'train':
            self.check(self.function(self.manifest['init']['symbol'])(
                ctypes.byref(self.structs['weights']), ctypes.byref(self.structs['optimizer'])))

    def function(self, symbol, result=ctypes.c_int):
        function = getattr(self.library, symbol)
        function.restype = result
        return function

    def scratch(self, sizes):
        description = self.entry['scratch']
        size = self.function(description['symbol'], ctypes.c_size_t)(
            *[ctypes.c_int64(sizes[a]) for a in description['arguments']])
        self.buffer = aligned((size,), np.uint8)
        return self.buffer.ctypes.data

    def check(self, code):
        if code:
            raise RuntimeError(self.function(self.manifest['error_text']['symbol'], ctypes.c_char_p)(code).decode())

    def error(self):
        """Calls once and compares with the reference."""
        self.check(self.function('call')(self.words))
        results = {}
        for argument in self.entry['arguments']:
            role = argument['role']
            if role == 'output':
                results['y'] = self.arrays[argument['name']]
            elif role == 'gradient':
                position = len([k for k in results if k != 'y'])
                name = list(self.inputs)[position]
                # The harness calls W4's gradient of y so, because `dy` is taken.
                results['dy_in' if name == 'y' else 'd' + name] = self.arrays[argument['name']]
            elif role == 'loss':
                results['loss'] = self.arrays[argument['name']]
        if self.phase == 'vjp':
            results.update({'d' + k: self.gradients[v] for k, v in self.names.items()})
        if self.phase == 'train':
            results.update({'new_' + k: self.weights[v] for k, v in self.names.items()})
        return common.relerr(self.case, self.phase, results)

    def measure(self, budget, least=8, limit=4000):
        samples = (ctypes.c_double * max(least, limit))()
        count = self.library.time_calls(self.words, ctypes.c_int64(int(budget * 1e9)), ctypes.c_int64(least),
                                        ctypes.c_int64(limit), samples)
        self.check(max(0, -count))
        return np.array(samples[:count]) / 1e3


def measure(options, case, phase):
    line = dict(workload=case['w'], variant=case['variant'], peer=options.name, phase=phase, batch=case['batch'])
    with tempfile.TemporaryDirectory() as folder:
        if options.keep:
            folder = os.path.join(options.keep, common.name(case) + '_' + phase)
            os.makedirs(folder, exist_ok=True)
        try:
            entry = Entry(options, case, phase, folder)
            error = entry.error()
            samples = entry.measure(options.budget)
        except subprocess.CalledProcessError as failure:
            return dict(line, error=(failure.stderr or str(failure))[:300])
        except RuntimeError as failure:
            return dict(line, error=str(failure))
    line.update(min_us=round(float(samples.min()), 3), median_us=round(float(np.median(samples)), 3), n=len(samples),
                compile_s=round(entry.compile_s, 3), relerr=float(f'{error:.2e}'))
    if not error <= LIMIT:
        line['error'] = f'relative error {error:.2e} is above {LIMIT:.0e}'
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('harness')
    parser.add_argument('--only', default='', help='workloads whose names begin so, a comma list')
    parser.add_argument('--phase', default='', choices=['', 'fwd', 'vjp', 'train'])
    parser.add_argument('--lamina', default='lamina')
    parser.add_argument('--mcpu', default='native')
    parser.add_argument('-O', default='2')
    parser.add_argument('--dynamic', action='store_true', help='the batch is an argument, not fixed')
    parser.add_argument('--budget', type=float, default=0.7, help='seconds of samples')
    parser.add_argument('--keep', help='a folder for the compiled models')
    parser.add_argument('--name', default='lamina', help='the peer that the lines name')
    options = parser.parse_args()
    sys.path.insert(0, options.harness)
    global common, np
    import common
    import numpy as np
    failed = False
    for case in common.CASES:
        if options.only and not any(common.name(case).startswith(o) for o in options.only.split(',')):
            continue
        for phase in case['phases']:
            if options.phase in ('', phase):
                line = measure(options, case, phase)
                failed |= 'error' in line
                print(json.dumps(line), flush=True)
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
