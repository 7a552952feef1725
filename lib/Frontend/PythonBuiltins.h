//===- PythonBuiltins.h - the parts of registerPythonBuiltins ---*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_PYTHONBUILTINS_H
#define LAMINA_LIB_FRONTEND_PYTHONBUILTINS_H

#include "Interpretation.h"

namespace lamina::frontend {

/// Adds a method written in C++ to a class; the instance is its first argument.
void method(Evaluator &evaluator, ClassObject *type, llvm::StringRef name,
            BuiltinObject::Function function);

/// What every object has: `__init__`, `__setattr__`, ….
void registerObjectClass(Evaluator &evaluator, ClassObject *object);
/// Gives BaseException.
ClassObject *registerExceptions(Evaluator &evaluator,
                                ClassObject *&stopIteration);
void registerNumberBuiltins(Evaluator &evaluator);
void registerReductionBuiltins(Evaluator &evaluator);
void registerSequenceBuiltins(Evaluator &evaluator);
void registerObjectBuiltins(Evaluator &evaluator);
void registerMathModule(Evaluator &evaluator);
void registerFunctionalModules(Evaluator &evaluator);
void registerNumberMethods(Evaluator &evaluator, ClassObject *intClass,
                           ClassObject *floatClass);
void registerStringMethods(Evaluator &evaluator, ClassObject *type);
void registerStringSearch(Evaluator &evaluator, ClassObject *type);
void registerStringFormat(Evaluator &evaluator, ClassObject *type);
void registerListMethods(Evaluator &evaluator, ClassObject *list,
                         ClassObject *tuple);
void registerDictMethods(Evaluator &evaluator, ClassObject *type);
void registerSetMethods(Evaluator &evaluator, ClassObject *type);

/// Python's sorted(): stable, with `key` and `reverse`.
FailureOr<std::vector<Value>> sortValues(Evaluator &evaluator,
                                         std::vector<Value> items, Value key,
                                         bool reverse, llvm::SMRange at);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_PYTHONBUILTINS_H
