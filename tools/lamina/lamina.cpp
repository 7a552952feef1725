//===- lamina.cpp - the command line ---------------------------------------===//
//
// Declares the commands and their options; each command is one file.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "lamina/Gpu/Target.h"
#include "lamina/Runtime/Runtime.h"
#include "lamina/Support/OutputFile.h"
#include "lamina/Target/Artefacts.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/TimeProfiler.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

using namespace lamina;
using namespace lamina::driver;

namespace {
/// The names that --emit takes, with what they are.
std::string describeEmit() {
  std::string text;
  for (const Stage &stage : stageTable())
    text += "  " + std::string(stage.name) + ": " + stage.description + "\n";
  for (const Artefact &artefact : artefactTable())
    text += "  " + std::string(artefact.name) + ": " + artefact.description + "\n";
  return "  ast: the syntax tree\n" + text;
}

/// A command: what it is called, what it does, its options, its code.
struct Command {
  const char *name, *summary;
  void (*declare)(CLI::App &, Arguments &);
  int (*run)(Arguments &);
};

void declareInput(CLI::App &app, Arguments &args, const char *what) {
  app.add_option("input", args.input, what)->required();
}

void declareCommon(CLI::App &app, Arguments &args) {
  app.add_option("--diagnostics", args.diagnosticsFormat, "how messages are printed")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--color", args.colour, "colours in messages")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("-v,--verbose", args.verbose, "print what is written");
}

void declareImported(CLI::App &app, Arguments &args) {
  app.add_option("--bind", args.bindings, "NAME=VALUE: a global variable that a file of Keras lacks")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--define", args.definitions, "a .lam file with functions that a file of Keras lacks")
      ->take_all()
      ->allow_extra_args(false);
}

void declareModel(CLI::App &app, Arguments &args) {
  declareInput(app, args, "a .lam or .py program, a .keras, .h5 or .json of Keras, a .mlir of any stage, or - for standard input");
  declareImported(app, args);
  app.add_option("--model", args.modelName, "the model to take, if the file has several");
  app.add_option("--batch", args.batch, "fix the batch size")->check(CLI::Range(int64_t(1), int64_t(1) << 40));
  declareCommon(app, args);
}

void declareWeights(CLI::App &app, Arguments &args) {
  app.add_option("--weights", args.weights, "an .npz or .safetensors file with the weights by name, or an .h5 of Keras");
  app.add_option("--seed", args.options.seed, "the seed of initial weights and random numbers");
}

/// Whether --threads takes `text`.
bool isThreads(llvm::StringRef text) {
  int64_t number;
  if (!text.getAsInteger(10, number))
    return number >= 1 && number <= maxThreads;
  return llvm::is_contained({"auto", "openmp", "none"}, text);
}

/// `lamina train` has arrays under --target.
void declareCode(CLI::App &app, Arguments &args, const char *target = "--target") {
  app.add_option(target, args.options.target, "what the code runs on: cpu, cuda, or cuda:sm_80,sm_90")
      ->capture_default_str();
  app.add_option("--gpu-matmul", args.options.gpuMatmul,
                 "who computes large matrix products on a GPU: generated kernels, cublaslt, or auto for the faster; "
                 "cuBLASLt is opened when the program runs")
      ->check(CLI::IsMember({"generated", "cublaslt", "auto"}))
      ->capture_default_str();
  app.add_option("--mcpu", args.options.mcpu, "the processor: native, x86-64-v3, x86-64-v4, …")->capture_default_str();
  app.add_option_function<std::string>(
         "--threads",
         [&args](const std::string &text) {
           if (!isThreads(text))
             throw CLI::ValidationError("--threads", "'" + text + "' is not a number from 1 to " +
                                                         std::to_string(maxThreads) + ", auto, openmp or none");
           args.options.threads = text == "none" ? "" : text;
         },
         "who shares the work of large loops: a number of threads, auto (one per processor), openmp, none")
      ->default_str("none");
  app.add_option("-O", args.options.optLevel, "optimization: -O0 to -O3")
      ->check(CLI::IsMember({0, 1, 2, 3}))
      ->capture_default_str();
  app.add_option("--dump-ir", args.options.dumpDir, "write one numbered file per stage and per pass that changed something");
  app.add_flag("--remarks{.*}", args.remarks,
               "say what the compiler decided, and why: fusion, loops, merge, memory, products, threads, vector; "
               "--remarks=SUBJECTS for a regular expression of them")
      ->type_name("");
  app.add_flag("--time-passes", args.options.timePasses, "print the time every pass takes");
  app.add_option("--time-trace", args.timeTrace,
                 "write where the time goes as a Chrome trace, a .json");
}

void declareArrays(CLI::App &app, Arguments &args) {
  app.add_option("--input", args.inputs, "NAME=FILE.npy, or FILE.npy in order")->take_all()->allow_extra_args(false);
  app.add_option("-o,--output", args.output, "where results go: .npy, .npz or - for standard output");
  app.add_flag("--interpret", args.interpret, "use the reference interpreter (float64 arithmetic)");
}

void declareEntries(CLI::App &app, Arguments &args, const std::string &what) {
  app.add_option("--entry", args.options.entries,
                 what + ", a comma list: forward, vjp, train_step, evaluate, "
                        "metrics, forward_residuals, backward")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void declareCompile(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  declareWeights(app, args);
  declareCode(app, args);
  app.add_option("-o,--output", args.output, "the file to write, or the base name of several");
  app.add_option("--emit", args.emit, "what to write, a comma list:\n" + describeEmit())->delimiter(',')
      ->allow_extra_args(false);
  declareEntries(app, args, "the entry points to make");
  app.add_flag("--sample-weights", args.sampleWeights, "train_step and evaluate take a weight for each row");
  app.add_flag("--explain-residuals", args.options.explainResiduals,
               "say what `backward` keeps of the forward part, and what it computes again");
}

void declareRun(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  declareWeights(app, args);
  declareCode(app, args);
  declareArrays(app, args);
}

/// "0=1.0,1=2.5" as a table; the text of what is wrong, or "".
std::string parseClassWeights(const std::string &text, std::map<int64_t, double> &weights) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(text).split(parts, ',');
  for (llvm::StringRef part : parts) {
    auto [label, weight] = part.trim().split('=');
    int64_t number;
    double value;
    if (label.getAsInteger(10, number) || weight.getAsDouble(value) || !(value >= 0))
      return "'" + part.str() + "' is not CLASS=WEIGHT, as in 0=1.0,1=2.5";
    if (!weights.emplace(number, value).second)
      return "class " + label.str() + " is given twice";
  }
  return "";
}

void declareTrainData(CLI::App &app, Arguments &args) {
  TrainArguments &train = args.train;
  auto arrays = [&](const char *option, std::vector<std::string> &to, const char *what) {
    return app.add_option(option, to, what)->take_all()->allow_extra_args(false);
  };
  arrays("--input", args.inputs, "NAME=FILE.npy, or FILE.npy in order")->required();
  arrays("--target", train.targets, "what the outputs shall be: NAME=FILE.npy, or FILE.npy in order")->required();
  arrays("--validation-input", train.validationInputs, "the same, of the data that is validated on")
      ->needs(arrays("--validation-target", train.validationTargets, "its targets"));
  app.add_option("--validation-split", train.validationSplit, "validate on this fraction of the rows, the last ones")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--sample-weight", train.sampleWeight, "an .npy with the weight of each row");
  app.add_option_function<std::string>(
      "--class-weight",
      [&train](const std::string &text) {
        std::string problem = parseClassWeights(text, train.classWeight);
        if (!problem.empty())
          throw CLI::ValidationError("--class-weight", problem);
      },
      "the weight of the rows of a class: 0=1.0,1=2.5");
}

void declareTrain(CLI::App &app, Arguments &args) {
  TrainArguments &train = args.train;
  declareModel(app, args);
  declareTrainData(app, args);
  app.add_option("--epochs", train.epochs, "how often all rows are seen")
      ->required()
      ->check(CLI::Range(int64_t(0), int64_t(1) << 30));
  app.add_option("--batch-size", train.batchSize, "rows per update (32)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 40));
  app.add_option("--seed", train.seed, "the seed of initial weights, shuffling and random numbers");
  app.add_flag("--no-shuffle", train.noShuffle, "take the rows in order");
  app.add_option("--weights", args.weights, "begin with the weights of an .npz or .safetensors file, or of an .h5 of Keras");
  app.add_option("--save-weights", train.saveWeights, "the .npz or .safetensors file for the trained weights");
  app.add_flag("--save-optimizer", train.saveOptimizer, "write the optimizer's state to it, too");
  app.add_option("--checkpoint", train.checkpoint, "a file to resume from, written after every epoch");
  app.add_option("--resume", train.resume, "go on from a checkpoint")->excludes("--weights");
  app.add_option("--history", train.history, "a JSON file for the losses and metrics of the epochs");
  app.add_option("--early-stopping", train.earlyStopping, "stop after so many epochs without improvement")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 30));
  app.add_option("--monitor", train.monitor, "what should improve (val_loss, or loss without validation)");
  app.add_flag("--restore-best", train.restoreBest, "save the weights of the best epoch");
  app.add_flag("-q,--quiet", train.quiet, "print errors only");
  app.add_flag("--interpret", args.interpret, "use the reference interpreter (float64 arithmetic)");
  declareCode(app, args, "--device");
}

void declareEval(CLI::App &app, Arguments &args) {
  declareInput(app, args, "an expression: a lambda whose parameters are the inputs");
  declareCommon(app, args);
  declareCode(app, args);
  declareArrays(app, args);
  app.add_flag("--grad", args.gradient, "write the gradient of the sum of the outputs instead");
  app.add_option("--emit", args.emit, "print a stage instead of running")->delimiter(',')
      ->allow_extra_args(false);
}

void declareInspect(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  app.add_option("--emit", args.emit, "summary, dot, or the name of a stage")->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("-o,--output", args.output, "the file to write (standard output)");
}

void declareWeightsCommand(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  declareWeights(app, args);
  app.add_option("-o,--output", args.output, "the .npz or .safetensors file to write")->required();
}

void declareCheck(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  app.add_option("--seed", args.options.seed, "the seed of initial weights and of the points where gradients are compared");
}

void declareBench(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  declareWeights(app, args);
  declareCode(app, args);
  declareEntries(app, args, "the entry points to measure");
  app.add_option("--size", args.sizes,
                 "NAME=NUMBER: a size that is an argument of the calls, such "
                 "as n, the batch (32)")
      ->take_all()
      ->allow_extra_args(false);
  auto *seconds = app.add_option("--seconds", args.seconds,
                                 "how long to measure an entry point")
                      ->check(CLI::Range(0.0, 1e6))
                      ->capture_default_str();
  app.add_option("--repeat", args.repeat, "how many samples to take instead")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 30))
      ->excludes(seconds);
  app.add_flag("--json", args.json, "print JSON");
  app.add_flag("--kernels", args.kernels, "also measure each kernel, in code that reads the clock between them");
}

void declareImport(CLI::App &app, Arguments &args) {
  declareInput(app, args, "a .keras, .h5 or .json file that Keras saved");
  declareImported(app, args);
  declareCommon(app, args);
  app.add_option("-o,--output", args.output, "the .lam file to write, or -")->required();
  app.add_option("--weights-out", args.weightsOut, "a .safetensors or .npz file for the weights");
}

void declareExport(CLI::App &app, Arguments &args) {
  declareModel(app, args);
  declareWeights(app, args);
  app.add_option("-o,--output", args.output, "the .keras or .onnx file to write")->required();
}

void declareScan(CLI::App &app, Arguments &args) {
  app.add_option("input", args.inputs, ".keras, .h5 or .json files that Keras saved")->required();
  declareCommon(app, args);
  app.add_flag("--json", args.json, "print JSON");
}

void declareShow(CLI::App &app, Arguments &args) {
  declareInput(app, args, "a function or layer of the library, such as Dense or tf.split");
  declareCommon(app, args);
}

void declareOps(CLI::App &app, Arguments &args) { declareCommon(app, args); }

constexpr Command commands[] = {
    {"compile", "compile a model to an object file, a header and a manifest", declareCompile, compile},
    {"run", "run a model on arrays", declareRun, run},
    {"train", "train a model on arrays", declareTrain, train},
    {"eval", "run a lambda on arrays", declareEval, eval},
    {"check", "parse, type and verify a model, and compare every gradient with finite differences", declareCheck, check},
    {"bench", "measure a model's entry points: latency, throughput, share of the machine's limits", declareBench, bench},
    {"inspect", "show a model as a table, a graph or IR", declareInspect, inspect},
    {"weights", "write the initial weights", declareWeightsCommand, weights},
    {"import", "turn a model that Keras saved into a program, without running any of it", declareImport, importFile},
    {"export", "write a model as a file of Keras or ONNX", declareExport, exportFile},
    {"scan", "say what is in files that Keras saved, and what loading them would run", declareScan, scan},
    {"show", "print the source of a library function or layer", declareShow, show},
    {"ops", "list everything the library has", declareOps, listOperations},
};

/// Writes the command line and the readable input files it names.
bool writeReproducer(llvm::StringRef path, std::string report, int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef word = argv[i];
    if (!word.ends_with(".lam") && !word.ends_with(".py") && !word.ends_with(".mlir"))
      continue;
    if (auto buffer = llvm::MemoryBuffer::getFile(word))
      report += "---- " + word.str() + "\n" + (*buffer)->getBuffer().str();
  }
  if (llvm::Error error = writeFile(path, report)) {
    llvm::consumeError(std::move(error));
    return true;
  }
  return false;
}

/// Runs on a thread with a deep stack; a crash becomes exit code 70 and a file
/// that tells how to reproduce it.
int runSafely(int argc, char **argv, llvm::function_ref<int()> body) {
  constexpr unsigned stackBytes = 512u << 20;
  int code = InternalError;
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext recovery;
  if (recovery.RunSafelyOnThread([&] { code = body(); }, stackBytes))
    return code;
  std::string report = "command:";
  for (int i = 0; i < argc; ++i)
    report += " '" + std::string(argv[i]) + "'";
  report += "\nversion: lamina " LAMINA_VERSION "\n";
  llvm::SmallString<128> path;
  llvm::errs() << "lamina: internal error; this is a bug in lamina, not in your program\n";
  if (!llvm::sys::fs::createTemporaryFile("lamina-crash", "txt", path) && !writeReproducer(path, report, argc, argv))
    llvm::errs() << "lamina: a reproducer is in " << path << "\n";
  return InternalError;
}

/// The first option among `words` that `command` does not have, with the name it
/// may be meant for; "" if there is none.
/// An option that is followed by another one has no value: CLI11 would take the
/// name for it.
void refuseOptionsAsValues(CLI::App &command) {
  for (CLI::Option *option : command.get_options())
    if (option->get_items_expected_max() > 0 && !option->get_positional())
      option->check(
          [&command](const std::string &value) -> std::string {
            bool isOption = value.size() > 1 && value[0] == '-' && command.get_option_no_throw(value);
            return isOption ? "a value is missing before '" + value + "'" : "";
          },
          "", "");
}

std::string unknownOption(const CLI::App &command, llvm::ArrayRef<std::string> words) {
  llvm::SmallVector<std::string> known{"--help"};
  for (const CLI::Option *option : command.get_options())
    for (const std::string &name : option->get_lnames())
      known.push_back("--" + name);
  for (const std::string &word : words) {
    llvm::StringRef name = llvm::StringRef(word).split('=').first;
    if (!name.starts_with("--") || name == "--" || llvm::is_contained(known, name))
      continue;
    llvm::SmallVector<llvm::StringRef> names(known.begin(), known.end());
    std::optional<llvm::StringRef> near = didYouMean(name, names);
    return ("there is no option '" + name + "'" + (near ? "; did you mean '" + near->str() + "'?" : "")).str();
  }
  return "";
}

/// Runs the command, recording what it spends its time with if --time-trace
/// asks for that.
int runTraced(const Command &command, Arguments &arguments) {
  if (arguments.timeTrace.empty())
    return command.run(arguments);
  llvm::timeTraceProfilerInitialize(/*TimeTraceGranularity=*/100, "lamina");
  int code;
  {
    llvm::TimeTraceScope trace(command.name, arguments.input);
    code = command.run(arguments);
  }
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::timeTraceProfilerWrite(stream);
  llvm::timeTraceProfilerCleanup();
  if (llvm::Error error = writeFile(arguments.timeTrace, text)) {
    llvm::errs() << "lamina: error: " << llvm::toString(std::move(error))
                 << "\n";
    return code == Success ? BadInput : code;
  }
  return code;
}

/// What no option says by itself.
void checkTarget(const Arguments &arguments) {
  llvm::Expected<CompileTarget> target = parseTarget(arguments.options.target);
  if (!target)
    throw CLI::ValidationError(llvm::toString(target.takeError()));
  if (target->isGpu() && !arguments.options.threads.empty())
    throw CLI::ValidationError(
        "--threads is for code of a processor; on a GPU, threads of its own "
        "share all work");
  if (!target->isGpu() && arguments.options.gpuMatmul != Options().gpuMatmul)
    throw CLI::ValidationError("--gpu-matmul is for code of a GPU; give --target=cuda");
}

bool isCommand(llvm::StringRef word) {
  return llvm::any_of(commands, [&](const Command &c) { return word == c.name; });
}
} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Arguments arguments;
  CLI::App app("Lamina compiles lambda expressions and the models made of them to native code.", "lamina");
  app.set_version_flag("--version", "lamina " LAMINA_VERSION);
  app.require_subcommand(1);
  app.footer("`lamina MODEL.lam -o MODEL.o` is short for `lamina compile`.");
  const Command *chosen = nullptr;
  for (const Command &command : commands) {
    CLI::App *sub = app.add_subcommand(command.name, command.summary);
    command.declare(*sub, arguments);
    refuseOptionsAsValues(*sub);
    sub->callback([&chosen, &command, &arguments] {
      checkTarget(arguments);
      chosen = &command;
    });
  }

  // `lamina m.lam …` means `lamina compile m.lam …`.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && !isCommand(words[0]) && (words[0] == "-" || words[0][0] != '-') &&
      (words[0] == "-" || llvm::StringRef(words[0]).contains('.')))
    words.insert(words.begin(), "compile");
  const std::vector<std::string> given = words;
  const std::string name = given.empty() ? "" : given.front();
  std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0) // --help, --version
      return app.exit(error) == 0 ? Success : InternalError;
    llvm::StringRef first = name;
    llvm::SmallVector<llvm::StringRef> names;
    for (const Command &command : commands)
      names.push_back(command.name);
    if (first.empty() || first.starts_with("-") || llvm::is_contained(names, first)) {
      // What is missing may have been misspelt.
      std::string unknown;
      if (CLI::App *command = isCommand(name) ? app.get_subcommand(name) : nullptr)
        unknown = unknownOption(*command, llvm::ArrayRef(given).drop_front());
      llvm::errs() << "lamina: error: " << (unknown.empty() ? error.what() : unknown) << "\n";
    } else {
      std::optional<llvm::StringRef> near = didYouMean(first, names);
      llvm::errs() << "lamina: error: there is no command '" << first << "'"
                   << (near ? "; did you mean '" + near->str() + "'?" : std::string()) << "\n";
    }
    llvm::errs() << "run 'lamina --help' for the commands and their options\n";
    return BadUsage;
  }
  arguments.command = chosen->name;
  return runSafely(argc, argv, [&] { return runTraced(*chosen, arguments); });
}
