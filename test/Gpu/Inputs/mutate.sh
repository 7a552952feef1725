# Changes the kernels at stage gpu with sed, which must change something and
# sees them as one line; compiles and calls them.
sed -z -E "$1" m.gpu.mlir > changed.gpu.mlir
if cmp -s m.gpu.mlir changed.gpu.mlir; then echo "nothing was changed"; exit 1; fi
lamina compile changed.gpu.mlir --target=cuda --emit=so -o changed.so || exit 1
env LAMINA_CUDA_DRIVER="$2" ./call ./changed.so 2>&1
