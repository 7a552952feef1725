# Assembles all kernels of the models in a folder; prints what the worst one needs.
for model in "$1"/*.lam; do
  entries=forward,vjp
  if grep -q compile "$model"; then entries=all; fi
  lamina compile "$model" --target=cuda:"$2" --entry=$entries --emit=resources -o report.txt || exit 1
  awk -v name="$(basename "$model")" -v most=168 '
    NR > 1 { n++; if ($3 > worst) worst = $3
             if ($5 > 0) print name ": " $1 " spills " $5 " bytes"
             if ($3 > most) print name ": error: " $1 " takes " $3 " registers" }
    END { print name ": " n " kernels, at most " worst " registers" }' report.txt
done
