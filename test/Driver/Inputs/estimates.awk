# Whether the sums of all kernels' estimates in two outputs of `lamina bench --kernels --json` are equal, and at most
# `most` microseconds if that is given.
/"estimate_us":/ { sum[FILENAME == ARGV[1]] += $2 }
END {
  ratio = sum[1] / sum[0]
  print (sum[0] > 0 && ratio > 0.95 && ratio < 1.05 ? "estimates: the same" (most && sum[0] > most ? ", but " sum[0] " us" : "") : "estimates: " sum[1] " and " sum[0] " us")
}
