// Softmax of a row of 128, one block of 64 threads per row: a maximum and a sum
// over a warp by shuffles, over the two warps through shared memory.
module attributes {gpu.container_module} {
  gpu.module @m {
    gpu.func @softmax(%x: memref<4x128xf32>, %y: memref<4x128xf32>) workgroup(%sm: memref<2xf32, #gpu.address_space<workgroup>>, %ss: memref<2xf32, #gpu.address_space<workgroup>>) kernel
        attributes {known_block_size = array<i32: 64, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c32 = arith.constant 32 : index
      %w = arith.constant 32 : i32
      %o1 = arith.constant 1 : i32
      %o2 = arith.constant 2 : i32
      %o4 = arith.constant 4 : i32
      %o8 = arith.constant 8 : i32
      %o16 = arith.constant 16 : i32
      %tx = gpu.thread_id x
      %bx = gpu.block_id x
      %warp = arith.divui %tx, %c32 : index
      %lane = arith.remui %tx, %c32 : index
      %is0 = arith.cmpi eq, %lane, %c0 : index
      %col = arith.muli %tx, %c2 : index
      %v = vector.load %x[%bx, %col] : memref<4x128xf32>, vector<2xf32>
      %m0 = vector.reduction <maximumf>, %v : vector<2xf32> into f32
      %ms0, %mv0 = gpu.shuffle xor %m0, %o1, %w : f32
      %m1 = arith.maximumf %m0, %ms0 : f32
      %ms1, %mv1 = gpu.shuffle xor %m1, %o2, %w : f32
      %m2 = arith.maximumf %m1, %ms1 : f32
      %ms2, %mv2 = gpu.shuffle xor %m2, %o4, %w : f32
      %m3 = arith.maximumf %m2, %ms2 : f32
      %ms3, %mv3 = gpu.shuffle xor %m3, %o8, %w : f32
      %m4 = arith.maximumf %m3, %ms3 : f32
      %ms4, %mv4 = gpu.shuffle xor %m4, %o16, %w : f32
      %m5 = arith.maximumf %m4, %ms4 : f32
      scf.if %is0 { memref.store %m5, %sm[%warp] : memref<2xf32, #gpu.address_space<workgroup>> }
      gpu.barrier
      %ma = memref.load %sm[%c0] : memref<2xf32, #gpu.address_space<workgroup>>
      %mb = memref.load %sm[%c1] : memref<2xf32, #gpu.address_space<workgroup>>
      %m = arith.maximumf %ma, %mb : f32
      %mbc = vector.broadcast %m : f32 to vector<2xf32>
      %s = arith.subf %v, %mbc : vector<2xf32>
      %e = math.exp %s : vector<2xf32>
      %z0 = vector.reduction <add>, %e : vector<2xf32> into f32
      %zs0, %zv0 = gpu.shuffle xor %z0, %o1, %w : f32
      %z1 = arith.addf %z0, %zs0 : f32
      %zs1, %zv1 = gpu.shuffle xor %z1, %o2, %w : f32
      %z2 = arith.addf %z1, %zs1 : f32
      %zs2, %zv2 = gpu.shuffle xor %z2, %o4, %w : f32
      %z3 = arith.addf %z2, %zs2 : f32
      %zs3, %zv3 = gpu.shuffle xor %z3, %o8, %w : f32
      %z4 = arith.addf %z3, %zs3 : f32
      %zs4, %zv4 = gpu.shuffle xor %z4, %o16, %w : f32
      %z5 = arith.addf %z4, %zs4 : f32
      scf.if %is0 { memref.store %z5, %ss[%warp] : memref<2xf32, #gpu.address_space<workgroup>> }
      gpu.barrier
      %za = memref.load %ss[%c0] : memref<2xf32, #gpu.address_space<workgroup>>
      %zc = memref.load %ss[%c1] : memref<2xf32, #gpu.address_space<workgroup>>
      %z = arith.addf %za, %zc : f32
      %zb = vector.broadcast %z : f32 to vector<2xf32>
      %r = arith.divf %e, %zb : vector<2xf32>
      vector.store %r, %y[%bx, %col] : memref<4x128xf32>, vector<2xf32>
      gpu.return
    }
  }
}
