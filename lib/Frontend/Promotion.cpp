//===- Promotion.cpp - Keras's dtype promotion ----------------------------===//

#include "lamina/Frontend/Promotion.h"
#include "llvm/ADT/bit.h"
#include <array>

using namespace llvm;

namespace lamina::frontend {
namespace {

// The nodes of the lattice, in an order in which every edge goes upwards.
enum Node : unsigned {
  B1,
  WeakI,
  U1,
  U2,
  U4,
  U8,
  I1,
  I2,
  I4,
  I8,
  WeakF,
  BF,
  F2,
  F4,
  F8,
  NodeCount
};

constexpr std::array<unsigned, NodeCount> edges() {
  auto bit = [](auto... nodes) { return ((1u << nodes) | ...); };
  std::array<unsigned, NodeCount> up{};
  up[B1] = bit(WeakI);
  up[WeakI] = bit(U1, I1);
  up[U1] = bit(I2, U2);
  up[U2] = bit(I4, U4);
  up[U4] = bit(I8, U8);
  up[U8] = bit(WeakF);
  up[I1] = bit(I2);
  up[I2] = bit(I4);
  up[I4] = bit(I8);
  up[I8] = bit(WeakF);
  up[WeakF] = bit(BF, F2);
  up[BF] = bit(F4);
  up[F2] = bit(F4);
  up[F4] = bit(F8);
  return up;
}

/// The set of all upper bounds of every node, itself included.
constexpr std::array<unsigned, NodeCount> upperBounds() {
  std::array<unsigned, NodeCount> up = edges(), bounds{};
  for (unsigned node = NodeCount; node-- > 0;) {
    bounds[node] = 1u << node;
    for (unsigned above = node + 1; above < NodeCount; ++above)
      if (up[node] >> above & 1)
        bounds[node] |= bounds[above];
  }
  return bounds;
}

Node nodeOf(PromotionType type) {
  if (type.kind != PromotionType::Strong)
    return type.kind == PromotionType::WeakInt ? WeakI : WeakF;
  switch (type.dtype) {
  case DType::Bool:
    return B1;
  case DType::Int8:
    return I1;
  case DType::Int16:
    return I2;
  case DType::Int32:
    return I4;
  case DType::Int64:
    return I8;
  case DType::UInt8:
    return U1;
  case DType::UInt16:
    return U2;
  case DType::UInt32:
    return U4;
  case DType::UInt64:
    return U8;
  case DType::Float16:
    return F2;
  case DType::BFloat16:
    return BF;
  case DType::Float32:
    return F4;
  case DType::Float64:
    return F8;
  }
  return F4;
}

DType dtypeOf(Node node) {
  constexpr DType types[] = {DType::Bool,    DType::Int32,   DType::UInt8,
                             DType::UInt16,  DType::UInt32,  DType::UInt64,
                             DType::Int8,    DType::Int16,   DType::Int32,
                             DType::Int64,   DType::Float32, DType::BFloat16,
                             DType::Float16, DType::Float32, DType::Float64};
  static_assert(std::size(types) == NodeCount);
  return types[node];
}

} // namespace

DType promoteTypes(ArrayRef<PromotionType> types) {
  static constexpr std::array<unsigned, NodeCount> bounds = upperBounds();
  if (types.empty())
    return DType::Float32;
  unsigned common = ~0u;
  for (PromotionType type : types)
    common &= bounds[nodeOf(type)];
  // The order of the nodes makes the least upper bound the lowest bit.
  return dtypeOf(Node(llvm::countr_zero(common)));
}

} // namespace lamina::frontend
