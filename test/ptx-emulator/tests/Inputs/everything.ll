; llc -march=nvptx64 -mcpu=sm_90 everything.ll -o everything.ptx
target triple = "nvptx64-nvidia-cuda"
@sh = internal addrspace(3) global [64 x float] undef, align 16
@dsh = external addrspace(3) global [0 x float], align 16
@tab = internal addrspace(4) constant [4 x float] [float 1.0, float 2.0, float 3.0, float 4.0], align 16
@gtab = internal addrspace(1) constant [3 x i16] [i16 1, i16 2, i16 -3], align 4
@ptrs = internal addrspace(1) global [2 x ptr addrspace(1)] [ptr addrspace(1) @gtab, ptr addrspace(1) null], align 8
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier0()
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare {i32,i1} @llvm.nvvm.shfl.sync.down.i32p(i32, i32, i32, i32)
declare float @llvm.nvvm.ex2.approx.ftz.f(float)
declare float @llvm.fma.f32(float,float,float)
declare float @llvm.maximum.f32(float,float)
declare <2 x half> @llvm.fma.v2f16(<2 x half>,<2 x half>,<2 x half>)
define internal float @callee(float %x, i64 %y, {float, i32} %z) noinline {
  %a = extractvalue {float,i32} %z, 0
  %b = fadd float %a, %x
  %c = sitofp i64 %y to float
  %d = fmul float %b, %c
  ret float %d
}
define ptx_kernel void @k(ptr addrspace(1) %a, ptr addrspace(1) %b, i32 %n, i8 %c8, {float, i32} %s, half %h) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %loc = alloca [8 x float], align 16
  %ok = icmp slt i32 %t, %n
  br i1 %ok, label %body, label %end
body:
  %i = sext i32 %t to i64
  %p = getelementptr float, ptr addrspace(1) %a, i64 %i
  %v = load float, ptr addrspace(1) %p
  %m = and i32 %t, 3
  %q = getelementptr float, ptr %loc, i32 %m
  store volatile float %v, ptr %q
  %r = load volatile float, ptr %q
  %s0 = call float @callee(float %r, i64 %i, {float,i32} %s)
  %sp = getelementptr float, ptr addrspace(3) @sh, i64 %i
  store float %s0, ptr addrspace(3) %sp
  %sh0 = getelementptr float, ptr addrspace(3) @dsh, i64 %i
  store float %s0, ptr addrspace(3) %sh0
  call void @llvm.nvvm.barrier0()
  %ix = xor i64 %i, 1
  %sh2 = getelementptr float, ptr addrspace(3) @dsh, i64 %ix
  %l2 = load float, ptr addrspace(3) %sh2
  %sh1 = getelementptr float, ptr addrspace(3) @sh, i64 1
  %l3 = load float, ptr addrspace(3) %sh1
  %cp = getelementptr float, ptr addrspace(4) @tab, i32 %m
  %l4 = load float, ptr addrspace(4) %cp
  %x0 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %l2, i32 1, i32 31)
  %pp = load ptr addrspace(1), ptr addrspace(1) @ptrs
  %pv = load i16, ptr addrspace(1) %pp
  %pf = sitofp i16 %pv to float
  %x1 = fdiv float %x0, %l3
  %x2 = call float @llvm.maximum.f32(float %x1, float %l4)
  %x3 = fadd float %x2, %pf
  %hf = fptrunc float %x3 to half
  %hh = fadd half %hf, %h
  %hv = insertelement <2 x half> poison, half %hh, i32 0
  %hv2 = insertelement <2 x half> %hv, half %h, i32 1
  %hw = call <2 x half> @llvm.fma.v2f16(<2 x half> %hv2,<2 x half> %hv2,<2 x half> %hv2)
  %h0 = extractelement <2 x half> %hw, i32 0
  %f0 = fpext half %h0 to float
  %bb = fptrunc float %f0 to bfloat
  %bc = fadd bfloat %bb, 1.0
  %bf = fpext bfloat %bc to float
  switch i8 %c8, label %end [ i8 1, label %s1 
    i8 2, label %s2
    i8 3, label %s3
    i8 4, label %s4 
    i8 5, label %s5 ]
s1:
  %o = atomicrmw fadd ptr addrspace(1) %b, float %bf monotonic
  br label %end
s2:
  store float %bf, ptr addrspace(1) %b
  br label %end
s3:
  %o2 = atomicrmw add ptr addrspace(1) %b, i32 %t syncscope("block") acq_rel
  br label %end
s4:
  %o3 = cmpxchg ptr addrspace(1) %b, i32 0, i32 %t seq_cst seq_cst
  br label %end
s5:
  call void @llvm.trap()
  unreachable
end:
  ret void
}
