// A store of the first lanes is one of halves, quarters and so on where masks are slow.
//
// RUN: lamina-opt %s -lamina-split-masked-stores='strategy=cpu-avx2' | FileCheck %s
// RUN: lamina-opt %s -lamina-split-masked-stores='strategy=cpu-avx512' | FileCheck %s --check-prefix=MASKS

// MASKS-COUNT-4: masked{{.?}}store
// CHECK-NOT: masked{{.?}}store

// CHECK-LABEL: func @known
// CHECK: vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [4]
// CHECK: vector.store %{{.*}} : memref<?xf32>, vector<4xf32>
// CHECK: vector.extract_strided_slice %{{.*}} {offsets = [4], sizes = [1]
// CHECK: memref.store %{{.*}} : memref<?xf32>
// CHECK-NOT: store
func.func @known(%to: memref<?xf32>, %at: index, %v: vector<8xf32>) {
  %mask = vector.constant_mask [5] : vector<8xi1>
  vector.maskedstore %to[%at], %mask, %v : memref<?xf32>, vector<8xi1>, vector<8xf32>
  return
}

// CHECK-LABEL: func @unknown
// CHECK: %[[WHOLE:.*]] = arith.cmpi sge, %[[N:.*]], %{{.*}} : index
// CHECK: scf.if %[[WHOLE]]
// CHECK-NEXT: constant
// CHECK: vector.store %{{.*}} vector<8xf32>
// CHECK: } else {
// CHECK: vector.store %{{.*}} vector<4xf32>
// CHECK: vector.store %{{.*}} vector<2xf32>
// CHECK: memref.store
func.func @unknown(%to: memref<?xf32>, %at: index, %n: index, %v: vector<8xf32>) {
  %mask = vector.create_mask %n : vector<8xi1>
  vector.maskedstore %to[%at], %mask, %v : memref<?xf32>, vector<8xi1>, vector<8xf32>
  return
}

// CHECK-LABEL: func @pointer
// CHECK: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xf64>
// CHECK: llvm.store %{{.*}} {alignment = 8 : i64} : f64
func.func @pointer(%to: !llvm.ptr, %n: index, %v: vector<4xf64>) {
  %mask = vector.create_mask %n : vector<4xi1>
  llvm.intr.masked.store %v, %to, %mask {alignment = 8 : i32} : vector<4xf64>, vector<4xi1> into !llvm.ptr
  return
}

// CHECK-LABEL: func @nothing
// CHECK-NOT: store
// CHECK: return
func.func @nothing(%to: memref<?xf32>, %at: index, %v: vector<8xf32>) {
  %c0 = arith.constant 0 : index
  %mask = vector.create_mask %c0 : vector<8xi1>
  vector.maskedstore %to[%at], %mask, %v : memref<?xf32>, vector<8xi1>, vector<8xf32>
  return
}
