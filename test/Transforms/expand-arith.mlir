// RUN: lamina-opt %s --lamina-expand-arith | FileCheck %s
// RUN: lamina-opt %s --lamina-expand-arith=half=true | FileCheck %s --check-prefix=HALF

// CHECK-LABEL: @brain
// CHECK-NOT: arith.extf
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @brain(%x: vector<16xbf16>) -> vector<16xbf16> {
  %0 = arith.extf %x : vector<16xbf16> to vector<16xf32>
  %1 = arith.addf %0, %0 : vector<16xf32>
  %2 = arith.truncf %1 : vector<16xf32> to vector<16xbf16>
  return %2 : vector<16xbf16>
}

// CHECK-LABEL: @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// HALF-LABEL: @half
// HALF-NOT: arith.extf
// HALF-NOT: arith.truncf
// HALF: return
func.func @half(%x: f16) -> f16 {
  %0 = arith.extf %x : f16 to f32
  %1 = arith.addf %0, %0 : f32
  %2 = arith.truncf %1 : f32 to f16
  return %2 : f16
}

// CHECK-LABEL: @floor
// CHECK-NOT: floordivsi
// CHECK: return
func.func @floor(%x: i32, %y: i32) -> i32 {
  %0 = arith.floordivsi %x, %y : i32
  return %0 : i32
}
