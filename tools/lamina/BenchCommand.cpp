//===- BenchCommand.cpp - lamina bench
//--------------------------------------===//

#include "Driver.h"
#include "lamina/Bench/Kernels.h"
#include "lamina/Bench/Limits.h"
#include "lamina/Bench/Measure.h"
#include "lamina/Bench/Work.h"
#include "lamina/Gpu/Target.h"
#include "lamina/Transforms/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
constexpr int64_t defaultSize = 32; // of the batch and other unknown sizes

struct Kernel : KernelTime {
  std::string name;
};

/// What is known about one entry point.
struct Row {
  std::string entry;
  Latency latency;
  std::optional<int64_t> rows; // of a call
  std::optional<Work> work;
  double peak = 0, bandwidth = 0; // of the machine, at this many bytes
  std::vector<Kernel> kernels = {};

  double flops() const { return work->flops / latency.median; }
  double bytes() const { return work->bytes / latency.median; }
};

/// One run of `lamina bench`.
class Benchmark {
public:
  explicit Benchmark(Session &session)
      : session(session), arguments(session.arguments) {}
  bool run();
  void printTable() const;
  void printKernels() const;
  void printJSON() const;

private:
  Session &session;
  const Arguments &arguments;
  llvm::StringMap<int64_t> sizes;
  llvm::StringMap<Work> work;
  std::string machine;
  double peak = 0;
  std::vector<Row> rows;

  bool fail(llvm::Error error) {
    return !session.error(std::move(error), arguments.input);
  }
  void count();
  bool findSizes(const Signature &signature);
  bool measureEntry(CompiledModel &model, const EntryPoint &entry,
                    Limits &limits);
  bool measureKernels();
};
} // namespace

/// Counts the work of every entry point. The types say nothing about a batch
/// that is an argument, so this is a model of its own, with the batch fixed.
void Benchmark::count() {
  Arguments fixed = arguments;
  if (!fixed.batch)
    fixed.batch = sizes.lookup("n");
  fixed.options.dumpDir.clear();
  fixed.options.timePasses = false;
  Session counting(fixed);
  OwningOpRef<ModuleOp> module = counting.loadModel({/*entries=*/true, false});
  if (!module || detectStage(*module) > *findStage("grad") ||
      !counting.lower(*module, "grad"))
    return;
  for (auto function : module->getOps<func::FuncOp>())
    if (std::optional<Work> counted = countWork(function))
      work[function.getName()] = *counted;
}

/// The sizes of --size, and the batch.
bool Benchmark::findSizes(const Signature &signature) {
  llvm::SmallVector<llvm::StringRef> known;
  for (const EntryPoint &entry : signature.entries)
    for (const std::string &symbol : entry.symbols)
      if (sizes.try_emplace(symbol, defaultSize).second)
        known.push_back(sizes.find(symbol)->first());
  for (const std::string &text : arguments.sizes) {
    auto [name, number] = llvm::StringRef(text).split('=');
    int64_t size;
    if (number.getAsInteger(10, size) || size < 0) {
      session.diagnostics.errorInFile(
          arguments.input, "--size: '" + text + "' is not NAME=NUMBER");
      return false;
    }
    if (!sizes.contains(name)) {
      std::optional<llvm::StringRef> near = didYouMean(name, known);
      session.diagnostics.errorInFile(
          arguments.input,
          "--size: no argument has the size '" + name + "'; " +
              (known.empty() ? "all sizes are fixed"
                             : "there is " + llvm::join(known, ", ")) +
              (near ? "; did you mean '" + near->str() + "'?" : std::string()));
      return false;
    }
    sizes[name] = size;
  }
  return true;
}

bool Benchmark::measureEntry(CompiledModel &model, const EntryPoint &entry,
                             Limits &limits) {
  CheckRandom random(arguments.options.seed);
  auto call = PreparedCall::create(
      model, entry, sizes, [&](const TensorSignature &, NDArray &array) {
        fillTypical(array, random);
      });
  if (!call)
    return fail(call.takeError());
  auto latency = measure([&] { return (**call)(); },
                         {arguments.repeat, arguments.seconds});
  if (!latency)
    return fail(llvm::createStringError(
        "'" + entry.name + "' failed: " + llvm::toString(latency.takeError())));
  Row row{entry.name, *latency, std::nullopt, std::nullopt, peak, 0};
  if (auto batch = sizes.find("n"); batch != sizes.end())
    row.rows = batch->second;
  else if (arguments.batch)
    row.rows = arguments.batch;
  if (auto found = work.find(entry.name); found != work.end()) {
    row.work = found->second;
    row.bandwidth = limits.measureBandwidth(size_t(row.work->bytes));
  }
  rows.push_back(std::move(row));
  return true;
}

/// The model with its weights, in the llvm dialect; null after a message.
static OwningOpRef<ModuleOp> loadCode(Session &session) {
  OwningOpRef<ModuleOp> module = session.loadModel({/*entries=*/true, false});
  if (!module || (session.hasWeights() && (!session.lower(*module, "lam") ||
                                           !session.setWeights(*module))))
    return {};
  if (!session.lower(*module, "llvm-mlir"))
    return {};
  return module;
}

bool Benchmark::run() {
  auto target = parseTarget(arguments.options.target);
  if (!target)
    return fail(target.takeError());
  if (arguments.kernels && target->isGpu())
    return fail(llvm::createStringError(
        "--kernels: only kernels that run on the processor are told apart; a "
        "GPU's are seen by its maker's profiler"));
  OwningOpRef<ModuleOp> module = loadCode(session);
  if (!module)
    return false;
  auto model = CompiledModel::create(*module, arguments.options);
  if (!model)
    return fail(model.takeError());
  llvm::Expected<Machine> processor = machineFor(arguments.options.mcpu);
  if (!processor)
    return fail(processor.takeError());
  auto limits = Limits::create(*processor);
  if (!limits)
    return fail(limits.takeError());
  if (!findSizes((*model)->signature()))
    return false;
  machine = processor->strategy->name;
  peak = (*limits)->measureFlops();
  count();
  for (const EntryPoint &entry : (*model)->signature().entries)
    if (!measureEntry(**model, entry, **limits))
      return false;
  return !arguments.kernels || measureKernels();
}

/// Runs the same model with code that adds up the time of each kernel.
bool Benchmark::measureKernels() {
  Arguments instrumented = arguments;
  instrumented.options.profile = true;
  instrumented.options.dumpDir.clear();
  instrumented.options.timePasses = false;
  instrumented.remarks.clear();
  Session again(instrumented);
  OwningOpRef<ModuleOp> module = loadCode(again);
  if (!module)
    return false;
  auto names =
      module->getOperation()->getAttrOfType<DictionaryAttr>(kernelsAttribute);
  auto model = CompiledModel::create(*module, instrumented.options);
  if (!model)
    return fail(model.takeError());
  for (auto [entry, row] :
       llvm::zip_equal((*model)->signature().entries, rows)) {
    auto kernels = names.getAs<ArrayAttr>(entry.name);
    if (!kernels || kernels.empty())
      continue;
    CheckRandom random(arguments.options.seed);
    auto call = PreparedCall::create(
        **model, entry, sizes, [&](const TensorSignature &, NDArray &array) {
          fillTypical(array, random);
        });
    if (!call)
      return fail(call.takeError());
    auto table = (*model)->lookup(profileTable(entry.name));
    if (!table)
      return fail(table.takeError());
    auto measured = lamina::measureKernels(
        [&] { return (**call)(); },
        {static_cast<const KernelCounts *>(*table), kernels.size()},
        row.latency.median, {arguments.repeat, arguments.seconds});
    if (!measured)
      return fail(measured.takeError());
    for (auto [name, time] :
         llvm::zip_equal(kernels.getAsRange<StringAttr>(), *measured))
      row.kernels.push_back({time, name.str()});
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

/// Three digits and a unit: "1.23 ms".
static std::string time(double seconds) {
  static constexpr std::pair<double, const char *> units[] = {
      {1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {0, "ns"}};
  for (auto [unit, name] : units)
    if (seconds >= unit) {
      double value = seconds / (unit ? unit : 1e-9);
      int digits = value < 10 ? 2 : value < 100 ? 1 : 0;
      return llvm::formatv("{0} {1}", llvm::format("%.*f", digits, value), name)
          .str();
    }
  return "";
}

static std::string number(double value, const char *suffix = "") {
  int digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format("%.*f", digits, value) << suffix;
  return text;
}

void Benchmark::printTable() const {
  std::vector<std::vector<std::string>> lines{{"entry", "min", "median", "p99",
                                               "rows/s", "GFLOP/s", "of peak",
                                               "GB/s", "of memory"}};
  for (const Row &row : rows) {
    const Latency &latency = row.latency;
    std::vector<std::string> line{row.entry, time(latency.min),
                                  time(latency.median), time(latency.p99)};
    line.push_back(row.rows ? number(double(*row.rows) / latency.median) : "-");
    if (row.work && row.work->flops > 0) {
      line.push_back(number(row.flops() * 1e-9));
      line.push_back(number(100 * row.flops() / row.peak, " %"));
    } else {
      line.insert(line.end(), 2, "-");
    }
    if (row.work) {
      line.push_back(number(row.bytes() * 1e-9));
      line.push_back(number(100 * row.bytes() / row.bandwidth, " %"));
    } else {
      line.insert(line.end(), 2, "-");
    }
    lines.push_back(std::move(line));
  }
  std::vector<size_t> widths(lines.front().size());
  for (const auto &line : lines)
    for (auto [width, text] : llvm::zip_equal(widths, line))
      width = std::max(width, text.size());
  llvm::raw_ostream &os = llvm::outs();
  os << machine << ", peak " << number(peak * 1e-9) << " GFLOP/s";
  llvm::SmallVector<llvm::StringRef> names(sizes.keys());
  llvm::sort(names);
  for (llvm::StringRef name : names)
    os << ", " << name << " = " << sizes.lookup(name);
  os << "\n";
  for (const auto &line : lines) {
    os << llvm::left_justify(line.front(), widths.front());
    for (auto [text, width] : llvm::drop_begin(llvm::zip_equal(line, widths)))
      os << "  " << llvm::right_justify(text, width);
    os << "\n";
  }
}

/// The estimates are those that the compiler's decisions are made from.
void Benchmark::printKernels() const {
  llvm::raw_ostream &os = llvm::outs();
  for (const Row &row : rows) {
    if (row.kernels.empty())
      continue;
    os << "\nkernels of " << row.entry << "\n"
       << "      time  estimate  GFLOP/s  of peak   GB/s\n";
    for (const Kernel &kernel : row.kernels) {
      auto column = [&](const std::string &text, unsigned width) {
        os << llvm::right_justify(text, width);
      };
      double flops = kernel.flops / kernel.seconds;
      bool computes = kernel.flops > 0 && kernel.seconds > 0;
      column(time(kernel.seconds), 10);
      column(kernel.estimate > 0 ? time(kernel.estimate) : "-", 10);
      column(computes ? number(flops * 1e-9) : "-", 9);
      column(computes ? number(100 * flops / row.peak, " %") : "-", 9);
      column(kernel.bytes > 0 && kernel.seconds > 0
                 ? number(kernel.bytes / kernel.seconds * 1e-9)
                 : "-",
             7);
      os << "  " << kernel.name << "\n";
    }
  }
}

void Benchmark::printJSON() const {
  llvm::json::OStream json(llvm::outs(), 2);
  json.object([&] {
    json.attribute("model", arguments.input);
    json.attribute("strategy", machine);
    json.attribute("peak_gflops", peak * 1e-9);
    json.attributeObject("sizes", [&] {
      llvm::SmallVector<llvm::StringRef> names(sizes.keys());
      llvm::sort(names);
      for (llvm::StringRef name : names)
        json.attribute(name, sizes.lookup(name));
    });
    json.attributeArray("entries", [&] {
      for (const Row &row : rows)
        json.object([&] {
          json.attribute("entry", row.entry);
          json.attribute("min_us", row.latency.min * 1e6);
          json.attribute("median_us", row.latency.median * 1e6);
          json.attribute("p99_us", row.latency.p99 * 1e6);
          json.attribute("samples", row.latency.samples);
          json.attribute("calls_per_sample", row.latency.calls);
          if (row.rows)
            json.attribute("rows_per_s",
                           double(*row.rows) / row.latency.median);
          if (!row.kernels.empty())
            json.attributeArray("kernels", [&] {
              for (const Kernel &kernel : row.kernels)
                json.object([&] {
                  json.attribute("kernel", kernel.name);
                  json.attribute("us", kernel.seconds * 1e6);
                  json.attribute("estimate_us", kernel.estimate * 1e6);
                  json.attribute("flops", kernel.flops);
                  json.attribute("bytes", kernel.bytes);
                });
            });
          if (!row.work)
            return;
          json.attribute("flops", row.work->flops);
          json.attribute("bytes", row.work->bytes);
          json.attribute("gflops", row.flops() * 1e-9);
          json.attribute("gb_per_s", row.bytes() * 1e-9);
          json.attribute("memory_gb_per_s", row.bandwidth * 1e-9);
        });
    });
  });
  llvm::outs() << "\n";
}

int driver::bench(Arguments &arguments) {
  Session session(arguments);
  Benchmark benchmark(session);
  if (benchmark.run()) {
    if (arguments.json) {
      benchmark.printJSON();
    } else {
      benchmark.printTable();
      benchmark.printKernels();
    }
  }
  return session.finish();
}
