#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
using namespace lamina::frontend;
ModelBuilder::ModelBuilder(Evaluator &e) : evaluator(e) {}
ModelBuilder::~ModelBuilder() {}
std::optional<Result> ModelBuilder::attribute(TensorObject *, llvm::StringRef, llvm::SMRange) { return std::nullopt; }
void ModelBuilder::assigned(Value, llvm::StringRef) {}
namespace lamina::frontend { void registerModelBuiltins(Evaluator &) {} }
