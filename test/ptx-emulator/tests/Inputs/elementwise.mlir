// y = tanh(x) * w[column] + 1, four elements per thread in 128-bit accesses, rows
// of 8, a dynamic number of elements.
module attributes {gpu.container_module} {
  gpu.module @m {
    gpu.func @elementwise(%x: memref<64xf32>, %w: memref<8xf32>, %y: memref<64xf32>, %n: index) kernel
        attributes {known_block_size = array<i32: 32, 1, 1>} {
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %c32 = arith.constant 32 : index
      %one = arith.constant dense<1.0> : vector<4xf32>
      %t = gpu.thread_id x
      %b = gpu.block_id x
      %base = arith.muli %b, %c32 : index
      %i = arith.addi %base, %t : index
      %at = arith.muli %i, %c4 : index
      %in = arith.cmpi slt, %at, %n : index
      scf.if %in {
        %col = arith.remui %at, %c8 : index
        %v = vector.load %x[%at] : memref<64xf32>, vector<4xf32>
        %u = vector.load %w[%col] : memref<8xf32>, vector<4xf32>
        %e = math.tanh %v : vector<4xf32>
        %f = math.fma %e, %u, %one : vector<4xf32>
        vector.store %f, %y[%at] : memref<64xf32>, vector<4xf32>
      }
      gpu.return
    }
  }
}
