#!/bin/sh
# Writes the .ptx beside each .mlir and .ll. Needs mlir-opt and llc 22, and
# libdevice for exp and tanh (CUDA_ROOT). The results are checked in.
set -e
cd "$(dirname "$0")"
bin=${LLVM_BIN:-/usr/lib/llvm-22/bin}
for file in *.ll; do
  "$bin/llc" -march=nvptx64 -mcpu=sm_90 "$file" -o "${file%.ll}.ptx"
done
for file in *.mlir; do
  "$bin/mlir-opt" "$file" --pass-pipeline='builtin.module(cse,canonicalize,nvvm-attach-target{chip=sm_80 O=3},gpu.module(convert-vector-to-scf,convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-vector-to-llvm{use-vector-alignment=1},canonicalize,cse,convert-nvgpu-to-nvvm,convert-gpu-to-nvvm{use-bare-ptr-memref-call-conv=1},convert-nvvm-to-llvm,canonicalize,cse,reconcile-unrealized-casts),gpu-module-to-binary{format=isa})' |
    sed -n 's/.*assembly = "\(.*\)".*/\1/p' | sed 's/\\0A/\n/g; s/\\09/\t/g; s/\\22/"/g; s/\\00//g' > "${file%.mlir}.ptx"
done
