// RUN: lamina-opt -verify-diagnostics -split-input-file %s

func.func @f(%x: tensor<4xf32>, %y: tensor<5xf32>) {
  // expected-error@below {{'lam.add' op all non-scalar operands/results must have the same shape and base type}}
  %0 = "lam.add"(%x, %y) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  return
}
// -----
func.func @f(%x: tensor<4xi32>) {
  // expected-error@below {{'lam.exp' op operand #0 must be ranked tensor of}}
  %0 = lam.exp %x : tensor<4xi32>
  return
}
// -----
func.func @f(%x: tensor<4xi1>) {
  // expected-error@below {{'lam.add' op operand #0 must be ranked tensor of}}
  %0 = lam.add %x, %x : tensor<4xi1>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.and' op operand #0 must be ranked tensor of}}
  %0 = lam.and %x, %x : tensor<4xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.bitcast' op expects element types of the same width, got 32 and 16 bits}}
  %0 = lam.bitcast %x : tensor<4xf32> -> tensor<4xui16>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.broadcast' op cannot repeat dimension 0 of size 4 to size 5}}
  %0 = lam.broadcast %x dims [0] : tensor<4xf32> -> tensor<5x4xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.broadcast' op expects one size per dynamic dimension of the result: 1 for 'tensor<?x4xf32>', got 0}}
  %0 = lam.broadcast %x dims [1] : tensor<4xf32> -> tensor<?x4xf32>
  return
}
// -----
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@below {{'lam.broadcast' op 'dims' must be increasing, but 0 follows 1}}
  %0 = lam.broadcast %x dims [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}
// -----
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@below {{'lam.reshape' op cannot reshape 6 elements to 7}}
  %0 = lam.reshape %x : tensor<2x3xf32> -> tensor<7xf32>
  return
}
// -----
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@below {{'perm' must be a permutation of the 2 dimensions of 'tensor<2x3xf32>'}}
  // expected-error@below {{'lam.transpose' op failed to infer returned types}}
  %0 = lam.transpose %x perm [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}
// -----
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error@below {{'lam.transpose' op inferred type(s) 'tensor<3x2xf32>' are incompatible with return type(s) of operation 'tensor<2x3xf32>'}}
  // expected-error@below {{'lam.transpose' op failed to infer returned types}}
  %0 = lam.transpose %x perm [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.slice' op places 2 elements from 3 by 1 in dimension 0, which has size 4}}
  %0 = lam.slice %x[3] strides [1] : tensor<4xf32> -> tensor<2xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.slice' op expects 'strides' of at least 1, got 0}}
  %0 = lam.slice %x[0] strides [0] : tensor<4xf32> -> tensor<2xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error@below {{'lam.pad' op places 4 elements from 1 by 2 in dimension 0, which has size 7}}
  %0 = lam.pad %x value %v[1] strides [2] : tensor<4xf32>, tensor<f32> -> tensor<7xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error@below {{'lam.pad' op expects a 'value' of rank 0, got 'tensor<2xf32>'}}
  %0 = lam.pad %x value %v[0] strides [1] : tensor<4xf32>, tensor<2xf32> -> tensor<7xf32>
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  // expected-error@below {{'lam.reverse' op 'dims' has 1, which is not a dimension of a tensor of rank 1}}
  %0 = lam.reverse %x dims [1] : tensor<4xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) {
  // expected-error@below {{'lam.concat' op expects dimension 1 of the result to be 3, got 2}}
  %0 = lam.concat %x, %y dim 0 : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<8x2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.concat' op expects dimension 1 of the result to be 4, got 5}}
  %0 = lam.concat %x, %x dim 1 : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x5xf32>
  return
}
// -----
func.func @f() {
  // expected-error@below {{'lam.iota' op expects a dimension of the result, got 1 for 'tensor<4xi32>'}}
  %0 = lam.iota 1 : tensor<4xi32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %i: tensor<3x2xi32>) {
  // expected-error@below {{'lam.gather' op expects the last dimension of the indices to be 1 (one per entry of 'axes'), got 'tensor<3x2xi32>'}}
  %0 = lam.gather %x at %i axes [0] : tensor<4x2xf32>, tensor<3x2xi32> -> tensor<3x2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %i: tensor<3x1xi32>) {
  // expected-error@below {{'lam.gather' op 'axes' has 2, which is not a dimension of a tensor of rank 2}}
  %0 = lam.gather %x at %i axes [2] : tensor<4x2xf32>, tensor<3x1xi32> -> tensor<3x2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %i: tensor<3x1xi32>, %u: tensor<3x5xf32>) {
  // expected-error@below {{'lam.scatter' op expects the gathered shape 'tensor<3x2xf32>', got 'tensor<3x5xf32>'}}
  %0 = lam.scatter add %u into %x at %i axes [0] : tensor<3x5xf32>, tensor<4x2xf32>, tensor<3x1xi32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.reduce' op 'dims' has 2, which is not a dimension of a tensor of rank 2}}
  %0 = lam.reduce sum %x dims [2] : tensor<4x2xf32> -> tensor<4x2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.reduce' op 'dims' must be increasing, but 0 follows 1}}
  %0 = lam.reduce sum %x dims [1, 0] : tensor<4x2xf32> -> tensor<f32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.reduce' op of kind 'any' expects bool, got 'tensor<4x2xf32>'}}
  %0 = lam.reduce any %x dims [1] : tensor<4x2xf32> -> tensor<4xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.reduce' op inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<2xf32>'}}
  // expected-error@below {{'lam.reduce' op failed to infer returned types}}
  %0 = lam.reduce sum %x dims [1] : tensor<4x2xf32> -> tensor<2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.arg_reduce' op expects the kind 'max' or 'min', got 'sum'}}
  %0 = lam.arg_reduce sum %x dim 1 : tensor<4x2xf32> -> tensor<4xi32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.cumulative' op expects the kind 'sum', 'prod', 'max' or 'min'}}
  %0 = lam.cumulative any %x dim 1 : tensor<4x2xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error@below {{'lam.sort' op expects a dimension of 'tensor<4x2xf32>', got 2}}
  %0:2 = lam.sort %x dim 2 : tensor<4x2xf32> -> tensor<4x2xf32>, tensor<4x2xi32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %w: tensor<3x5xf32>) {
  // expected-error@below {{'lam.dot' op expects equal contracted dimensions, got 2 (dimension 1) and 3 (dimension 0)}}
  %0 = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<4x2xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  return
}
// -----
func.func @f(%x: tensor<4x2xf32>, %w: tensor<2x5xf64>) {
  // expected-error@below {{'lam.dot' op expects one element type, got 'f32' and 'f64'}}
  %0 = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<4x2xf32>, tensor<2x5xf64>) -> tensor<4x5xf32>
  return
}
// -----
func.func @f(%x: tensor<1x8x6xf32>, %k: tensor<3x5x7xf32>) {
  // expected-error@below {{'lam.conv' op cannot divide 'tensor<1x8x6xf32>' and the kernel 'tensor<3x5x7xf32>' into 1 groups}}
  %0 = lam.conv %x, %k strides [1] pad [0] x [0] dilation [1] x [1] : tensor<1x8x6xf32>, tensor<3x5x7xf32> -> tensor<1x6x7xf32>
  return
}
// -----
func.func @f(%x: tensor<8xf32>) {
  // expected-error@below {{'lam.window' op expects 1 entries in 'window', got 2}}
  %0 = lam.window max %x window [2, 2] strides [1] pad [0] x [0] dilation [1] : tensor<8xf32> -> tensor<7xf32>
  return
}
// -----
func.func @f(%x: tensor<8xf32>) {
  // expected-error@below {{'lam.window' op expects dimension 0 of the result to be 7, got 8}}
  %0 = lam.window sum %x window [2] strides [1] pad [0] x [0] dilation [1] : tensor<8xf32> -> tensor<8xf32>
  return
}
// -----
func.func @f(%key: tensor<3xui32>) {
  // expected-error@below {{'lam.random_bits' op expects a key of type tensor<2xui32>, got 'tensor<3xui32>'}}
  %0 = lam.random_bits %key : tensor<3xui32> -> tensor<8xui32>
  return
}
// -----
func.func @f(%c: tensor<4xi1>, %a: tensor<5xf32>) {
  // expected-error@below {{'lam.select' op failed to verify that the condition is bool of the operands' shape}}
  %0 = "lam.select"(%c, %a, %a) : (tensor<4xi1>, tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @scan_yields(%h: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  // expected-error @+1 {{'lam.scan' op expects 'tensor<4xf32>' as number 0 of the values yielded, got 'tensor<4xi1>'}}
  %last = lam.scan %n from (%h : tensor<4xf32>) -> (tensor<4xf32>) {
  ^bb0(%a: tensor<4xf32>):
    %0 = lam.is_nan %a : tensor<4xf32>
    lam.yield %0 : tensor<4xi1>
  }
  return %last : tensor<4xf32>
}

// -----

func.func @scan_steps(%x: tensor<3xf32>, %y: tensor<4xf32>, %n: index) {
  // expected-error @+1 {{'lam.scan' op has sequences of 3 and 4 steps}}
  lam.scan %n over (%x, %y : tensor<3xf32>, tensor<4xf32>) {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    lam.yield
  }
  return
}

// -----

func.func @scan_sizes(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  // expected-error @+1 {{'lam.scan' op expects 1 sizes, one per dynamic dimension of the stacked results, got 0}}
  %all = lam.scan %n over (%x : tensor<?xf32>) stacking (tensor<?xf32>) {
  ^bb0(%a: tensor<f32>):
    lam.yield %a : tensor<f32>
  }
  return %all : tensor<?xf32>
}

// -----

func.func @while_condition(%i: tensor<i32>) -> tensor<i32> {
  // expected-error @+1 {{'lam.while' op expects 'tensor<i1>' as number 0 of the values yielded, got 'tensor<i32>'}}
  %last = lam.while from (%i : tensor<i32>) -> (tensor<i32>) {
  ^bb0(%a: tensor<i32>):
    lam.yield %a : tensor<i32>
  } do {
  ^bb0(%a: tensor<i32>):
    lam.yield %a : tensor<i32>
  }
  return %last : tensor<i32>
}
