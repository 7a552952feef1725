//===- TrainCommand.cpp - lamina train ----------------------------------------===//

#include "TrainData.h"
#include "lamina/Model/Model.h"
#include "lamina/Support/Safetensors.h"
#include "lamina/Target/CompiledModel.h"
#include "lamina/Training/Checkpoint.h"
#include "lamina/Training/Diagnose.h"
#include "lamina/Training/Progress.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <csignal>

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
/// While it lives, the first Ctrl-C or `kill` asks for an end; the second one is not held up.
class Interruption {
public:
  Interruption() {
    requested = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { requested = 1; };
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigaction(SIGINT, &action, &interrupt);
    sigaction(SIGTERM, &action, &terminate);
  }
  ~Interruption() {
    sigaction(SIGINT, &interrupt, nullptr);
    sigaction(SIGTERM, &terminate, nullptr);
  }
  static bool isRequested() { return requested != 0; }

private:
  static volatile std::sig_atomic_t requested;
  struct sigaction interrupt, terminate;
};
volatile std::sig_atomic_t Interruption::requested = 0;

/// One run of `lamina train`.
class Training : FitObserver {
public:
  Training(Session &session) : session(session), arguments(session.arguments), train(arguments.train) {}
  void run();

private:
  Session &session;
  const Arguments &arguments;
  const TrainArguments &train;
  OwningOpRef<ModuleOp> layers; // the model at stage `model`, to find what went wrong
  std::unique_ptr<ModelTrainee> model;
  TrainingData data;
  FitOptions options;
  FitSetting setting;
  FitState state;
  std::unique_ptr<Progress> progress;
  int64_t batches = 0;

  bool fail(const llvm::Twine &message) {
    session.diagnostics.errorInFile(arguments.input, message);
    return false;
  }
  bool load();
  bool compile(ModuleOp module);
  bool resume();
  bool checkOutputs();
  void fit(Fit &fit);
  void explain(Fit &fit);
  void saveState();
  void saveWeights(const NamedArrays &weights);
  void say(const llvm::Twine &message);

  void onBatch(const FitState &now, int64_t count, llvm::function_ref<Values()> values) override {
    if (progress)
      progress->batch(now, count, values);
  }
  llvm::Error onEpoch(const FitState &now) override;
  bool stopRequested() override { return Interruption::isRequested(); }
};
} // namespace

/// A word to the user that is no error.
void Training::say(const llvm::Twine &message) {
  if (!train.quiet)
    llvm::errs() << "lamina: " << message << "\n";
}

//===----------------------------------------------------------------------===//
// Before the first step
//===----------------------------------------------------------------------===//

/// Hours of work must not end at a folder that is not there.
bool Training::checkOutputs() {
  for (const std::string *path : {&train.saveWeights, &train.checkpoint, &train.history}) {
    if (path->empty() || *path == "-")
      continue;
    llvm::StringRef folder = llvm::sys::path::parent_path(*path);
    if (llvm::sys::fs::is_directory(*path))
      session.diagnostics.errorInFile(*path, "cannot write: it is a folder");
    else if (!llvm::sys::fs::is_directory(folder.empty() ? "." : folder))
      session.diagnostics.errorInFile(*path, "cannot write: there is no folder " + folder);
  }
  return !session.diagnostics.hasErrors();
}

bool Training::load() {
  if (!checkOutputs())
    return false;
  OwningOpRef<ModuleOp> module = session.loadModel(
      {/*entries=*/true, /*sampleWeight=*/!train.sampleWeight.empty() || !train.classWeight.empty()});
  if (!module)
    return false;
  if (detectStage(*module) == *findStage("model"))
    layers = module->clone();
  if (!session.lower(*module, "grad") || !session.setWeights(*module))
    return false;
  if (!module->lookupSymbol("train_step"))
    return fail("the model is not compiled for training; add, for instance, "
                "model.compile(optimizer='adam', loss='mse')");
  llvm::Expected<std::unique_ptr<ModelTrainee>> created = ModelTrainee::create(*module);
  if (!created)
    return !session.error(created.takeError(), arguments.input);
  model = std::move(*created);
  std::optional<ForwardFunction> forward = forwardOf(session, *module);
  if (!forward || !data.load(session, *model, *forward))
    return false;
  return arguments.interpret || compile(*module);
}

bool Training::compile(ModuleOp module) {
  // Training needs no inference; `evaluate` has its own copy.
  if (auto forward = module.lookupSymbol<func::FuncOp>("forward"); SymbolTable::symbolKnownUseEmpty(forward, module))
    forward.erase();
  if (!session.lower(module, "llvm-mlir"))
    return false;
  auto compiled = CompiledModel::create(module, arguments.options);
  if (!compiled)
    return !session.error(compiled.takeError(), arguments.input);
  return !session.error(model->useCompiled(std::move(*compiled)), arguments.input);
}

/// Takes the state of --resume, which must have been made with the same data and settings.
bool Training::resume() {
  llvm::StringRef file = train.resume;
  llvm::Expected<NamedArrays> arrays = loadArrays(file);
  if (!arrays)
    return !session.error(arrays.takeError(), file);
  llvm::Expected<Checkpoint> checkpoint = unpackCheckpoint(std::move(*arrays));
  if (!checkpoint)
    return !session.error(checkpoint.takeError(), file);
  const FitSetting &made = checkpoint->setting;
  auto differs = [&](const llvm::Twine &what) {
    session.diagnostics.errorInFile(file, "the checkpoint was made with " + what +
                                              "; to start anew from its weights, give --weights instead of --resume");
  };
  if (train.seed && *train.seed != made.seed)
    differs("--seed " + llvm::Twine(made.seed));
  if (train.batchSize && *train.batchSize != made.batchSize)
    differs("--batch-size " + llvm::Twine(made.batchSize));
  if (train.noShuffle && made.shuffle)
    differs("shuffled rows");
  setting.seed = options.seed = made.seed;
  setting.batchSize = options.batchSize = made.batchSize;
  setting.shuffle = options.shuffle = made.shuffle;
  if (made.rows != setting.rows)
    differs(llvm::Twine(made.rows) + " rows to train on, here are " + llvm::Twine(setting.rows));
  else if (made.data != setting.data)
    differs("other data");
  if (session.diagnostics.hasErrors())
    return false;
  return !session.error(restore(std::move(*checkpoint), *model, state), file);
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

void Training::run() {
  if (!load())
    return;
  options.epochs = *train.epochs;
  options.batchSize = train.batchSize.value_or(32);
  options.seed = train.seed.value_or(0);
  options.shuffle = !train.noShuffle;
  options.monitor = train.monitor;
  options.patience = train.earlyStopping;
  options.restoreBest = train.restoreBest;
  setting = {options.seed, options.batchSize, data.training.rows, options.shuffle, 0};
  if (!train.checkpoint.empty() || !train.resume.empty())
    setting.data = fingerprint(data.training);
  if (!train.resume.empty() && !resume())
    return;
  if (!data.checkBatch(session, options.batchSize))
    return;
  Fit loop(*model, data.training, data.validation, options, *this);
  if (llvm::Error error = loop.check()) {
    session.error(std::move(error), arguments.input);
    return;
  }
  batches = loop.batches();
  bool terminal = llvm::sys::Process::StandardErrIsDisplayed();
  if (!train.quiet)
    progress = std::make_unique<Progress>(llvm::errs(), terminal, options.epochs);
  if (state.epoch >= options.epochs)
    say("the checkpoint has " + llvm::Twine(state.epoch) + " epochs already; --epochs counts them all");
  fit(loop);
}

void Training::fit(Fit &loop) {
  llvm::Expected<FitEnd> end = FitEnd::Finished;
  {
    Interruption interruption;
    end = loop.run(state);
    if (progress)
      progress->clear();
  }
  if (!end) {
    session.error(end.takeError(), arguments.input);
    return;
  }
  if (std::string problem = model->captureProblem(); !problem.empty())
    say("steps were not replayed as a CUDA graph: " + problem);
  if (*end == FitEnd::NonFinite)
    return explain(loop);
  if (*end == FitEnd::Interrupted)
    say("interrupted in epoch " + llvm::Twine(state.epoch + 1) + " after " + llvm::Twine(state.batch) + " of " +
        llvm::Twine(batches) + " batches" +
        (train.checkpoint.empty() ? "" : "; --resume " + train.checkpoint + " goes on from there"));
  if (*end == FitEnd::StoppedEarly)
    say("stopped early: " + loop.monitor() + " is best in epoch " + llvm::Twine(state.bestEpoch));
  saveState();
  // As in Keras, an interrupted run is not finished.
  saveWeights(*end == FitEnd::Interrupted ? model->weights : model->finalWeights());
}

/// A full disk is no reason to lose the work: training goes on, and ends with exit code 1.
llvm::Error Training::onEpoch(const FitState &now) {
  if (progress)
    progress->epoch(now, batches);
  saveState();
  session.finish();
  return llvm::Error::success();
}

void Training::saveState() {
  if (!train.checkpoint.empty())
    session.write(train.checkpoint, writeArraysFor(train.checkpoint, packCheckpoint(*model, state, setting)));
  if (!train.history.empty())
    session.write(train.history, historyJSON(state.history));
}

void Training::saveWeights(const NamedArrays &weights) {
  if (train.saveWeights.empty())
    return;
  bool best = options.restoreBest && !state.bestWeights.empty();
  NamedArrays arrays = best ? state.bestWeights : weights;
  if (train.saveOptimizer)
    llvm::append_range(arrays, model->optimizer);
  if (best)
    say("the weights are those of epoch " + llvm::Twine(state.bestEpoch));
  session.write(train.saveWeights, writeArraysFor(train.saveWeights, arrays));
}

/// The loss is not finite: says why, and saves the weights of the last epoch before.
void Training::explain(Fit &loop) {
  auto what = [&](llvm::StringRef what, int64_t batch) {
    return what.str() + " in batch " + std::to_string(batch) + " of epoch " + std::to_string(state.epoch + 1);
  };
  std::string loss = what("the loss is not finite", state.batch);
  llvm::Expected<Fit::Cause> cause = loop.findCause(state);
  if (!cause) {
    llvm::consumeError(cause.takeError());
    fail(loss);
    return;
  }
  bool isWeight = !cause->weight.empty();
  std::string message = isWeight ? what("the weight '" + cause->weight + "' becomes not finite", cause->batch + 1) : loss;
  std::string layer;
  if (layers) {
    Batch batch;
    gather(data.training, cause->rows, batch);
    llvm::Expected<std::string> found = findLayer(*layers, model->weights, batch, arguments.options);
    if (found)
      layer = *found;
    else
      llvm::consumeError(found.takeError());
  }
  if (std::optional<std::string> element = findNonFinite(data.training, cause->rows))
    fail(message + ": " + *element);
  else if (!layer.empty())
    fail(message + ": " + layer);
  else if (isWeight)
    fail(message + ": from the loss backwards it is the first whose gradient, or step of the optimizer, is not finite");
  else
    fail(message + (layers ? ": every layer's output is finite, the loss of them is not" : ""));
  loop.rollBack(state);
  if (state.epoch == 0)
    return;
  if (!train.saveWeights.empty())
    say(train.saveWeights + " has the weights of epoch " + llvm::Twine(options.restoreBest ? state.bestEpoch : state.epoch));
  saveWeights(model->weights);
}

int driver::train(Arguments &arguments) {
  arguments.options.entries = {"all"}; // and no gradient of the outputs
  const TrainArguments &train = arguments.train;
  if (train.saveWeights.empty() && train.checkpoint.empty()) {
    llvm::errs() << "lamina: error: the result would be lost: give --save-weights FILE or --checkpoint FILE\n";
    return BadUsage;
  }
  if (train.saveWeights == train.checkpoint && train.saveWeights != "/dev/null") {
    llvm::errs() << "lamina: error: --save-weights and --checkpoint name the same file\n";
    return BadUsage;
  }
  if (train.validationSplit && !train.validationInputs.empty()) {
    llvm::errs() << "lamina: error: give --validation-split or --validation-input, not both\n";
    return BadUsage;
  }
  arguments.options.seed = train.seed.value_or(0);
  Session session(arguments);
  Training(session).run();
  return session.finish();
}
