// RUN: lamina-opt %s -convert-lam-to-linalg | FileCheck %s

// CHECK-DAG:   #[[$PLACE:.*]] = affine_map<(d0, d1) -> (d0)>

// The sizes tell which dimensions belong together.
// CHECK-LABEL: func.func @reshape(
// CHECK:         %[[C:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<?x4x6xf32> into tensor<?x24xf32>
// CHECK:         tensor.expand_shape %[[C]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 3, 8] : tensor<?x24xf32> into tensor<?x3x8xf32>
func.func @reshape(%x: tensor<?x4x6xf32>) -> tensor<?x3x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4x6xf32>
  %y = lam.reshape %x sizes (%n) : tensor<?x4x6xf32> -> tensor<?x3x8xf32>
  return %y : tensor<?x3x8xf32>
}

// One dimension becomes two unknown ones: no view of upstream's can do it.
// CHECK-LABEL: func.func @split(
// CHECK:         linalg.generic
// CHECK:           tensor.extract %{{.*}}[%{{.*}}] : tensor<?xf32>
func.func @split(%x: tensor<?xf32>, %m: index, %n: index) -> tensor<?x?xf32> {
  %y = lam.reshape %x sizes (%m, %n) : tensor<?xf32> -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @slice(
// CHECK-SAME:    %[[X:.*]]: tensor<9x?xf32>, %[[I:.*]]: index, %[[N:.*]]: index)
// CHECK-NEXT:    tensor.extract_slice %[[X]][1, %[[I]]] [4, %[[N]]] [2, 1] : tensor<9x?xf32> to tensor<4x?xf32>
func.func @slice(%x: tensor<9x?xf32>, %i: index, %n: index) -> tensor<4x?xf32> {
  %y = lam.slice %x [1, %i] strides [2, 1] sizes (%n) : tensor<9x?xf32> -> tensor<4x?xf32>
  return %y : tensor<4x?xf32>
}

// CHECK-LABEL: func.func @pad(
// CHECK:         %[[F:.*]] = linalg.fill
// CHECK:         tensor.insert_slice %{{.*}} into %[[F]][1] [2] [3] : tensor<2xf32> into tensor<6xf32>
func.func @pad(%x: tensor<2xf32>, %v: tensor<f32>) -> tensor<6xf32> {
  %y = lam.pad %x value %v [1] strides [3] : tensor<2xf32>, tensor<f32> -> tensor<6xf32>
  return %y : tensor<6xf32>
}

// CHECK-LABEL: func.func @concat(
// CHECK-SAME:    %[[A:.*]]: tensor<?x3xf32>, %[[B:.*]]: tensor<?x4xf32>)
// CHECK:         %[[E:.*]] = tensor.empty(%[[N:.*]]) : tensor<?x7xf32>
// CHECK-NEXT:    %[[F:.*]] = tensor.insert_slice %[[A]] into %[[E]][0, 0] [%[[N]], 3] [1, 1]
// CHECK:         tensor.insert_slice %[[B]] into %[[F]][0, 3]
func.func @concat(%a: tensor<?x3xf32>, %b: tensor<?x4xf32>) -> tensor<?x7xf32> {
  %y = lam.concat %a, %b dim 1 : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<?x7xf32>
  return %y : tensor<?x7xf32>
}

// The indices of an embedding are an operand that does not change in a row.
// CHECK-LABEL: func.func @gather(
// CHECK-SAME:    %[[X:.*]]: tensor<10x8xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[$PLACE]], {{.*}}]
// CHECK:           arith.maxsi
// CHECK:           %[[I:.*]] = arith.minsi
// CHECK:           tensor.extract %[[X]][%[[I]], %{{.*}}] : tensor<10x8xf32>
func.func @gather(%x: tensor<10x8xf32>, %i: tensor<5xi32>) -> tensor<5x8xf32> {
  %j = lam.reshape %i : tensor<5xi32> -> tensor<5x1xi32>
  %y = lam.gather %x at %j axes [0] : tensor<10x8xf32>, tensor<5x1xi32> -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// CHECK-LABEL: func.func @scatter(
// CHECK:         scf.for
// CHECK:           %[[IN:.*]] = arith.cmpi ult
// CHECK:           scf.if %[[IN]]
// CHECK:             %[[OLD:.*]] = tensor.extract_slice
// CHECK:             %[[NEW:.*]] = linalg.generic {{.*}} outs(%[[OLD]]
// CHECK:             tensor.insert_slice %[[NEW]]
func.func @scatter(%x: tensor<10x8xf32>, %i: tensor<5x1xi32>, %u: tensor<5x8xf32>) -> tensor<10x8xf32> {
  %y = lam.scatter add %u into %x at %i axes [0] : tensor<5x8xf32>, tensor<10x8xf32>, tensor<5x1xi32>
  return %y : tensor<10x8xf32>
}

// CHECK-LABEL: func.func @empty(
// CHECK-NEXT:    %[[E:.*]] = tensor.empty() : tensor<0x3xf32>
// CHECK-NEXT:    return %[[E]]
func.func @empty(%x: tensor<5x3xf32>) -> tensor<0x3xf32> {
  %y = lam.slice %x [5, 0] strides [1, 1] : tensor<5x3xf32> -> tensor<0x3xf32>
  return %y : tensor<0x3xf32>
}

// A slice that starts where x ends has no elements, whatever its type says.
// CHECK-LABEL: func.func @behind(
// CHECK-SAME:    %{{.*}}: tensor<4xf32>, %[[N:.*]]: index)
// CHECK-NEXT:    tensor.empty(%[[N]]) : tensor<?xf32>
func.func @behind(%x: tensor<4xf32>, %n: index) -> tensor<?xf32> {
  %y = lam.slice %x [4] strides [1] sizes (%n) : tensor<4xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}
