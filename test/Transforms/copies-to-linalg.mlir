// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-copies-to-linalg))' | FileCheck %s

// CHECK-LABEL: @f
// CHECK-NOT: memref.copy
// CHECK: linalg.generic
func.func @f(%x: memref<4x8xf32, strided<[16, 1]>>, %y: memref<4x8xf32>) {
  memref.copy %x, %y : memref<4x8xf32, strided<[16, 1]>> to memref<4x8xf32>
  return
}
