// Products so large that the largest tiles are taken, of every kind of number.
func.func @f64(%x: tensor<2048x512xf64>, %w: tensor<512x2048xf64>) -> tensor<2048x2048xf64> {
  %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<2048x512xf64>, tensor<512x2048xf64>) -> tensor<2048x2048xf64>
  return %y : tensor<2048x2048xf64>
}
func.func @f32(%x: tensor<2048x512xf32>, %w: tensor<2048x512xf32>) -> tensor<2048x2048xf32> {
  %y = lam.dot %x, %w batch [] x [] contract [1] x [1] : (tensor<2048x512xf32>, tensor<2048x512xf32>) -> tensor<2048x2048xf32>
  return %y : tensor<2048x2048xf32>
}
func.func @f16(%x: tensor<2048x512xf16>, %w: tensor<512x2048xf16>) -> tensor<2048x2048xf16> {
  %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<2048x512xf16>, tensor<512x2048xf16>) -> tensor<2048x2048xf16>
  return %y : tensor<2048x2048xf16>
}
func.func @bf16(%x: tensor<512x2048xbf16>, %w: tensor<512x2048xbf16>) -> tensor<2048x2048xbf16> {
  %y = lam.dot %x, %w batch [] x [] contract [0] x [0] : (tensor<512x2048xbf16>, tensor<512x2048xbf16>) -> tensor<2048x2048xbf16>
  return %y : tensor<2048x2048xbf16>
}
