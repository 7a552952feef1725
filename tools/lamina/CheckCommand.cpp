//===- CheckCommand.cpp - lamina check --------------------------------------===//

#include "Driver.h"
#include "lamina/Check/ModelCheck.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

namespace {
std::string verdictOf(const GradientRow &row) {
  if (!row.noDerivative.empty())
    return "no derivative";
  switch (row.check.verdict) {
  case Verdict::Agrees:
    return "ok";
  case Verdict::Differs:
    return row.isCustom ? "custom gradient" : "WRONG";
  case Verdict::Kink:
    return "at a kink";
  case Verdict::GradientNotFinite:
    return row.isCustom ? "custom gradient" : "NOT FINITE";
  case Verdict::NotFinite:
    return "no finite value";
  }
  return "";
}

void printTable(llvm::ArrayRef<GradientRow> rows) {
  std::vector<std::array<std::string, 4>> lines{{"layer", "gradient by", "error", "verdict"}};
  std::string last;
  for (const GradientRow &row : rows) {
    std::string layer = row.layer + (row.className.empty() ? "" : " (" + row.className + ")");
    bool isCompared = row.check.directions > 0;
    std::string error;
    llvm::raw_string_ostream(error) << llvm::format("%.1e", row.check.error);
    lines.push_back({layer == last ? "" : layer, row.of, isCompared ? error : "-", verdictOf(row)});
    last = layer;
  }
  std::array<size_t, 3> widths{};
  for (const auto &line : lines)
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], line[i].size());
  for (const auto &line : lines) {
    for (size_t i = 0; i < widths.size(); ++i)
      llvm::outs() << llvm::left_justify(line[i], widths[i] + 2);
    llvm::outs() << line.back() << "\n";
  }
}
} // namespace

int driver::check(Arguments &arguments) {
  Session session(arguments);
  OwningOpRef<ModuleOp> module = session.loadModel();
  if (!module)
    return session.finish();
  OwningOpRef<ModuleOp> lowered = module->clone();
  if (!session.lower(*lowered, "lam"))
    return session.finish();
  std::optional<ForwardFunction> forward = forwardOf(session, *lowered);
  if (!forward)
    return session.finish();
  auto rows = checkGradients(*module, *lowered, arguments.options.seed);
  if (failed(rows))
    return session.finish();
  printTable(*rows);
  for (const GradientRow &row : *rows)
    if (row.place)
      emitWarning(*row.place) << row.noDerivative;
  size_t wrong = llvm::count_if(*rows, [](const GradientRow &row) { return row.isWrong(); });
  if (wrong)
    session.diagnostics.errorInFile(arguments.input, llvm::Twine(wrong) + " of " + llvm::Twine(rows->size()) +
                                                         " gradients are wrong");
  else
    llvm::outs() << arguments.input << ": ok: " << forward->inputs.size() << " inputs, " << forward->weights.size()
                 << " weights, " << forward->outputs.size() << " outputs\n";
  return session.finish();
}
