// The register tile of a large product: multiply-adds of whole registers, from
// memory to registers and back, with no accumulator spilled in between.
//
// RUN: lamina compile %s --mcpu=x86-64-v4 --emit=asm -o - | FileCheck %s --check-prefix=AVX512
// RUN: lamina compile %s --mcpu=x86-64-v3 --emit=asm -o - | FileCheck %s --check-prefix=AVX2

// AVX512: model_f:
// AVX512-NOT: {{vgather|%[yz]mm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX512: prefetch
// AVX512-NOT: {{vgather|%[yz]mm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX512: vbroadcastss {{.*}}%zmm
// AVX512-NOT: {{vgather|%[yz]mm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX512: vfmadd{{...}}ps {{.*}}%zmm
// AVX512-NOT: {{vgather|%[yz]mm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX512: .Lfunc_end

// AVX2: model_f:
// AVX2-NOT: {{zmm|vgather|%ymm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX2: vfmadd{{...}}ps {{.*}}%ymm
// AVX2-NOT: {{zmm|vgather|%ymm[0-9]+, [0-9-]*\(%rsp\)}}
// AVX2: .Lfunc_end
func.func @f(%x: tensor<?x784xf32>, %w: tensor<784x512xf32>) -> tensor<?x512xf32> {
  %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : (tensor<?x784xf32>, tensor<784x512xf32>) -> tensor<?x512xf32>
  return %y : tensor<?x512xf32>
}
