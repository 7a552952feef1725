//===- Session.cpp - reading, reporting, writing ----------------------------===//

#include "Driver.h"
#include "lamina/Frontend/ModelModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Support/OutputFile.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/TimeProfiler.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
/// A place in one of our buffers for an MLIR location, or an invalid range.
llvm::SMRange rangeOf(Location location, llvm::SourceMgr &sources) {
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location inner : fused.getLocations())
      if (llvm::SMRange range = rangeOf(inner, sources); range.isValid())
        return range;
    return {};
  }
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return rangeOf(call.getCaller(), sources);
  if (auto name = dyn_cast<NameLoc>(location))
    return rangeOf(name.getChildLoc(), sources);
  auto file = dyn_cast<FileLineColLoc>(location);
  if (!file)
    return {};
  for (unsigned id = 1; id <= sources.getNumBuffers(); ++id)
    if (sources.getMemoryBuffer(id)->getBufferIdentifier() == file.getFilename().getValue()) {
      llvm::SMLoc place = sources.FindLocForLineAndColumn(id, file.getLine(), file.getColumn());
      return {place, place};
    }
  return {};
}
} // namespace

Session::Session(const Arguments &arguments) : arguments(arguments) {
  context.disableMultithreading(); // small inputs: threads cost more than they give
  context.appendDialectRegistry(stageDialects());
  frontend::loadDialects(context);
  context.getDiagEngine().registerHandler([this](mlir::Diagnostic &message) {
    llvm::SMRange range = rangeOf(message.getLocation(), diagnostics.sources());
    if (message.getSeverity() == DiagnosticSeverity::Remark) {
      diagnostics.remark(range, message.str());
      return success();
    }
    lamina::Diagnostic *ours = nullptr;
    if (message.getSeverity() == DiagnosticSeverity::Error)
      ours = range.isValid() ? &diagnostics.error(range, message.str())
                             : &diagnostics.errorInFile(this->arguments.input, message.str());
    else
      ours = &diagnostics.warning(range, message.str());
    for (mlir::Diagnostic &note : message.getNotes()) {
      if (llvm::StringRef(note.str()).starts_with("see current operation"))
        continue; // the whole module, of no use to a user
      ours->note(note.str(), rangeOf(note.getLocation(), diagnostics.sources()));
    }
    return success();
  });
  if (!arguments.remarks.empty() && failed(enableRemarks(context, arguments.remarks)))
    diagnostics.errorInFile(arguments.input, "--remarks: '" + arguments.remarks + "' is no regular expression");
}

Session::~Session() = default;

frontend::Evaluator &Session::evaluator() {
  if (!evaluatorValue)
    evaluatorValue = std::make_unique<frontend::Evaluator>(context, diagnostics);
  return *evaluatorValue;
}

bool Session::error(llvm::Error error, llvm::StringRef file) {
  if (!error)
    return false;
  std::string message = llvm::toString(std::move(error));
  llvm::StringRef text = message;
  text.consume_front((file + ": ").str()); // said already
  diagnostics.errorInFile(file, text);
  return true;
}

std::optional<std::string> Session::read(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    diagnostics.errorInFile(path, "cannot read the file: " + buffer.getError().message());
    return std::nullopt;
  }
  return (*buffer)->getBuffer().str();
}

ast::Module *Session::parse() {
  // A file that Keras saved stands for the program that it says.
  bool isModel = import::isModelFile(arguments.input);
  std::optional<std::string> text = isModel ? importProgram(arguments.input) : read(arguments.input);
  if (!text)
    return nullptr;
  unsigned id = diagnostics.addBuffer(*text, arguments.input == "-" ? "<stdin>" : arguments.input);
  return parseModule(id, astContext, diagnostics);
}

OwningOpRef<ModuleOp> Session::loadModel(const frontend::TrainingOptions &training) {
  llvm::TimeTraceScope trace("load model");
  if (llvm::StringRef(arguments.input).ends_with(".mlir")) {
    std::optional<std::string> text = read(arguments.input);
    if (!text)
      return nullptr;
    diagnostics.addBuffer(*text, arguments.input);
    return parseSourceString<ModuleOp>(*text, &context, arguments.input);
  }
  return evaluate(parse(), training);
}

OwningOpRef<ModuleOp> Session::loadProgram(llvm::StringRef text, const frontend::TrainingOptions &training) {
  return evaluate(parseModule(diagnostics.addBuffer(text, arguments.input), astContext, diagnostics), training);
}

OwningOpRef<ModuleOp> Session::evaluate(ast::Module *program, const frontend::TrainingOptions &training) {
  if (!program)
    return nullptr;
  if (arguments.batch > 0)
    frontend::setBatch(evaluator(), arguments.batch);
  if (failed(evaluator().run(*program)) || diagnostics.hasErrors())
    return nullptr;
  return frontend::buildModelModule(evaluator(), arguments.modelName, training);
}

bool Session::lower(ModuleOp module, llvm::StringRef stage) {
  std::optional<unsigned> to = findStage(stage);
  unsigned from = detectStage(module);
  if (from > *to) {
    diagnostics.errorInFile(arguments.input, "the file is at stage '" + llvm::Twine(stageTable()[from].name) +
                                                 "', which is behind '" + stage + "'");
    return false;
  }
  if (succeeded(runStages(module, from, *to, arguments.options)))
    return true;
  if (!diagnostics.hasErrors())
    diagnostics.errorInFile(arguments.input, "the compiler failed on the way to stage '" + llvm::Twine(stage) + "'");
  return false;
}

std::optional<NamedArrays> Session::loadInputs() {
  NamedArrays arrays;
  for (llvm::StringRef text : arguments.inputs) {
    auto [name, path] = text.contains('=') ? text.split('=') : std::pair<llvm::StringRef, llvm::StringRef>("", text);
    llvm::Expected<NDArray> array = loadNpy(path);
    if (!array) {
      error(array.takeError(), path);
      continue;
    }
    arrays.emplace_back(name.str(), std::move(*array));
  }
  if (diagnostics.hasErrors())
    return std::nullopt;
  return arrays;
}

bool Session::write(llvm::StringRef path, llvm::StringRef contents) {
  if (error(writeFile(path, contents), path))
    return false;
  if (arguments.verbose && path != "-")
    llvm::errs() << "wrote " << path << " (" << contents.size() << " bytes)\n";
  return true;
}

bool Session::writeArrays(llvm::StringRef path, const NamedArrays &arrays) {
  if (path.ends_with(".npz") || arrays.size() != 1)
    return write(path, writeNpz(arrays));
  return write(path, writeNpy(arrays.front().second));
}

int Session::finish() {
  for (const std::string &note : std::exchange(notes, {}))
    llvm::errs() << note << "\n";
  bool colour = arguments.colour == "always" ||
                (arguments.colour == "auto" && llvm::sys::Process::StandardErrHasColors());
  diagnostics.print(llvm::errs(),
                    arguments.diagnosticsFormat == "json" ? Diagnostics::Format::JSON : Diagnostics::Format::Text,
                    colour);
  return diagnostics.hasErrors() ? BadInput : Success;
}

std::optional<std::vector<NDArray>> driver::bindInputs(Session &session, NamedArrays arrays,
                                                       llvm::ArrayRef<std::string> parameters) {
  std::vector<std::optional<NDArray>> bound(parameters.size());
  std::string known = llvm::join(parameters, ", ");
  size_t next = 0;
  for (auto &[name, array] : arrays) {
    size_t index = parameters.size();
    if (name.empty()) {
      while (next < bound.size() && bound[next])
        ++next;
      index = next;
    } else {
      index = llvm::find(parameters, name) - parameters.begin();
    }
    if (index == parameters.size()) {
      llvm::SmallVector<llvm::StringRef> candidates(parameters.begin(), parameters.end());
      std::optional<llvm::StringRef> near = name.empty() ? std::nullopt : didYouMean(name, candidates);
      session.diagnostics.errorInFile(
          session.arguments.input,
          name.empty() ? "more inputs than the " + llvm::Twine(parameters.size()) + " it has (" + known + ")"
                       : "there is no input '" + llvm::Twine(name) + "'; the inputs are " + known +
                             (near ? "; did you mean '" + near->str() + "'?" : std::string()));
    } else if (bound[index]) {
      session.diagnostics.errorInFile(session.arguments.input, "input '" + llvm::Twine(parameters[index]) + "' is given twice");
    } else {
      bound[index] = std::move(array);
    }
  }
  std::vector<NDArray> result;
  for (auto [name, array] : llvm::zip(parameters, bound)) {
    if (array)
      result.push_back(std::move(*array));
    else if (!session.diagnostics.hasErrors())
      session.diagnostics.errorInFile(session.arguments.input,
                                      "no array for input '" + llvm::Twine(name) + "': give --input " + name + "=FILE.npy");
  }
  if (session.diagnostics.hasErrors())
    return std::nullopt;
  return result;
}
