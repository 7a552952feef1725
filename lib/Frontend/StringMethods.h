//===- StringMethods.h - the call of a method of str ------------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_STRINGMETHODS_H
#define LAMINA_LIB_FRONTEND_STRINGMETHODS_H

#include "PythonBuiltins.h"

namespace lamina::frontend {

/// The string a method is called on and its other arguments.
struct StringCall {
  Evaluator &ev;
  ArgParser p;
  std::string self;
  bool ok = false;

  StringCall(Evaluator &ev, CallArgs &args, llvm::StringRef name,
             llvm::ArrayRef<llvm::StringRef> params)
      : ev(ev), p(ev, args, name, params) {
    if (p.failed())
      return;
    auto text = p.string("self");
    if (failed(text))
      return;
    self = *text;
    ok = true;
  }
};

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_STRINGMETHODS_H
