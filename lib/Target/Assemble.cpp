//===- Assemble.cpp - machine code of kernels -----------------------------===//
#include "Assemble.h"
#include "Workplace.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace lamina;

/// A program of the CUDA toolkit: the file that the environment names, else
/// what is on the PATH or where the toolkit is installed.
static llvm::Expected<std::string> findTool(const char *name,
                                            const char *variable) {
  if (std::optional<std::string> given = llvm::sys::Process::GetEnv(variable);
      given && !given->empty()) {
    if (llvm::sys::fs::can_execute(*given))
      return *given;
    return llvm::createStringError("%s: '%s' is no program", variable,
                                   given->c_str());
  }
  if (auto found = llvm::sys::findProgramByName(name))
    return *found;
  if (auto found = llvm::sys::findProgramByName(name, {"/usr/local/cuda/bin"}))
    return *found;
  return llvm::createStringError(
      "machine code of a GPU needs '%s' of the CUDA toolkit, which is not on "
      "the PATH; %s can name the file. --emit=ptx needs nothing",
      name, variable);
}

namespace {
/// What a multiprocessor has; the last row is for what is newer.
struct Multiprocessor {
  unsigned architecture;
  int64_t threads, blocks, sharedBytes;
};
constexpr Multiprocessor multiprocessors[] = {
    {70, 2048, 32, 96 << 10},   {75, 1024, 16, 64 << 10},
    {80, 2048, 32, 164 << 10},  {87, 1536, 16, 100 << 10},
    {89, 1536, 24, 100 << 10},  {103, 2048, 32, 228 << 10},
    {~0u, 1536, 24, 100 << 10},
};
constexpr int64_t registersOfAll = 65536;
} // namespace

llvm::Expected<std::string> lamina::assembleKernels(llvm::StringRef ptx,
                                                    llvm::StringRef chip,
                                                    std::string *log) {
  llvm::Expected<std::string> tool = findTool("ptxas", "LAMINA_PTXAS");
  if (!tool)
    return tool.takeError();
  Workplace place;
  if (llvm::Error error = place.create())
    return std::move(error);
  if (llvm::Error error = place.write("in.ptx", ptx))
    return std::move(error);
  std::string architecture = ("-arch=" + chip).str(),
              input = place.file("in.ptx"), output = place.file("out.cubin");
  if (llvm::Error error =
          place.run({*tool, "-v", architecture, input, "-o", output}))
    return std::move(error);
  // ptxas prints what was asked for on either.
  for (const char *name : {"log", "out"}) {
    if (!log)
      break;
    llvm::Expected<std::string> text = place.read(name);
    if (!text)
      return text.takeError();
    *log += *text;
  }
  return place.read("out.cubin");
}

llvm::Expected<std::string> lamina::disassembleKernels(llvm::StringRef cubin) {
  llvm::Expected<std::string> tool = findTool("nvdisasm", "LAMINA_NVDISASM");
  if (!tool)
    return tool.takeError();
  Workplace place;
  if (llvm::Error error = place.create())
    return std::move(error);
  if (llvm::Error error = place.write("in.cubin", cubin))
    return std::move(error);
  std::string input = place.file("in.cubin");
  if (llvm::Error error = place.run({*tool, "-c", input}))
    return std::move(error);
  return place.read("out");
}

/// The number in front of `unit` in `text`, 0 without one.
static int64_t numberBefore(llvm::StringRef text, llvm::StringRef unit) {
  llvm::SmallVector<llvm::StringRef> groups;
  int64_t number = 0;
  if (llvm::Regex(("([0-9]+) " + unit).str()).match(text, &groups))
    (void)groups[1].getAsInteger(10, number);
  return number;
}

/// Threads of a block by the PTX, where it says so.
static int64_t threadsOf(llvm::StringRef ptx, llvm::StringRef kernel) {
  llvm::StringRef rest = ptx.substr(ptx.find((".entry " + kernel + "(").str()));
  llvm::StringRef head = rest.substr(0, rest.find('{'));
  llvm::SmallVector<llvm::StringRef> groups;
  int64_t threads = 0;
  if (llvm::Regex("maxntid ([0-9]+)").match(head, &groups))
    (void)groups[1].getAsInteger(10, threads);
  return threads;
}

llvm::Expected<std::string> lamina::reportKernels(llvm::StringRef ptx,
                                                  llvm::StringRef chip) {
  std::string log;
  llvm::Expected<std::string> cubin = assembleKernels(ptx, chip, &log);
  if (!cubin)
    return cubin.takeError();
  unsigned architecture = 0;
  (void)chip.drop_front(3).rtrim("af").getAsInteger(10, architecture);
  const Multiprocessor *limits = multiprocessors;
  while (limits->architecture != ~0u && limits[1].architecture <= architecture)
    ++limits;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::formatv("{0,-32} {1,8} {2,10} {3,8} {4,8} {5,10}\n",
                          "kernel of " + chip.str(), "threads", "registers",
                          "shared", "spilled", "occupancy");
  // ptxas tells of each kernel and then of its properties; it begins with the
  // last kernel.
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(log).split(lines, '\n');
  std::string kernel;
  int64_t spilled = 0;
  std::map<std::string, std::string> rows;
  for (llvm::StringRef line : lines) {
    llvm::SmallVector<llvm::StringRef> groups;
    if (llvm::Regex("Compiling entry function '([^']*)'")
            .match(line, &groups)) {
      kernel = groups[1].str();
      spilled = 0;
    } else if (line.contains("bytes spill stores")) {
      spilled += numberBefore(line, "bytes spill stores") +
                 numberBefore(line, "bytes spill loads");
    } else if (line.contains("registers") && !kernel.empty()) {
      int64_t registers =
                  numberBefore(line.substr(line.find("Used")), "registers"),
              shared = numberBefore(line, "bytes smem"),
              threads = threadsOf(ptx, kernel);
      // Registers are handed out to warps by 256.
      int64_t warps = std::max<int64_t>(1, (threads + 31) / 32);
      int64_t ofBlock =
          warps * std::max<int64_t>(256, llvm::alignTo(registers * 32, 256));
      int64_t blocks = std::min({limits->blocks, limits->threads / (warps * 32),
                                 registersOfAll / ofBlock,
                                 limits->sharedBytes / (shared + 1024)});
      rows[kernel] = llvm::formatv("{0,-32} {1,8} {2,10} {3,8} {4,8} {5,9}%\n",
                                   kernel, threads, registers, shared, spilled,
                                   100 * blocks * warps * 32 / limits->threads);
      kernel.clear();
    }
  }
  for (const auto &[name, row] : rows)
    stream << row;
  return text;
}
