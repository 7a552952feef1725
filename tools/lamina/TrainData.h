//===- TrainData.h - the arrays of lamina train -----------------*- C++ -*-===//
#ifndef LAMINA_TOOLS_TRAINDATA_H
#define LAMINA_TOOLS_TRAINDATA_H

#include "Driver.h"
#include "lamina/Training/ModelTrainee.h"

namespace lamina::driver {

/// What the command line names, as the model takes it.
class TrainingData {
public:
  DataView training;
  std::optional<DataView> validation;

  /// Reads and checks everything; false after errors.
  bool load(Session &session, const ModelTrainee &model, const ForwardFunction &forward);
  /// A model with a fixed batch needs it everywhere.
  bool checkBatch(Session &session, int64_t batchSize);

private:
  std::unique_ptr<Dataset> data, validationData;
  std::optional<int64_t> fixedBatch;

  std::unique_ptr<Dataset> read(Session &session, const ModelTrainee &model, llvm::ArrayRef<std::string> inputs,
                                llvm::ArrayRef<std::string> targets, llvm::StringRef option);
  bool readSampleWeight(Session &session, const ModelTrainee &model);
  bool checkClasses(Session &session, const ModelTrainee &model, const ForwardFunction &forward, const Dataset &data);
};

} // namespace lamina::driver

#endif // LAMINA_TOOLS_TRAINDATA_H
