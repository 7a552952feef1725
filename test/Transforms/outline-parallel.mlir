// RUN: lamina-opt %s --pass-pipeline='builtin.module(lamina-plan-scratch{threads=4},lamina-outline-parallel,canonicalize)' | FileCheck %s

module attributes {lamina.signature = {model = "m", entries = [
  {name = "forward", arguments = [{name = "x", role = "input", dtype = "float32", dims = ["n", 4000]}], results = []}]}} {
  // CHECK: llvm.func @lamina_parallel_run(!llvm.ptr, !llvm.ptr, i64, i64, i64)
  // CHECK-NOT: lamina_worker

  // A loop that may be long is a function; one that is known to be short stays.
  // CHECK-LABEL: func.func @forward(
  // CHECK-SAME: %[[X:.*]]: memref<?x4000xf32>, %[[SCRATCH:.*]]: memref<?xi8>, %[[THREADS:.*]]: index)
  // CHECK: scf.if
  // CHECK: llvm.call @lamina_parallel_run
  // CHECK: else
  // CHECK: func.call @forward_loop0(
  // CHECK: scf.for
  // CHECK-NOT: scf.if
  // CHECK: return

  // The temporary is the thread's own: 16000 bytes each.
  // CHECK-LABEL: func.func private @forward_loop0(
  // CHECK-SAME: {llvm.noalias}
  // CHECK-SAME: %[[FIRST:[^ ]*]]: index, %[[LAST:[^ ]*]]: index, %[[WORKER:[^ ]*]]: index)
  // CHECK: scf.for
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[WORKER]], %c16000
  // CHECK: memref.view %{{.*}}[%[[OFFSET]]]
  func.func @forward(%x: memref<?x4000xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4000 = arith.constant 4000 : index
    %n = memref.dim %x, %c0 : memref<?x4000xf32>
    scf.for %i = %c0 to %n step %c1 {
      %t = memref.alloc() : memref<4000xf32>
      scf.for %j = %c0 to %c4000 step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x4000xf32>
        memref.store %v, %t[%j] : memref<4000xf32>
      }
      scf.for %j = %c0 to %c4000 step %c1 {
        %v = memref.load %t[%j] : memref<4000xf32>
        memref.store %v, %x[%i, %j] : memref<?x4000xf32>
      }
    } {lamina.parallel}
    scf.for %j = %c0 to %c4000 step %c1 {
      %v = memref.load %x[%c0, %j] : memref<?x4000xf32>
      memref.store %v, %x[%c0, %j] : memref<?x4000xf32>
    } {lamina.parallel}
    return
  }
  // CHECK: llvm.func internal @forward_loop0_thread(
  // CHECK-LABEL: func.func private @forward_scratch(%arg0: index, %arg1: index) -> index
  // CHECK: arith.muli %arg1, %c16000
}
