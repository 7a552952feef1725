//===- LoopGroups.cpp - which ops share a tile loop -----------------------===//
#include "LoopGroups.h"
#include "Cost.h"
#include "Products.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/IR/Visitors.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace lamina;

/// What an unknown size is taken for in estimates.
static constexpr int64_t typicalSize = 256;
/// A tile's temporaries should stay in the second-level cache.
static constexpr int64_t maxInnerElements = 1 << 16;

/// The elements of `value` per step of a loop over its first `depth` axes.
static int64_t innerElements(Value value, unsigned depth) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  int64_t count = 1;
  if (type)
    for (int64_t size :
         type.getShape().drop_front(std::min<size_t>(depth, type.getRank())))
      count *=
          std::clamp<int64_t>(ShapedType::isDynamic(size) ? typicalSize : size,
                              1, maxInnerElements);
  return count;
}

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

/// The width from `candidates` that wastes least of `size` columns; the widest
/// of those.
static int64_t columnTile(int64_t size, int64_t widest) {
  if (ShapedType::isDynamic(size))
    return widest;
  int64_t best = widest, least = std::numeric_limits<int64_t>::max();
  for (int64_t width = widest; width >= std::max<int64_t>(widest / 4, 4);
       width -= widest / 4) {
    int64_t padded = llvm::divideCeil(size, width) * width;
    if (padded < least) {
      best = width;
      least = padded;
    }
  }
  return best;
}

static SmallVector<int64_t> productTiles(const LoopGroup &group,
                                         const Strategy &strategy) {
  auto op = cast<linalg::LinalgOp>(group.product);
  linalg::ContractionDimensions dims = *linalg::inferContractionDims(op);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<unsigned> loops = loopRole(op).loops;
  SmallVector<int64_t> tiles(group.depth, 1);

  int64_t lane = std::max<int64_t>(strategy.matmulColumns / 4, 1);
  int64_t columns = columnTile(ranges[loops.back()], strategy.matmulColumns);
  if (!ShapedType::isDynamic(ranges[loops.back()]))
    columns = std::min(columns, ranges[loops.back()]);
  // As many rows as there are accumulators left, but no panel of thin rows.
  int64_t accumulators = strategy.matmulRows * strategy.matmulColumns / lane;
  int64_t rows = std::min<int64_t>(
      accumulators / llvm::divideCeil(columns, lane), 2 * strategy.matmulRows);
  tiles.back() = columns;
  if (group.depth >= 2 &&
      !llvm::is_contained(dims.batch, loops[group.depth - 2]))
    tiles[group.depth - 2] = rows;
  for (auto [tile, loop] : llvm::zip_equal(tiles, loops))
    if (ranges[loop] != ShapedType::kDynamic && ranges[loop] <= tile)
      tile = 0;
  return tiles;
}

std::pair<Value, int64_t> lamina::extentOf(const LoopGroup &group,
                                           unsigned axis) {
  for (Operation *op : group.members)
    if (isa<linalg::LinalgOp, tensor::InsertSliceOp>(op) &&
        !loopRole(op).accumulates)
      return {op->getResult(0), axis};
  // Only reductions over the loops: what they read.
  auto op = cast<linalg::LinalgOp>(
      *llvm::find_if(group.members, llvm::IsaPred<linalg::LinalgOp>));
  unsigned loop = loopRole(op).loops[axis];
  for (OpOperand *input : op.getDpsInputOperands())
    for (auto [position, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(input).getResults()))
      if (expr == getAffineDimExpr(loop, op.getContext())) {
        // The group's views leave the axes of its loops as they are.
        Value tensor = input->get();
        while (Operation *view = tensor.getDefiningOp()) {
          if (isa<linalg::LinalgOp>(view) ||
              !llvm::is_contained(group.members, view))
            break;
          tensor = view->getOperand(0);
        }
        return {tensor, position};
      }
  llvm_unreachable("a loop has an operand that it walks");
}

SmallVector<int64_t> lamina::chooseTiles(const LoopGroup &group,
                                         const Strategy &strategy) {
  if (group.product)
    return productTiles(group, strategy);
  int64_t inner = 1;
  for (Operation *op : group.members)
    for (Value result : op->getResults())
      inner = std::max(
          inner,
          innerElements(result, loopRole(op).accumulates ? 0 : group.depth));
  SmallVector<int64_t> shape;
  for (unsigned axis = 0; axis < group.depth; ++axis) {
    auto [tensor, position] = extentOf(group, axis);
    shape.push_back(
        cast<RankedTensorType>(tensor.getType()).getDimSize(position));
  }
  // Rows that fill registers several times are walked one by one.
  bool longRows = inner >= 8 * int64_t(strategy.vectorBytes) / 4;
  int64_t budget =
      longRows ? 1 : std::max<int64_t>(strategy.tileElements / inner, 1);
  SmallVector<int64_t> tiles(group.depth);
  for (int axis = int(group.depth) - 1; axis >= 0; --axis) {
    bool whole = !ShapedType::isDynamic(shape[axis]) && shape[axis] <= budget;
    tiles[axis] = whole ? 0 : budget;
    budget = whole ? budget / std::max<int64_t>(shape[axis], 1) : 1;
  }
  return tiles;
}
