// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-fuse-loops{strategy=cpu-avx512},canonicalize,cse))' | FileCheck %s

#m = affine_map<(i,j)->(i,j)>
#r = affine_map<(i,j)->(i)>
#b = affine_map<(i,j)->(j)>

// Softmax: the reductions and everything between them in one loop over rows.
// CHECK-LABEL: @softmax
// CHECK-COUNT-1: scf.for
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
// CHECK: tensor.insert_slice
// CHECK: scf.yield
// CHECK-NOT: linalg
// CHECK: return
func.func @softmax(%x: tensor<?x1000xf32>) -> tensor<?x1000xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x1000xf32>
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e1 = tensor.empty(%n) : tensor<?xf32>
  %e2 = tensor.empty(%n) : tensor<?x1000xf32>
  %f0 = linalg.fill ins(%low : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
  %mx = linalg.generic {indexing_maps = [#m, #r], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x1000xf32>) outs(%f0 : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %ex = linalg.generic {indexing_maps = [#m, #r, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %mx : tensor<?x1000xf32>, tensor<?xf32>) outs(%e2 : tensor<?x1000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x1000xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
  %sm = linalg.generic {indexing_maps = [#m, #r], iterator_types = ["parallel", "reduction"]} ins(%ex : tensor<?x1000xf32>) outs(%f1 : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#m, #r, #m], iterator_types = ["parallel", "parallel"]} ins(%ex, %sm : tensor<?x1000xf32>, tensor<?xf32>) outs(%e2 : tensor<?x1000xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x1000xf32>
  return %y : tensor<?x1000xf32>
}

// A large matrix product is going to be a call, so it stays whole; what follows
// overwrites it.
// CHECK-LABEL: @dense
// CHECK-NOT: scf.for
// CHECK: linalg.fill
// CHECK-NEXT: %[[PRODUCT:.*]] = linalg.matmul
// CHECK-NEXT: linalg.generic {{.*}} ins(%[[PRODUCT]], {{.*}} outs(%[[PRODUCT]]
// CHECK: arith.maximumf
// CHECK: return
func.func @dense(%x: tensor<?x784xf32>, %w: tensor<784x512xf32>, %bias: tensor<512xf32>) -> tensor<?x512xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x784xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x512xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x512xf32>) -> tensor<?x512xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x784xf32>, tensor<784x512xf32>) outs(%f : tensor<?x512xf32>) -> tensor<?x512xf32>
  %y = linalg.generic {indexing_maps = [#m, #b, #m], iterator_types = ["parallel", "parallel"]} ins(%p, %bias : tensor<?x512xf32>, tensor<512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.addf %a, %b : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<?x512xf32>
  return %y : tensor<?x512xf32>
}

// Halves of a concatenation are computed in their places.
// CHECK-LABEL: @halves
// CHECK: scf.for
// CHECK: %[[ROW:.*]] = tensor.extract_slice %{{.*}}[%{{.*}}, 0] [1, 1024]
// CHECK: tensor.extract_slice %[[ROW]][0, 0] [1, 512]
// CHECK: tensor.insert_slice
// CHECK: tensor.extract_slice %{{.*}}[0, 512] [1, 512]
// CHECK: tensor.insert_slice
// CHECK-NOT: scf.for
// CHECK: return
func.func @halves(%x: tensor<?x512xf32>) -> tensor<?x1024xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x512xf32>
  %e = tensor.empty(%n) : tensor<?x512xf32>
  %t = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.tanh %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x512xf32>
  %p = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%t : tensor<?x512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x512xf32>
  %q = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%t : tensor<?x512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.mulf %a, %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x512xf32>
  %d = tensor.empty(%n) : tensor<?x1024xf32>
  %i = tensor.insert_slice %p into %d[0, 0] [%n, 512] [1, 1] : tensor<?x512xf32> into tensor<?x1024xf32>
  %j = tensor.insert_slice %q into %i[0, 512] [%n, 512] [1, 1] : tensor<?x512xf32> into tensor<?x1024xf32>
  return %j : tensor<?x1024xf32>
}

// A sum over rows needs every row: no loop over rows can hold its consumer.
// CHECK-LABEL: @columns
// CHECK-NOT: scf.for
// CHECK: return
func.func @columns(%x: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x512xf32>
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<512xf32>
  %e = tensor.empty(%n) : tensor<?x512xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<512xf32>) -> tensor<512xf32>
  %s = linalg.generic {indexing_maps = [#m, #b], iterator_types = ["reduction", "parallel"]} ins(%x : tensor<?x512xf32>) outs(%f : tensor<512xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<512xf32>
  %y = linalg.generic {indexing_maps = [#m, #b, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %s : tensor<?x512xf32>, tensor<512xf32>) outs(%e : tensor<?x512xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x512xf32>
  return %y : tensor<?x512xf32>
}

// The sums of the columns go along with the loop over the rows, in blocks whose
// sums are added with the rounding error kept.
// CHECK-LABEL: @column_sums
// CHECK: scf.for %{{.*}} step %c64
// CHECK: linalg.fill
// CHECK: affine.min
// CHECK: scf.for %{{.*}} step %c1
// CHECK: math.exp
// CHECK: iterator_types = ["reduction", "parallel"]
// CHECK: scf.yield
// CHECK: arith.subf
// CHECK: scf.yield
// CHECK: arith.cmpf ord
// CHECK: return
func.func @column_sums(%x: tensor<?x1000xf32>) -> (tensor<?x1000xf32>, tensor<1000xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x1000xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x1000xf32>
  %s = tensor.empty() : tensor<1000xf32>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<1000xf32>) -> tensor<1000xf32>
  %y = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x1000xf32>) outs(%e : tensor<?x1000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x1000xf32>
  %sum = linalg.generic {indexing_maps = [#m, #b], iterator_types = ["reduction", "parallel"]} ins(%y : tensor<?x1000xf32>) outs(%f : tensor<1000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<1000xf32>
  return %y, %sum : tensor<?x1000xf32>, tensor<1000xf32>
}

// Rows of ten elements are computed in consecutive memory, where the loops can
// be joined, and copied to their place in longer rows.
// CHECK-LABEL: @narrow
// CHECK: scf.for
// CHECK: bufferization.alloc_tensor
// CHECK: math.sin
// CHECK: %[[COPY:.*]] = linalg.copy
// CHECK: tensor.insert_slice %[[COPY]] into
// CHECK: return
func.func @narrow(%x: tensor<?x10xf32>, %y: tensor<?x15xf32>) -> tensor<?x15xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x10xf32>
  %e = tensor.empty(%n) : tensor<?x10xf32>
  %s = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.sin %a : f32
    linalg.yield %0 : f32
  } -> tensor<?x10xf32>
  %d = tensor.empty(%n) : tensor<?x15xf32>
  %i = tensor.insert_slice %s into %d[0, 0] [%n, 10] [1, 1] : tensor<?x10xf32> into tensor<?x15xf32>
  return %i : tensor<?x15xf32>
}

// Sums alone, of what is only another shape of the input: its rows are counted
// where nothing of the group is.
// CHECK-LABEL: @reshaped_sums
// CHECK: tensor.dim %arg0
// CHECK: scf.for
// CHECK: tensor.extract_slice %arg0
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: return
func.func @reshaped_sums(%x: tensor<?x1x1000xf32>, %e: tensor<1000xf32>, %e2: tensor<1000xf32>) -> (tensor<1000xf32>, tensor<1000xf32>) {
  %zero = arith.constant 0.0 : f32
  %y = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x1x1000xf32> into tensor<?x1000xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1000xf32>) -> tensor<1000xf32>
  %g = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1000xf32>) -> tensor<1000xf32>
  %s = linalg.generic {indexing_maps = [#m, #b], iterator_types = ["reduction", "parallel"]} ins(%y : tensor<?x1000xf32>) outs(%f : tensor<1000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<1000xf32>
  %t = linalg.generic {indexing_maps = [#m, #b], iterator_types = ["reduction", "parallel"]} ins(%y : tensor<?x1000xf32>) outs(%g : tensor<1000xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<1000xf32>
  return %s, %t : tensor<1000xf32>, tensor<1000xf32>
}
