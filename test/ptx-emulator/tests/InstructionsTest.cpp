// Single instructions against numbers worked out by hand from the PTX manual.
#include "Harness.h"
#include <cmath>

using namespace harness;

namespace {
struct Case {
  const char *code;
  std::vector<uint64_t> inputs;
  uint64_t expected; // in the register that the code sets: %d0, %r0, %h0 or %p0
};
} // namespace

// All cases in one module, a kernel each would compile longer than it runs.
static void check(const std::vector<Case> &cases) {
  start();
  std::string ptx = header();
  for (size_t i = 0; i < cases.size(); ++i) {
    std::string kernel =
        evaluationKernel(cases[i].code).substr(header().size());
    ptx += replaced(kernel, "entry k(", "entry k" + std::to_string(i) + "(");
  }
  Loaded loaded;
  load(loaded, ptx);
  ASSERT_EQ(loaded.result, 0) << loaded.log;
  for (size_t i = 0; i < cases.size(); ++i) {
    Buffer<uint64_t> out(std::vector<uint64_t>(2));
    std::vector<uint64_t> in = cases[i].inputs;
    in.resize(4);
    std::string code = cases[i].code, name = "k" + std::to_string(i);
    EXPECT_EQ(launch(loaded, name.c_str(), 1, 1, 0, out.address, in[0], in[1],
                     in[2], in[3]),
              0)
        << code;
    Results got{};
    std::vector<uint64_t> bytes = out.read();
    memcpy(&got, bytes.data(), 15);
    bool d = code.find("%d0") != std::string::npos,
         r = code.find("%r0") != std::string::npos,
         h = code.find("%h0") != std::string::npos;
    uint64_t value = d ? got.d : r ? got.r : h ? got.h : got.p;
    EXPECT_EQ(value, cases[i].expected)
        << code << " gives 0x" << std::hex << value << ", not 0x"
        << cases[i].expected;
  }
}

static constexpr uint64_t m1 = ~0ull;

TEST(Instructions, Integer) {
  check({
      {"add.s32 %r0, %r1, %r2;", {7, 5}, 12},
      {"add.sat.s32 %r0, %r1, %r2;", {0x7fffffff, 5}, 0x7fffffff},
      {"sub.s64 %d0, %d1, %d2;", {7, 9}, m1 - 1},
      {"sub.u16 %h0, %h1, %h2;", {7, 9}, 0xfffe},
      {"add.cc.u32 %r5, %r1, %r2; addc.u32 %r0, %r3, %r4;",
       {0xffffffff, 1, 5, 6},
       12},
      {"sub.cc.u32 %r5, %r1, %r2; subc.u32 %r0, %r3, %r4;", {0, 1, 5, 3}, 1},
      {"mul.lo.s32 %r0, %r1, %r2;", {0x10001, 0x10001}, 0x20001},
      {"mul.hi.s32 %r0, %r1, %r2;", {m1, 5}, 0xffffffff},
      {"mul.hi.u32 %r0, %r1, %r2;", {0xffffffff, 5}, 4},
      {"mul.hi.u64 %d0, %d1, %d2;", {m1, 5}, 4},
      {"mul.wide.s32 %d0, %r1, %r2;", {m1, 5}, uint64_t(-5)},
      {"mul.wide.u16 %r0, %h1, %h2;", {0xffff, 0xffff}, 0xfffe0001},
      {"mad.lo.s32 %r0, %r1, %r2, %r3;", {3, 4, 5}, 17},
      {"mad.wide.u32 %d0, %r1, %r2, %d3;", {0xffffffff, 2, 5}, 0x200000003},
      {"mad.lo.cc.u32 %r5, %r1, %r2, %r3; madc.hi.u32 %r0, %r1, %r2, %r4;",
       {0xffffffff, 0xffffffff, 0xffffffff, 1},
       0},
      {"div.s32 %r0, %r1, %r2;", {uint64_t(-7), 2}, 0xfffffffd},
      {"div.u32 %r0, %r1, %r2;", {7, 0}, 0xffffffff},
      {"rem.s32 %r0, %r1, %r2;", {uint64_t(-7), 2}, 0xffffffff},
      {"rem.u64 %d0, %d1, %d2;", {1000, 7}, 6},
      {"abs.s32 %r0, %r1;", {uint64_t(-7)}, 7},
      {"neg.s16 %h0, %h1;", {7}, 0xfff9},
      {"min.s32 %r0, %r1, %r2;", {m1, 1}, 0xffffffff},
      {"max.u32 %r0, %r1, %r2;", {m1, 1}, 0xffffffff},
      {"max.s16x2 %r0, %r1, %r2;", {0xffff0001, 0x00010000}, 0x00010001},
      {"sad.u32 %r0, %r1, %r2, %r3;", {3, 10, 100}, 107},
      {"dp4a.s32.u32 %r0, %r1, %r2, %r3;",
       {0xff02ff01, 0x01010203, 10},
       10 - 1 + 2 - 2 + 3},
      {"selp.b32 %r0, %r1, %r2, %p3;", {1, 2, 0}, 2},
      {"slct.u32.s32 %r0, %r1, %r2, %r3;", {1, 2, m1}, 2},
      {"slct.u64.f32 %d0, %d1, %d2, %r3;", {1, 2, bits(0.5f)}, 1},
  });
}

TEST(Instructions, Bits) {
  check({
      {"and.b32 %r0, %r1, %r2;", {0xff0, 0x0ff}, 0x0f0},
      {"xor.pred %p0, %p1, %p2;", {1, 0}, 1},
      {"not.b16 %h0, %h1;", {0xff}, 0xff00},
      {"cnot.b32 %r0, %r1;", {0}, 1},
      {"shl.b32 %r0, %r1, %r2;", {1, 32}, 0},
      {"shr.u32 %r0, %r1, %r2;", {0x80000000, 31}, 1},
      {"shr.s32 %r0, %r1, %r2;", {0x80000000, 99}, 0xffffffff},
      {"shf.l.wrap.b32 %r0, %r1, %r2, %r3;", {0x80000001, 0x10, 36}, 0x108},
      {"shf.r.clamp.b32 %r0, %r1, %r2, %r3;", {0x80000001, 0x10, 40}, 0x10},
      {"popc.b64 %r0, %d1;", {m1}, 64},
      {"clz.b32 %r0, %r1;", {1}, 31},
      {"clz.b64 %r0, %d1;", {0}, 64},
      {"brev.b32 %r0, %r1;", {1}, 0x80000000},
      {"bfind.u32 %r0, %r1;", {0x100}, 8},
      {"bfind.s32 %r0, %r1;", {m1}, 0xffffffff},
      {"bfind.shiftamt.u32 %r0, %r1;", {0x100}, 23},
      {"bfe.u32 %r0, %r1, %r2, %r3;", {0xabcd, 4, 8}, 0xbc},
      {"bfe.s32 %r0, %r1, %r2, %r3;", {0xabcd, 4, 8}, 0xffffffbc},
      {"bfe.s32 %r0, %r1, %r2, %r3;", {0x80000000, 28, 8}, 0xfffffff8},
      {"bfe.u64 %d0, %d1, %r2, %r3;", {0xabcd00000000, 36, 8}, 0xbc},
      {"bfi.b32 %r0, %r1, %r2, %r3, %r4;",
       {0xff, 0x12345678, 8, 8},
       0x1234ff78},
      {"prmt.b32 %r0, %r1, %r2, %r3;",
       {0x03020100, 0x07060504, 0x7340},
       0x07030400},
      {"prmt.b32 %r0, %r1, %r2, %r3;", {0x80, 0, 0x8888}, 0xffffffff},
      {"prmt.b32.rc16 %r0, %r1, %r2, %r3;", {0x03020100, 0, 1}, 0x03020302},
      {"prmt.b32.f4e %r0, %r1, %r2, %r3;",
       {0x03020100, 0x07060504, 1},
       0x04030201},
      {"lop3.b32 %r0, %r1, %r2, %r3, 0x96;",
       {0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa},
       0x96969696},
      {"fns.b32 %r0, %r1, %r2, %r3;", {0xaa, 2, 2}, 5},
      {"bmsk.clamp.b32 %r0, %r1, %r2;", {4, 8}, 0xff0},
      {"szext.clamp.s32 %r0, %r1, %r2;", {0xf8, 8}, 0xfffffff8},
      {"mov.b32 %r0, {%h1, %h2};", {0x1234, 0xabcd}, 0xabcd1234},
      {"mov.b64 {_, %r0}, %d1;", {0x1234567800000000}, 0x12345678},
      {"setp.lo.or.u32 %p0, %r1, %r2, !%p3;", {5, 3, 0}, 1},
      {"setp.eq.s32 %p5|%p0, %r1, %r2;", {5, 5}, 0},
      {"set.gt.s32.s32 %r0, %r1, %r2;", {5, m1}, 0xffffffff},
  });
}

TEST(Instructions, Float) {
  uint64_t nan = 0x7fc00000, tiny = 1, inf = 0x7f800000;
  check({
      {"add.rn.f32 %r0, %r1, %r2;", {bits(1.5f), bits(2.25f)}, bits(3.75f)},
      {"add.f32 %r0, %r1, %r2;", {bits(1.0f), bits(0x1p-25f)}, bits(1.0f)},
      {"add.rp.f32 %r0, %r1, %r2;",
       {bits(1.0f), bits(0x1p-25f)},
       bits(1.0f) + 1},
      {"sub.rz.f32 %r0, %r1, %r2;",
       {bits(1.0f), bits(0x1p-26f)},
       bits(1.0f) - 1},
      {"mul.ftz.f32 %r0, %r1, %r2;", {tiny, bits(8.0f)}, 0},
      {"mul.f32 %r0, %r1, %r2;", {tiny, bits(8.0f)}, 8},
      {"fma.rn.f32 %r0, %r1, %r2, %r3;",
       {bits(1 + 0x1p-12f), bits(1 + 0x1p-12f), bits(-1 - 0x1p-11f)},
       bits(0x1p-24f)},
      {"fma.rm.f64 %d0, %d1, %d2, %d3;",
       {bits(1.0), bits(1.0), bits(-0x1p-80)},
       bits(1.0) - 1},
      {"fma.rn.sat.f32 %r0, %r1, %r2, %r3;",
       {bits(2.0f), bits(2.0f), bits(2.0f)},
       bits(1.0f)},
      {"mad.rn.f32 %r0, %r1, %r2, %r3;",
       {bits(2.0f), bits(2.0f), bits(2.0f)},
       bits(6.0f)},
      {"div.rn.f32 %r0, %r1, %r2;", {bits(1.0f), bits(3.0f)}, bits(1.0f / 3)},
      {"div.full.f32 %r0, %r1, %r2;", {bits(1.0f), bits(4.0f)}, bits(0.25f)},
      {"div.approx.ftz.f32 %r0, %r1, %r2;",
       {bits(1.0f), bits(4.0f)},
       bits(0.25f)},
      {"rcp.rn.f64 %d0, %d1;", {bits(8.0)}, bits(0.125)},
      {"rcp.approx.ftz.f32 %r0, %r1;", {bits(8.0f)}, bits(0.125f)},
      {"sqrt.rn.f32 %r0, %r1;", {bits(2.0f)}, bits(std::sqrt(2.0f))},
      {"sqrt.approx.f32 %r0, %r1;", {bits(9.0f)}, bits(3.0f)},
      {"rsqrt.approx.f32 %r0, %r1;", {bits(16.0f)}, bits(0.25f)},
      {"ex2.approx.ftz.f32 %r0, %r1;", {bits(3.0f)}, bits(8.0f)},
      {"lg2.approx.f32 %r0, %r1;", {bits(8.0f)}, bits(3.0f)},
      {"sin.approx.f32 %r0, %r1;", {bits(1.0f)}, bits(float(std::sin(1.0)))},
      {"cos.approx.f32 %r0, %r1;", {0}, bits(1.0f)},
      {"tanh.approx.f32 %r0, %r1;", {0}, 0},
      {"min.f32 %r0, %r1, %r2;", {nan, bits(2.0f)}, bits(2.0f)},
      {"max.f32 %r0, %r1, %r2;", {0x80000000, 0}, 0},
      {"setp.nan.f32 %p0, %r1, %r2;", {nan, nan}, 1},
      {"max.NaN.f32 %r5, %r1, %r2; setp.nan.f32 %p0, %r5, %r5;",
       {nan, bits(2.0f)},
       1},
      {"abs.f32 %r0, %r1;", {bits(-2.0f)}, bits(2.0f)},
      {"neg.f64 %d0, %d1;", {bits(2.0)}, bits(-2.0)},
      {"copysign.f32 %r0, %r1, %r2;", {bits(-1.0f), bits(2.0f)}, bits(-2.0f)},
      {"testp.subnormal.f32 %p0, %r1;", {tiny}, 1},
      {"testp.finite.f32 %p0, %r1;", {inf}, 0},
      {"setp.neu.f32 %p0, %r1, %r2;", {nan, 0}, 1},
      {"setp.ne.f32 %p0, %r1, %r2;", {nan, 0}, 0},
      {"setp.gt.ftz.f32 %p0, %r1, %r2;", {tiny, 0}, 0},
      {"mov.f32 %r0, 0f3FC00000;", {}, bits(1.5f)},
      {"mov.f64 %d0, 0d3FF8000000000000;", {}, bits(1.5)},
  });
}

TEST(Instructions, Halves) {
  check({
      {"add.f16 %h0, %h1, %h2;", {0x3c00, 0x4000}, 0x4200},
      {"add.rn.f16x2 %r0, %r1, %r2;", {0x3c004000, 0x40003c00}, 0x42004200},
      {"mul.rn.bf16 %h0, %h1, %h2;", {0x4000, 0x4040}, 0x40c0},
      {"fma.rn.f16 %h0, %h1, %h2, %h3;", {0x3c01, 0x3c01, 0xbc02}, 0x0010},
      // 65504 * 2^-24 and a half unit: one rounding.
      {"fma.rn.bf16 %h0, %h1, %h2, %h3;", {0x3f81, 0x3f81, 0xbf82}, 0x3880},
      {"fma.rn.relu.f16x2 %r0, %r1, %r2, %r3;",
       {0x3c003c00, 0xbc003c00, 0},
       0x00003c00},
      {"max.f16x2 %r0, %r1, %r2;", {0x3c00bc00, 0x40000000}, 0x40000000},
      {"neg.bf16x2 %r0, %r1;", {0x3f80bf80}, 0xbf803f80},
      {"setp.lt.f16 %p0, %h1, %h2;", {0xbc00, 0x3c00}, 1},
      {"ex2.approx.f16 %h0, %h1;", {0x4000}, 0x4400},
      {"tanh.approx.bf16 %h0, %h1;", {0}, 0},
  });
}

TEST(Instructions, Convert) {
  check({
      {"cvt.s32.s8 %r0, %r1;", {0xff}, 0xffffffff},
      {"cvt.u32.u8 %r0, %r1;", {0x1ff}, 0xff},
      {"cvt.s64.s32 %d0, %r1;", {0x80000000}, 0xffffffff80000000},
      {"cvt.sat.u8.s32 %r0, %r1;", {uint64_t(-5)}, 0},
      {"cvt.sat.s8.s32 %r0, %r1;", {300}, 127},
      {"cvt.rn.f32.s32 %r0, %r1;", {uint64_t(-3)}, bits(-3.0f)},
      {"cvt.rz.f32.u32 %r0, %r1;", {0xffffffff}, bits(4294967040.0f)},
      {"cvt.rp.f32.u64 %r0, %d1;", {(1ull << 60) + 1}, bits(0x1p60f) + 1},
      {"cvt.rm.f32.u64 %r0, %d1;", {m1}, bits(0x1p64f) - 1},
      {"cvt.rn.f64.u64 %d0, %d1;", {m1}, bits(0x1p64)},
      {"cvt.rni.s32.f32 %r0, %r1;", {bits(2.5f)}, 2},
      {"cvt.rzi.s32.f32 %r0, %r1;", {bits(-2.5f)}, 0xfffffffe},
      {"cvt.rmi.s32.f32 %r0, %r1;", {bits(-2.5f)}, 0xfffffffd},
      {"cvt.rpi.u32.f64 %r0, %d1;", {bits(2.25)}, 3},
      {"cvt.rzi.u32.f32 %r0, %r1;", {bits(-2.5f)}, 0},
      {"cvt.rzi.s32.f32 %r0, %r1;", {bits(1e20f)}, 0x7fffffff},
      {"cvt.rzi.s32.f32 %r0, %r1;", {0x7fc00000}, 0},
      {"cvt.rzi.s64.f32 %d0, %r1;", {0x7fc00000}, 1ull << 63},
      {"cvt.rni.f32.f32 %r0, %r1;", {bits(3.5f)}, bits(4.0f)},
      {"cvt.sat.f32.f32 %r0, %r1;", {bits(-3.5f)}, 0},
      {"cvt.f64.f32 %d0, %r1;", {bits(1.5f)}, bits(1.5)},
      {"cvt.rn.f32.f64 %r0, %d1;", {bits(1 + 0x1p-24)}, bits(1.0f)},
      {"cvt.rp.f32.f64 %r0, %d1;", {bits(1 + 0x1p-24)}, bits(1.0f) + 1},
      {"cvt.rn.f16.f32 %h0, %r1;", {bits(65504.0f)}, 0x7bff},
      {"cvt.rn.f16.f32 %h0, %r1;", {bits(65520.0f)}, 0x7c00},
      {"cvt.rz.f16.f32 %h0, %r1;", {bits(65520.0f)}, 0x7bff},
      {"cvt.rn.f16.f32 %h0, %r1;", {bits(0x1p-24f)}, 1},
      {"cvt.rn.f16.f32 %h0, %r1;", {bits(0x1p-25f)}, 0},
      {"cvt.f32.f16 %r0, %h1;", {1}, bits(0x1p-24f)},
      {"cvt.f32.f16 %r0, %h1;", {0xfc00}, 0xff800000},
      {"cvt.rn.bf16.f32 %h0, %r1;", {bits(1 + 0x1p-8f)}, 0x3f80},
      {"cvt.rn.bf16.f32 %h0, %r1;", {bits(1 + 0x3p-8f)}, 0x3f82},
      {"cvt.f32.bf16 %r0, %h1;", {0x3fc0}, bits(1.5f)},
      {"cvt.rn.f16x2.f32 %r0, %r1, %r2;", {bits(1.0f), bits(2.0f)}, 0x3c004000},
      {"cvt.rn.relu.bf16x2.f32 %r0, %r1, %r2;",
       {bits(-1.0f), bits(2.0f)},
       0x00004000},
      {"cvt.rna.tf32.f32 %r0, %r1;", {0x3f801000}, 0x3f802000},
      {"cvt.rn.satfinite.e4m3x2.f32 %h0, %r1, %r2;",
       {bits(1000.0f), bits(1.0f)},
       0x7e38},
      {"cvt.rn.satfinite.e5m2x2.f32 %h0, %r1, %r2;",
       {bits(-2.0f), bits(1.0f)},
       0xc03c},
      {"cvt.rn.f16x2.e4m3x2 %r0, %h1;", {0x3c38}, 0x3e003c00},
      {"cvt.rn.f16.s32 %h0, %r1;", {3}, 0x4200},
      {"cvt.rzi.s16.f16 %h0, %h1;", {0xc200}, 0xfffd},
  });
}

TEST(Instructions, ApproximateToTheDocumentedError) {
  for (float x : {0.1f, 0.7f, 1.3f, -2.6f}) {
    Results t = evaluate("tanh.approx.f32 %r0, %r1;", {bits(x)});
    EXPECT_NEAR(asFloat(t.r), std::tanh(x), std::fabs(std::tanh(x)) * 0x1p-11);
    EXPECT_NE(asFloat(t.r), float(std::tanh(x))); // no better than the device
    Results e = evaluate("ex2.approx.f32 %r0, %r1;", {bits(x)});
    EXPECT_NEAR(asFloat(e.r), std::exp2(x), std::exp2(x) * 0x1p-22);
  }
}

TEST(Instructions, ControlFlow) {
  check({
      {"bra.uni over;\nmov.b32 %r0, 1;\nover:\nadd.u32 %r0, %r0, 2;", {}, 2},
      {"@%p1 mov.b32 %r0, 1;\n@!%p1 mov.b32 %r0, 2;", {0}, 2},
      {"mov.b32 %r5, 0;\nloop:\nadd.u32 %r0, %r0, %r5;\nadd.u32 %r5, %r5, "
       "1;\nsetp.lt.u32 %p5, %r5, %r1;\n@%p5 bra loop;",
       {5},
       10},
      {"table: .branchtargets a, b;\nbrx.idx %r1, table;\na: mov.b32 %r0, "
       "10;\nbra done;\nb: mov.b32 %r0, 20;\ndone:",
       {1},
       20},
      {"{ .reg .b32 x; mov.b32 x, %r1; add.u32 %r0, x, 1; }", {4}, 5},
      {".local .align 8 .b8 buffer[16];\nst.local.b32 [buffer+4], "
       "%r1;\nmov.u64 %d5, buffer;\ncvta.local.u64 %d6, %d5;\nld.b32 %r0, "
       "[%d6+4];",
       {77},
       77},
      {".shared .b32 word;\nst.shared.b32 [word], %r1;\nmov.u32 %r5, "
       "word;\natom.shared.add.u32 %r6, [%r5], 3;\nld.shared.b32 %r0, [word];",
       {4},
       7},
      {".shared .b32 word;\nmov.u64 %d5, word;\ncvta.shared.u64 %d6, "
       "%d5;\nisspacep.shared %p0, %d6;",
       {},
       1},
  });
}

TEST(Instructions, Atomics) {
  auto atomic = [](const char *op, const char *type, uint32_t before,
                   uint32_t value, uint32_t after) {
    std::string code =
        std::string(
            ".shared .b32 word;\nst.shared.b32 [word], %r1;\natom.shared.") +
        op + "." + type +
        " %r5, [word], %r2;\nld.shared.b32 %r0, [word];\ncvt.u64.u32 %d0, %r5;";
    Results got = evaluate(code, {before, value});
    EXPECT_EQ(got.d, before) << op;
    EXPECT_EQ(got.r, after) << op;
  };
  atomic("add", "u32", 5, 6, 11);
  atomic("add", "f32", bits(1.5f), bits(2.0f), bits(3.5f));
  atomic("add.noftz", "f16x2", 0x3c003c00, 0x3c004000, 0x40004200);
  atomic("min", "s32", 5, uint32_t(-6), uint32_t(-6));
  atomic("max", "u32", 5, uint32_t(-6), uint32_t(-6));
  atomic("inc", "u32", 5, 5, 0);
  atomic("dec", "u32", 0, 5, 5);
  atomic("exch", "b32", 1, 2, 2);
  atomic("xor", "b32", 7, 2, 5);
  Results cas = evaluate(".shared .b32 word;\nst.shared.b32 [word], "
                         "%r1;\natom.shared.acquire.cta.cas.b32 %r5, [word], "
                         "4, 9;\nld.shared.b32 %r0, [word];",
                         {4});
  EXPECT_EQ(cas.r, 9u);
}
