// y = x @ w, trained by hand-written steepest descent on the mean square of the error; the metric is the mean of
// its absolute value. The optimizer counts its steps.
module attributes {lamina.model = "model", lamina.stage = "lam"} {
  func.func @forward(%x: tensor<?x3xf32> {lamina.dims = ["n", 3], lamina.dtype = "float32", lamina.name = "x", lamina.role = "input"}, %w: tensor<3x1xf32> {lamina.dims = [3, 1], lamina.dtype = "float32", lamina.name = "line/kernel", lamina.role = "weight", lamina.trainable = true, lamina.value = dense<0.0> : tensor<3x1xf32>}) -> (tensor<?x1xf32> {lamina.dims = ["n", 1], lamina.dtype = "float32", lamina.name = "y", lamina.role = "output"}) {
    %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  }
  func.func @train_step(%x: tensor<?x3xf32> {lamina.dims = ["n", 3], lamina.dtype = "float32", lamina.name = "x", lamina.role = "input"}, %t: tensor<?x1xf32> {lamina.dims = ["n", 1], lamina.dtype = "float32", lamina.name = "y_true", lamina.role = "target"}, %w: tensor<3x1xf32> {lamina.dims = [3, 1], lamina.dtype = "float32", lamina.name = "line/kernel", lamina.role = "weight", lamina.trainable = true, lamina.value = dense<0.0> : tensor<3x1xf32>}, %steps: tensor<i64> {lamina.dims = [], lamina.dtype = "int64", lamina.name = "sgd/iteration", lamina.role = "optimizer", lamina.trainable = false, lamina.value = dense<0> : tensor<i64>}) -> (tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "loss", lamina.role = "loss"}, tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_0", lamina.role = "metric"}, tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_1", lamina.role = "metric"}, tensor<3x1xf32> {lamina.dims = [3, 1], lamina.dtype = "float32", lamina.name = "line/kernel", lamina.of = "line/kernel", lamina.role = "update"}, tensor<i64> {lamina.dims = [], lamina.dtype = "int64", lamina.name = "sgd/iteration", lamina.of = "sgd/iteration", lamina.role = "update"}) {
    %zero = arith.constant 0 : index
    %n = tensor.dim %x, %zero : tensor<?x3xf32>
    %count = lam.from_size %n : tensor<i32>
    %rows = lam.cast %count : tensor<i32> -> tensor<f32>
    %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    %error = lam.sub %y, %t : tensor<?x1xf32>
    %square = lam.mul %error, %error : tensor<?x1xf32>
    %sum = lam.reduce sum %square dims [0, 1] : tensor<?x1xf32> -> tensor<f32>
    %loss = lam.div %sum, %rows : tensor<f32>
    %absolute = lam.abs %error : tensor<?x1xf32>
    %mae = lam.reduce sum %absolute dims [0, 1] : tensor<?x1xf32> -> tensor<f32>
    %xt = lam.transpose %x perm [1, 0] : tensor<?x3xf32> -> tensor<3x?xf32>
    %g = lam.dot %xt, %error batch [] x [] contract [1] x [0] : (tensor<3x?xf32>, tensor<?x1xf32>) -> tensor<3x1xf32>
    %rate = lam.constant dense<0.2> : tensor<3x1xf32>
    %scaled = lam.mul %g, %rate : tensor<3x1xf32>
    %wide = lam.broadcast %rows dims [] : tensor<f32> -> tensor<3x1xf32>
    %step = lam.div %scaled, %wide : tensor<3x1xf32>
    %new = lam.sub %w, %step : tensor<3x1xf32>
    %one = lam.constant dense<1> : tensor<i64>
    %next = lam.add %steps, %one : tensor<i64>
    return %loss, %mae, %rows, %new, %next : tensor<f32>, tensor<f32>, tensor<f32>, tensor<3x1xf32>, tensor<i64>
  }
  func.func @evaluate(%x: tensor<?x3xf32> {lamina.dims = ["n", 3], lamina.dtype = "float32", lamina.name = "x", lamina.role = "input"}, %t: tensor<?x1xf32> {lamina.dims = ["n", 1], lamina.dtype = "float32", lamina.name = "y_true", lamina.role = "target"}, %w: tensor<3x1xf32> {lamina.dims = [3, 1], lamina.dtype = "float32", lamina.name = "line/kernel", lamina.role = "weight", lamina.trainable = true, lamina.value = dense<0.0> : tensor<3x1xf32>}) -> (tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "loss", lamina.role = "loss"}, tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_0", lamina.role = "metric"}, tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_1", lamina.role = "metric"}) {
    %zero = arith.constant 0 : index
    %n = tensor.dim %x, %zero : tensor<?x3xf32>
    %count = lam.from_size %n : tensor<i32>
    %rows = lam.cast %count : tensor<i32> -> tensor<f32>
    %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    %error = lam.sub %y, %t : tensor<?x1xf32>
    %square = lam.mul %error, %error : tensor<?x1xf32>
    %sum = lam.reduce sum %square dims [0, 1] : tensor<?x1xf32> -> tensor<f32>
    %loss = lam.div %sum, %rows : tensor<f32>
    %absolute = lam.abs %error : tensor<?x1xf32>
    %mae = lam.reduce sum %absolute dims [0, 1] : tensor<?x1xf32> -> tensor<f32>
    return %loss, %mae, %rows : tensor<f32>, tensor<f32>, tensor<f32>
  }
  func.func @metrics(%mae_0: tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_0", lamina.role = "input"}, %mae_1: tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae_1", lamina.role = "input"}) -> (tensor<f32> {lamina.dims = [], lamina.dtype = "float32", lamina.name = "mae", lamina.role = "output"}) {
    %mae = lam.div %mae_0, %mae_1 : tensor<f32>
    return %mae : tensor<f32>
  }
}
