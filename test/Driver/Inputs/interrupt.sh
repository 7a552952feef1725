# Runs a command, sends it an interrupt as soon as the file is there, and prints its exit status after its output.
# Usage: interrupt.sh FILE COMMAND...
file=$1
shift
"$@" &
pid=$!
tries=0
while [ ! -s "$file" ] && [ "$tries" -lt 600 ] && kill -0 "$pid" 2>/dev/null; do
  sleep 0.05
  tries=$((tries + 1))
done
kill -INT "$pid" 2>/dev/null
wait "$pid"
echo "status $?"
