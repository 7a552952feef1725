// y = x @ kernel + bias with momentum: what a model with SGD(0.1, momentum=0.9) becomes. Beside it, entry points whose
// updates need old values of each other.
module attributes {lamina.model = "net"} {
func.func @train_step(
    %x: tensor<?x10xf32> {lamina.role = "input", lamina.name = "x", lamina.dims = ["n", 10]},
    %t: tensor<?x5xf32> {lamina.role = "target", lamina.name = "y_true", lamina.dims = ["n", 5]},
    %k: tensor<10x5xf32> {lamina.role = "weight", lamina.name = "dense/kernel", lamina.trainable = true, lamina.value = dense<0.5> : tensor<10x5xf32>},
    %b: tensor<5xf32> {lamina.role = "weight", lamina.name = "dense/bias", lamina.trainable = true, lamina.value = dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>},
    %m: tensor<10x5xf32> {lamina.role = "optimizer", lamina.name = "m/kernel", lamina.value = dense<0.0> : tensor<10x5xf32>},
    %a: tensor<5xf32> {lamina.role = "optimizer", lamina.name = "average/bias", lamina.value = dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>},
    %i: tensor<i64> {lamina.role = "optimizer", lamina.name = "iteration", lamina.value = dense<0> : tensor<i64>},
    %seed: tensor<2xui32> {lamina.role = "seed", lamina.name = "seed"})
    -> (tensor<f32> {lamina.role = "loss", lamina.name = "loss"},
        tensor<2xui32> {lamina.role = "metric", lamina.name = "key"},
        tensor<10x5xf32> {lamina.role = "update", lamina.name = "dense/kernel", lamina.of = "dense/kernel"},
        tensor<5xf32> {lamina.role = "update", lamina.name = "dense/bias", lamina.of = "dense/bias"},
        tensor<10x5xf32> {lamina.role = "update", lamina.name = "m/kernel", lamina.of = "m/kernel"},
        tensor<5xf32> {lamina.role = "update", lamina.name = "average/bias", lamina.of = "average/bias"},
        tensor<i64> {lamina.role = "update", lamina.name = "iteration", lamina.of = "iteration"}) {
  %one = lam.constant dense<1.0> : tensor<f32>
  %loss, %dk, %db = lam.vjp (%k, %b : tensor<10x5xf32>, tensor<5xf32>) by (%one : tensor<f32>) -> (tensor<f32>), (tensor<10x5xf32>, tensor<5xf32>) {
  ^bb0(%w: tensor<10x5xf32>, %bias: tensor<5xf32>):
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x10xf32>
    %p = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x10xf32>, tensor<10x5xf32>) -> tensor<?x5xf32>
    %c = lam.broadcast %bias dims [1] sizes(%n) : tensor<5xf32> -> tensor<?x5xf32>
    %y = lam.add %p, %c : tensor<?x5xf32>
    %e = lam.sub %y, %t : tensor<?x5xf32>
    %s = lam.mul %e, %e : tensor<?x5xf32>
    %sum = lam.reduce sum %s dims [0, 1] : tensor<?x5xf32> -> tensor<f32>
    lam.yield %sum : tensor<f32>
  }
  %rho = lam.constant dense<0.9> : tensor<10x5xf32>
  %rate = lam.constant dense<1.0e-2> : tensor<10x5xf32>
  %rate5 = lam.constant dense<1.0e-2> : tensor<5xf32>
  %half = lam.constant dense<0.5> : tensor<5xf32>
  %one64 = lam.constant dense<1> : tensor<i64>
  %rm = lam.mul %m, %rho : tensor<10x5xf32>
  %rk = lam.mul %dk, %rate : tensor<10x5xf32>
  %m1 = lam.sub %rm, %rk : tensor<10x5xf32>
  %k1 = lam.add %k, %m1 : tensor<10x5xf32>
  %rb = lam.mul %db, %rate5 : tensor<5xf32>
  %b1 = lam.sub %b, %rb : tensor<5xf32>
  %ab = lam.add %a, %b1 : tensor<5xf32>
  %a1 = lam.mul %ab, %half : tensor<5xf32>
  %i1 = lam.add %i, %one64 : tensor<i64>
  return %loss, %seed, %k1, %b1, %m1, %a1, %i1 : tensor<f32>, tensor<2xui32>, tensor<10x5xf32>, tensor<5xf32>, tensor<10x5xf32>, tensor<5xf32>, tensor<i64>
}
}
