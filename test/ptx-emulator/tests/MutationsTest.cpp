// Kernels broken on purpose: each must be noticed, by a check or by its result.
#include "Programs.h"

using namespace harness;

// `text` with the n-th `from` replaced, counted from 1.
static std::string mutate(std::string text, const std::string &from, unsigned n,
                          const std::string &to) {
  size_t at = std::string::npos;
  for (unsigned i = 0; i < n; ++i) {
    at = text.find(from, i ? at + 1 : 0);
    EXPECT_NE(at, std::string::npos) << from;
  }
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

static const Program &program(const std::string &file) {
  for (const Program &candidate : programs)
    if (candidate.file == file)
      return candidate;
  ADD_FAILURE() << file;
  return programs[0];
}

struct Mutation {
  const char *what, *file, *from;
  unsigned n;
  const char *to;
  const char *says; // what the report says, null where the numbers are wrong
};

static const Mutation mutations[] = {
    {"no barrier between writing and reading", "softmax.ptx", "bar.sync \t0;",
     1, "", "data race|which nobody wrote"},
    {"no barrier before the second reduction's read", "softmax.ptx",
     "bar.sync \t0;", 2, "", "data race|which nobody wrote"},
    {"no barrier after filling a tile", "matmul.ptx", "bar.sync \t0;", 1, "",
     "data race|which nobody wrote"},
    {"no barrier before the tile is filled again", "matmul.ptx",
     "bar.sync \t0;", 2, "", "data race|which nobody wrote"},
    {"no barrier after a wait for copies", "tensorcore.ptx", "bar.sync \t0;", 1,
     "", "data race|which nobody wrote"},
    {"no barrier before a buffer is copied over", "tensorcore.ptx",
     "bar.sync \t0;", 2, "", "data race|which nobody wrote"},
    {"no wait for copies", "tensorcore.ptx", "cp.async.wait_group \t1;", 1, "",
     "was not waited for"},
    {"a wait that leaves too many groups", "tensorcore.ptx",
     "cp.async.wait_group \t1;", 3, "cp.async.wait_group 2;",
     "was not waited for"},
    {"no commit", "tensorcore.ptx", "cp.async.commit_group;", 1, "",
     "was not waited for"},
    {"a shuffle of the wrong distance", "softmax.ptx", "4, 31, -1", 2,
     "2, 31, -1", nullptr},
    {"a shuffle in the wrong direction", "softmax.ptx",
     "shfl.sync.bfly.b32 \t%r54", 1, "shfl.sync.up.b32 %r54", nullptr},
    {"a membermask without the upper half", "softmax.ptx", "8, 31, -1", 1,
     "8, 31, 0xffff", "membermask lacks lane"},
    {"a shuffle that part of the warp skips", "softmax.ptx",
     "shfl.sync.bfly.b32 \t%r18", 1, "@%p1 shfl.sync.bfly.b32 %r18",
     "diverge|which nobody wrote"},
    {"a barrier that part of the block skips", "softmax.ptx", "bar.sync \t0;",
     1, "@%p1 bar.sync 0;", "diverge|which nobody wrote"},
    {"a barrier inside the guard", "matmul.ptx", "bar.sync \t0;", 1,
     "@%p1 bar.sync 0;", "diverge|which nobody wrote"},
    {"an early return before a barrier", "matmul.ptx",
     "setp.ge.s64 \t%p1, %rd5, %rd15;", 1,
     "setp.ge.s64 \t%p1, %rd5, %rd15;\n@%p1 ret;",
     "diverge|which nobody wrote"},
    {"a bound one too large", "matmul.ptx", "setp.ge.s64", 1, "setp.gt.s64",
     "past the end of an allocation"},
    {"a bound one too large, by 16 bytes", "elementwise.ptx", "setp.ge.s64", 1,
     "setp.gt.s64", "past the end of an allocation"},
    {"a depth of 20 taken as 21", "matmul.ptx", "setp.gt.u64 \t%p4, %rd14, 19;",
     1, "setp.gt.u64 \t%p4, %rd14, 20;", "past the end of an allocation"},
    {"a shared array overrun", "softmax.ptx", "[__wg_softmax_1+4]", 1,
     "[__wg_softmax_1+8]", "out of bounds: the block has 16 bytes"},
    {"a shared value never written", "softmax.ptx",
     "st.shared.b32 \t[%rd5], %r3;", 1, "", "which nobody wrote"},
    {"a misaligned vector", "softmax.ptx",
     "ld.global.v2.b32 \t{%r1, %r2}, [%rd14];", 1,
     "ld.global.v2.b32 {%r1, %r2}, [%rd14+4];", "misaligned"},
    {"a row of a matrix at the wrong distance", "tensorcore.ptx",
     "mad.lo.s64 \t%rd36, %rd7, 48, %rd28;", 1,
     "mad.lo.s64 \t%rd36, %rd7, 32, %rd28;", "which nobody wrote"},
    {"a matrix not transposed", "tensorcore.ptx", ".x2.trans", 1, ".x2",
     nullptr},
    {"fragments swapped", "tensorcore.ptx", "{%r15, %r16, %r17, %r18},\n", 1,
     "{%r16, %r15, %r17, %r18},\n", nullptr},
    {"a warp that lacks lanes", "tensorcore.ptx", "mov.u32 \t%r13, %tid.x;", 1,
     "mov.u32 %r13, %tid.x;\nsetp.gt.u32 %p1, %r13, 62;\n@%p1 ret;", "diverge"},
};

// Whether the text has one of the alternatives.
static bool says(const std::string &text, const std::string &alternatives) {
  std::stringstream parts(alternatives);
  for (std::string part; std::getline(parts, part, '|');)
    if (text.find(part) != std::string::npos)
      return true;
  return false;
}

static std::map<std::string, Outcome> runMutation(const Mutation &mutation) {
  return run(
      program(mutation.file),
      mutate(readFile(mutation.file), mutation.from, mutation.n, mutation.to));
}

TEST(Mutations, AreNoticedUnderEachSchedule) {
  for (const Mutation &mutation : mutations)
    for (auto &[schedule, outcome] : runMutation(mutation)) {
      std::string where = std::string(mutation.file) + ", " + mutation.what +
                          ", schedule " + schedule;
      if (!mutation.says) {
        EXPECT_TRUE(outcome.result ||
                    outcome.error > 10 * program(mutation.file).tolerance)
            << where;
        continue;
      }
      EXPECT_NE(outcome.result, 0) << where;
      EXPECT_TRUE(says(outcome.text, mutation.says)) << where << "\n"
                                                     << outcome.text;
    }
}

// Without the checks, barriers are missed where the schedule lets a warp run
// ahead of the others, and one of these only there.
TEST(Mutations, SchedulesFindBarriersByTheNumbers) {
  WithVariable checks("LAMINA_PTX_EMULATOR_CHECKS", "-race,-init");
  for (unsigned i : {0, 1, 2, 3, 4}) {
    auto outcomes = runMutation(mutations[i]);
    auto wrong = [&](const char *schedule) {
      const Outcome &outcome = outcomes[schedule];
      return outcome.result ||
             outcome.error > program(mutations[i].file).tolerance;
    };
    EXPECT_TRUE(wrong("warp") || wrong("reverse")) << mutations[i].what;
    if (i == 4)
      EXPECT_FALSE(wrong("round-robin"));
  }
}
