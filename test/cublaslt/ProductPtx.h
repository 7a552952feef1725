//===- ProductPtx.h - a plain product as PTX --------------------*- C++ -*-===//
//
// A thread per element of the result, which is stored by columns:
//   d[i, j] = sum over l of a[i, l] * b[l, j] + beta * c[i, j] (+ bias[i])
// All arguments are words of 8 bytes: a, b, c, d, bias, m, n, k, the strides of
// a (along m, k, batches), of b (along n, k, batches), of d (along n, batches),
// how many elements there are, and beta as float64.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TEST_CUBLASLT_PRODUCTPTX_H
#define LAMINA_TEST_CUBLASLT_PRODUCTPTX_H

#include <string>

/// For operands of `type`, as cuBLASLt numbers them.
inline std::string productPtx(int type) {
  bool isDouble = type == 1;
  std::string size = isDouble ? "8" : type == 0 ? "4" : "2";
  std::string sum = isDouble ? "f64" : "f32", sumSize = isDouble ? "8" : "4";
  auto load = [&](const std::string &to, const std::string &address) {
    if (type == 0 || type == 1)
      return "  ld.global." + sum + " " + to + ", [" + address + "];\n";
    if (type == 2)
      return "  ld.global.b16 %h, [" + address + "];\n  cvt.f32.f16 " + to +
             ", %h;\n";
    return "  ld.global.u16 %h, [" + address +
           "];\n  cvt.u32.u16 %w, %h;\n  shl.b32 %w, %w, 16;\n  mov.b32 " + to +
           ", %w;\n";
  };
  std::string text = R"(
.version 7.0
.target sm_70
.address_size 64
.visible .entry product()";
  for (int i = 0; i < 18; ++i)
    text += (i ? ", " : "") +
            std::string(i == 17 ? ".param .f64 p" : ".param .u64 p") +
            std::to_string(i);
  text += ")\n{\n  .reg .pred %p<3>;\n  .reg .b16 %h;\n  .reg .b32 %w, %t<4>;\n"
          "  .reg .b64 %q<18>, %e, %i, %j, %batch, %l, %x, %y, %z, %u;\n"
          "  .reg .f64 %beta;\n  .reg ." +
          sum + " %s, %f, %g;\n";
  for (int i = 0; i < 17; ++i)
    text += "  ld.param.u64 %q" + std::to_string(i) + ", [p" +
            std::to_string(i) + "];\n";
  text += R"(  ld.param.f64 %beta, [p17];
  mov.u32 %t0, %tid.x;
  mov.u32 %t1, %ctaid.x;
  mov.u32 %t2, %ntid.x;
  mad.wide.u32 %e, %t1, %t2, 0;
  cvt.u64.u32 %x, %t0;
  add.u64 %e, %e, %x;
  setp.ge.u64 %p0, %e, %q16;
  @%p0 bra END;
  rem.u64 %i, %e, %q5;
  div.u64 %x, %e, %q5;
  rem.u64 %j, %x, %q6;
  div.u64 %batch, %x, %q6;
  mul.lo.u64 %x, %i, %q8;
  mad.lo.u64 %x, %batch, %q10, %x;
  mul.lo.u64 %y, %j, %q11;
  mad.lo.u64 %y, %batch, %q13, %y;
  mov.u64 %l, 0;
)";
  text += "  mov." + sum + " %s, " +
          (isDouble ? "0d0000000000000000" : "0f00000000") + ";\n";
  text += "LOOP:\n  setp.ge.u64 %p1, %l, %q7;\n  @%p1 bra DONE;\n";
  text += "  mad.lo.u64 %z, %x, " + size + ", %q0;\n" + load("%f", "%z");
  text += "  mad.lo.u64 %z, %y, " + size + ", %q1;\n" + load("%g", "%z");
  text += "  fma.rn." + sum +
          " %s, %f, %g, %s;\n"
          "  add.u64 %x, %x, %q9;\n  add.u64 %y, %y, %q12;\n"
          "  add.u64 %l, %l, 1;\n  bra LOOP;\nDONE:\n";
  text +=
      "  mad.lo.u64 %u, %j, %q14, %i;\n  mad.lo.u64 %u, %batch, %q15, %u;\n"
      "  setp.eq.f64 %p0, %beta, 0d0000000000000000;\n  @%p0 bra NEW;\n"
      "  mad.lo.u64 %z, %u, " +
      sumSize + ", %q2;\n  ld.global." + sum + " %f, [%z];\n  add.rn." + sum +
      " %s, %s, %f;\nNEW:\n"
      "  setp.eq.u64 %p0, %q4, 0;\n  @%p0 bra STORE;\n"
      "  mad.lo.u64 %z, %i, " +
      sumSize + ", %q4;\n  ld.global." + sum + " %f, [%z];\n  add.rn." + sum +
      " %s, %s, %f;\nSTORE:\n"
      "  mad.lo.u64 %z, %u, " +
      sumSize + ", %q3;\n  st.global." + sum + " [%z], %s;\nEND:\n  ret;\n}\n";
  return text;
}

#endif // LAMINA_TEST_CUBLASLT_PRODUCTPTX_H
