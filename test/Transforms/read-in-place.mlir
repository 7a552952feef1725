// RUN: lamina-opt %s --pass-pipeline='builtin.module(func.func(lamina-read-in-place))' | FileCheck %s

#rest = affine_map<(d0) -> (-d0 + 10, 4)>
#more = affine_map<(d0) -> (-d0 + 10, 5)>

// CHECK-LABEL: func.func @tiles(
// CHECK: iter_args(%[[W:.*]] = %arg0)
// CHECK: tensor.extract_slice %[[W]]
// CHECK: tensor.extract_slice %[[W]]
func.func @tiles(%w: tensor<10xf32>) -> tensor<10xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c10 = arith.constant 10 : index
  %r = scf.for %i = %c0 to %c10 step %c4 iter_args(%t = %w) -> tensor<10xf32> {
    %s = affine.min #rest(%i)
    %old = tensor.extract_slice %w[%i] [%s] [1] : tensor<10xf32> to tensor<?xf32>
    %to = tensor.extract_slice %t[%i] [%s] [1] : tensor<10xf32> to tensor<?xf32>
    %new = linalg.exp ins(%old : tensor<?xf32>) outs(%to : tensor<?xf32>) -> tensor<?xf32>
    %u = tensor.insert_slice %new into %t[%i] [%s] [1] : tensor<?xf32> into tensor<10xf32>
    scf.yield %u : tensor<10xf32>
  }
  return %r : tensor<10xf32>
}

// The next tile starts before this one ends: the old value is another one.
// CHECK-LABEL: func.func @overlapping(
// CHECK: tensor.extract_slice %arg0
func.func @overlapping(%w: tensor<10xf32>) -> tensor<10xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c10 = arith.constant 10 : index
  %r = scf.for %i = %c0 to %c10 step %c4 iter_args(%t = %w) -> tensor<10xf32> {
    %s = affine.min #more(%i)
    %old = tensor.extract_slice %w[%i] [%s] [1] : tensor<10xf32> to tensor<?xf32>
    %to = tensor.extract_slice %t[%i] [%s] [1] : tensor<10xf32> to tensor<?xf32>
    %new = linalg.exp ins(%old : tensor<?xf32>) outs(%to : tensor<?xf32>) -> tensor<?xf32>
    %u = tensor.insert_slice %new into %t[%i] [%s] [1] : tensor<?xf32> into tensor<10xf32>
    scf.yield %u : tensor<10xf32>
  }
  return %r : tensor<10xf32>
}
