//===- FuzzMain.cpp - runs a fuzz target without libFuzzer ----------------===//
//
// Replays the files of the given folders, then mutates them until the time is
// over or --count of them are done. Each input depends on the seed and its
// number only:
//
//   ParserFuzzer DIR... [--seconds N | --count N] [--seed S] [--only NUMBER]
//                       [--memory MIB]
//
// An input that crashes, takes more than a second of processor time or needs
// more than --memory is written to crash-input.
//
//===----------------------------------------------------------------------===//

#include "lamina/Support/ProcessMemory.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

using llvm::StringRef;

static const std::string *currentInput;

// What one input may take: time of this process, and time on the clock (for
// waits, also for a process of its own).
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static constexpr time_t processorSeconds = 20; // sanitized code is slow
#else
static constexpr time_t processorSeconds = 1;
#endif
static constexpr unsigned clockSeconds = 20;

/// Saves the input of the crash. Only calls what a signal handler may.
static void onCrash(int signal) {
  int file = open("crash-input", O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (file >= 0 && currentInput) {
    ssize_t written = write(file, currentInput->data(), currentInput->size());
    static const char text[] = "the input is in crash-input\n";
    written += write(2, text, sizeof(text) - 1);
    if (written < 0)
      _exit(71);
  }
  _exit(signal == SIGALRM || signal == SIGPROF ? 72 : 70);
}

static void installHandlers() {
  // On a stack of its own: the crash may be a stack overflow.
  static char stack[1 << 16];
  stack_t alternative = {};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal :
       {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGPROF})
    sigaction(signal, &action, nullptr);
}

static void setTimers(time_t processor, unsigned clock) {
  itimerval timer = {};
  timer.it_value.tv_sec = processor;
  setitimer(ITIMER_PROF, &timer, nullptr);
  alarm(clock);
}

static void runOne(const std::string &input) {
  currentInput = &input;
  setTimers(processorSeconds, clockSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(input.data()),
                         input.size());
  setTimers(0, 0);
}

static std::vector<std::string> readFolder(StringRef path) {
  std::vector<std::string> names, texts;
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator i(path, error), end;
       i != end && !error; i.increment(error))
    if (!llvm::sys::fs::is_directory(i->path()))
      names.push_back(i->path());
  std::sort(names.begin(), names.end());
  for (const std::string &name : names)
    if (auto buffer = llvm::MemoryBuffer::getFile(name))
      texts.push_back((*buffer)->getBuffer().str());
  return texts;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

namespace {
class Mutator {
public:
  Mutator(const std::vector<std::string> &corpus, uint64_t seed)
      : corpus(corpus), random(seed) {}

  std::string next() {
    std::string text = corpus[below(corpus.size())];
    for (size_t i = 0, n = 1 + below(6); i < n; ++i)
      mutate(text);
    return text;
  }

private:
  size_t below(size_t limit) { return limit ? random() % limit : 0; }
  void mutate(std::string &text);

  const std::vector<std::string> &corpus;
  std::mt19937_64 random;
};
} // namespace

void Mutator::mutate(std::string &text) {
  // clang-format off
  static constexpr StringRef words[] = {
      "(", ")", "[", "]", "{", "}", ":", ";", ",", ".", "=", "==", ":=", "->", "*", "**", "/", "//", "@", "%", "~",
      "\n", "\r\n", "\n    ", "\t", "\f", " ", "\\\n", "#", "'", "\"", "'''", "\"\"\"", "f'", "f\"{", "!r", "{{", "}}",
      "\\", "\\x", "\\N{", "0x", "1_", "1e", "012", ".5", "9223372036854775808", "None", "True", "lambda", "lambda x:",
      "if", "else", "elif", "for", "in", "not", "is", "and", "or", "def f(x):", "class C:", "return", "import", "from",
      "as", "while", "break", "continue", "pass", "del", "assert", "raise", "global", "nonlocal", "try:", "with",
      "yield", "await", "async", "match x:", "x", "self", "super()", "...", "<", ">=", "<<", ">>=", "+=", "|", "&", "^",
      "\xEF\xBB\xBF", "\u00e9", "\u201c", "\xFF"};
  // clang-format on
  size_t at = below(text.size() + 1),
         length = std::min(text.size() - at, below(40));
  switch (below(8)) {
  case 0: // another byte
    if (at < text.size())
      text[at] = static_cast<char>(random());
    break;
  case 1:
    text.erase(at, length);
    break;
  case 2: { // the same piece again, perhaps many times
    std::string piece = text.substr(at, length), copies;
    for (size_t i = 0, n = below(4) ? 1 : below(2000);
         i < n && copies.size() < 100000; ++i)
      copies += piece;
    text.insert(at, copies);
    break;
  }
  case 3: { // a piece of another file
    const std::string &other = corpus[below(corpus.size())];
    size_t from = below(other.size() + 1);
    text.insert(at, other.substr(from, below(200)));
    break;
  }
  case 4: // moved
    if (length) {
      std::string piece = text.substr(at, length);
      text.erase(at, length);
      text.insert(below(text.size() + 1), piece);
    }
    break;
  case 5:
    text.resize(at);
    break;
  default:
    text.insert(at, words[below(std::size(words))].str());
    break;
  }
  if (text.size() > 200000)
    text.resize(200000);
}

int main(int argc, char **argv) {
  uint64_t seed = 1, only = 0, count = 0, mebibytes = 0;
  unsigned seconds = 5;
  bool single = false;
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    StringRef arg = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--seed" || arg == "--seconds" || arg == "--only" ||
        arg == "--count" || arg == "--memory") {
      if (arg == "--seed"     ? value.getAsInteger(10, seed)
          : arg == "--only"   ? value.getAsInteger(10, only)
          : arg == "--count"  ? value.getAsInteger(10, count)
          : arg == "--memory" ? value.getAsInteger(10, mebibytes)
                              : value.getAsInteger(10, seconds)) {
        llvm::errs() << "expected a number after " << arg << '\n';
        return 2;
      }
      single |= arg == "--only";
      ++i;
      continue;
    }
    std::vector<std::string> texts = readFolder(arg);
    if (texts.empty()) {
      llvm::errs() << "no files in " << arg << '\n';
      return 2;
    }
    corpus.insert(corpus.end(), texts.begin(), texts.end());
  }
  if (corpus.empty()) {
    llvm::errs()
        << "usage: " << argv[0]
        << " DIR... [--seconds N | --count N] [--seed S] [--only NUMBER] "
           "[--memory MIB]\n";
    return 2;
  }
  installHandlers();
  if (mebibytes)
    lamina::limitMemoryGrowth(mebibytes << 20);
  if (single) {
    runOne(Mutator(corpus, seed + only).next());
    return 0;
  }
  for (const std::string &text : corpus)
    runOne(text);
  auto start = std::chrono::steady_clock::now();
  auto isOver = [&](uint64_t done) {
    return count ? done == count
                 : std::chrono::steady_clock::now() - start >=
                       std::chrono::seconds(seconds);
  };
  uint64_t done = 0;
  for (; !isOver(done); ++done)
    runOne(Mutator(corpus, seed + done).next());
  llvm::outs() << corpus.size() << " files, " << done << " mutations, seed "
               << seed << '\n';
  return 0;
}
