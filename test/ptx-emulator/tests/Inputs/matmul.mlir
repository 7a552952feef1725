// relu(a x b + bias), a of ?x20, b of 20x24, tiles of 8x8 in shared memory, rows
// guarded by a dynamic bound.
module attributes {gpu.container_module} {
  gpu.module @m {
    gpu.func @matmul(%a: memref<16x20xf32>, %b: memref<20x24xf32>, %bias: memref<24xf32>, %c: memref<16x24xf32>, %rows: index)
        workgroup(%ta: memref<8x8xf32, #gpu.address_space<workgroup>>, %tb: memref<8x8xf32, #gpu.address_space<workgroup>>) kernel
        attributes {known_block_size = array<i32: 64, 1, 1>} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %c20 = arith.constant 20 : index
      %z = arith.constant 0.0 : f32
      %t = gpu.thread_id x
      %bx = gpu.block_id x
      %by = gpu.block_id y
      %tr = arith.divui %t, %c8 : index
      %tc = arith.remui %t, %c8 : index
      %r0 = arith.muli %by, %c8 : index
      %k0 = arith.muli %bx, %c8 : index
      %row = arith.addi %r0, %tr : index
      %col = arith.addi %k0, %tc : index
      %in = arith.cmpi slt, %row, %rows : index
      %sum = scf.for %k = %c0 to %c20 step %c8 iter_args(%acc = %z) -> f32 {
        %ka = arith.addi %k, %tc : index
        %kb = arith.addi %k, %tr : index
        %ina = arith.cmpi slt, %ka, %c20 : index
        %inb = arith.cmpi slt, %kb, %c20 : index
        %ok = arith.andi %in, %ina : i1
        %va = scf.if %ok -> f32 {
          %v = memref.load %a[%row, %ka] : memref<16x20xf32>
          scf.yield %v : f32
        } else { scf.yield %z : f32 }
        %vb = scf.if %inb -> f32 {
          %v = memref.load %b[%kb, %col] : memref<20x24xf32>
          scf.yield %v : f32
        } else { scf.yield %z : f32 }
        memref.store %va, %ta[%tr, %tc] : memref<8x8xf32, #gpu.address_space<workgroup>>
        memref.store %vb, %tb[%tr, %tc] : memref<8x8xf32, #gpu.address_space<workgroup>>
        gpu.barrier
        %s = scf.for %i = %c0 to %c8 step %c1 iter_args(%p = %acc) -> f32 {
          %x = memref.load %ta[%tr, %i] : memref<8x8xf32, #gpu.address_space<workgroup>>
          %y = memref.load %tb[%i, %tc] : memref<8x8xf32, #gpu.address_space<workgroup>>
          %q = math.fma %x, %y, %p : f32
          scf.yield %q : f32
        }
        gpu.barrier
        scf.yield %s : f32
      }
      %bv = memref.load %bias[%col] : memref<24xf32>
      %o = arith.addf %sum, %bv : f32
      %rl = arith.maximumf %o, %z : f32
      scf.if %in { memref.store %rl, %c[%row, %col] : memref<16x24xf32> }
      gpu.return
    }
  }
}
