//===- OutputFile.cpp - files that appear whole or not at all -------------===//

#include "lamina/Support/OutputFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lamina {

static llvm::Error cannotWrite(llvm::StringRef path, int code) {
  return llvm::createStringError(
      path + ": cannot write: " + llvm::sys::StrError(code));
}

namespace {
/// Turns SIGPIPE into EPIPE for a while, whatever the program does about it.
class NoPipeSignal {
public:
  NoPipeSignal() {
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigset_t pending;
    wasPending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &previous);
  }
  ~NoPipeSignal() {
    int code = errno;
    timespec none = {};
    if (!wasPending)
      while (sigtimedwait(&pipe, nullptr, &none) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    errno = code;
  }
  NoPipeSignal(const NoPipeSignal &) = delete;
  NoPipeSignal &operator=(const NoPipeSignal &) = delete;

private:
  sigset_t pipe, previous;
  bool wasPending;
};
} // namespace

/// Writes everything; 0 or the error number.
static int writeAll(int file, llvm::StringRef contents) {
  NoPipeSignal guard;
  while (!contents.empty()) {
    ssize_t written = ::write(file, contents.data(),
                              std::min<size_t>(contents.size(), 1 << 30));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    contents = contents.drop_front(written);
  }
  return 0;
}

static llvm::Error writeDirectly(llvm::StringRef path,
                                 llvm::StringRef contents) {
  int file = ::open(path.str().c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0)
    return cannotWrite(path, errno);
  int code = writeAll(file, contents);
  if (::close(file) != 0 && code == 0)
    code = errno;
  return code ? cannotWrite(path, code) : llvm::Error::success();
}

llvm::Error writeFile(llvm::StringRef path, llvm::StringRef contents,
                      bool executable) {
  // Another name of the same; if that is a file, it must not be replaced.
  if (path == "-" || path == "/dev/stdout") {
    int code = writeAll(STDOUT_FILENO, contents);
    return code ? cannotWrite("<stdout>", code) : llvm::Error::success();
  }
  // Renaming over a link would replace the link, not what it points to.
  llvm::SmallString<256> target(path);
  struct stat status;
  if (::stat(path.str().c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return cannotWrite(path, EISDIR);
    if (!S_ISREG(status.st_mode))
      return writeDirectly(path, contents);
    if (std::error_code error = llvm::sys::fs::real_path(path, target))
      return cannotWrite(path, error.value());
  }

  int file;
  llvm::SmallString<256> temporary;
  unsigned mode = executable ? 0777 : 0666;
  if (std::error_code error = llvm::sys::fs::createUniqueFile(
          target + ".%%%%%%.tmp", file, temporary, llvm::sys::fs::OF_None,
          mode))
    return cannotWrite(path, error.value());
  llvm::sys::RemoveFileOnSignal(temporary);
  int code = writeAll(file, contents);
  if (::close(file) != 0 && code == 0)
    code = errno;
  if (code == 0 && ::rename(temporary.c_str(), target.c_str()) != 0)
    code = errno;
  if (code)
    ::unlink(temporary.c_str());
  llvm::sys::DontRemoveFileOnSignal(temporary);
  return code ? cannotWrite(path, code) : llvm::Error::success();
}

} // namespace lamina
