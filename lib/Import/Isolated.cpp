//===- Isolated.cpp - work that may crash, in a child process -------------===//

#include "Isolated.h"
#include "lamina/Support/ProcessMemory.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FormatVariadic.h"
#include <cerrno>
#include <csignal>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lamina::import {

namespace {
void writeAll(int pipe, const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(pipe, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      _exit(1);
    done += size_t(count);
  }
}

/// The child: crashes end it quietly, and SIGPROF does when its time is over.
[[noreturn]] void
runChild(int pipe, ProcessLimits limits,
         llvm::function_ref<llvm::Expected<std::string>()> work) {
  for (int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGALRM,
                     SIGPIPE, SIGPROF})
    signal(number, SIG_DFL);
  sigset_t all;
  sigemptyset(&all); // the parent may have blocked it
  sigprocmask(SIG_SETMASK, &all, nullptr);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  limitMemoryGrowth(limits.bytes);
  itimerval timer = {};
  timer.it_value.tv_sec = time_t(limits.seconds);
  timer.it_value.tv_usec =
      suseconds_t((limits.seconds - double(time_t(limits.seconds))) * 1e6);
  setitimer(ITIMER_PROF, &timer, nullptr);
  llvm::Expected<std::string> result = work();
  std::string text =
      result ? "+" + *result : "-" + llvm::toString(result.takeError());
  writeAll(pipe, text);
  writeAll(pipe, "."); // it is complete
  _exit(0);
}
} // namespace

llvm::Expected<std::string>
isolated(ProcessLimits limits,
         llvm::function_ref<llvm::Expected<std::string>()> work) {
  int ends[2];
  if (pipe(ends) != 0)
    return llvm::createStringError("there is no pipe for another process");
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    runChild(ends[1], limits, work);
  }
  close(ends[1]);
  auto leave = llvm::scope_exit([&] { close(ends[0]); });
  if (child < 0)
    return llvm::createStringError("another process cannot be started");
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    ssize_t count = read(ends[0], buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    text.append(buffer, size_t(count));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
    return llvm::createStringError(
        llvm::formatv("the HDF5 file is damaged: the HDF5 library was stopped "
                      "after {0:F1} s, longer than a file of its size can take",
                      limits.seconds));
  bool isComplete = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                    text.size() >= 2 && text.back() == '.';
  if (!isComplete)
    return llvm::createStringError(
        "the HDF5 file is damaged: the HDF5 library cannot read it");
  text.pop_back();
  bool isResult = text.front() == '+';
  text.erase(text.begin());
  if (!isResult)
    return llvm::createStringError(text);
  return text;
}

} // namespace lamina::import
