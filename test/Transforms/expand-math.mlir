// RUN: lamina-opt %s -lamina-expand-math | FileCheck %s
// RUN: lamina-opt %s -lamina-expand-math=ldexp=true | FileCheck %s --check-prefix=LDEXP

// No transcendental op and no call is left, and nothing carries fast-math flags.
// CHECK-LABEL: func @exp_vector
// CHECK-NOT: math.exp
// CHECK-NOT: call
// CHECK-NOT: fastmath
// CHECK: math.fma {{.*}} : vector<16xf32>
// CHECK: arith.bitcast {{.*}} : vector<16xi32> to vector<16xf32>
// LDEXP-LABEL: func @exp_vector
// LDEXP: llvm.call_intrinsic "llvm.ldexp"
func.func @exp_vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// Large arguments take a branch that is uniform over the vector.
// CHECK-LABEL: func @sin_scalar_and_vector
// CHECK: scf.if
// CHECK: arith.extf {{.*}} : f32 to f64
// CHECK: vector.reduction <or>
// CHECK: scf.if
func.func @sin_scalar_and_vector(%x: f32, %v: vector<8xf32>) -> (f32, vector<8xf32>) {
  %y = math.sin %x : f32
  %w = math.sin %v : vector<8xf32>
  return %y, %w : f32, vector<8xf32>
}

// Narrow floats are computed in float32.
// CHECK-LABEL: func @tanh_half
// CHECK: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK: arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
func.func @tanh_half(%x: vector<8xf16>) -> vector<8xf16> {
  %y = math.tanh %x : vector<8xf16>
  return %y : vector<8xf16>
}

// What has no expansion for float64 goes to libm, lane by lane; what needs no
// library stays.
// CHECK-LABEL: func @double
// CHECK: call @sinh
// CHECK: call @sinh
// CHECK: math.sqrt {{.*}} : vector<2xf64>
// CHECK: arith.divf
func.func @double(%x: vector<2xf64>) -> vector<2xf64> {
  %y = math.sinh %x : vector<2xf64>
  %z = math.rsqrt %y : vector<2xf64>
  return %z : vector<2xf64>
}

// One plus an error function is computed without cancellation, where nobody
// needs the error function itself.
// CHECK-LABEL: func @one_plus_erf
// CHECK: arith.constant dense<-2.61368371E-10>
// CHECK: return
// CHECK-LABEL: func @one_plus_erf_double
// CHECK: arith.negf
// CHECK: call @erfc
// CHECK-NOT: call @erf(
// CHECK: return
// CHECK-LABEL: func @erf_twice
// CHECK-NOT: dense<-2.61368371E-10>
// CHECK: return
func.func @one_plus_erf(%x: vector<16xf32>) -> vector<16xf32> {
  %one = arith.constant dense<1.0> : vector<16xf32>
  %e = math.erf %x : vector<16xf32>
  %y = arith.addf %e, %one : vector<16xf32>
  return %y : vector<16xf32>
}
func.func @one_plus_erf_double(%x: f64) -> f64 {
  %one = arith.constant 1.0 : f64
  %e = math.erf %x : f64
  %y = arith.addf %one, %e : f64
  return %y : f64
}
func.func @erf_twice(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %one = arith.constant dense<1.0> : vector<16xf32>
  %e = math.erf %x : vector<16xf32>
  %y = arith.addf %e, %one : vector<16xf32>
  return %e, %y : vector<16xf32>, vector<16xf32>
}

// CHECK-LABEL: func @double_expanded
// CHECK-NOT: call
// CHECK: math.fma {{.*}} : vector<8xf64>
// CHECK: return
func.func @double_expanded(%x: vector<8xf64>) -> vector<8xf64> {
  %y = math.tanh %x : vector<8xf64>
  return %y : vector<8xf64>
}
