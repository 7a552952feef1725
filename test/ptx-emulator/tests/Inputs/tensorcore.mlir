// a x b in f32, a of 32x64 f16, b of 64x8 f16: two warps of a 16x8 tile each;
// cp.async into two buffers, ldmatrix, mma.sync.
module attributes {gpu.container_module} {
  gpu.module @m {
    gpu.func @tensorcore(%a: memref<32x64xf16>, %b: memref<64x8xf16>, %c: memref<32x8xf32>)
        workgroup(%sa: memref<2x32x24xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %sb: memref<2x16x8xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel
        attributes {known_block_size = array<i32: 64, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      %c32 = arith.constant 32 : index
      %c64 = arith.constant 64 : index
      %z = arith.constant dense<0.0> : vector<2x2xf32>
      %t = gpu.thread_id x
      %lane = arith.remui %t, %c32 : index
      %warp = arith.divui %t, %c32 : index
      %m0 = arith.muli %warp, %c16 : index
      %ar = arith.divui %t, %c2 : index
      %ah = arith.remui %t, %c2 : index
      %ac = arith.muli %ah, %c8 : index
      %isb = arith.cmpi ult, %t, %c16 : index
      %lr = arith.remui %lane, %c16 : index
      %lh = arith.divui %lane, %c16 : index
      %lc = arith.muli %lh, %c8 : index
      %arow = arith.addi %m0, %lr : index
      %p0 = nvgpu.device_async_copy %a[%ar, %ac], %sa[%c0, %ar, %ac], 8 {bypassL1} : memref<32x64xf16> to memref<2x32x24xf16, #gpu.address_space<workgroup>>
      scf.if %isb {
        %p1 = nvgpu.device_async_copy %b[%t, %c0], %sb[%c0, %t, %c0], 8 {bypassL1} : memref<64x8xf16> to memref<2x16x8xf16, #gpu.address_space<workgroup>>
      }
      %pg = nvgpu.device_async_create_group %p0
      %sum = scf.for %k = %c0 to %c64 step %c16 iter_args(%acc = %z) -> vector<2x2xf32> {
        %kd = arith.divui %k, %c16 : index
        %cur = arith.remui %kd, %c2 : index
        %nxt = arith.subi %c1, %cur : index
        %kn = arith.addi %k, %c16 : index
        %kw = arith.remui %kn, %c64 : index
        %gac = arith.addi %kw, %ac : index
        %gbr = arith.addi %kw, %t : index
        %q0 = nvgpu.device_async_copy %a[%ar, %gac], %sa[%nxt, %ar, %ac], 8 {bypassL1} : memref<32x64xf16> to memref<2x32x24xf16, #gpu.address_space<workgroup>>
        scf.if %isb {
          %q1 = nvgpu.device_async_copy %b[%gbr, %c0], %sb[%nxt, %t, %c0], 8 {bypassL1} : memref<64x8xf16> to memref<2x16x8xf16, #gpu.address_space<workgroup>>
        }
        %qg = nvgpu.device_async_create_group %q0
        nvgpu.device_async_wait %qg {numGroups = 1 : i32}
        gpu.barrier
        %fa = nvgpu.ldmatrix %sa[%cur, %arow, %lc] {numTiles = 4 : i32, transpose = false} : memref<2x32x24xf16, #gpu.address_space<workgroup>> -> vector<4x2xf16>
        %fb = nvgpu.ldmatrix %sb[%cur, %lr, %c0] {numTiles = 2 : i32, transpose = true} : memref<2x16x8xf16, #gpu.address_space<workgroup>> -> vector<2x2xf16>
        %d = nvgpu.mma.sync (%fa, %fb, %acc) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
        gpu.barrier
        scf.yield %d : vector<2x2xf32>
      }
      %g = arith.divui %lane, %c4 : index
      %q = arith.remui %lane, %c4 : index
      %col = arith.muli %q, %c2 : index
      %row0 = arith.addi %m0, %g : index
      %row1 = arith.addi %row0, %c8 : index
      %d0 = vector.extract %sum[0] : vector<2xf32> from vector<2x2xf32>
      %d1 = vector.extract %sum[1] : vector<2xf32> from vector<2x2xf32>
      vector.store %d0, %c[%row0, %col] : memref<32x8xf32>, vector<2xf32>
      vector.store %d1, %c[%row1, %col] : memref<32x8xf32>, vector<2xf32>
      gpu.return
    }
  }
}
