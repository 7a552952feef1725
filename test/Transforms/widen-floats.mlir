// RUN: lamina-opt %s --lamina-widen-floats | FileCheck %s

// CHECK-LABEL: @scalar
// CHECK: %[[A:.*]] = arith.extf %arg0 : f16 to f32
// CHECK: %[[E:.*]] = math.exp %[[A]] : f32
// CHECK: arith.truncf %[[E]] : f32 to f16
func.func @scalar(%x: f16) -> f16 {
  %0 = math.exp %x : f16
  return %0 : f16
}

// CHECK-LABEL: @compare
// CHECK: arith.cmpf olt, %{{.*}}, %{{.*}} : f32
func.func @compare(%x: bf16, %y: bf16) -> i1 {
  %0 = arith.cmpf olt, %x, %y : bf16
  return %0 : i1
}

// CHECK-LABEL: @untouched
// CHECK-NOT: arith.extf
// CHECK: return
func.func @untouched(%x: f32, %c: i1, %a: f16, %b: f16) -> (f32, f16) {
  %0 = math.exp %x : f32
  %1 = arith.select %c, %a, %b : f16
  return %0, %1 : f32, f16
}
