// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-fuse-loops{strategy=cpu-avx512},canonicalize,cse))' | FileCheck %s

#qd = affine_map<(b,i,j,k)->(b,i,k)>
#kd = affine_map<(b,i,j,k)->(b,j,k)>
#vd = affine_map<(b,i,j,k)->(b,k,j)>
#out = affine_map<(b,i,j,k)->(b,i,j)>
#m = affine_map<(b,i,j)->(b,i,j)>
#r = affine_map<(b,i,j)->(b,i)>

// Products with something between them share a loop over the batch, in which the
// scores of one element are a temporary and the rows have a loop of their own.
// CHECK-LABEL: @attention
// CHECK: scf.for
// CHECK: linalg.contract {{.*}} outs(%{{.*}} : tensor<1x128x128xf32>)
// CHECK: scf.for
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: scf.yield
// CHECK: linalg.contract {{.*}} outs(%{{.*}} : tensor<1x128x64xf32>)
// CHECK: scf.yield
// CHECK-NOT: linalg
// CHECK: return
func.func @attention(%q: tensor<?x128x64xf32>, %k: tensor<?x128x64xf32>, %v: tensor<?x128x64xf32>) -> tensor<?x128x64xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %q, %c0 : tensor<?x128x64xf32>
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e0 = tensor.empty(%n) : tensor<?x128x128xf32>
  %e1 = tensor.empty(%n) : tensor<?x128xf32>
  %e2 = tensor.empty(%n) : tensor<?x128x64xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x128x128xf32>) -> tensor<?x128x128xf32>
  %s = linalg.contract indexing_maps = [#qd, #kd, #out] ins(%q, %k : tensor<?x128x64xf32>, tensor<?x128x64xf32>) outs(%f0 : tensor<?x128x128xf32>) -> tensor<?x128x128xf32>
  %f1 = linalg.fill ins(%low : f32) outs(%e1 : tensor<?x128xf32>) -> tensor<?x128xf32>
  %mx = linalg.generic {indexing_maps = [#m, #r], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<?x128x128xf32>) outs(%f1 : tensor<?x128xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.maximumf %a, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?x128xf32>
  %p = linalg.generic {indexing_maps = [#m, #r, #m], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %mx : tensor<?x128x128xf32>, tensor<?x128xf32>) outs(%e0 : tensor<?x128x128xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x128x128xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x128x64xf32>) -> tensor<?x128x64xf32>
  %y = linalg.contract indexing_maps = [#qd, #vd, #out] ins(%p, %v : tensor<?x128x128xf32>, tensor<?x128x64xf32>) outs(%f2 : tensor<?x128x64xf32>) -> tensor<?x128x64xf32>
  return %y : tensor<?x128x64xf32>
}

// One product alone has nothing to keep in the cache: the call gets all of it.
// CHECK-LABEL: @alone
// CHECK-NOT: scf.for
// CHECK: linalg.contract
// CHECK-NOT: scf.for
// CHECK: return
func.func @alone(%q: tensor<?x128x64xf32>, %k: tensor<?x128x64xf32>) -> tensor<?x128x128xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %q, %c0 : tensor<?x128x64xf32>
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty(%n) : tensor<?x128x128xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x128x128xf32>) -> tensor<?x128x128xf32>
  %s = linalg.contract indexing_maps = [#qd, #kd, #out] ins(%q, %k : tensor<?x128x64xf32>, tensor<?x128x64xf32>) outs(%f0 : tensor<?x128x128xf32>) -> tensor<?x128x128xf32>
  return %s : tensor<?x128x128xf32>
}
