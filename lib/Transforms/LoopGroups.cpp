//===- LoopGroups.cpp - which ops share a tile loop -----------------------===//
#include "LoopGroups.h"
#include "Cost.h"
#include "Products.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/IR/Visitors.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace lamina;

static bool isFill(Operation *op) { return isa<linalg::FillOp>(op); }

namespace {
/// Grows groups along producer-consumer edges in program order.
class Grouper {
public:
  Grouper(Block &block, const Strategy &strategy, LoopLevel level)
      : block(block), strategy(strategy), level(level) {}

  std::vector<LoopGroup> run() {
    for (Operation &op : block) {
      unsigned node = nodes.size();
      index[&op] = node;
      LoopRole role = roleOf(&op);
      nodes.push_back({&op, role, {}});
      clusters.push_back({{node}, role.depth(), role.product ? &op : nullptr});
      clusterOf.push_back(node);
      for (unsigned producer : producersOf(&op)) {
        nodes[node].producers.push_back(producer);
        nodes[producer].consumers.push_back(node);
      }
      for (OpOperand &operand : op.getOpOperands())
        if (Operation *producer = operand.get().getDefiningOp())
          if (auto found = index.find(producer); found != index.end())
            tryMerge(found->second, operand, node);
      for (OpOperand &operand : op.getOpOperands())
        joinReaders(operand, node);
    }

    std::vector<LoopGroup> groups;
    for (Cluster &cluster : clusters) {
      llvm::sort(cluster.nodes);
      LoopGroup group;
      group.depth = cluster.depth;
      group.product = cluster.product;
      for (unsigned node : cluster.nodes)
        group.members.push_back(nodes[node].op);
      dropLooseGlue(group);
      if (level == LoopLevel::Rows ? isWorthwhile(group) : isBlock(group))
        groups.push_back(std::move(group));
    }
    return groups;
  }

private:
  struct Node {
    Operation *op;
    LoopRole role;
    SmallVector<unsigned> producers;
    SmallVector<unsigned> consumers = {};
  };
  struct Cluster {
    SmallVector<unsigned> nodes;
    unsigned depth;
    Operation *product;
  };

  Block &block;
  const Strategy &strategy;
  LoopLevel level;
  std::vector<Node> nodes;
  std::vector<Cluster> clusters; // by the number of its first node
  std::vector<unsigned> clusterOf;
  llvm::DenseMap<Operation *, unsigned> index;

  bool isLarge(Operation *op) const {
    auto product = dyn_cast<linalg::LinalgOp>(op);
    return product && isLargeProduct(product, strategy);
  }

  LoopRole roleOf(Operation *op) const {
    LoopRole role = loopRole(op);
    if (level == LoopLevel::Rows) // a call that wants the whole of its operands
      return isLarge(op) ? LoopRole() : role;
    if (std::exchange(role.product, false)) {
      linalg::ContractionDimensions dims =
          *linalg::inferContractionDims(cast<linalg::LinalgOp>(op));
      size_t depth = 0;
      while (depth < role.loops.size() &&
             llvm::is_contained(dims.batch, role.loops[depth]))
        ++depth;
      role.loops.truncate(depth);
    }
    return role;
  }

  /// The ops of the block whose results `op` or its regions use.
  llvm::SetVector<unsigned> producersOf(Operation *op) {
    llvm::SetVector<unsigned> result;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *producer = operand.getDefiningOp())
          if (auto found = index.find(producer); found != index.end())
            result.insert(found->second);
    });
    return result;
  }

  /// A value that a region captures is needed whole.
  static bool captures(Operation *op, Operation *producer) {
    bool found = false;
    for (Region &region : op->getRegions())
      region.walk([&](Operation *inner) {
        found |= llvm::any_of(inner->getOperands(), [&](Value value) {
          return value.getDefiningOp() == producer;
        });
      });
    return found;
  }

  void tryMerge(unsigned producer, OpOperand &operand, unsigned consumer) {
    unsigned from = clusterOf[producer], to = clusterOf[consumer];
    if (from == to || !clusters[from].depth || !clusters[to].depth)
      return;
    unsigned depth = std::min({clusters[from].depth, clusters[to].depth,
                               sharedDepth(operand, nodes[consumer].role)});
    const char *reason = "the other axes come first there";
    if (depth != 0)
      reason = edgesAllow(from, to, depth)
                   ? mergeClusters(from, to, depth)
                   : "it needs more than the same rows of it";
    Operation *op = nodes[producer].op;
    if (reason && level == LoopLevel::Rows && isa<linalg::LinalgOp>(op) &&
        isa<linalg::LinalgOp>(operand.getOwner()) && !isFill(op))
      remarkOn(op, "loops") << describe(op) << " is in no loop with "
                            << describe(operand.getOwner()) << ": " << reason;
  }

  /// Ops that read the same tensor row by row do so in one loop.
  void joinReaders(OpOperand &operand, unsigned node) {
    auto isReader = [](OpOperand &use) {
      auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
      return op && op.isDpsInput(&use) &&
             isa<RankedTensorType>(use.get().getType());
    };
    if (!isReader(operand))
      return;
    for (OpOperand &use : operand.get().getUses()) {
      auto found = index.find(use.getOwner());
      if (found == index.end() || !isReader(use))
        continue;
      unsigned other = found->second;
      unsigned from = clusterOf[other], to = clusterOf[node];
      unsigned depth = std::min({clusters[from].depth, clusters[to].depth,
                                 sharedDepth(use, nodes[other].role),
                                 sharedDepth(operand, nodes[node].role)});
      if (from != to && depth != 0 && edgesAllow(from, to, depth) &&
          edgesAllow(to, from, depth) && !pathBesides(to, from))
        mergeClusters(from, to, depth);
    }
  }

  /// Returns why not, or null.
  const char *mergeClusters(unsigned from, unsigned to, unsigned depth) {
    Operation *product =
        clusters[from].product ? clusters[from].product : clusters[to].product;
    if (product && !productAllows(from, to, depth))
      return "a product shares its tile with pointwise ops only";
    for (unsigned cluster : {from, to})
      for (unsigned node : clusters[cluster].nodes)
        for (Value result : nodes[node].op->getResults())
          if (innerElements(result, nodes[node].role.accumulates ? 0 : depth) >
              maxInnerElements)
            return "a row of them does not fit in the cache";
    if (pathBesides(from, to))
      return "what is between them is not in the loop";
    for (unsigned node : clusters[to].nodes)
      clusterOf[node] = from;
    llvm::append_range(clusters[from].nodes, clusters[to].nodes);
    clusters[from].depth = depth;
    clusters[from].product = product;
    clusters[to].nodes.clear();
    return nullptr;
  }

  /// Whether every edge between the two clusters (not only the one that made us
  /// ask) is walked in step.
  bool edgesAllow(unsigned from, unsigned to, unsigned depth) {
    for (unsigned node : clusters[to].nodes) {
      Operation *op = nodes[node].op;
      for (unsigned producer : nodes[node].producers)
        if (clusterOf[producer] == from && (captures(op, nodes[producer].op) ||
                                            nodes[producer].role.accumulates))
          return false;
      for (OpOperand &operand : op->getOpOperands()) {
        Operation *producer = operand.get().getDefiningOp();
        auto found = producer ? index.find(producer) : index.end();
        if (found != index.end() && clusterOf[found->second] == from &&
            sharedDepth(operand, nodes[node].role) < depth)
          return false;
      }
    }
    return true;
  }

  /// Around a matrix product there is only its initial value and ops that
  /// touch each element of the result once.
  bool productAllows(unsigned from, unsigned to, unsigned depth) {
    Operation *product = clusters[from].product;
    if (product && clusters[to].product)
      return false;
    for (unsigned cluster : {from, to})
      for (unsigned node : clusters[cluster].nodes) {
        Operation *op = nodes[node].op;
        auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
        if (!linalgOp)
          return false;
        if (nodes[node].role.product) {
          if (nodes[node].role.depth() != depth)
            return false;
        } else if (linalgOp.getNumLoops() != depth ||
                   (!product && !isFill(op))) {
          return false;
        }
      }
    return true;
  }

  /// Whether `to` also depends on `from` through a third cluster.
  bool pathBesides(unsigned from, unsigned to) {
    llvm::DenseSet<unsigned> seen;
    SmallVector<unsigned> work;
    auto push = [&](unsigned cluster) {
      if (seen.insert(cluster).second)
        work.push_back(cluster);
    };
    auto forEachConsumer = [&](unsigned cluster, auto &&visit) {
      for (unsigned node : clusters[cluster].nodes)
        for (unsigned consumer : nodes[node].consumers)
          if (clusterOf[consumer] != cluster)
            visit(clusterOf[consumer]);
    };
    forEachConsumer(from, [&](unsigned next) {
      if (next != to)
        push(next);
    });
    while (!work.empty()) {
      bool reached = false;
      forEachConsumer(work.pop_back_val(), [&](unsigned next) {
        reached |= next == to;
        push(next);
      });
      if (reached)
        return true;
    }
    return false;
  }

  /// Slices and reshapes have no buffer of their own that a loop could fill, so
  /// those whose results leave the group do so as ops after the loop.
  static void dropLooseGlue(LoopGroup &group) {
    auto inGroup = [&](Operation *op) {
      return llvm::is_contained(group.members, op);
    };
    for (bool changed = true; changed;) {
      changed = false;
      for (Operation *op : group.members) {
        if (isa<linalg::LinalgOp, tensor::InsertSliceOp>(op) ||
            llvm::all_of(op->getUsers(), inGroup))
          continue;
        if (llvm::any_of(op->getUsers(), inGroup))
          return group.members.clear();
        llvm::erase(group.members, op);
        changed = true;
        break;
      }
    }
  }

  /// Blocks are for products that exchange values with other ops, of tensors
  /// that do not stay in the cache by themselves.
  bool isBlock(const LoopGroup &group) const {
    bool exchanges = false;
    int64_t elements = 0;
    for (Operation *op : group.members) {
      if (!isa<linalg::LinalgOp>(op) || isFill(op))
        continue;
      elements += innerElements(op->getResult(0), 0);
      for (Operation *user : op->getUsers())
        exchanges |= isa<linalg::LinalgOp>(user) &&
                     (isLarge(op) || isLarge(user)) &&
                     llvm::is_contained(group.members, user);
    }
    return exchanges && elements > maxInnerElements;
  }

  /// A loop pays where a value is used while it is still in the cache.
  static bool isWorthwhile(const LoopGroup &group) {
    if (group.product)
      return !group.members.empty();
    llvm::SmallDenseMap<Value, Operation *> readBy;
    for (Operation *op : group.members) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (!linalgOp || isFill(op))
        continue;
      bool joinsRows = hasNarrowRows(linalgOp) && isCostly(linalgOp);
      for (Operation *user : op->getUsers())
        if ((joinsRows || !isa<tensor::InsertSliceOp>(user)) &&
            llvm::is_contained(group.members, user))
          return true;
      for (Value input : linalgOp.getDpsInputs())
        if (auto type = dyn_cast<RankedTensorType>(input.getType());
            type && type.getRank() >= int64_t(group.depth) &&
            readBy.try_emplace(input, op).first->second != op)
          return true;
    }
    return false;
  }
};
} // namespace

std::vector<LoopGroup> lamina::formLoopGroups(Block &block,
                                              const Strategy &strategy,
                                              LoopLevel level) {
  return Grouper(block, strategy, level).run();
}
