//===- Summary.cpp - Keras's summary of a model ---------------------------===//
//
// The table that keras.Model.summary() prints to something that is not a
// terminal: 76 columns, cells wrapped at spaces, long words cut with "…".
//
//===----------------------------------------------------------------------===//

#include "lamina/Model/Summary.h"
#include "LayerGraph.h"
#include "lamina/Support/NDArray.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lamina;
using namespace lamina::model;

namespace {

struct Column {
  StringRef title;
  unsigned width; // of the text
  bool right = false;
};

/// A table in rich's style, with a line between the rows.
class Table {
public:
  Table(ArrayRef<Column> columns, llvm::raw_ostream &os)
      : columns(columns), os(os) {
    rule("┏", "━", "┳", "┓");
    std::vector<std::string> titles;
    for (const Column &column : columns)
      titles.push_back(column.title.str());
    print(titles, "┃");
    rule("┡", "━", "╇", "┩");
  }
  void row(ArrayRef<std::string> cells) {
    if (rows++)
      rule("├", "─", "┼", "┤");
    print(cells, "│");
  }
  void end() { rule("└", "─", "┴", "┘"); }

private:
  ArrayRef<Column> columns;
  llvm::raw_ostream &os;
  unsigned rows = 0;

  void rule(StringRef left, StringRef line, StringRef middle, StringRef right) {
    os << left;
    for (auto [i, column] : llvm::enumerate(columns)) {
      if (i)
        os << middle;
      for (unsigned k = 0; k < column.width + 2; ++k)
        os << line;
    }
    os << right << '\n';
  }
  void print(ArrayRef<std::string> cells, StringRef bar);
};

} // namespace

static unsigned widthOf(StringRef text) {
  int width = llvm::sys::unicode::columnWidthUTF8(text);
  return width < 0 ? text.size() : width;
}

/// Lines of at most `width` columns, broken at spaces.
static std::vector<std::string> wrap(StringRef text, unsigned width) {
  std::vector<std::string> lines(1);
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    std::string &line = lines.back();
    if (line.empty())
      line = word.str();
    else if (widthOf(line) + 1 + widthOf(word) <= width)
      line += " " + word.str();
    else
      lines.push_back(word.str());
  }
  for (std::string &line : lines) {
    if (widthOf(line) <= width)
      continue;
    while (!line.empty() && widthOf(line) >= width) {
      while ((line.back() & 0xc0) == 0x80) // a character's later bytes
        line.pop_back();
      line.pop_back();
    }
    line += "…";
  }
  return lines;
}

void Table::print(ArrayRef<std::string> cells, StringRef bar) {
  std::vector<std::vector<std::string>> lines;
  size_t height = 1;
  for (auto [cell, column] : llvm::zip(cells, columns)) {
    lines.push_back(wrap(cell, column.width));
    height = std::max(height, lines.back().size());
  }
  for (size_t i = 0; i < height; ++i) {
    for (auto [cell, column] : llvm::zip(lines, columns)) {
      std::string text = i < cell.size() ? cell[i] : "";
      unsigned space = column.width - widthOf(text);
      os << bar << ' ';
      os.indent(column.right ? space : 0) << text;
      os.indent(column.right ? 0 : space) << ' ';
    }
    os << bar << '\n';
  }
}

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

static std::string withCommas(int64_t number) {
  std::string digits = std::to_string(number);
  for (int at = int(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return digits;
}

static std::string shapeOf(Type type) {
  std::string text = "(";
  for (auto [i, size] :
       llvm::enumerate(cast<RankedTensorType>(type).getShape())) {
    text += i ? ", " : "";
    text += ShapedType::isDynamic(size) ? "None" : std::to_string(size);
  }
  return text + ")";
}

static std::string shapesOf(Operation *call) {
  auto layer = dyn_cast<LayerOp>(call);
  if (!layer)
    return shapeOf(call->getResult(0).getType());
  if (layer.getOutputs().size() == 1)
    return shapeOf(layer.getOutputs()[0].getType());
  std::string text = "[";
  for (auto [i, output] : llvm::enumerate(layer.getOutputs()))
    text += (i ? ", " : "") + shapeOf(output.getType());
  return text + "]";
}

namespace {

struct Parameters {
  int64_t count = 0, bits = 0;
  void add(Value weight) {
    auto type = cast<RankedTensorType>(weight.getType());
    count += type.getNumElements();
    std::optional<DType> dtype = fromMLIR(type.getElementType());
    bits += type.getNumElements() * (dtype ? bitWidth(*dtype) : 0);
  }
  void print(StringRef title, llvm::raw_ostream &os) const {
    double size = bits / 8.0;
    StringRef units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < std::size(units); ++unit)
      size /= 1024;
    os << ' ' << title << ": " << withCommas(count) << " ("
       << llvm::format("%.2f", size) << ' ' << units[unit] << ")\n";
  }
};

} // namespace

static int64_t parametersOf(const LayerNode &node) {
  llvm::SetVector<Value> weights;
  for (Operation *call : node.calls)
    if (auto layer = dyn_cast<LayerOp>(call))
      weights.insert(layer.getWeights().begin(), layer.getWeights().end());
  Parameters parameters;
  for (Value weight : weights)
    parameters.add(weight);
  return parameters.count;
}

static std::string connectionsOf(const LayerGraph &graph,
                                 const LayerNode &node) {
  std::string text;
  for (Operation *call : node.calls)
    for (LayerResult source : graph.sourcesOf(call)) {
      auto layer = dyn_cast<LayerOp>(source.op);
      StringRef name =
          layer ? layer.getName() : cast<InputOp>(source.op).getName();
      text += (text.empty() ? "" : ", ") + name.str() + "[" +
              std::to_string(graph.callIndex(source.op)) + "][" +
              std::to_string(source.index) + "]";
    }
  return text.empty() ? "-" : text;
}

static void printSummary(ModelOp model, llvm::raw_ostream &os) {
  LayerGraph graph(model);
  bool functional = model.getClassName() == "Functional";
  bool connections = functional && !graph.isChain();
  // Keras's widths for 76 columns.
  static const Column narrow[] = {
      {"Layer (type)", 31}, {"Output Shape", 22}, {"Param #", 13, true}};
  static const Column wide[] = {{"Layer (type)", 19},
                                {"Output Shape", 17},
                                {"Param #", 10, true},
                                {"Connected to", 17}};
  os << "Model: \"" << model.getTitle() << "\"\n";
  Table table(connections ? ArrayRef<Column>(wide) : ArrayRef<Column>(narrow),
              os);
  for (const LayerNode *node : graph.layers()) {
    if (!functional && node->className == "InputLayer")
      continue;
    std::vector<std::string> cells = {
        (node->name + " (" + node->className + ")").str(),
        shapesOf(node->calls.back()), withCommas(parametersOf(*node))};
    if (connections)
      cells.push_back(connectionsOf(graph, *node));
    table.row(cells);
  }
  table.end();
  Parameters total, trainable, frozen;
  for (WeightOp weight : model.getBody().front().getOps<WeightOp>()) {
    if (weight.getOptimizer())
      continue; // not of the model
    total.add(weight);
    (weight.getTrainable() ? trainable : frozen).add(weight);
  }
  total.print("Total params", os);
  trainable.print("Trainable params", os);
  frozen.print("Non-trainable params", os);
}

void lamina::printSummary(ModuleOp module, llvm::raw_ostream &os) {
  for (ModelOp model : module.getOps<ModelOp>())
    ::printSummary(model, os);
}

//===----------------------------------------------------------------------===//
// Graphviz
//===----------------------------------------------------------------------===//

static std::string quoted(const Twine &text) {
  std::string result = "\"";
  for (char c : text.str()) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += c;
  }
  return result + "\"";
}

static StringRef layerName(Operation *op) {
  if (auto layer = dyn_cast<LayerOp>(op))
    return layer.getName();
  return cast<InputOp>(op).getName();
}

static void printDot(ModelOp model, llvm::raw_ostream &os) {
  LayerGraph graph(model);
  os << "digraph " << quoted(model.getTitle()) << " {\n"
     << "  node [shape=box, fontname=\"Helvetica\"];\n";
  for (const LayerNode *node : graph.layers())
    os << "  " << quoted(node->name) << " [label="
       << quoted(node->name + "\n" + node->className + "\n" +
                 shapesOf(node->calls.back()) + "\n" +
                 withCommas(parametersOf(*node)) + " params")
       << "];\n";
  for (const LayerNode *node : graph.layers())
    for (Operation *call : node->calls)
      for (LayerResult source : graph.sourcesOf(call))
        os << "  " << quoted(layerName(source.op)) << " -> "
           << quoted(node->name) << ";\n";
  auto output = cast<OutputOp>(model.getBody().front().getTerminator());
  for (auto [value, name] : llvm::zip(output.getValues(), output.getNames())) {
    std::string id = "output " + cast<StringAttr>(name).getValue().str();
    os << "  " << quoted(id)
       << " [shape=ellipse, label=" << quoted(cast<StringAttr>(name).getValue())
       << "];\n";
    for (LayerResult source : graph.sourcesOf(value))
      os << "  " << quoted(layerName(source.op)) << " -> " << quoted(id)
         << ";\n";
  }
  os << "}\n";
}

void lamina::printDot(ModuleOp module, llvm::raw_ostream &os) {
  for (ModelOp model : module.getOps<ModelOp>())
    ::printDot(model, os);
}
