//===- OnnxLoops.cpp - lam as ONNX: loops ---------------------------------===//

#include "OnnxWriter.h"

using namespace mlir;

namespace lamina {

std::vector<std::string> OnnxWriter::region(Region &region, Names arguments) {
  Block &block = region.front();
  for (auto [argument, name] : llvm::zip(block.getArguments(), arguments)) {
    if (isa<IndexType>(argument.getType()))
      sizes[argument] = name;
    else
      set(argument, name);
  }
  Operation *outer = current;
  writeBlock(block);
  current = outer;
  std::vector<std::string> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(written.contains(value) ? get(value) : "?");
  return results;
}

/// What is computed in a graph inside this one is not known behind it.
ProtoMessage OnnxWriter::body(llvm::function_ref<void()> write) {
  Scope scope{written, whole, sizes, dims};
  ProtoMessage inner;
  inner.bytes(onnx::GraphName, nameOf(current, "body"));
  ProtoMessage *outer = std::exchange(graph, &inner);
  write();
  graph = outer;
  written = scope.written;
  whole = scope.whole;
  sizes = scope.sizes;
  dims = scope.dims;
  return inner;
}

void OnnxWriter::scan(lam::ScanOp op) {
  MLIRContext *context = op.getContext();
  Type index = IntegerType::get(context, 64),
       truth = IntegerType::get(context, 1);
  std::vector<std::string> inputs, sequences, invariants;
  std::string count = size(OpFoldResult(op.getCount()));
  inputs = {node("Squeeze", {count}), ""};
  for (Value init : op.getInits())
    inputs.push_back(get(init));
  for (Value sequence : op.getSequences())
    sequences.push_back(get(sequence));
  for (Value value : op.getInvariants())
    invariants.push_back(isa<IndexType>(value.getType())
                             ? size(OpFoldResult(value))
                             : get(value));
  std::string last;
  if (op.getReverse())
    last = node("Sub", {inputs[0], scalar(index, 1)});
  ProtoMessage inside = body([&] {
    std::string step = nameOf(op, "step"), go = nameOf(op, "go");
    graph->message(onnx::Input,
                   valueInfo(step, RankedTensorType::get({}, index)));
    graph->message(onnx::Input,
                   valueInfo(go, RankedTensorType::get({}, truth)));
    std::vector<std::string> arguments;
    for (Value init : op.getInits()) {
      arguments.push_back(nameOf(op, "carried"));
      graph->message(onnx::Input, valueInfo(arguments.back(), init.getType()));
    }
    std::string place = op.getReverse() ? node("Sub", {last, step}) : step;
    for (const std::string &sequence : sequences)
      arguments.push_back(
          node("Gather", {sequence, place}, OnnxAttribute("axis", int64_t(0))));
    arguments.insert(arguments.end(), invariants.begin(), invariants.end());
    std::vector<std::string> results = region(op.getBody(), arguments);
    ValueRange yielded = op.yielded();
    std::string goOn = node("Identity", {go});
    graph->message(onnx::Output,
                   valueInfo(goOn, RankedTensorType::get({}, truth)));
    // A result has a name of its own, whatever it is.
    for (auto [name, value] : llvm::zip(results, yielded))
      graph->message(onnx::Output,
                     valueInfo(node("Identity", {name}), value.getType()));
  });

  std::vector<std::string> results =
      node("Loop", inputs, OnnxAttribute("body", inside), op->getNumResults());
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    std::string name = results[i];
    if (op.getReverse() && i >= op.getInits().size())
      name = node("Slice", {name, integers({-1}), integers({INT64_MIN}),
                            integers({0}), integers({-1})});
    set(result, name);
  }
}

void OnnxWriter::whileLoop(lam::WhileOp op) {
  MLIRContext *context = op.getContext();
  Type index = IntegerType::get(context, 64),
       truth = IntegerType::get(context, 1);
  std::vector<std::string> inits, invariants;
  for (Value init : op.getInits())
    inits.push_back(get(init));
  for (Value value : op.getInvariants())
    invariants.push_back(isa<IndexType>(value.getType())
                             ? size(OpFoldResult(value))
                             : get(value));
  auto with = [&](std::vector<std::string> names) {
    names.insert(names.end(), invariants.begin(), invariants.end());
    return names;
  };
  std::string start = region(op.getCondition(), with(inits)).front();
  std::vector<std::string> inputs{"", start};
  inputs.insert(inputs.end(), inits.begin(), inits.end());
  ProtoMessage inside = body([&] {
    graph->message(onnx::Input, valueInfo(nameOf(op, "step"),
                                          RankedTensorType::get({}, index)));
    graph->message(onnx::Input, valueInfo(nameOf(op, "go"),
                                          RankedTensorType::get({}, truth)));
    std::vector<std::string> arguments;
    for (Value init : op.getInits()) {
      arguments.push_back(nameOf(op, "carried"));
      graph->message(onnx::Input, valueInfo(arguments.back(), init.getType()));
    }
    std::vector<std::string> results = region(op.getBody(), with(arguments));
    // The condition was written before; these are other nodes.
    std::string go = region(op.getCondition(), with(results)).front();
    graph->message(onnx::Output, valueInfo(node("Identity", {go}),
                                           RankedTensorType::get({}, truth)));
    for (auto [name, value] : llvm::zip(results, op.getInits()))
      graph->message(onnx::Output,
                     valueInfo(node("Identity", {name}), value.getType()));
  });
  std::vector<std::string> results =
      node("Loop", inputs, OnnxAttribute("body", inside), op->getNumResults());
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    set(result, results[i]);
}

bool OnnxWriter::loop(Operation *op) {
  if (auto scan = dyn_cast<lam::ScanOp>(op))
    this->scan(scan);
  else if (auto loop = dyn_cast<lam::WhileOp>(op))
    whileLoop(loop);
  else
    return false;
  return true;
}

} // namespace lamina
