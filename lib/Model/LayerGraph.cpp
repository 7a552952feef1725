//===- LayerGraph.cpp - which layer feeds which ---------------------------===//
#include "LayerGraph.h"

using namespace mlir;
using namespace lamina::model;

static StringRef nameOf(Operation *op) {
  if (auto layer = dyn_cast<LayerOp>(op))
    return layer.getName();
  if (auto input = dyn_cast<InputOp>(op))
    return input.getName();
  return "";
}

LayerGraph::LayerGraph(ModelOp model) : model(model) {
  for (Operation &op : model.getBody().front()) {
    StringRef name = nameOf(&op);
    if (name.empty())
      continue;
    LayerNode &node = nodes[name];
    node.name = name;
    auto layer = dyn_cast<LayerOp>(op);
    node.className = layer ? layer.getClassName() : "InputLayer";
    node.calls.push_back(&op);
  }
  // Depths by walking the body backwards: users come after what they use.
  llvm::DenseMap<Operation *, unsigned> depths;
  Block &block = model.getBody().front();
  auto raise = [&](Operation *op, unsigned depth) {
    unsigned &known = depths[op];
    known = std::max(known, depth);
  };
  for (Operation &op : llvm::reverse(block)) {
    if (!isa<LayerOp>(op))
      continue;
    for (LayerResult source : sourcesOf(&op))
      raise(source.op, depths.lookup(&op) + 1);
  }
  for (auto &[name, node] : nodes)
    for (Operation *call : node.calls)
      node.depth = std::max(node.depth, depths.lookup(call));
  // Keras numbers the layers in preorder from the outputs.
  for (auto &[name, node] : nodes)
    node.order = ~0u;
  llvm::SmallVector<Operation *> stack;
  auto push = [&](ArrayRef<LayerResult> sources) {
    for (LayerResult source : llvm::reverse(sources))
      stack.push_back(source.op);
  };
  llvm::DenseSet<Operation *> seen;
  for (Value output : block.getTerminator()->getOperands()) {
    push(sourcesOf(output));
    while (!stack.empty()) {
      Operation *op = stack.pop_back_val();
      if (!seen.insert(op).second)
        continue;
      LayerNode &node = *nodeOf(op);
      if (node.order == ~0u)
        node.order = counter++;
      push(sourcesOf(op));
    }
  }
}

LayerNode *LayerGraph::nodeOf(Operation *op) {
  auto it = nodes.find(nameOf(op));
  return it == nodes.end() ? nullptr : &it->second;
}

const LayerNode *LayerGraph::nodeOf(Operation *op) const {
  auto it = nodes.find(nameOf(op));
  return it == nodes.end() ? nullptr : &it->second;
}

std::vector<const LayerNode *> LayerGraph::layers() const {
  std::vector<const LayerNode *> result;
  for (const auto &[name, node] : nodes)
    result.push_back(&node);
  llvm::sort(result, [](const LayerNode *a, const LayerNode *b) {
    return std::tuple(b->depth, a->order, a->name) <
           std::tuple(a->depth, b->order, b->name);
  });
  return result;
}

std::vector<LayerResult> LayerGraph::sourcesOf(Value value) const {
  std::vector<LayerResult> result;
  llvm::DenseSet<Value> seen;
  std::function<void(Value)> visit = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !isa<RankedTensorType>(value.getType()) ||
        !seen.insert(value).second)
      return;
    if (isa<LayerOp, InputOp>(op)) {
      result.push_back({op, cast<OpResult>(value).getResultNumber()});
      return;
    }
    for (Value operand : op->getOperands())
      visit(operand);
  };
  visit(value);
  return result;
}

std::vector<LayerResult> LayerGraph::sourcesOf(Operation *call) const {
  std::vector<LayerResult> result;
  if (auto layer = dyn_cast<LayerOp>(call))
    for (Value input : layer.getInputs())
      llvm::append_range(result, sourcesOf(input));
  return result;
}

unsigned LayerGraph::callIndex(Operation *call) const {
  const LayerNode *node = nodeOf(call);
  return llvm::find(node->calls, call) - node->calls.begin();
}

bool LayerGraph::isChain() const {
  llvm::DenseSet<unsigned> depths;
  for (const auto &[name, node] : nodes) {
    if (node.calls.size() > 1 || !depths.insert(node.depth).second)
      return false;
    auto layer = dyn_cast<LayerOp>(node.calls.front());
    if (layer && layer.getInputs().size() > 1)
      return false;
  }
  return true;
}
