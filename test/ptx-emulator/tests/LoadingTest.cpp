// What is wrong with a module is said when it is loaded.
#include "Harness.h"

using namespace harness;

TEST(Loading, Errors) {
  start();
  auto logOf = [](const std::string &ptx, int result) {
    Loaded loaded;
    load(loaded, ptx);
    EXPECT_EQ(loaded.result, result) << loaded.log;
    return loaded.log;
  };
  EXPECT_EQ(
      logOf(evaluationKernel("frobnicate.b32 %r0, %r1;"), 218),
      "line 32: unknown instruction 'frobnicate'\n  frobnicate.b32 %r0, %r1;");
  EXPECT_NE(logOf(evaluationKernel("add.sideways.s32 %r0, %r1, %r2;"), 218)
                .find("unknown modifier '.sideways' of 'add'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1;"), 218)
                .find("takes 3 operands, not 2"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1, %d2;"), 218)
                .find("'%d2' has 64 bits, 'add' wants 32"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1, %r99;"), 218)
                .find("unknown register '%r99'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("bra nowhere;"), 218)
                .find("unknown label 'nowhere'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("ld.global.b32 %r0, [unknown];"), 218)
                .find("unknown name 'unknown'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("call __nv_expf, (out);"), 218)
                .find("call of an unknown function '__nv_expf'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0 %r1;"), 218)
                .find("expected ';' after an instruction"),
            std::string::npos);
  EXPECT_NE(logOf(header(100) + ".visible .entry k()\n{\nret;\n}\n", 209)
                .find("the device is sm_90"),
            std::string::npos);
  EXPECT_NE(logOf(".version 9.9\n.target sm_80\n.address_size 64\n", 222), "");
  EXPECT_NE(logOf("hello", 218).find("a PTX module begins with .version"),
            std::string::npos);
}
