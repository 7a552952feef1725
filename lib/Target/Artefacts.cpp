//===- Artefacts.cpp - the files a compilation can give -------------------===//
#include "lamina/Target/Artefacts.h"
#include "Assemble.h"
#include "Codegen.h"
#include "Link.h"

using namespace lamina;

static constexpr Artefact artefacts[] = {
    {"llvm-ir", "optimized LLVM IR as text", ".ll", false},
    {"asm", "assembly of the target", ".s", false},
    {"obj", "an object file", ".o", true},
    {"lib", "a static library", ".a", true},
    {"so", "a shared library", ".so", true},
    {"ptx", "the kernels for a GPU, as PTX", ".ptx", false},
    {"cubin", "the kernels as machine code of one GPU (needs ptxas)", ".cubin",
     true},
    {"sass", "that as text (needs nvdisasm too)", ".sass", false},
    {"resources", "registers, memory and occupancy of kernels (needs ptxas)",
     ".resources.txt", false},
    {"header", "the C99 header", ".h", false},
    {"manifest", "the interface as JSON", ".json", false},
};

llvm::ArrayRef<Artefact> lamina::artefactTable() { return artefacts; }

const Artefact *lamina::findArtefact(llvm::StringRef name) {
  for (const Artefact &artefact : artefacts)
    if (name == artefact.name)
      return &artefact;
  return nullptr;
}

struct ArtefactEmitter::State {
  Signature signature;
  std::unique_ptr<Codegen> code;
  std::string object; // once somebody asked for it
  std::vector<std::pair<std::string, std::string>> ptx; // by architecture

  llvm::Error needObject() {
    if (!object.empty())
      return llvm::Error::success();
    llvm::Expected<std::string> bytes =
        code->emit(llvm::CodeGenFileType::ObjectFile);
    if (!bytes)
      return bytes.takeError();
    object = std::move(*bytes);
    return llvm::Error::success();
  }
};

llvm::ArrayRef<const char *>
lamina::threadLibraries(const Signature &signature) {
  static constexpr const char *pool[] = {"pthread"}, *openMP[] = {"gomp"};
  if (signature.threads.empty())
    return {};
  return signature.threads == "openmp" ? llvm::ArrayRef(openMP)
                                       : llvm::ArrayRef(pool);
}

ArtefactEmitter::ArtefactEmitter(std::unique_ptr<State> state)
    : state(std::move(state)) {}
ArtefactEmitter::~ArtefactEmitter() = default;
const Signature &ArtefactEmitter::signature() const { return state->signature; }

llvm::Expected<std::unique_ptr<ArtefactEmitter>>
ArtefactEmitter::create(llvm::ArrayRef<mlir::ModuleOp> modules,
                        const Options &options) {
  mlir::ModuleOp module = modules.front();
  mlir::FailureOr<Signature> signature = readSignature(module);
  if (failed(signature))
    return llvm::createStringError(
        "the module does not describe its entry points");
  auto state = std::make_unique<State>();
  state->signature = std::move(*signature);
  llvm::Expected<std::unique_ptr<Codegen>> code =
      Codegen::create(modules, options, state->signature, /*packed=*/false);
  if (!code)
    return code.takeError();
  state->code = std::move(*code);
  if (auto images = module->getAttrOfType<mlir::DictionaryAttr>("lamina.ptx"))
    for (mlir::NamedAttribute image : images)
      state->ptx.emplace_back(
          image.getName().str(),
          mlir::cast<mlir::StringAttr>(image.getValue()).str());
  return std::unique_ptr<ArtefactEmitter>(
      new ArtefactEmitter(std::move(state)));
}

llvm::Expected<std::string> ArtefactEmitter::emit(llvm::StringRef artefact) {
  if (artefact == "llvm-ir")
    return state->code->llvmIR();
  if (artefact == "asm")
    return state->code->emit(llvm::CodeGenFileType::AssemblyFile);
  if (artefact == "ptx") {
    std::string all;
    for (const auto &[chip, text] : state->ptx)
      all += text;
    return all;
  }
  if (artefact == "cubin" && state->ptx.size() != 1)
    return llvm::createStringError(
        "machine code is of one architecture; --target=cuda:sm_90 names one");
  if (artefact == "cubin" || artefact == "sass" || artefact == "resources") {
    std::string all;
    for (const auto &[chip, text] : state->ptx) {
      auto part = artefact == "resources" ? reportKernels(text, chip)
                                          : assembleKernels(text, chip);
      if (part && artefact == "sass")
        part = disassembleKernels(*part);
      if (!part)
        return part.takeError();
      all += *part;
    }
    return all;
  }
  if (artefact == "header")
    return writeHeader(state->signature, state->code->machines());
  if (artefact == "manifest")
    return writeManifest(state->signature, state->code->machines());
  if (!findArtefact(artefact))
    return llvm::createStringError("'" + artefact + "' is not an artefact");
  if (llvm::Error error = state->needObject())
    return std::move(error);
  std::string name = identifier(state->signature.model);
  if (artefact == "lib")
    return makeArchive(state->object, name);
  if (artefact == "so")
    return makeSharedLibrary(state->object, name,
                             threadLibraries(state->signature));
  return state->object;
}
