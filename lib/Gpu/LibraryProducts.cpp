//===- LibraryProducts.cpp - products that cuBLASLt may compute -----------===//
#include "LibraryProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lamina;

// lib/Runtime/CublasLt.h has the same.
enum : int64_t {
  leftTurned = 1,
  rightTurned = 2,
  added = 4,
  roundedToTF32 = 8,
  required = 16,
  withBias = 32
};

/// Memory that NVIDIA advises for its kernels on sm_90, and on older devices.
static constexpr int64_t largeWorkspace = 32 << 20, smallWorkspace = 4 << 20;

/// The library multiplies faster than a generated kernel does, by about
/// `secondsPerTerm` per product of two elements (half of the throughput of a
/// large device's units is what the kernels are taken to reach, four fifths the
/// library). Against that stand the time of one more launch, and reading and
/// writing the result once more for an epilogue that is a kernel of its own.
struct Gain {
  double perProduct, perResult, perCall; // seconds
};
static constexpr double bandwidth = 2e12, launchSeconds = 3e-6;
static Gain gainOf(Multiplicand type, bool isDouble, bool separateEpilogue) {
  double throughput = 25e12; // products of elements in a second
  if (type == Multiplicand::TF32)
    throughput = 150e12;
  else if (type != Multiplicand::None)
    throughput = 300e12;
  else if (isDouble)
    throughput = 15e12;
  return {(1 / 0.5 - 1 / 0.8) / throughput,
          separateEpilogue ? 2.0 * (isDouble ? 8 : 4) / bandwidth : 0,
          separateEpilogue ? 2 * launchSeconds : launchSeconds};
}

/// Whether the elements of `source` are contiguous and in the order of `loops`.
static bool isMatrix(Value source, AffineMap map,
                     ArrayRef<ArrayRef<unsigned>> loops) {
  auto type = cast<MemRefType>(source.getType());
  if (!type.areTrailingDimsContiguous(type.getRank()))
    return false;
  SmallVector<unsigned> order;
  for (ArrayRef<unsigned> group : loops)
    order.append(group.begin(), group.end());
  if (order.size() != map.getNumResults())
    return false;
  return llvm::all_of(llvm::zip_equal(map.getResults(), order), [](auto pair) {
    auto dim = dyn_cast<AffineDimExpr>(std::get<0>(pair));
    return dim && dim.getPosition() == std::get<1>(pair);
  });
}

static std::optional<int64_t> libraryType(Type type) {
  if (type.isF32())
    return 0;
  if (type.isF64())
    return 1;
  if (type.isF16())
    return 2;
  if (type.isBF16())
    return 14;
  return std::nullopt;
}

bool LibraryProduct::describe(ProductOptions options) {
  linalg::LinalgOp op = product.op;
  AffineMap left = op.getMatchingIndexingMap(product.left),
            right = op.getMatchingIndexingMap(product.right),
            sums = op.getMatchingIndexingMap(product.result);
  ArrayRef<unsigned> batch = product.batch, rows = product.rows,
                     columns = product.columns, terms = product.terms;
  if (isMatrix(product.leftSource, left, {batch, terms, rows}))
    flags |= leftTurned;
  else if (!isMatrix(product.leftSource, left, {batch, rows, terms}))
    return false;
  if (isMatrix(product.rightSource, right, {batch, columns, terms}))
    flags |= rightTurned;
  else if (!isMatrix(product.rightSource, right, {batch, terms, columns}))
    return false;
  result = product.result->get();
  if (!isMatrix(result, sums, {batch, rows, columns}))
    return false;
  if (!product.fill)
    flags |= added;
  else if (!matchPattern(product.fill.getInputs()[0], m_AnyZeroFloat()))
    return false;
  if (product.tensors == Multiplicand::TF32)
    flags |= roundedToTF32;
  if (options.library == Library::Always)
    flags |= required;
  workspaceBytes = options.largeDevice ? largeWorkspace : smallWorkspace;
  // Halves are stored as their bits.
  Type element = getElementTypeOrSelf(product.leftSource.getType());
  if (product.tensors == Multiplicand::Half)
    type = 2;
  else if (product.tensors == Multiplicand::BFloat)
    type = 14;
  else if (std::optional<int64_t> known = libraryType(element))
    type = *known;
  else
    return false;
  return true;
}

/// An epilogue that adds a number per column: the library's own bias. Its ReLU
/// and GELU are not ours, which keep NaN and use the exact error function.
void LibraryProduct::findBias() {
  linalg::GenericOp op = product.epilogue;
  Value matrix = product.result->get();
  if (!op || !product.fill || op.getNumDpsInits() != 1)
    return;
  Value output = op.getDpsInits()[0];
  if (!product.isPrivate && output != matrix)
    return;
  Block *body = op.getBody();
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || body->getOperations().size() != 2 ||
      !cast<MemRefType>(output.getType()).getLayout().isIdentity() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return;
  unsigned rank = op.getNumLoops(), columns = product.columns.size();
  Value found;
  bool addsSum = false;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    auto buffer = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (operand.get() == matrix && map.isIdentity())
      addsSum = argument.hasOneUse();
    else if (buffer && buffer.getLayout().isIdentity() &&
             map == AffineMap::getMultiDimIdentityMap(rank, op.getContext())
                        .getMinorSubMap(columns))
      found = operand.get();
  }
  if (!addsSum || !found ||
      getElementTypeOrSelf(found.getType()) !=
          getElementTypeOrSelf(matrix.getType()) ||
      getElementTypeOrSelf(output.getType()) !=
          getElementTypeOrSelf(matrix.getType()))
    return;
  bias = found;
  result = output;
}

Value LibraryProduct::isWorthIt(ImplicitLocOpBuilder &b) {
  Points points(b, product.op);
  bool isDouble = getElementTypeOrSelf(result.getType()).isF64();
  Gain gain = gainOf(product.tensors, isDouble,
                     product.epilogue && !includesEpilogue());
  // products * perProduct > results * perResult + perCall, in whole numbers.
  auto times = [&](Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(x, y);
  };
  Value results =
      times(points.volume(product.batch),
            times(points.volume(product.rows), points.volume(product.columns)));
  Value terms = points.volume(product.terms);
  Value lost = number(b, int64_t(gain.perResult / gain.perProduct));
  Value more = b.createOrFold<arith::SubIOp>(
      b.createOrFold<arith::MaxUIOp>(terms, lost), lost);
  return b.createOrFold<arith::CmpIOp>(
      arith::CmpIPredicate::ugt, times(results, more),
      number(b, int64_t(gain.perCall / gain.perProduct)));
}

std::optional<LibraryProduct> LibraryProduct::find(ImplicitLocOpBuilder &b,
                                                   Product product,
                                                   ProductOptions options) {
  LibraryProduct found;
  found.product = product;
  if (options.library == Library::Never || !found.describe(options))
    return std::nullopt;
  found.findBias();
  if (options.library == Library::Auto) {
    found.worth = found.isWorthIt(b);
    if (matchPattern(found.worth, m_Zero()))
      return std::nullopt;
    if (matchPattern(found.worth, m_One()))
      found.worth = {};
  }
  return found;
}

static std::string multiplyFunctionFor(Type operand) {
  std::string name = multiplyFunction;
  llvm::raw_string_ostream(name) << "_" << operand;
  return name;
}

void lamina::declareMultiply(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  for (Type operand : {Type(b.getF32Type()), Type(b.getF64Type()),
                       Type(b.getIntegerType(16))}) {
    Type sum = operand.isF64() ? operand : Type(b.getF32Type());
    auto buffer = [](Type type) -> Type {
      return UnrankedMemRefType::get(type, 0);
    };
    SmallVector<Type> types{buffer(operand), buffer(operand), buffer(sum),
                            buffer(sum), buffer(b.getI8Type())};
    types.append(6, b.getIndexType());
    func::FuncOp::create(b, module.getLoc(), multiplyFunctionFor(operand),
                         b.getFunctionType(types, b.getI1Type()))
        .setPrivate();
  }
}

Value LibraryProduct::call(ImplicitLocOpBuilder &b) {
  auto unranked = [&](Value buffer) -> Value {
    Type element = getElementTypeOrSelf(buffer.getType());
    return memref::CastOp::create(b, UnrankedMemRefType::get(element, 0),
                                  buffer);
  };
  auto emit = [&]() -> Value {
    Points points(b, product.op);
    Value workspace = memref::AllocOp::create(
        b, MemRefType::get({workspaceBytes}, b.getI8Type()));
    SmallVector<Value> operands;
    for (Value buffer : {product.leftSource, product.rightSource, result,
                         bias ? bias : result, workspace})
      operands.push_back(unranked(buffer));
    for (ArrayRef<unsigned> loops :
         {ArrayRef(product.rows), ArrayRef(product.columns),
          ArrayRef(product.terms), ArrayRef(product.batch)})
      operands.push_back(points.volume(loops));
    operands.push_back(number(b, type));
    operands.push_back(number(b, flags | (bias ? withBias : 0)));
    std::string name =
        multiplyFunctionFor(getElementTypeOrSelf(product.leftSource.getType()));
    return func::CallOp::create(b, name, b.getI1Type(), operands).getResult(0);
  };
  if (!worth)
    return emit();
  auto choice = scf::IfOp::create(b, b.getI1Type(), worth, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, emit());
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(
      b, Value(arith::ConstantOp::create(b, b.getBoolAttr(false))));
  return choice.getResult(0);
}
