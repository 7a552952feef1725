//===- ScanCommand.cpp - lamina scan --------------------------------------===//

#include "Driver.h"
#include "lamina/Import/Scan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;

namespace {
/// Names in a file may have control characters, which must not reach a terminal.
std::string printable(llvm::StringRef text) {
  std::string result = llvm::json::fixUTF8(text);
  for (char &c : result)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f)
      c = '?';
  return result;
}

void printText(llvm::StringRef path, const import::ModelFile &file, llvm::ArrayRef<import::ScannedLayer> layers,
               size_t findings) {
  llvm::raw_ostream &os = llvm::outs();
  os << path << (file.writer.empty() ? "" : ": " + printable(file.writer)) << "\n";
  for (const import::ScannedLayer &layer : layers) {
    std::string indent(2 + 2 * layer.depth, ' ');
    os << indent << printable(layer.className) << (layer.name.empty() ? "" : " '" + printable(layer.name) + "'") << "\n";
    for (const import::ScannedFunction &function : layer.functions) {
      if (function.text.empty())
        continue;
      llvm::SmallVector<llvm::StringRef> lines;
      std::string text = printable(function.text);
      llvm::StringRef(text).rtrim().split(lines, '\n');
      os << indent << "  Python " << function.version << ": " << lines[0] << "\n";
      for (llvm::StringRef line : llvm::drop_begin(lines))
        os << indent << "  " << line << "\n";
    }
    for (const std::string &finding : layer.findings)
      os << indent << "  not arithmetic: " << printable(finding) << "\n";
  }
  if (findings == 0)
    os << path << ": nothing but arithmetic\n";
  else
    os << path << ": " << findings << (findings == 1 ? " thing is" : " things are") << " not arithmetic\n";
}

llvm::json::Value toJSON(llvm::StringRef path, const import::ModelFile &file,
                         llvm::ArrayRef<import::ScannedLayer> layers, size_t findings) {
  auto text = [](llvm::StringRef value) { return llvm::json::fixUTF8(value); };
  llvm::json::Array list;
  for (const import::ScannedLayer &layer : layers) {
    llvm::json::Array functions, reasons;
    for (const import::ScannedFunction &function : layer.functions)
      functions.push_back(
          llvm::json::Object{{"text", function.text.empty() ? llvm::json::Value(nullptr) : text(function.text)},
                             {"python", function.version.empty() ? llvm::json::Value(nullptr) : text(function.version)}});
    for (const std::string &finding : layer.findings)
      reasons.push_back(text(finding));
    list.push_back(llvm::json::Object{{"class", text(layer.className)},
                                      {"name", text(layer.name)},
                                      {"depth", layer.depth},
                                      {"functions", std::move(functions)},
                                      {"findings", std::move(reasons)}});
  }
  return llvm::json::Object{
      {"file", text(path)}, {"writer", text(file.writer)}, {"findings", findings}, {"layers", std::move(list)}};
}
} // namespace

/// lamina scan: says what files hold; status 1 if one is not just arithmetic, or cannot be read.
int driver::scan(Arguments &arguments) {
  Session session(arguments);
  bool isClean = true;
  llvm::json::Array all;
  for (const std::string &path : arguments.inputs) {
    std::optional<std::string> bytes = session.read(path);
    if (!bytes)
      continue;
    llvm::Expected<import::ModelFile> file = import::readModelFile(*bytes, /*withWeights=*/false);
    if (!file) {
      session.error(file.takeError(), path);
      continue;
    }
    std::vector<import::ScannedLayer> layers = import::scan(*file);
    size_t findings = 0;
    for (const import::ScannedLayer &layer : layers)
      findings += layer.findings.size();
    isClean &= findings == 0;
    if (arguments.json)
      all.push_back(toJSON(path, *file, layers, findings));
    else
      printText(path, *file, layers, findings);
  }
  if (arguments.json)
    llvm::outs() << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(all)));
  int status = session.finish();
  return status != Success ? status : isClean ? Success : BadInput;
}
