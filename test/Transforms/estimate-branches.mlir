// Whether a loop is shared depends on the branch that its iterations take, and on the longer one where that is in memory.
//
// RUN: lamina-opt %s --pass-pipeline='builtin.module(lamina-plan-scratch{threads=4},lamina-outline-parallel)' | FileCheck %s

module attributes {lamina.signature = {model = "m", entries = [
  {name = "takes_the_long_one", arguments = [{name = "x", role = "input", dtype = "float32", dims = [16, 4000]}, {name = "y", role = "output", dtype = "float32", dims = [16, 4000]}, {name = "flags", role = "input", dtype = "bool", dims = [1]}], results = []},
  {name = "takes_the_short_one", arguments = [{name = "x", role = "input", dtype = "float32", dims = [16, 4000]}, {name = "y", role = "output", dtype = "float32", dims = [16, 4000]}, {name = "flags", role = "input", dtype = "bool", dims = [1]}], results = []},
  {name = "may_take_the_first", arguments = [{name = "x", role = "input", dtype = "float32", dims = [16, 4000]}, {name = "y", role = "output", dtype = "float32", dims = [16, 4000]}, {name = "flags", role = "input", dtype = "bool", dims = [1]}], results = []},
  {name = "may_take_the_second", arguments = [{name = "x", role = "input", dtype = "float32", dims = [16, 4000]}, {name = "y", role = "output", dtype = "float32", dims = [16, 4000]}, {name = "flags", role = "input", dtype = "bool", dims = [1]}], results = []}]}} {
  // CHECK-LABEL: func.func @takes_the_long_one(
  // CHECK: call @lamina_parallel_run
  func.func @takes_the_long_one(%x: memref<16x4000xf32>, %y: memref<16x4000xf32>, %flags: memref<1xi1>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c4000 = arith.constant 4000 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c16 step %c1 {
      %which = arith.cmpi slt, %c16, %c4000 : index
      scf.if %which {
        scf.for %j = %c0 to %c4000 step %c1 {
          %v = memref.load %x[%i, %j] : memref<16x4000xf32>
          memref.store %v, %y[%i, %j] : memref<16x4000xf32>
        }
      } else {
        memref.store %zero, %y[%i, %c0] : memref<16x4000xf32>
      }
    } {lamina.parallel}
    return
  }

  // CHECK-LABEL: func.func @takes_the_short_one(
  // CHECK-NOT: lamina_parallel_run
  func.func @takes_the_short_one(%x: memref<16x4000xf32>, %y: memref<16x4000xf32>, %flags: memref<1xi1>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c4000 = arith.constant 4000 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c16 step %c1 {
      %which = arith.cmpi slt, %c16, %c4000 : index
      scf.if %which {
        memref.store %zero, %y[%i, %c0] : memref<16x4000xf32>
      } else {
        scf.for %j = %c0 to %c4000 step %c1 {
          %v = memref.load %x[%i, %j] : memref<16x4000xf32>
          memref.store %v, %y[%i, %j] : memref<16x4000xf32>
        }
      }
    } {lamina.parallel}
    return
  }

  // CHECK-LABEL: func.func @may_take_the_first(
  // CHECK: call @lamina_parallel_run
  func.func @may_take_the_first(%x: memref<16x4000xf32>, %y: memref<16x4000xf32>, %flags: memref<1xi1>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c4000 = arith.constant 4000 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c16 step %c1 {
      %which = memref.load %flags[%c0] : memref<1xi1>
      scf.if %which {
        scf.for %j = %c0 to %c4000 step %c1 {
          %v = memref.load %x[%i, %j] : memref<16x4000xf32>
          memref.store %v, %y[%i, %j] : memref<16x4000xf32>
        }
      } else {
        memref.store %zero, %y[%i, %c0] : memref<16x4000xf32>
      }
    } {lamina.parallel}
    return
  }

  // CHECK-LABEL: func.func @may_take_the_second(
  // CHECK: call @lamina_parallel_run
  func.func @may_take_the_second(%x: memref<16x4000xf32>, %y: memref<16x4000xf32>, %flags: memref<1xi1>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %c4000 = arith.constant 4000 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c16 step %c1 {
      %which = memref.load %flags[%c0] : memref<1xi1>
      scf.if %which {
        memref.store %zero, %y[%i, %c0] : memref<16x4000xf32>
      } else {
        scf.for %j = %c0 to %c4000 step %c1 {
          %v = memref.load %x[%i, %j] : memref<16x4000xf32>
          memref.store %v, %y[%i, %j] : memref<16x4000xf32>
        }
      }
    } {lamina.parallel}
    return
  }
}
