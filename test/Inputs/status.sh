# Runs a command and prints its exit status after its output.
"$@"
echo "status $?"
