//===- Driver.h - what the commands of lamina share -------------*- C++ -*-===//
#ifndef LAMINA_TOOLS_DRIVER_H
#define LAMINA_TOOLS_DRIVER_H

#include "lamina/Frontend/AST.h"
#include "lamina/Frontend/Diagnostics.h"
#include "lamina/Frontend/ModelModule.h"
#include "lamina/Import/ModelFile.h"
#include "lamina/Pipelines/Stages.h"
#include "lamina/Support/Npy.h"
#include "lamina/Training/MatchArrays.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <memory>

namespace lamina::driver {

/// The process's exit codes, part of the command line's contract.
enum ExitCode { Success = 0, BadInput = 1, BadUsage = 2, InternalError = 70 };

/// What `lamina train` is told.
struct TrainArguments {
  std::vector<std::string> targets, validationInputs, validationTargets; // NAME=FILE or FILE
  std::string sampleWeight, saveWeights, checkpoint, resume, history, monitor;
  std::map<int64_t, double> classWeight;
  std::optional<int64_t> epochs, batchSize, earlyStopping;
  std::optional<uint64_t> seed;
  std::optional<double> validationSplit;
  bool noShuffle = false, restoreBest = false, saveOptimizer = false, quiet = false;
};

/// Everything the command line can say; the commands read what they need.
struct Arguments {
  std::string command;
  std::string input;  // model file, expression or library name
  std::string output; // -o
  std::vector<std::string> emit;
  std::vector<std::string> inputs; // --input NAME=FILE or FILE
  std::string weights;             // --weights
  std::string modelName;           // --model
  bool sampleWeights = false;      // of train_step and evaluate
  std::string diagnosticsFormat = "text";
  std::string colour = "auto";
  std::string timeTrace;
  std::string remarks; // a regular expression of subjects
  int64_t batch = 0; // 0: not fixed
  bool interpret = false, gradient = false, verbose = false;
  std::vector<std::string> sizes; // NAME=NUMBER, of `lamina bench`
  std::optional<int64_t> repeat;
  double seconds = 0.5;
  bool json = false, kernels = false; // of `lamina bench`
  std::vector<std::string> bindings, definitions; // --bind NAME=VALUE, --define FILE
  std::string weightsOut;                         // --weights-out
  TrainArguments train;
  Options options;
};

/// One run of the compiler: its context, sources and messages. Everything that
/// goes wrong with the input is reported through `diagnostics`; `finish`
/// prints and gives the exit code.
class Session {
public:
  explicit Session(const Arguments &arguments);
  ~Session();

  const Arguments &arguments;
  Diagnostics diagnostics;
  mlir::MLIRContext context;

  /// The text of `path` (`-`: standard input), or an error.
  std::optional<std::string> read(llvm::StringRef path);
  /// The model of the input file: a `.lam` or `.py` program, or a `.mlir` of any stage. Null after errors.
  mlir::OwningOpRef<mlir::ModuleOp> loadModel(const frontend::TrainingOptions &training = {});
  /// The model of a program that is no file.
  mlir::OwningOpRef<mlir::ModuleOp> loadProgram(llvm::StringRef text, const frontend::TrainingOptions &training = {});
  /// The program of a file that Keras saved; its weights are kept for `importedWeights`.
  std::optional<std::string> importProgram(llvm::StringRef path);
  /// The weights of that file by the names they have in a module of stage `lam` or `grad`.
  std::optional<NamedArrays> importedWeights(mlir::ModuleOp module);
  /// Runs the stages up to `stage`; false after errors.
  bool lower(mlir::ModuleOp module, llvm::StringRef stage);
  /// Sets the weights of --weights or of a file that Keras saved, and the optimizer's state if it is in the file, as initial values of a module of
  /// stage `lam` or `grad`.
  bool setWeights(mlir::ModuleOp module);
  /// Takes the weights of --weights, an HDF5 file, for those of the file.
  bool readKerasWeights();
  bool hasWeights() const { return !arguments.weights.empty() || !file.weights.empty(); }
  /// Parses the input file; null after errors.
  ast::Module *parse();
  frontend::Evaluator &evaluator();
  ast::ASTContext &ast() { return astContext; }

  /// The arrays of --input, by name; a nameless one has the name "".
  std::optional<NamedArrays> loadInputs();
  /// Writes one array as .npy, several (or to a .npz) as .npz.
  bool writeArrays(llvm::StringRef path, const NamedArrays &arrays);
  bool write(llvm::StringRef path, llvm::StringRef contents);
  bool error(llvm::Error error, llvm::StringRef file);
  int finish();

private:
  ast::ASTContext astContext;
  import::ModelFile file;         // that Keras saved
  std::vector<std::string> notes; // printed at the end
  mlir::OwningOpRef<mlir::ModuleOp> evaluate(ast::Module *program, const frontend::TrainingOptions &training);
  std::unique_ptr<frontend::Evaluator> evaluatorValue;
};

/// A name → array table in the order of `parameters`: named arrays by name, nameless ones in order; reports missing,
/// unknown and repeated names.
std::optional<std::vector<NDArray>> bindInputs(Session &session, NamedArrays arrays,
                                               llvm::ArrayRef<std::string> parameters);

/// The function @forward of a module of stage `lam` or `grad`, its arguments by role.
struct ForwardFunction {
  mlir::func::FuncOp function;
  std::vector<std::string> inputs, weights, outputs; // names, in order
  std::vector<mlir::RankedTensorType> inputTypes, weightTypes;
};
std::optional<ForwardFunction> forwardOf(Session &session, mlir::ModuleOp module);

/// The weights and the optimizer's state that the functions of a module of stage `lam` or `grad` take.
struct ModelState {
  std::vector<ArraySpec> weights, optimizer;
};
ModelState stateOf(mlir::ModuleOp module);

/// Runs @forward of a module of stage `lam` on bound inputs, compiled or interpreted, and gives the outputs by name.
std::optional<NamedArrays> execute(Session &session, mlir::ModuleOp module, std::vector<NDArray> inputs);

/// The IR as text that can be read back.
std::string printModule(mlir::ModuleOp module);

int compile(Arguments &arguments);
int run(Arguments &arguments);
int train(Arguments &arguments);
int eval(Arguments &arguments);
int inspect(Arguments &arguments);
int weights(Arguments &arguments);
int check(Arguments &arguments);
int bench(Arguments &arguments);
int importFile(Arguments &arguments);
int exportFile(Arguments &arguments);
int scan(Arguments &arguments);
int show(Arguments &arguments);
int listOperations(Arguments &arguments);

} // namespace lamina::driver

#endif // LAMINA_TOOLS_DRIVER_H
