// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-fuse-elementwise,canonicalize,cse))' | FileCheck %s

#m = affine_map<(i,j)->(i,j)>
#r = affine_map<(i,j)->(i)>

// A chain is one op.
// CHECK-LABEL: @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: math.sqrt
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @chain(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = math.sqrt %a : f32
    linalg.yield %1 : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%0, %x : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %3 = arith.addf %a, %b : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// An expensive body with two users stays: it would be computed twice.
// CHECK-LABEL: @shared
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
// CHECK: return
func.func @shared(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = math.exp %a : f32
    linalg.yield %1 : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %3 = arith.addf %a, %a : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  %4 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %5 = arith.mulf %a, %a : f32
    linalg.yield %5 : f32
  } -> tensor<?x8xf32>
  return %2, %4 : tensor<?x8xf32>, tensor<?x8xf32>
}

// A value per row is not computed again for every element of the row.
// CHECK-LABEL: @per_row
// CHECK: linalg.generic
// CHECK: arith.divf
// CHECK: linalg.generic
// CHECK: arith.mulf
func.func @per_row(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %e: tensor<?x8xf32>, %e1: tensor<?xf32>) -> tensor<?x8xf32> {
  %one = arith.constant 1.0 : f32
  %0 = linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%s : tensor<?xf32>) outs(%e1 : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.divf %one, %a : f32
    linalg.yield %1 : f32
  } -> tensor<?xf32>
  %2 = linalg.generic {indexing_maps = [#m, #r, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %0 : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %3 = arith.mulf %a, %b : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// A cheap body with two users is computed in both where that reads no more than
// the stored result would: two operands do not, four do.
// CHECK-LABEL: @recomputed
// CHECK-COUNT-2: arith.addf
// CHECK-NOT: arith.addf
// CHECK: return
func.func @recomputed(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = linalg.generic {indexing_maps = [#m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %1 = arith.addf %a, %b : f32
    linalg.yield %1 : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %3 = math.sqrt %a : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  %4 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %5 = math.exp %a : f32
    linalg.yield %5 : f32
  } -> tensor<?x8xf32>
  return %2, %4 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @stored
// CHECK-COUNT-3: arith.addf
// CHECK-NOT: arith.addf
// CHECK: return
func.func @stored(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %z: tensor<?x8xf32>, %w: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = linalg.generic {indexing_maps = [#m, #m, #m, #m, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %y, %z, %w : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %o: f32):
    %1 = arith.addf %a, %b : f32
    %2 = arith.addf %1, %c : f32
    %3 = arith.addf %2, %d : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  %4 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %5 = math.sqrt %a : f32
    linalg.yield %5 : f32
  } -> tensor<?x8xf32>
  %6 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %7 = math.exp %a : f32
    linalg.yield %7 : f32
  } -> tensor<?x8xf32>
  return %4, %6 : tensor<?x8xf32>, tensor<?x8xf32>
}

// An operand of one column brings no unit dimension into the loops.
// CHECK-LABEL: @column
// CHECK-NOT: tensor.expand_shape
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: math.sqrt
// CHECK-NOT: tensor.collapse_shape
// CHECK: return
func.func @column(%x: tensor<?x8xf32>, %y: tensor<?x1xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c = tensor.collapse_shape %y [[0, 1]] : tensor<?x1xf32> into tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [#m, affine_map<(i, j) -> (i)>, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %c : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %1 = arith.mulf %a, %b : f32
    linalg.yield %1 : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %3 = math.sqrt %a : f32
    linalg.yield %3 : f32
  } -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}
