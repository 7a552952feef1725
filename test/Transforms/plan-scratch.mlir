// RUN: lamina-opt %s --pass-pipeline='builtin.module(lamina-plan-scratch,canonicalize)' | FileCheck %s

module attributes {lamina.signature = {model = "m", entries = [
  {name = "forward", arguments = [{name = "x", role = "input", dtype = "float32", dims = ["n", 100]}], results = []}]}} {
  // Two temporaries that do not live at the same time share their place; a
  // small one goes to the stack; a tile's size is bounded for all iterations.
  // CHECK-LABEL: func.func @forward(%arg0: memref<?x100xf32>, %arg1: memref<?xi8>)
  // CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<16xf32>
  // CHECK-DAG: memref.view %arg1[%c0][%{{.*}}] : memref<?xi8> to memref<?x100xf32>
  // CHECK-NOT: memref.alloc()
  func.func @forward(%x: memref<?x100xf32>) {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %f = arith.constant 1.0 : f32
    %n = memref.dim %x, %c0 : memref<?x100xf32>
    %s = memref.alloc() : memref<16xf32>
    linalg.fill ins(%f : f32) outs(%s : memref<16xf32>)
    %a = memref.alloc(%n) : memref<?x100xf32>
    linalg.fill ins(%f : f32) outs(%a : memref<?x100xf32>)
    %b = memref.alloc(%n) : memref<?x100xf32>
    linalg.fill ins(%f : f32) outs(%b : memref<?x100xf32>)
    scf.for %i = %c0 to %n step %c32 {
      %t = affine.min affine_map<(d0)[s0] -> (32, s0 - d0)>(%i)[%n]
      %c = memref.alloc(%t) : memref<?x100xf32>
      linalg.fill ins(%f : f32) outs(%c : memref<?x100xf32>)
    }
    return
  }
  // 400 n rounded up, and 32 * 400.
  // CHECK-LABEL: func.func private @forward_scratch(%arg0: index) -> index
  // CHECK: arith.muli %arg0, %c400
  // CHECK: %c12800
  // CHECK: return
}
