//===- Artefacts.h - the files a compilation can give -----------*- C++ -*-===//
#ifndef LAMINA_TARGET_ARTEFACTS_H
#define LAMINA_TARGET_ARTEFACTS_H

#include "lamina/Pipelines/Options.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace lamina {

/// A kind of output after the last stage.
struct Artefact {
  const char *name; // as `--emit` takes it
  const char *description;
  const char *extension; // with the dot
  bool binary;
};

/// Every kind, in the order of their making.
llvm::ArrayRef<Artefact> artefactTable();
/// The kind called `name`, or null.
const Artefact *findArtefact(llvm::StringRef name);

/// Makes artefacts of one module of stage `llvm-mlir`, or of one for each of
/// `processorsOf` what the options ask for; shares the work between them. The
/// same modules and options give the same bytes.
class ArtefactEmitter {
public:
  /// Reads the modules at once and does not keep them.
  static llvm::Expected<std::unique_ptr<ArtefactEmitter>>
  create(llvm::ArrayRef<mlir::ModuleOp> modules, const Options &options);
  ~ArtefactEmitter();

  /// The contents of the file.
  llvm::Expected<std::string> emit(llvm::StringRef artefact);

  const Signature &signature() const;

private:
  struct State;
  explicit ArtefactEmitter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

struct Machine;
/// The C99 header of a model (the contract of the object's symbols), whose code
/// has a variant for each machine.
std::string writeHeader(const Signature &signature,
                        llvm::ArrayRef<Machine> machines);

/// What a threaded object needs besides libc and libm.
llvm::ArrayRef<const char *> threadLibraries(const Signature &signature);

/// The JSON manifest: every entry point with its ordered arguments, the
/// weights.
std::string writeManifest(const Signature &signature,
                          llvm::ArrayRef<Machine> machines);

} // namespace lamina

#endif // LAMINA_TARGET_ARTEFACTS_H
