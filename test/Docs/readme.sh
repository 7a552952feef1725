# Runs the commands of README's shell sessions (lines that begin with `$ `) in order, next to the files that the
# sessions show. `cat FILE` of a session is what makes FILE; a file whose first comment is its name is written too.
# Usage: readme.sh EXTRACT.awk README.md MAIN.c DATA
set -eu
awk_program=$1 readme=$2 main=$3 data=$4
mkdir -p blocks
awk -v dir=blocks -f "$awk_program" "$readme"
for block in blocks/*.python; do
  cp "$block" "$(sed -n '1s/^# *//p' "$block")"
done
cp "$main" main.c
cp "$data/x4.npy" x4.npy
cp "$data/x4.npy" x.npy
cp "$data/x4.npy" y.npy
cp "$data"/../digits.lam "$data"/../classify.c "$data"/digits/*.npz .
commands=0
for number in $(ls blocks | sed -n 's/\.text$//p' | sort -n); do
  # The text after `$ cat FILE`, up to an empty line, is the file.
  awk '/^\$ cat / { file = $3; printf "" > file; next } /^$/ { file = "" } file { print > file }' "blocks/$number.text"
  sed -n 's/^\$ //p' "blocks/$number.text" > "commands.$number"
  while IFS= read -r command; do
    echo "+ $command"
    sh -ec "$command" || { echo "FAILED: $command"; exit 1; }
    commands=$((commands + 1))
  done < "commands.$number"
done
echo "$commands commands"
