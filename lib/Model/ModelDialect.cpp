//===- ModelDialect.cpp - the model dialect ---------------------*- C++ -*-===//
#include "lamina/Model/Model.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace lamina::model;

#include "lamina/Model/ModelDialect.cpp.inc"

void ModelDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lamina/Model/ModelOps.cpp.inc"
      >();
}
