//===- LamDialect.cpp - the lam dialect -----------------------------------===//

#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace lamina::lam;

#include "lamina/Lam/LamDialect.cpp.inc"
#include "lamina/Lam/LamEnums.cpp.inc"
#include "lamina/Lam/LamInterfaces.cpp.inc"

Type lamina::lam::boolLike(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.clone(IntegerType::get(type.getContext(), 1)) : type;
}

void LamDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
}

Operation *LamDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value);
      elements && elements.getType() == type)
    return ConstantOp::create(builder, loc, elements);
  // A folded size or index belongs to arith.
  if (arith::ConstantOp::isBuildableWith(value, type))
    return arith::ConstantOp::create(builder, loc, type,
                                     cast<TypedAttr>(value));
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Offsets: [%a, 3, %b]
//===----------------------------------------------------------------------===//

static ParseResult
parseMixedOffsets(OpAsmParser &parser,
                  SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
                  DenseI64ArrayAttr &offsets) {
  SmallVector<int64_t> numbers;
  auto parseOne = [&]() -> ParseResult {
    OpAsmParser::UnresolvedOperand operand;
    OptionalParseResult parsed = parser.parseOptionalOperand(operand);
    if (parsed.has_value()) {
      if (failed(*parsed))
        return failure();
      operands.push_back(operand);
      numbers.push_back(ShapedType::kDynamic);
      return success();
    }
    return parser.parseInteger(numbers.emplace_back());
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseOne))
    return failure();
  offsets = parser.getBuilder().getDenseI64ArrayAttr(numbers);
  return success();
}

static void printMixedOffsets(OpAsmPrinter &printer, Operation *,
                              OperandRange operands,
                              DenseI64ArrayAttr offsets) {
  unsigned next = 0;
  printer << '[';
  llvm::interleaveComma(offsets.asArrayRef(), printer, [&](int64_t number) {
    // Too few operands is for the verifier to report; printing must not crash.
    if (ShapedType::isDynamic(number) && next < operands.size())
      printer << operands[next++];
    else
      printer << number;
  });
  printer << ']';
}

#define GET_OP_CLASSES
#include "lamina/Lam/LamOps.cpp.inc"
