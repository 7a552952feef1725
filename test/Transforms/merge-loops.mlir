// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-merge-loops,canonicalize,cse))' | FileCheck %s

#m = affine_map<(i,j)->(i,j)>
#t = affine_map<(i,j)->(j,i)>
#r = affine_map<(i,j)->(i)>
#c = affine_map<(i,j)->(j)>

// A value passes in a register, its buffer disappears, and the row of a sum of
// columns is added to at the same place.
// CHECK-LABEL: @forward_and_backward(
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel"]
// CHECK-SAME: outs(%{{.*}}, %{{.*}} : memref<1x100xf32>, memref<100xf32>)
// CHECK: %[[E:.*]] = math.exp
// CHECK: %[[T:.*]] = math.tanh %[[E]]
// CHECK: %[[S:.*]] = arith.addf %[[E]]
// CHECK: linalg.yield %[[T]], %[[S]]
// CHECK-NOT: linalg
// CHECK: return
func.func @forward_and_backward(%x: memref<1x100xf32>, %y: memref<1x100xf32>, %sum: memref<100xf32>) {
  %e = memref.alloc() : memref<1x100xf32>
  linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : memref<1x100xf32>) outs(%e : memref<1x100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%e : memref<1x100xf32>) outs(%y : memref<1x100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.tanh %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#m, #c], iterator_types = ["reduction", "parallel"]} ins(%e : memref<1x100xf32>) outs(%sum : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  }
  return
}

// The sum is complete only after the last point.
// CHECK-LABEL: @phases(
// CHECK-COUNT-2: linalg.generic
// CHECK: return
func.func @phases(%x: memref<4x100xf32>, %s: memref<4xf32>, %y: memref<4x100xf32>) {
  linalg.generic {indexing_maps = [#m, #r], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x100xf32>) outs(%s : memref<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %a, %o : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#m, #r, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %s : memref<4x100xf32>, memref<4xf32>) outs(%y : memref<4x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// The second op reads another element than the one just written.
// CHECK-LABEL: @transposed(
// CHECK-COUNT-2: linalg.generic
// CHECK: return
func.func @transposed(%x: memref<9x9xf32>, %e: memref<9x9xf32>, %y: memref<9x9xf32>) {
  linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]} ins(%x : memref<9x9xf32>) outs(%e : memref<9x9xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.exp %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#m, #t, #m], iterator_types = ["parallel", "parallel"]} ins(%x, %e : memref<9x9xf32>, memref<9x9xf32>) outs(%y : memref<9x9xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// Halves of one buffer do not overlap; equal parts do.
// CHECK-LABEL: @halves(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @halves(%x: memref<100xf32>, %y: memref<200xf32>) {
  %a = memref.subview %y[0] [100] [1] : memref<200xf32> to memref<100xf32, strided<[1]>>
  %b = memref.subview %y[100] [100] [1] : memref<200xf32> to memref<100xf32, strided<[1], offset: 100>>
  linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%x : memref<100xf32>) outs(%a : memref<100xf32, strided<[1]>>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.exp %p : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%x : memref<100xf32>) outs(%b : memref<100xf32, strided<[1], offset: 100>>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.sin %p : f32
    linalg.yield %0 : f32
  }
  return
}

// A write in between to what the first op read keeps them apart.
// CHECK-LABEL: @between(
// CHECK: linalg.generic
// CHECK: memref.copy
// CHECK: linalg.generic
func.func @between(%x: memref<100xf32>, %z: memref<100xf32>, %y: memref<100xf32>, %w: memref<100xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%x : memref<100xf32>) outs(%y : memref<100xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.exp %p : f32
    linalg.yield %0 : f32
  }
  memref.copy %z, %x : memref<100xf32> to memref<100xf32>
  linalg.generic {indexing_maps = [affine_map<(i)->(i)>, affine_map<(i)->(i)>], iterator_types = ["parallel"]} ins(%x : memref<100xf32>) outs(%w : memref<100xf32>) {
  ^bb0(%p: f32, %o: f32):
    %0 = math.sin %p : f32
    linalg.yield %0 : f32
  }
  return
}

// Nobody reads %t, but only it gives the first loop its size.
// CHECK-LABEL: func.func @size_of_a_loop
// CHECK: linalg.generic
// CHECK-SAME: outs(%{{.*}}, %{{.*}} : memref<7x3xf32>, memref<3xf32>)
func.func @size_of_a_loop(%x: memref<7xf32>, %y: memref<3xf32>) {
  %t = memref.alloc() : memref<7x3xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]} outs(%t, %y : memref<7x3xf32>, memref<3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %i = linalg.index 0 : index
    %v = memref.load %x[%i] : memref<7xf32>
    %s = arith.addf %b, %v : f32
    linalg.yield %v, %s : f32, f32
  }
  return
}
