// Operations of a warp, barriers, and matrix products of every supported type.
#include "Harness.h"
#include <cmath>
#include <functional>

using namespace harness;

// Threads run `code` with their index in %r1; each stores %r0.
static std::string threadsKernel(const std::string &code,
                                 const std::string &declarations = "") {
  return header() + declarations +
         ".visible .entry k(.param .u64 out)\n{\n.reg .b64 %d<20>;\n.reg .b32 "
         "%r<60>;\n.reg .b16 %h<20>;\n.reg .pred %p<20>;\n"
         "ld.param.u64 %d1, [out];\nmov.u32 %r1, %tid.x;\nmov.b32 %r0, "
         "0;\nmul.wide.u32 %d2, %r1, 4;\nadd.u64 %d1, %d1, %d2;\n" +
         code + "\nst.global.b32 [%d1], %r0;\nret;\n}\n";
}

// Under each schedule, what the threads stored or the error and its report.
static void
runThreads(const std::string &code, unsigned count,
           const std::function<void(int, const std::vector<uint32_t> &,
                                    const std::string &)> &check) {
  start();
  Loaded loaded;
  load(loaded, threadsKernel(code));
  ASSERT_EQ(loaded.result, 0) << loaded.log;
  for (const char *schedule : schedules) {
    WithSchedule with(schedule);
    SCOPED_TRACE(code + "\nschedule " + schedule);
    start();
    Buffer<uint32_t> out(std::vector<uint32_t>(count, 0xdead));
    std::string text;
    int result = report(text, loaded, "k", 1, count, 0, out.address);
    check(result, result ? std::vector<uint32_t>() : out.read(), text);
  }
}

static void expectLanes(const std::string &code,
                        const std::function<uint32_t(uint32_t)> &want,
                        unsigned count = 32) {
  runThreads(code, count,
             [&](int result, const std::vector<uint32_t> &values,
                 const std::string &text) {
               ASSERT_EQ(result, 0) << text;
               for (unsigned lane = 0; lane < count; ++lane)
                 EXPECT_EQ(values[lane], want(lane)) << "thread " << lane;
             });
}

static void expectError(const std::string &code, const std::string &says,
                        unsigned count = 32, int error = 719) {
  runThreads(
      code, count,
      [&](int result, const std::vector<uint32_t> &, const std::string &text) {
        EXPECT_EQ(result, error);
        EXPECT_NE(text.find(says), std::string::npos) << text;
      });
}

TEST(Warp, Shuffles) {
  expectLanes("shfl.sync.bfly.b32 %r0, %r1, 5, 31, -1;",
              [](uint32_t l) { return l ^ 5; });
  expectLanes("shfl.sync.up.b32 %r0, %r1, 3, 0, -1;",
              [](uint32_t l) { return l < 3 ? l : l - 3; });
  expectLanes("shfl.sync.down.b32 %r0|%p1, %r1, 3, 31, -1;\nselp.b32 %r0, %r0, "
              "99, %p1;",
              [](uint32_t l) { return l + 3 > 31 ? 99 : l + 3; });
  expectLanes("shfl.sync.idx.b32 %r0, %r1, 2, 0x181f, -1;",
              [](uint32_t l) { return (l & 24) | 2; }); // groups of 8
  expectLanes("shfl.sync.down.b32 %r0, %r1, 1, 0x1c1f, -1;",
              [](uint32_t l) { return l % 4 == 3 ? l : l + 1; }); // of 4
  // Half a warp by itself.
  expectLanes("setp.gt.u32 %p1, %r1, 15;\nmov.b32 %r0, %r1;\n@%p1 "
              "shfl.sync.bfly.b32 %r0, %r1, 1, 31, 0xffff0000;",
              [](uint32_t l) { return l > 15 ? l ^ 1 : l; });
  expectError("shfl.sync.idx.b32 %r0, %r1, 20, 31, -1;",
              "reads lane 20, which does not take part", 16);
  expectError("setp.gt.u32 %p1, %r1, 15;\n@%p1 shfl.sync.bfly.b32 %r0, %r1, "
              "16, 31, 0xffff0000;",
              "which does not take part");
}

TEST(Warp, VotesAndReductions) {
  std::string odd = "and.b32 %r2, %r1, 1;\nsetp.ne.u32 %p1, %r2, 0;\n";
  expectLanes(odd + "vote.sync.ballot.b32 %r0, %p1, -1;",
              [](uint32_t) { return 0xaaaaaaaau; });
  expectLanes(odd +
                  "vote.sync.any.pred %p2, !%p1, -1;\nselp.b32 %r0, 1, 0, %p2;",
              [](uint32_t) { return 1u; });
  expectLanes(odd +
                  "vote.sync.all.pred %p2, %p1, -1;\nselp.b32 %r0, 1, 0, %p2;",
              [](uint32_t) { return 0u; });
  expectLanes(odd + "match.any.sync.b32 %r0, %r2, -1;",
              [](uint32_t l) { return l % 2 ? 0xaaaaaaaau : 0x55555555u; });
  expectLanes(odd + "match.all.sync.b32 %r0|%p2, %r2, -1;",
              [](uint32_t) { return 0u; });
  expectLanes("redux.sync.add.s32 %r0, %r1, -1;",
              [](uint32_t) { return 496u; });
  expectLanes("redux.sync.max.u32 %r0, %r1, -1;", [](uint32_t) { return 31u; });
  expectLanes("elect.sync %r0|%p1, -1;\nselp.b32 %r0, 1, 0, %p1;",
              [](uint32_t l) { return l == 0 ? 1u : 0u; });
  expectLanes("mov.u32 %r0, %lanemask_lt;",
              [](uint32_t l) { return (1u << l) - 1; });
}

TEST(Warp, Barriers) {
  std::string shared = ".shared .align 4 .b8 s[512];\nmov.u32 %r5, s;\nshl.b32 "
                       "%r6, %r1, 2;\nadd.u32 %r7, %r5, %r6;\n";
  std::string exchange =
      "xor.b32 %r8, %r6, 4;\nadd.u32 %r8, %r5, %r8;\nld.shared.b32 %r0, [%r8];";
  auto other = [](uint32_t t) { return t ^ 1; };
  expectLanes(shared + "st.shared.b32 [%r7], %r1;\nbar.sync 0;\n" + exchange,
              other, 64);
  expectLanes(
      shared + "st.shared.b32 [%r7], %r1;\nbarrier.cta.sync.aligned 1, 64;\n" +
          exchange,
      other, 64);
  expectLanes(shared + "st.shared.b32 [%r7], %r1;\nbar.warp.sync -1;\n" +
                  exchange,
              other, 64);
  // A shuffle orders no accesses to memory.
  expectError(shared +
                  "st.shared.b32 [%r7], %r1;\nshfl.sync.idx.b32 %r9, %r1, 0, "
                  "31, -1;\n" +
                  exchange,
              "data race", 64);
  expectLanes(
      "setp.lt.u32 %p1, %r1, 5;\nbar.red.popc.u32 %r0, 0, %p1;",
      [](uint32_t) { return 5u; }, 64);
  expectLanes(
      "setp.lt.u32 %p1, %r1, 64;\nbar.red.and.pred %p2, 0, %p1;\nselp.b32 %r0, "
      "1, 0, %p2;",
      [](uint32_t) { return 1u; }, 64);
  // The first warp produces, the second waits for it.
  std::string split =
      shared + "setp.gt.u32 %p1, %r1, 31;\n@%p1 bra consume;\nst.shared.b32 "
               "[%r7], %r1;\nbar.arrive 1, 64;\nbra done;\n"
               "consume:\n";
  std::string after =
      "sub.u32 %r8, %r7, 128;\nld.shared.b32 %r0, [%r8];\ndone:";
  expectLanes(
      split + "bar.sync 1, 64;\n" + after,
      [](uint32_t t) { return t < 32 ? 0 : t - 32; }, 64);
  expectError(split + after, "of shared memory", 64); // unwritten, or a race
}

// Who has read or written last is not all that counts.
TEST(Warp, RacesThatShowInNoSchedule) {
  std::string shared = ".shared .b32 s;\nmov.u32 %r5, s;\nsetp.eq.u32 %p1, "
                       "%r1, 0;\n@%p1 st.shared.b32 [%r5], 7;\n";
  for (unsigned writer : {0, 31, 32, 63}) {
    std::string writes = "setp.eq.u32 %p2, %r1, " + std::to_string(writer) +
                         ";\n@%p2 st.shared.b32 [%r5], 7;\n";
    expectError(shared + "bar.sync 0;\nld.shared.b32 %r0, [%r5];\n" + writes,
                "data race", 64);
  }
  std::string second =
      "setp.eq.u32 %p2, %r1, 9;\n@%p2 st.shared.b32 [%r5], 8;\n";
  // What a lane writes after it met the others is not known to them.
  expectError(shared + "bar.warp.sync -1;\n" + second +
                  "ld.shared.b32 %r0, [%r5];",
              "data race");
  expectLanes(shared + "bar.warp.sync -1;\n" + second +
                  "bar.warp.sync -1;\nld.shared.b32 %r0, [%r5];",
              [](uint32_t) { return 8u; });
  // The other half of the warp was not met.
  expectError(shared + "setp.gt.u32 %p3, %r1, 15;\nmov.b32 %r7, 0xffff;\n@%p3 "
                       "mov.b32 %r7, 0xffff0000;\nbar.warp.sync %r7;\n"
                       "ld.shared.b32 %r0, [%r5];",
              "of shared memory");
}

TEST(Warp, Divergence) {
  expectError("setp.gt.u32 %p1, %r1, 40;\n@%p1 bar.sync 0;",
              "divergent synchronization", 64);
  expectError("setp.gt.u32 %p1, %r1, 10;\n@%p1 bra other;\nbar.sync 0;\nbra "
              "done;\nother:\nbar.sync 0;\ndone:",
              "divergent barrier");
  expectError("setp.gt.u32 %p1, %r1, 10;\n@%p1 shfl.sync.idx.b32 %r0, %r1, 0, "
              "31, 0xffffffff;",
              "which does not take part");
  expectError("loop:\nbra loop;", "does not end", 1, 702);
}

TEST(Warp, SpinningThreadsSeeEachOther) {
  // Each thread waits until the one before has counted.
  expectLanes(".shared .b32 turn;\nmov.u32 %r5, turn;\nsetp.eq.u32 %p1, %r1, "
              "0;\n@%p1 st.volatile.shared.b32 [%r5], 0;\nbar.sync 0;\n"
              "loop:\nld.volatile.shared.b32 %r6, [%r5];\nsetp.ne.u32 %p2, "
              "%r6, %r1;\n@%p2 bra loop;\n"
              "add.u32 %r6, %r6, 1;\nst.volatile.shared.b32 [%r5], "
              "%r6;\nmov.b32 %r0, %r6;",
              [](uint32_t l) { return l + 1; });
}

// A product of small whole numbers is exact in every type. Fragments are filled
// from the manual's description: row and column of each element of each lane.
namespace {
struct MmaCase {
  const char *types;
  unsigned m, k, bits; // n is 8
  uint32_t (*encode)(int value);
  bool halfResult;
};
} // namespace

static uint32_t toHalf(int v) {
  if (v == 0)
    return 0;
  int e = std::ilogb(std::abs(v));
  return (v < 0 ? 0x8000 : 0) | (15 + e) << 10 |
         (((std::abs(v) << 10) >> e) & 1023);
}

TEST(Warp, MatrixProducts) {
  auto half = toHalf;
  auto bfloat = [](int v) -> uint32_t { return bits(float(v)) >> 16; };
  auto single = [](int v) -> uint32_t { return bits(float(v)); };
  auto byte = [](int v) -> uint32_t { return uint8_t(v); };
  const MmaCase cases[] = {
      {"f32.f16.f16.f32", 16, 16, 16, half, false},
      {"f32.f16.f16.f32", 16, 8, 16, half, false},
      {"f16.f16.f16.f16", 16, 16, 16, half, true},
      {"f32.bf16.bf16.f32", 16, 16, 16, bfloat, false},
      {"f32.bf16.bf16.f32", 16, 8, 16, bfloat, false},
      {"f32.tf32.tf32.f32", 16, 8, 32, single, false},
      {"f32.tf32.tf32.f32", 16, 4, 32, single, false},
      {"s32.s8.s8.s32", 16, 32, 8, byte, false},
      {"s32.s8.s8.s32", 16, 16, 8, byte, false},
  };
  for (const MmaCase &c : cases) {
    unsigned perWord = 32 / c.bits, wordsA = c.m * c.k / 32 / perWord,
             wordsB = 8 * c.k / 32 / perWord;
    unsigned wordsC = c.halfResult ? 2 : 4;
    bool integer = c.types[0] == 's';
    auto a = [](int i, int k) { return (i * 5 + k * 3) % 7 - 3; };
    auto b = [](int k, int j) { return (k * 2 + j * 3) % 5 - 2; };
    // Per lane: the registers of a and b; c is 1 everywhere.
    std::vector<uint32_t> fragments(32 * 8);
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned group = lane / 4, within = lane % 4;
      for (unsigned r = 0; r < wordsA; ++r)
        for (unsigned e = 0; e < perWord; ++e)
          fragments[lane * 8 + r] |=
              c.encode(a(group + (r % 2) * 8,
                         within * perWord + e + (r / 2) * 4 * perWord))
              << (e * c.bits);
      for (unsigned r = 0; r < wordsB; ++r)
        for (unsigned e = 0; e < perWord; ++e)
          fragments[lane * 8 + 4 + r] |=
              c.encode(b(within * perWord + e + r * 4 * perWord, group))
              << (e * c.bits);
    }
    std::string code =
        header() +
        ".visible .entry k(.param .u64 in, .param .u64 out)\n{\n.reg .b64 "
        "%d<9>;\n.reg .b32 %a<9>;\n.reg .b32 %c<9>;\n.reg .b32 %t;\n"
        "ld.param.u64 %d1, [in];\nld.param.u64 %d2, [out];\nmov.u32 %t, "
        "%tid.x;\nmad.wide.u32 %d1, %t, 32, %d1;\n"
        "mad.wide.u32 %d2, %t, 16, %d2;\nld.global.v4.b32 {%a0,%a1,%a2,%a3}, "
        "[%d1];\nld.global.v4.b32 {%a4,%a5,%a6,%a7}, [%d1+16];\n";
    auto list = [](const char *prefix, unsigned first, unsigned count) {
      std::string text = "{";
      for (unsigned i = 0; i < count; ++i)
        text += std::string(i ? "," : "") + prefix + std::to_string(first + i);
      return text + "}";
    };
    uint32_t one = integer ? 1 : c.halfResult ? 0x3c003c00 : bits(1.0f);
    for (unsigned i = 0; i < 4; ++i)
      code +=
          "mov.b32 %c" + std::to_string(i) + ", " + std::to_string(one) + ";\n";
    code += "mma.sync.aligned.m16n8k" + std::to_string(c.k) + ".row.col." +
            c.types + " " + list("%c", 0, wordsC) + ", " +
            list("%a", 0, wordsA) + ", " + list("%a", 4, wordsB) + ", " +
            list("%c", 0, wordsC) +
            ";\nst.global.v4.b32 [%d2], {%c0,%c1,%c2,%c3};\nret;\n}\n";
    start();
    Loaded loaded;
    load(loaded, code);
    ASSERT_EQ(loaded.result, 0) << loaded.log;
    Buffer<uint32_t> in(fragments), out(32 * 4);
    ASSERT_EQ(launch(loaded, "k", 1, 32, 0, in.address, out.address), 0);
    std::vector<uint32_t> got = out.read();
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 4; ++i) {
        int row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2,
            want = 1;
        for (unsigned k = 0; k < c.k; ++k)
          want += a(row, k) * b(k, column);
        uint32_t word = c.halfResult
                            ? got[lane * 4 + i / 2] >> (16 * (i % 2)) & 0xffff
                            : got[lane * 4 + i];
        EXPECT_EQ(word, integer        ? uint32_t(want)
                        : c.halfResult ? toHalf(want)
                                       : bits(float(want)))
            << c.types << " lane " << lane << " element " << i;
      }
  }
}
