# Exports a model as a .keras file and prints the largest difference between its results and those of the file.
# Usage: roundtrip.sh MODEL SHAPE...
set -e
model=$1
shift
arguments=
for shape; do
  number=$((number + 1))
  lamina eval "lambda: sin(reshape(arange(math.prod($shape), dtype='float32'), $shape))" -o "x$number.npy"
  arguments="$arguments --input x$number.npy"
done
lamina export "$model" -o again.keras
lamina run "$model" $arguments -o first.npz
lamina run again.keras $arguments -o second.npz
cmp first.npz second.npz && echo "largest difference: 0"
