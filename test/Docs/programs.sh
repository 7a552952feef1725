# Compiles every program among the examples of Markdown files: blocks in the language that make a model. Other
# blocks in the language are statements, and must at least evaluate, so a model is put behind them.
# Usage: programs.sh EXTRACT.awk FILE.md...
set -eu
awk_program=$1
shift
failed=0 programs=0
for page; do
  name=$(basename "$page" .md)
  mkdir -p "$name"
  awk -v dir="$name" -f "$awk_program" "$page"
  for example in "$name"/*.python "$name"/*.lam; do
    [ -f "$example" ] || continue
    source=$example.checked.lam
    cp "$example" "$source"
    grep -Eq '(Sequential|Model)\(' "$source" ||
      echo 'model = Sequential([Input(shape=(3,)), Lambda(lambda x: x)])' >> "$source"
    programs=$((programs + 1))
    if lamina compile "$source" -o "$example.o"; then
      echo "ok $example"
    else
      echo "FAILED $example"
      failed=1
    fi
  done
done
echo "$programs programs"
exit $failed
