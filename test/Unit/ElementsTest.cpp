//===- ElementsTest.cpp - arrays to attributes and back -------------------===//
#include "lamina/Support/Elements.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {

constexpr DType allTypes[] = {DType::Bool,    DType::Int8,     DType::Int16,
                              DType::Int32,   DType::Int64,    DType::UInt8,
                              DType::UInt16,  DType::UInt32,   DType::UInt64,
                              DType::Float16, DType::BFloat16, DType::Float32,
                              DType::Float64};

TEST(Elements, RoundTripOfEveryType) {
  mlir::MLIRContext context;
  for (DType dtype : allTypes)
    for (llvm::SmallVector<int64_t> shape :
         {llvm::SmallVector<int64_t>{}, {0, 3}, {1}, {2, 3}, {17}}) {
      NDArray array(dtype, shape);
      for (int64_t i = 0; i < array.size(); ++i)
        array.setInt(i, dtype == DType::Bool ? i % 3 == 1 : i + 1);
      std::optional<NDArray> back = fromElements(toElements(array, &context));
      ASSERT_TRUE(back) << name(dtype).str();
      EXPECT_EQ(back->dtype(), dtype);
      ASSERT_EQ(back->shape(), array.shape());
      for (int64_t i = 0; i < array.size(); ++i)
        EXPECT_EQ(back->getInt(i), array.getInt(i)) << name(dtype).str();
    }
}

TEST(Elements, EqualElementsAreASplat) {
  mlir::MLIRContext context;
  for (DType dtype : allTypes) {
    NDArray array(dtype, {4, 5});
    for (int64_t i = 0; i < array.size(); ++i)
      array.setInt(i, 1);
    mlir::DenseElementsAttr attr = toElements(array, &context);
    EXPECT_TRUE(attr.isSplat()) << name(dtype).str();
    std::optional<NDArray> back = fromElements(attr);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->getInt(19), 1);
    array.setInt(19, 0);
    EXPECT_FALSE(toElements(array, &context).isSplat()) << name(dtype).str();
  }
}

} // namespace
