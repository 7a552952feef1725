// RUN: lamina-opt %s -convert-lam-to-linalg | FileCheck %s

// CHECK-DAG:   #[[$ROW:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG:   #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG:   #[[$TURNED:.*]] = affine_map<(d0, d1) -> (d1, d0)>

// Signatures lose signs and keep attributes; a size is that of the first
// operand, and a splat is a number in the body.
// CHECK-LABEL: func.func @pointwise(
// CHECK-SAME:    %[[X:.*]]: tensor<?x3xi8> {lamina.role = "input"}) -> (tensor<?x3xi8> {lamina.role = "output"})
// CHECK:         %[[N:.*]] = tensor.dim %[[X]]
// CHECK:         %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?x3xi8>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<?x3xi8>) outs(%[[E]]
// CHECK-NEXT:    ^bb0(%[[A:.*]]: i8, %{{.*}}: i8):
// CHECK-NEXT:      %[[C:.*]] = arith.constant 7 : i8
// CHECK-NEXT:      arith.maxui %[[A]], %[[C]]
func.func @pointwise(%x: tensor<?x3xui8> {lamina.role = "input"})
    -> (tensor<?x3xui8> {lamina.role = "output"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xui8>
  %k = lam.constant dense<7> : tensor<ui8>
  %kb = lam.broadcast %k dims [] sizes (%n) : tensor<ui8> -> tensor<?x3xui8>
  %y = lam.max %x, %kb : tensor<?x3xui8>
  return %y : tensor<?x3xui8>
}

// Transposes, broadcasts and unit dimensions are indexing maps.
// CHECK-LABEL: func.func @maps(
// CHECK-SAME:    %[[T:.*]]: tensor<4x3xf32>, %[[R:.*]]: tensor<4xf32>, %[[C:.*]]: tensor<3xf32>)
// CHECK-NEXT:    tensor.empty() : tensor<3x4xf32>
// CHECK-NEXT:    linalg.generic {indexing_maps = [#[[$TURNED]], #[[$ROW]], {{.*}}]{{.*}} ins(%[[T]], %[[R]]
// CHECK:         linalg.generic {indexing_maps = [{{.*}}, #[[$COLUMN]], {{.*}}]{{.*}} ins(%{{.*}}, %[[C]]
// CHECK-NOT:     linalg.generic
func.func @maps(%t: tensor<4x3xf32>, %r: tensor<4xf32>, %c: tensor<3xf32>) -> tensor<3x4xf32> {
  %tt = lam.transpose %t perm [1, 0] : tensor<4x3xf32> -> tensor<3x4xf32>
  %rb = lam.broadcast %r dims [1] : tensor<4xf32> -> tensor<3x4xf32>
  %cu = lam.reshape %c : tensor<3xf32> -> tensor<3x1xf32>
  %cb = lam.broadcast %cu dims [0, 1] : tensor<3x1xf32> -> tensor<3x4xf32>
  %0 = lam.add %tt, %rb : tensor<3x4xf32>
  %1 = lam.mul %0, %cb : tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// Half precision is arithmetic in f32 and moves as it is.
// CHECK-LABEL: func.func @half(
// CHECK:         %[[A:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:         %[[B:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:         %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK:         arith.truncf %[[S]] : f32 to f16
// CHECK:         arith.select {{.*}} : f16
func.func @half(%c: tensor<2xi1>, %a: tensor<2xf16>, %b: tensor<2xf16>) -> tensor<2xf16> {
  %0 = lam.add %a, %b : tensor<2xf16>
  %1 = lam.select %c, %0, %b : tensor<2xf16>
  return %1 : tensor<2xf16>
}

// Saturating, with 0 for NaN: the conversion only sees what fits.
// CHECK-LABEL: func.func @saturate(
// CHECK-DAG:     %[[LOW:.*]] = arith.constant -1.280000e+02 : f32
// CHECK-DAG:     %[[LIMIT:.*]] = arith.constant 1.280000e+02 : f32
// CHECK:         %[[INSIDE:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK-NEXT:    %[[I:.*]] = arith.fptosi %[[INSIDE]] : f32 to i8
// CHECK:         arith.select %{{.*}}, %c127_i8, %[[I]] : i8
// CHECK:         arith.select %{{.*}}, %c-128_i8, %{{.*}} : i8
func.func @saturate(%x: tensor<2xf32>) -> tensor<2xi8> {
  %0 = lam.cast %x : tensor<2xf32> -> tensor<2xi8>
  return %0 : tensor<2xi8>
}

// CHECK-LABEL: func.func @constants(
// CHECK-DAG:     arith.constant dense<[1, -1]> : tensor<2xi8>
// CHECK-DAG:     linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<1000xf32>)
func.func @constants() -> (tensor<2xui8>, tensor<1000xf32>) {
  %0 = lam.constant dense<[1, 255]> : tensor<2xui8>
  %1 = lam.constant dense<1.0> : tensor<1000xf32>
  return %0, %1 : tensor<2xui8>, tensor<1000xf32>
}
