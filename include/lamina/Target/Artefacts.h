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

/// Makes artefacts of one module of stage `llvm-mlir`; shares the work between
/// them. The same module and options give the same bytes.
class ArtefactEmitter {
public:
  /// Reads the module at once and does not keep it.
  static llvm::Expected<std::unique_ptr<ArtefactEmitter>>
  create(mlir::ModuleOp module, const Options &options);
  ~ArtefactEmitter();

  /// The contents of the file.
  llvm::Expected<std::string> emit(llvm::StringRef artefact);

  const Signature &signature() const;

private:
  struct State;
  explicit ArtefactEmitter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The C99 header of a model (the contract of the object's symbols).
std::string writeHeader(const Signature &signature);

/// What a threaded object needs besides libc and libm.
llvm::ArrayRef<const char *> threadLibraries(const Signature &signature);

struct Machine;
/// The JSON manifest: every entry point with its ordered arguments, the
/// weights.
std::string writeManifest(const Signature &signature, const Machine &machine);

} // namespace lamina

#endif // LAMINA_TARGET_ARTEFACTS_H
