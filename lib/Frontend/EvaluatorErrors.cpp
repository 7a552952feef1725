//===- EvaluatorErrors.cpp - where an error is reported, and limits -------===//
#include "Interpretation.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SourceMgr.h"

using namespace lamina;
using namespace lamina::frontend;

std::string frontend::suggestion(llvm::StringRef name,
                                 llvm::ArrayRef<llvm::StringRef> candidates) {
  if (std::optional<llvm::StringRef> guess = didYouMean(name, candidates))
    return ("; did you mean '" + *guess + "'?").str();
  return "";
}

bool Interpretation::isLibraryText(llvm::SMLoc loc) const {
  const char *p = loc.getPointer();
  return llvm::any_of(state.libraryText, [&](const auto &text) {
    return p >= text.first && p <= text.second;
  });
}

void Interpretation::here(llvm::SMRange range) {
  if (range.isValid())
    state.frames.back().current = range;
}

bool Evaluator::inLibrary() const { return state->frames.back().isLibrary; }

llvm::SMRange Evaluator::currentRange() const {
  for (const Frame &frame : llvm::reverse(state->frames)) {
    if (!frame.isLibrary)
      return frame.current;
  }
  return {};
}

mlir::Location Evaluator::currentLocation() {
  llvm::SMRange range = currentRange();
  if (!range.isValid())
    return mlir::UnknownLoc::get(&mlirContext);
  llvm::SourceMgr &sources = diags.sources();
  unsigned buffer = sources.FindBufferContainingLoc(range.Start);
  if (!buffer)
    return mlir::UnknownLoc::get(&mlirContext);
  auto [line, column] = sources.getLineAndColumn(range.Start, buffer);
  return mlir::FileLineColLoc::get(
      &mlirContext, sources.getMemoryBuffer(buffer)->getBufferIdentifier(),
      line, column);
}

Diagnostic &Evaluator::diagnose(llvm::SMRange at, const llvm::Twine &message) {
  Interpretation &in = *state->interpretation;
  auto isUsers = [&](llvm::SMRange range) {
    return range.isValid() && !in.isLibraryText(range.Start);
  };
  // Outwards to the user's text.
  llvm::SMRange place = at;
  size_t depth = state->frames.size();
  std::string libraryFunction;
  while (!isUsers(place) && depth > 0) {
    const Frame &frame = state->frames[--depth];
    if (!frame.isLibrary && isUsers(frame.current)) {
      place = frame.current;
      ++depth;
      break;
    }
    if (frame.isLibrary && !frame.function.empty())
      libraryFunction = frame.function;
    place = frame.callRange;
  }
  Diagnostic &result = diags.error(place, message);
  if (!result.notes.empty())
    return result; // the same error again
  if (!libraryFunction.empty() && libraryFunction != "<lambda>")
    result.note("in the library function '" + libraryFunction + "'");
  // The user's calls that led there.
  int shown = 0;
  for (size_t i = depth; i-- > 1 && shown < 3;) {
    const Frame &frame = state->frames[i];
    if (frame.isLibrary || !isUsers(frame.callRange))
      continue;
    result.note("in '" + frame.function + "', called from here",
                frame.callRange);
    ++shown;
  }
  return result;
}

LogicalResult Evaluator::error(llvm::SMRange at, const llvm::Twine &message) {
  diagnose(at, message);
  return failure();
}

LogicalResult Evaluator::spend(uint64_t steps, llvm::SMRange at) {
  state->steps += steps;
  if (state->exhausted)
    return failure();
  if (state->steps <= limits::steps && heapBytes <= limits::bytes)
    return success();
  state->exhausted = true;
  if (heapBytes > limits::bytes)
    return error(at, "the program needs more than 1 GiB of memory at compile "
                     "time");
  return error(at, "the program takes more than " + llvm::Twine(limits::steps) +
                       " steps at compile time; is there an endless loop?");
}
