//===- OutputFileTest.cpp - files appear whole or not at all --------------===//

#include "lamina/Support/OutputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace lamina;

namespace {
/// A folder of its own for every test.
class OutputFile : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("lamina", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(folder);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }
  unsigned files() const {
    std::error_code error;
    unsigned count = 0;
    for (llvm::sys::fs::directory_iterator it(folder, error), end;
         it != end && !error; it.increment(error))
      ++count;
    return count;
  }
  static std::string contents(const std::string &path) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "<none>";
  }
  static std::string write(const std::string &path, llvm::StringRef text,
                           bool executable = false) {
    return llvm::toString(writeFile(path, text, executable));
  }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(OutputFile, writesAndReplaces) {
  EXPECT_EQ(write(path("a"), "one"), "");
  EXPECT_EQ(write(path("a"), "two"), "");
  EXPECT_EQ(contents(path("a")), "two");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, marksExecutables) {
  EXPECT_EQ(write(path("a"), "", /*executable=*/true), "");
  EXPECT_EQ(::access(path("a").c_str(), X_OK), 0);
  EXPECT_EQ(write(path("b"), ""), "");
  struct stat status;
  ASSERT_EQ(::stat(path("b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0111, 0u);
}

TEST_F(OutputFile, followsLinks) {
  EXPECT_EQ(write(path("target"), "old"), "");
  ASSERT_EQ(::symlink("target", path("link").c_str()), 0);
  EXPECT_EQ(write(path("link"), "new"), "");
  EXPECT_EQ(contents(path("target")), "new");
  EXPECT_TRUE(llvm::sys::fs::is_symlink_file(path("link")));
}

TEST_F(OutputFile, reportsErrors) {
  EXPECT_EQ(write(std::string(folder), "x"),
            folder.str().str() + ": cannot write: Is a directory");
  EXPECT_EQ(write(path("no/such"), "x"),
            path("no/such") + ": cannot write: No such file or directory");
  EXPECT_EQ(write("/dev/full", "x"),
            "/dev/full: cannot write: No space left on device");
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFile, aBrokenPipeIsAnError) {
  std::string pipe = path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread reader([&] {
    int file = ::open(pipe.c_str(), O_RDONLY);
    char byte;
    EXPECT_EQ(::read(file, &byte, 1), 1);
    ::close(file);
  });
  std::string error = write(pipe, std::string(1 << 22, 'x'));
  reader.join();
  EXPECT_EQ(error, pipe + ": cannot write: Broken pipe");
}
