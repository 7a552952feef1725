# Sums over the kernels of the one entry point in what `lamina bench --kernels --json` prints.
/"median_us"/ { whole = $2 + 0 }
/"kernel":/ { ++count; product = /gemm/ }
/"us":/ { sum += $2 }
/"flops"/ && count > 0 && !after { product ? products += $2 : rest += $2 }
/^      \],/ { after = 1 }
END {
  print "kernels: " count
  print "times: " (sum > 0.95 * whole && sum < 1.05 * whole ? "as the whole" : sum " us of " whole)
  printf "products: %d\nthe rest: %d\n", products, rest
}
