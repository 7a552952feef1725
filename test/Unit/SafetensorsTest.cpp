//===- SafetensorsTest.cpp - .safetensors files ---------------------------===//

#include "lamina/Support/Safetensors.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {

/// A file image of a header and the data behind it.
std::string image(const std::string &header, const std::string &data) {
  std::string result;
  for (unsigned i = 0; i < 8; ++i)
    result += static_cast<char>(uint64_t(header.size()) >> (8 * i) & 0xff);
  return result + header + data;
}

std::string errorOf(const std::string &bytes) {
  llvm::Expected<NamedArrays> arrays = readSafetensors(bytes, "w.safetensors");
  if (arrays)
    return "read";
  return llvm::toString(arrays.takeError());
}

std::string errorOf(const std::string &header, const std::string &data) {
  return errorOf(image(header, data));
}

TEST(Safetensors, BytesWrittenByHand) {
  std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"b\":{\"dtype\":\"I16\",\"shape\":[],\"data_offsets\":[8,10]},"
      "\"a\":{\"shape\":[2,1],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}";
  ASSERT_EQ(header.size(), 140u);
  std::string bytes("\x8c\0\0\0\0\0\0\0", 8);
  bytes += header;
  bytes += std::string("\0\0\x80\x3f\0\0\0\xc0\xfe\xff", 10);
  llvm::Expected<NamedArrays> arrays = readSafetensors(bytes, "w");
  ASSERT_TRUE(bool(arrays)) << llvm::toString(arrays.takeError());
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "a"); // the order of the data
  EXPECT_EQ((*arrays)[0].second.dtype(), DType::Float32);
  EXPECT_EQ((*arrays)[0].second.shape(), llvm::ArrayRef<int64_t>({2, 1}));
  EXPECT_EQ((*arrays)[0].second.getDouble(0), 1.0);
  EXPECT_EQ((*arrays)[0].second.getDouble(1), -2.0);
  EXPECT_EQ((*arrays)[1].first, "b");
  EXPECT_EQ((*arrays)[1].second.rank(), 0u);
  EXPECT_EQ((*arrays)[1].second.getInt(0), -2);
}

TEST(Safetensors, WrittenBytes) {
  NDArray a(DType::Float32, {1}), b(DType::UInt8, {2});
  a.setDouble(0, 1.0);
  b.setInt(1, 7);
  // Narrow elements last; the header is padded to a multiple of eight.
  std::string header =
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
      "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]}}";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(writeSafetensors({{"b", b}, {"a", a}}),
            image(header, std::string("\0\0\x80\x3f\0\7", 6)));
  EXPECT_EQ(writeSafetensors({}), image("{}      ", ""));
}

TEST(Safetensors, RoundTripOfEveryType) {
  NamedArrays arrays;
  for (DType dtype :
       {DType::Float64, DType::Int64, DType::UInt64, DType::Float32,
        DType::Int32, DType::UInt32, DType::Float16, DType::BFloat16,
        DType::Int16, DType::UInt16, DType::Int8, DType::UInt8, DType::Bool}) {
    NDArray array(dtype, {2, 3});
    for (int64_t i = 0; i < 6; ++i)
      array.setInt(i, dtype == DType::Bool ? i & 1 : i);
    arrays.emplace_back(("layer é/" + name(dtype)).str(), std::move(array));
  }
  arrays.emplace_back("none", NDArray(DType::Bool, {0, 5}));
  std::string bytes = writeSafetensors(arrays);
  llvm::Expected<NamedArrays> back = readSafetensors(bytes, "w");
  ASSERT_TRUE(bool(back)) << llvm::toString(back.takeError());
  ASSERT_EQ(back->size(), arrays.size());
  for (auto [expected, actual] : llvm::zip(arrays, *back)) {
    EXPECT_EQ(actual.first, expected.first);
    EXPECT_EQ(actual.second.dtype(), expected.second.dtype());
    ASSERT_EQ(actual.second.shape(), expected.second.shape());
    for (int64_t i = 0; i < expected.second.size(); ++i)
      EXPECT_EQ(actual.second.getInt(i), expected.second.getInt(i));
  }
  EXPECT_EQ(writeSafetensors(*back), bytes);
}

TEST(Safetensors, NoSuchFile) {
  const char *neither = "w.safetensors: not an .npz or .safetensors file";
  EXPECT_EQ(errorOf(""), "w.safetensors: not a .safetensors file: it is "
                         "shorter than 8 bytes");
  EXPECT_EQ(errorOf("no array at all"), neither);
  EXPECT_EQ(errorOf(std::string(64, '\0')), neither);
  EXPECT_EQ(errorOf(std::string(64, '\xff')), neither);
  EXPECT_EQ(errorOf(image("[]", "")), neither);
  EXPECT_EQ(errorOf(image("{}", "").substr(0, 9)),
            "w.safetensors: truncated: a header of 2 bytes expected, 1 found");
  EXPECT_NE(errorOf("{", "").find("not an"), std::string::npos);
  EXPECT_NE(errorOf("{,}", "").find("malformed"), std::string::npos);
  EXPECT_NE(errorOf("{\"a\":\"\xff\"}", "").find("malformed"),
            std::string::npos);
  // As deep as the stack of a recursive parser is not.
  std::string deep = "{\"a\":" + std::string(1000000, '[');
  EXPECT_NE(errorOf(deep, "").find("no flat JSON"), std::string::npos);
}

std::string tensor(const std::string &dtype, const std::string &shape,
                   const std::string &offsets) {
  return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}}";
}

TEST(Safetensors, WrongEntries) {
  std::string four(4, '\0');
  EXPECT_EQ(errorOf(tensor("F32", "[1]", "[0,4]"), four), "read");
  auto expect = [&](const std::string &header, const std::string &part) {
    std::string error = errorOf(header, four);
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_NE(error.find("'a'"), std::string::npos) << error;
  };
  expect(tensor("F8_E4M3", "[4]", "[0,4]"), "dtype 'F8_E4M3'");
  expect(tensor("F32", "[-1]", "[0,4]"), "not a number of at least 0");
  expect(tensor("F32", "[1.5]", "[0,4]"), "not a number of at least 0");
  expect(tensor("F32", "[\"n\"]", "[0,4]"), "not a number of at least 0");
  expect(tensor("F32", "1", "[0,4]"), "does not have");
  expect(tensor("F32", "[1]", "[0]"), "not two numbers in order");
  expect(tensor("F32", "[1]", "[4,0]"), "not two numbers in order");
  expect(tensor("F32", "[1]", "[-4,0]"), "not two numbers in order");
  expect(tensor("F32", "[1]", "[0,3]"), "needs 4 bytes");
  expect(tensor("F32", "[2]", "[0,4]"), "needs 8 bytes");
  expect(tensor("F32", "[2]", "[0,8]"), "truncated");
  expect(tensor("U8", "[2]", "[2,4]"), "no tensor has the 2 bytes");
  expect(tensor("F32", "[4611686018427387904,4]", "[0,4]"), "more bytes");
  expect(tensor("F32", "[4611686018427387904,2,1]", "[0,4]"), "more bytes");
  expect("{\"a\":3}", "does not have");
  expect("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],"
         "\"more\":1}}",
         "unknown key 'more'");
  EXPECT_NE(errorOf(tensor("U8", "[2]", "[0,2]"), four).find("too long"),
            std::string::npos);
  // Of two equal keys, JSON keeps one; the other's bytes belong to nobody.
  std::string error =
      errorOf("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
              "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}",
              four);
  EXPECT_NE(error.find("'b' overlaps"), std::string::npos) << error;
  EXPECT_EQ(errorOf(tensor("F32", "[0,4611686018427387904,8]", "[0,0]"), ""),
            "read");
}

} // namespace
