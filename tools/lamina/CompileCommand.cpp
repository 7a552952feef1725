//===- CompileCommand.cpp - lamina compile ------------------------------------===//

#include "Driver.h"
#include "lamina/Gpu/Target.h"
#include "lamina/Target/Artefacts.h"
#include "lamina/Transforms/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
/// What to write where. A stage or an artefact by name.
struct Output {
  std::string name, path, contents;
};

/// The names --emit may list, in the order in which they are made.
int orderOf(llvm::StringRef name) {
  if (name == "ast")
    return 0;
  if (std::optional<unsigned> stage = findStage(name))
    return 1 + *stage;
  for (auto [i, artefact] : llvm::enumerate(artefactTable()))
    if (name == artefact.name)
      return 100 + i;
  return -1;
}

bool isBinary(llvm::StringRef name) {
  const Artefact *artefact = findArtefact(name);
  return artefact && artefact->binary;
}

std::string extensionOf(llvm::StringRef name) {
  if (const Artefact *artefact = findArtefact(name))
    return artefact->extension;
  return name == "ast" ? ".ast" : "." + name.str() + ".mlir";
}

/// Without --emit: what the extension of -o asks for; an object comes with its header and manifest.
/// Standard output, a device or a pipe takes the object alone.
std::vector<std::string> defaultEmit(llvm::StringRef output) {
  llvm::sys::fs::file_status status;
  if (output == "-" || (!output.empty() && !llvm::sys::fs::status(output, status) &&
                        !llvm::sys::fs::is_regular_file(status) && !llvm::sys::fs::is_directory(status)))
    return {"obj"};
  llvm::StringRef extension = llvm::sys::path::extension(output);
  for (const Artefact &artefact : artefactTable())
    if (extension == artefact.extension && llvm::StringRef(artefact.name) != "obj")
      return {artefact.name};
  return {"obj", "header", "manifest"};
}

/// Gives every output its path. One output takes -o as it is; several take it as base name.
bool assignPaths(Session &session, std::vector<Output> &outputs) {
  const Arguments &arguments = session.arguments;
  llvm::StringRef output = arguments.output;
  if (outputs.size() == 1 || output == "-") {
    Output &only = outputs.front();
    if (outputs.size() > 1) {
      session.diagnostics.errorInFile(arguments.input, "standard output takes one artefact, not " +
                                                           llvm::Twine(outputs.size()) + "; give one name to --emit");
      return false;
    }
    only.path = !output.empty() ? output.str() : isBinary(only.name) ? "" : "-";
    if (only.path.empty())
      only.path = llvm::sys::path::stem(arguments.input).str() + extensionOf(only.name);
    return true;
  }
  llvm::SmallString<128> base(output.empty() ? llvm::sys::path::stem(arguments.input) : output);
  if (llvm::is_contained({".o", ".so", ".a", ".h", ".json"}, llvm::sys::path::extension(base)))
    llvm::sys::path::replace_extension(base, "");
  for (Output &entry : outputs)
    entry.path = (base + extensionOf(entry.name)).str();
  return true;
}

bool checkNames(Session &session, llvm::ArrayRef<std::string> names) {
  llvm::SmallVector<llvm::StringRef> known{"ast"};
  for (const Stage &stage : stageTable())
    known.push_back(stage.name);
  for (const Artefact &artefact : artefactTable())
    known.push_back(artefact.name);
  for (const std::string &name : names)
    if (orderOf(name) < 0) {
      std::optional<llvm::StringRef> near = didYouMean(name, known);
      llvm::errs() << "lamina: --emit: there is no stage or artefact '" << name << "'"
                   << (near ? "; did you mean '" + near->str() + "'?" : "") << "\n  known: " << llvm::join(known, ", ")
                   << "\n";
      return false;
    }
  return true;
}
} // namespace

/// The stages from which on the code depends on the processor.
static bool isForProcessor(llvm::StringRef stage) {
  std::optional<unsigned> found = findStage(stage);
  return found && *found > *findStage("linalg");
}

/// Code for each of the processors, from a module of stage `linalg`, or for the one that it was made for.
static std::unique_ptr<ArtefactEmitter> emitVariants(Session &session, Arguments &arguments, ModuleOp module,
                                                     llvm::ArrayRef<std::string> processors) {
  llvm::SmallVector<OwningOpRef<ModuleOp>> variants;
  llvm::SmallVector<ModuleOp> modules;
  if (processors.size() == 1)
    modules.push_back(module);
  else
    for (const std::string &processor : processors) {
      variants.push_back(module.clone());
      modules.push_back(*variants.back());
      arguments.options.mcpu = processor;
      std::string dumpDir = arguments.options.dumpDir;
      if (!dumpDir.empty()) // a folder for what only this variant has
        arguments.options.dumpDir += "/" + processor;
      bool lowered = session.lower(modules.back(), "llvm-mlir");
      arguments.options.dumpDir = dumpDir;
      if (!lowered)
        return nullptr;
    }
  arguments.options.mcpu = llvm::join(processors, ",");
  auto created = ArtefactEmitter::create(modules, arguments.options);
  if (created)
    return std::move(*created);
  session.error(created.takeError(), arguments.input);
  return nullptr;
}

std::string driver::printModule(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  os << "\n";
  return text;
}

int driver::compile(Arguments &arguments) {
  Session session(arguments);
  std::vector<std::string> names = arguments.emit.empty() ? defaultEmit(arguments.output) : arguments.emit;
  if (!checkNames(session, names))
    return BadUsage;
  bool isGpu = llvm::cantFail(parseTarget(arguments.options.target)).isGpu();
  if (!isGpu)
    for (llvm::StringRef name : {"gpu", "nvvm", "ptx", "cubin", "sass", "resources"})
      if (llvm::is_contained(names, name)) {
        llvm::errs() << "lamina: --emit: '" << name << "' needs --target=cuda\n";
        return BadUsage;
      }
  llvm::Expected<std::vector<std::string>> processors = processorsOf(arguments.options.mcpu);
  if (!processors) {
    llvm::errs() << "lamina: " << llvm::toString(processors.takeError()) << "\n";
    return BadUsage;
  }
  if (processors->size() > 1) {
    for (const std::string &name : names)
      if (isForProcessor(name)) {
        llvm::errs() << "lamina: --emit: '" << name << "' is not the same for all of --mcpu=" << arguments.options.mcpu
                     << "; give one processor\n";
        return BadUsage;
      }
    if (isGpu) {
      llvm::errs() << "lamina: --mcpu: a list of processors is for --target=cpu\n";
      return BadUsage;
    }
    arguments.options.mcpu = processors->front(); // up to where they differ
  }
  llvm::sort(names, [](const std::string &a, const std::string &b) { return orderOf(a) < orderOf(b); });
  std::vector<Output> outputs;
  for (const std::string &name : names)
    outputs.push_back({name, "", ""});
  if (!assignPaths(session, outputs))
    return session.finish();

  if (outputs.front().name == "ast") {
    ast::Module *program = session.parse();
    if (!program)
      return session.finish();
    llvm::raw_string_ostream os(outputs.front().contents);
    ast::dump(*program, os);
    os.flush();
  }
  if (outputs.back().name != "ast") {
    // Making the functions of training takes time that only they are worth.
    auto isAsked = [&](llvm::StringRef entry) { return llvm::is_contained(arguments.options.entries, entry); };
    bool trains = arguments.options.entries.empty() || isAsked("train_step") || isAsked("evaluate") || isAsked("metrics") ||
                  isAsked("all");
    OwningOpRef<ModuleOp> module = session.loadModel({/*entries=*/trains, arguments.sampleWeights});
    if (!module)
      return session.finish();
    bool weightsPending = session.hasWeights();
    auto reach = [&](llvm::StringRef stage) {
      if (weightsPending && *findStage(stage) >= *findStage("lam")) {
        weightsPending = false;
        if (!session.lower(*module, "lam") || !session.setWeights(*module))
          return false;
      }
      return session.lower(*module, stage);
    };
    std::unique_ptr<ArtefactEmitter> emitter;
    for (Output &output : outputs) {
      if (output.name == "ast")
        continue;
      if (findStage(output.name)) {
        if (!reach(output.name))
          return session.finish();
        output.contents = printModule(*module);
        continue;
      }
      if (!emitter) {
        if (!reach(processors->size() > 1 ? "linalg" : "llvm-mlir"))
          return session.finish();
        emitter = emitVariants(session, arguments, *module, *processors);
        if (!emitter)
          return session.finish();
      }
      llvm::Expected<std::string> contents = emitter->emit(output.name);
      if (!contents) {
        session.error(contents.takeError(), arguments.input);
        return session.finish();
      }
      output.contents = std::move(*contents);
    }
  }
  // Nothing is written unless everything was made.
  for (const Output &output : outputs)
    if (!session.write(output.path, output.contents))
      break;
  return session.finish();
}
