// RUN: lamina-opt %s --lamina-emit-abi | FileCheck %s

module attributes {lamina.signature = {model = "net", entries = [
  {name = "forward",
   arguments = [{name = "x", role = "input", dtype = "float32", dims = ["n", 2]},
                {name = "d/kernel", role = "weight", dtype = "float32", dims = [2], trainable = true, value = dense<[1.0, 2.0]> : tensor<2xf32>}],
   results = [{name = "y", role = "output", dtype = "float32", dims = ["n", 2]}]}]}} {
  // CHECK-NOT: value = dense
  // CHECK: func.func private @forward({{.*}}llvm.noalias{{.*}}) attributes {llvm.linkage = #llvm.linkage<internal>}
  func.func @forward(%x: memref<?x2xf32>, %k: memref<2xf32>, %y: memref<?x2xf32>, %s: memref<?xi8>) {
    return
  }
  func.func private @forward_dims(%n: index) -> index {
    return %n : index
  }
  func.func private @forward_scratch(%n: index) -> index {
    return %n : index
  }
  // CHECK: func.func @net_forward(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
  // CHECK: func.func @net_forward_scratch(%{{.*}}: i64) -> i64
  // CHECK: llvm.mlir.global internal constant @net_weight_0(dense<[1.000000e+00, 2.000000e+00]>
  // CHECK: llvm.mlir.global internal constant @net_embedded
  // CHECK: func.func @net_error(%{{.*}}: i32) -> !llvm.ptr
}
