// Every pointwise op in its own assembly, read and printed twice.
// RUN: lamina-opt %s | lamina-opt | FileCheck %s

// CHECK-LABEL: func.func @binary_float
func.func @binary_float(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) {
  // CHECK: lam.add %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %add = lam.add %a, %b : tensor<?x3xf32>
  // CHECK: lam.sub %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %sub = lam.sub %a, %b : tensor<?x3xf32>
  // CHECK: lam.mul %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %mul = lam.mul %a, %b : tensor<?x3xf32>
  // CHECK: lam.div %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %div = lam.div %a, %b : tensor<?x3xf32>
  // CHECK: lam.floor_div %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %floor_div = lam.floor_div %a, %b : tensor<?x3xf32>
  // CHECK: lam.mod %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %mod = lam.mod %a, %b : tensor<?x3xf32>
  // CHECK: lam.rem %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %rem = lam.rem %a, %b : tensor<?x3xf32>
  // CHECK: lam.pow %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %pow = lam.pow %a, %b : tensor<?x3xf32>
  // CHECK: lam.max %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %max = lam.max %a, %b : tensor<?x3xf32>
  // CHECK: lam.min %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %min = lam.min %a, %b : tensor<?x3xf32>
  // CHECK: lam.atan2 %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %atan2 = lam.atan2 %a, %b : tensor<?x3xf32>
  // CHECK: lam.nextafter %{{.*}}, %{{.*}} : tensor<?x3xf32>
  %nextafter = lam.nextafter %a, %b : tensor<?x3xf32>
  return
}

// CHECK-LABEL: func.func @binary_int
func.func @binary_int(%a: tensor<?x3xi32>, %b: tensor<?x3xi32>) {
  // CHECK: lam.add %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %add = lam.add %a, %b : tensor<?x3xi32>
  // CHECK: lam.sub %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %sub = lam.sub %a, %b : tensor<?x3xi32>
  // CHECK: lam.mul %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %mul = lam.mul %a, %b : tensor<?x3xi32>
  // CHECK: lam.floor_div %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %floor_div = lam.floor_div %a, %b : tensor<?x3xi32>
  // CHECK: lam.mod %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %mod = lam.mod %a, %b : tensor<?x3xi32>
  // CHECK: lam.rem %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %rem = lam.rem %a, %b : tensor<?x3xi32>
  // CHECK: lam.pow %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %pow = lam.pow %a, %b : tensor<?x3xi32>
  // CHECK: lam.max %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %max = lam.max %a, %b : tensor<?x3xi32>
  // CHECK: lam.min %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %min = lam.min %a, %b : tensor<?x3xi32>
  // CHECK: lam.and %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %and = lam.and %a, %b : tensor<?x3xi32>
  // CHECK: lam.or %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %or = lam.or %a, %b : tensor<?x3xi32>
  // CHECK: lam.xor %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %xor = lam.xor %a, %b : tensor<?x3xi32>
  // CHECK: lam.shift_left %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %shift_left = lam.shift_left %a, %b : tensor<?x3xi32>
  // CHECK: lam.shift_right %{{.*}}, %{{.*}} : tensor<?x3xi32>
  %shift_right = lam.shift_right %a, %b : tensor<?x3xi32>
  return
}

// CHECK-LABEL: func.func @binary_unsigned
func.func @binary_unsigned(%a: tensor<?x3xui8>, %b: tensor<?x3xui8>) {
  // CHECK: lam.add %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %add = lam.add %a, %b : tensor<?x3xui8>
  // CHECK: lam.sub %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %sub = lam.sub %a, %b : tensor<?x3xui8>
  // CHECK: lam.mul %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %mul = lam.mul %a, %b : tensor<?x3xui8>
  // CHECK: lam.floor_div %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %floor_div = lam.floor_div %a, %b : tensor<?x3xui8>
  // CHECK: lam.mod %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %mod = lam.mod %a, %b : tensor<?x3xui8>
  // CHECK: lam.rem %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %rem = lam.rem %a, %b : tensor<?x3xui8>
  // CHECK: lam.max %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %max = lam.max %a, %b : tensor<?x3xui8>
  // CHECK: lam.min %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %min = lam.min %a, %b : tensor<?x3xui8>
  // CHECK: lam.and %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %and = lam.and %a, %b : tensor<?x3xui8>
  // CHECK: lam.or %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %or = lam.or %a, %b : tensor<?x3xui8>
  // CHECK: lam.xor %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %xor = lam.xor %a, %b : tensor<?x3xui8>
  // CHECK: lam.shift_left %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %shift_left = lam.shift_left %a, %b : tensor<?x3xui8>
  // CHECK: lam.shift_right %{{.*}}, %{{.*}} : tensor<?x3xui8>
  %shift_right = lam.shift_right %a, %b : tensor<?x3xui8>
  return
}

// CHECK-LABEL: func.func @logical
func.func @logical(%a: tensor<?x3xi1>, %b: tensor<?x3xi1>) {
  // CHECK: lam.and %{{.*}}, %{{.*}} : tensor<?x3xi1>
  %and = lam.and %a, %b : tensor<?x3xi1>
  // CHECK: lam.or %{{.*}}, %{{.*}} : tensor<?x3xi1>
  %or = lam.or %a, %b : tensor<?x3xi1>
  // CHECK: lam.xor %{{.*}}, %{{.*}} : tensor<?x3xi1>
  %xor = lam.xor %a, %b : tensor<?x3xi1>
  return
}

// CHECK-LABEL: func.func @comparison
func.func @comparison(%a: tensor<?x3xf64>, %b: tensor<?x3xf64>) {
  // CHECK: lam.eq %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %eq = lam.eq %a, %b : tensor<?x3xf64>
  // CHECK: lam.ne %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %ne = lam.ne %a, %b : tensor<?x3xf64>
  // CHECK: lam.lt %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %lt = lam.lt %a, %b : tensor<?x3xf64>
  // CHECK: lam.le %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %le = lam.le %a, %b : tensor<?x3xf64>
  // CHECK: lam.gt %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %gt = lam.gt %a, %b : tensor<?x3xf64>
  // CHECK: lam.ge %{{.*}}, %{{.*}} : tensor<?x3xf64>
  %ge = lam.ge %a, %b : tensor<?x3xf64>
  return
}

// CHECK-LABEL: func.func @unary_number
func.func @unary_number(%x: tensor<?x3xi64>) {
  // CHECK: lam.neg %{{.*}} : tensor<?x3xi64>
  %neg = lam.neg %x : tensor<?x3xi64>
  // CHECK: lam.abs %{{.*}} : tensor<?x3xi64>
  %abs = lam.abs %x : tensor<?x3xi64>
  // CHECK: lam.sign %{{.*}} : tensor<?x3xi64>
  %sign = lam.sign %x : tensor<?x3xi64>
  return
}

// CHECK-LABEL: func.func @unary_float
func.func @unary_float(%x: tensor<?x3xf32>) {
  // CHECK: lam.neg %{{.*}} : tensor<?x3xf32>
  %neg = lam.neg %x : tensor<?x3xf32>
  // CHECK: lam.abs %{{.*}} : tensor<?x3xf32>
  %abs = lam.abs %x : tensor<?x3xf32>
  // CHECK: lam.sign %{{.*}} : tensor<?x3xf32>
  %sign = lam.sign %x : tensor<?x3xf32>
  // CHECK: lam.floor %{{.*}} : tensor<?x3xf32>
  %floor = lam.floor %x : tensor<?x3xf32>
  // CHECK: lam.ceil %{{.*}} : tensor<?x3xf32>
  %ceil = lam.ceil %x : tensor<?x3xf32>
  // CHECK: lam.round %{{.*}} : tensor<?x3xf32>
  %round = lam.round %x : tensor<?x3xf32>
  // CHECK: lam.trunc %{{.*}} : tensor<?x3xf32>
  %trunc = lam.trunc %x : tensor<?x3xf32>
  // CHECK: lam.exp %{{.*}} : tensor<?x3xf32>
  %exp = lam.exp %x : tensor<?x3xf32>
  // CHECK: lam.exp2 %{{.*}} : tensor<?x3xf32>
  %exp2 = lam.exp2 %x : tensor<?x3xf32>
  // CHECK: lam.expm1 %{{.*}} : tensor<?x3xf32>
  %expm1 = lam.expm1 %x : tensor<?x3xf32>
  // CHECK: lam.log %{{.*}} : tensor<?x3xf32>
  %log = lam.log %x : tensor<?x3xf32>
  // CHECK: lam.log2 %{{.*}} : tensor<?x3xf32>
  %log2 = lam.log2 %x : tensor<?x3xf32>
  // CHECK: lam.log10 %{{.*}} : tensor<?x3xf32>
  %log10 = lam.log10 %x : tensor<?x3xf32>
  // CHECK: lam.log1p %{{.*}} : tensor<?x3xf32>
  %log1p = lam.log1p %x : tensor<?x3xf32>
  // CHECK: lam.sqrt %{{.*}} : tensor<?x3xf32>
  %sqrt = lam.sqrt %x : tensor<?x3xf32>
  // CHECK: lam.rsqrt %{{.*}} : tensor<?x3xf32>
  %rsqrt = lam.rsqrt %x : tensor<?x3xf32>
  // CHECK: lam.cbrt %{{.*}} : tensor<?x3xf32>
  %cbrt = lam.cbrt %x : tensor<?x3xf32>
  // CHECK: lam.sin %{{.*}} : tensor<?x3xf32>
  %sin = lam.sin %x : tensor<?x3xf32>
  // CHECK: lam.cos %{{.*}} : tensor<?x3xf32>
  %cos = lam.cos %x : tensor<?x3xf32>
  // CHECK: lam.tan %{{.*}} : tensor<?x3xf32>
  %tan = lam.tan %x : tensor<?x3xf32>
  // CHECK: lam.asin %{{.*}} : tensor<?x3xf32>
  %asin = lam.asin %x : tensor<?x3xf32>
  // CHECK: lam.acos %{{.*}} : tensor<?x3xf32>
  %acos = lam.acos %x : tensor<?x3xf32>
  // CHECK: lam.atan %{{.*}} : tensor<?x3xf32>
  %atan = lam.atan %x : tensor<?x3xf32>
  // CHECK: lam.sinh %{{.*}} : tensor<?x3xf32>
  %sinh = lam.sinh %x : tensor<?x3xf32>
  // CHECK: lam.cosh %{{.*}} : tensor<?x3xf32>
  %cosh = lam.cosh %x : tensor<?x3xf32>
  // CHECK: lam.tanh %{{.*}} : tensor<?x3xf32>
  %tanh = lam.tanh %x : tensor<?x3xf32>
  // CHECK: lam.asinh %{{.*}} : tensor<?x3xf32>
  %asinh = lam.asinh %x : tensor<?x3xf32>
  // CHECK: lam.acosh %{{.*}} : tensor<?x3xf32>
  %acosh = lam.acosh %x : tensor<?x3xf32>
  // CHECK: lam.atanh %{{.*}} : tensor<?x3xf32>
  %atanh = lam.atanh %x : tensor<?x3xf32>
  // CHECK: lam.erf %{{.*}} : tensor<?x3xf32>
  %erf = lam.erf %x : tensor<?x3xf32>
  // CHECK: lam.erfc %{{.*}} : tensor<?x3xf32>
  %erfc = lam.erfc %x : tensor<?x3xf32>
  // CHECK: lam.erfinv %{{.*}} : tensor<?x3xf32>
  %erfinv = lam.erfinv %x : tensor<?x3xf32>
  // CHECK: lam.sigmoid %{{.*}} : tensor<?x3xf32>
  %sigmoid = lam.sigmoid %x : tensor<?x3xf32>
  // CHECK: lam.softplus %{{.*}} : tensor<?x3xf32>
  %softplus = lam.softplus %x : tensor<?x3xf32>
  return
}

// CHECK-LABEL: func.func @unary_half
func.func @unary_half(%x: tensor<?x3xf16>) {
  // CHECK: lam.exp %{{.*}} : tensor<?x3xf16>
  %exp = lam.exp %x : tensor<?x3xf16>
  // CHECK: lam.sqrt %{{.*}} : tensor<?x3xf16>
  %sqrt = lam.sqrt %x : tensor<?x3xf16>
  return
}

// CHECK-LABEL: func.func @unary_bfloat
func.func @unary_bfloat(%x: tensor<?x3xbf16>) {
  // CHECK: lam.exp %{{.*}} : tensor<?x3xbf16>
  %exp = lam.exp %x : tensor<?x3xbf16>
  // CHECK: lam.sqrt %{{.*}} : tensor<?x3xbf16>
  %sqrt = lam.sqrt %x : tensor<?x3xbf16>
  return
}

// CHECK-LABEL: func.func @predicate
func.func @predicate(%x: tensor<?x3xf32>) {
  // CHECK: lam.is_nan %{{.*}} : tensor<?x3xf32>
  %is_nan = lam.is_nan %x : tensor<?x3xf32>
  // CHECK: lam.is_inf %{{.*}} : tensor<?x3xf32>
  %is_inf = lam.is_inf %x : tensor<?x3xf32>
  // CHECK: lam.is_finite %{{.*}} : tensor<?x3xf32>
  %is_finite = lam.is_finite %x : tensor<?x3xf32>
  return
}

// CHECK-LABEL: func.func @bits
func.func @bits(%x: tensor<?x3xui32>) {
  // CHECK: lam.not %{{.*}} : tensor<?x3xui32>
  %not = lam.not %x : tensor<?x3xui32>
  return
}

// CHECK-LABEL: func.func @logical_not
func.func @logical_not(%x: tensor<?x3xi1>) {
  // CHECK: lam.not %{{.*}} : tensor<?x3xi1>
  %not = lam.not %x : tensor<?x3xi1>
  return
}

// CHECK-LABEL: func.func @select
// CHECK: lam.select %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x3xf32>
func.func @select(%c: tensor<?x3xi1>, %a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = lam.select %c, %a, %b : tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
