//===- DiagnosticsTest.cpp - collecting and printing messages -------------===//

#include "lamina/Frontend/Diagnostics.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace lamina;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

namespace {

struct DiagnosticsTest : testing::Test {
  Diagnostics diags;
  unsigned buffer = 0;

  void source(StringRef text) { buffer = diags.addBuffer(text, "m.lam"); }
  SMRange at(size_t offset, size_t length) {
    const char *start =
        diags.sources().getMemoryBuffer(buffer)->getBufferStart() + offset;
    return {SMLoc::getFromPointer(start),
            SMLoc::getFromPointer(start + length)};
  }
  std::string print(Diagnostics::Format format = Diagnostics::Format::Text,
                    bool colour = false) {
    std::string text;
    llvm::raw_string_ostream os(text);
    diags.print(os, format, colour);
    return text;
  }
};

TEST_F(DiagnosticsTest, TextWithCaretRangeAndNotes) {
  source("x = 1\ny = sqr(x)\n");
  diags.error(at(10, 3), "unknown name 'sqr'")
      .note("did you mean 'sqrt'?")
      .note("x is here", at(0, 1));
  EXPECT_EQ(print(), "m.lam:2:5: error: unknown name 'sqr'\n"
                     "y = sqr(x)\n"
                     "    ^~~\n"
                     "note: did you mean 'sqrt'?\n"
                     "m.lam:1:1: note: x is here\n"
                     "x = 1\n"
                     "^\n");
  EXPECT_TRUE(diags.hasErrors());
}

TEST_F(DiagnosticsTest, PrintsOnlyWhatIsNew) {
  source("a\nb\n");
  diags.error(at(0, 1), "one");
  EXPECT_EQ(print(), "m.lam:1:1: error: one\na\n^\n");
  diags.warning(at(2, 1), "two");
  EXPECT_EQ(print(), "m.lam:2:1: warning: two\nb\n^\n");
  EXPECT_EQ(print(), "");
  EXPECT_EQ(diags.errors(), 1u);
}

TEST_F(DiagnosticsTest, SameErrorTwiceIsOne) {
  source("abc");
  diags.error(at(0, 1), "wrong").note("why");
  diags.error(at(0, 1), "wrong").note("why");
  diags.error(at(1, 1), "wrong");
  EXPECT_EQ(diags.errors(), 2u);
  ASSERT_EQ(diags.all().size(), 2u);
  EXPECT_EQ(diags.all()[0]->notes.size(), 1u);
}

TEST_F(DiagnosticsTest, RemarksRepeat) {
  source("print(1)");
  diags.remark(at(0, 8), "1");
  diags.remark(at(0, 8), "1");
  EXPECT_EQ(diags.all().size(), 2u);
  EXPECT_FALSE(diags.hasErrors());
  EXPECT_EQ(print(), "m.lam:1:1: note: 1\nprint(1)\n^~~~~~~~\nm.lam:1:1: note: "
                     "1\nprint(1)\n^~~~~~~~\n");
}

TEST_F(DiagnosticsTest, WithoutPlace) {
  diags.errorInFile("x.npy", "no such file");
  diags.error({}, "no model");
  EXPECT_EQ(print(), "x.npy: error: no such file\nerror: no model\n");
}

TEST_F(DiagnosticsTest, RangeOverSeveralLinesAndEndOfFile) {
  source("f(a,\n  b)");
  diags.error(at(0, 9), "long");
  diags.error(at(9, 0), "end");
  EXPECT_EQ(print(), "m.lam:1:1: error: long\nf(a,\n^~~~\nm.lam:2:5: error: "
                     "end\n  b)\n    ^\n");
}

TEST_F(DiagnosticsTest, CaretUnderNonAscii) {
  source("\u00e9t\u00e9 = foo\n");
  diags.error(at(8, 3), "unknown");
  EXPECT_EQ(print(),
            "m.lam:1:9: error: unknown\n\u00e9t\u00e9 = foo\n      ^~~\n");
}

TEST_F(DiagnosticsTest, Colour) {
  source("a\n\u00e9");
  diags.error(at(0, 1), "red");
  EXPECT_EQ(print(Diagnostics::Format::Text, false).find('\x1b'),
            std::string::npos);
  diags.error(at(2, 2), "red as well");
  std::string coloured = print(Diagnostics::Format::Text, true);
  EXPECT_NE(coloured.find("\x1b[0;1;31merror: "), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[0;1;32m^"), std::string::npos);
}

TEST_F(DiagnosticsTest, Json) {
  source("x = 1\ny = \"a\nb\"\n");
  diags.error(at(10, 5), "bad \"text\"\n")
      .note("there", at(0, 1))
      .note("nowhere");
  diags.errorInFile("w.npz", "unreadable");
  std::string text = print(Diagnostics::Format::JSON);
  llvm::SmallVector<StringRef> lines;
  StringRef(text).split(lines, '\n', -1, false);
  ASSERT_EQ(lines.size(), 2u);
  auto first = llvm::json::parse(lines[0]);
  ASSERT_TRUE(bool(first));
  const llvm::json::Object &o = *first->getAsObject();
  EXPECT_EQ(o.getString("severity"), "error");
  EXPECT_EQ(o.getString("message"), "bad \"text\"\n");
  EXPECT_EQ(o.getString("file"), "m.lam");
  EXPECT_EQ(o.getInteger("line"), 2);
  EXPECT_EQ(o.getInteger("column"), 5);
  EXPECT_EQ(o.getInteger("endLine"), 3);
  EXPECT_EQ(o.getInteger("endColumn"), 3);
  const llvm::json::Array &notes = *o.getArray("notes");
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].getAsObject()->getString("message"), "there");
  EXPECT_EQ(notes[0].getAsObject()->getInteger("line"), 1);
  EXPECT_EQ(notes[1].getAsObject()->get("line"), nullptr);
  auto second = llvm::json::parse(lines[1]);
  ASSERT_TRUE(bool(second));
  EXPECT_EQ(second->getAsObject()->getString("file"), "w.npz");
}

TEST_F(DiagnosticsTest, JsonOfInvalidUtf8) {
  diags.errorInFile("\xff.npy", "odd \xfe name");
  EXPECT_TRUE(bool(llvm::json::parse(print(Diagnostics::Format::JSON))));
}

TEST(DidYouMean, Closest) {
  std::vector<StringRef> names = {"sqrt",  "square", "softmax",   "relu",
                                  "Dense", "x",      "logsumexp", "leaky_relu"};
  EXPECT_EQ(didYouMean("sqr", names), "sqrt");
  EXPECT_EQ(didYouMean("sqtr", names), "sqrt");
  EXPECT_EQ(didYouMean("sofmax", names), "softmax");
  EXPECT_EQ(didYouMean("dense", names), "Dense");
  EXPECT_EQ(didYouMean("RELU", names), "relu");
  EXPECT_EQ(didYouMean("log_sum_exp", names), "logsumexp");
  EXPECT_EQ(didYouMean("leakyrelu", names), "leaky_relu");
}

TEST(DidYouMean, NotTooFar) {
  std::vector<StringRef> names = {"sqrt", "x", "ab"};
  EXPECT_EQ(didYouMean("y", names), std::nullopt);
  EXPECT_EQ(didYouMean("X", names), "x");
  EXPECT_EQ(didYouMean("convolution", names), std::nullopt);
  EXPECT_EQ(didYouMean("", names), std::nullopt);
  EXPECT_EQ(didYouMean("sqrt", {"sqrt"}), std::nullopt);
}

} // namespace
