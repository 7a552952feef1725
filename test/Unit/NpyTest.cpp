//===- NpyTest.cpp - .npy and .npz files ----------------------------------===//

#include "lamina/Support/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <limits>
#include <random>

using namespace lamina;

/// A literal with its zeros, without the one at the end.
template <size_t N>
static std::string bytes(const char (&text)[N]) {
  return std::string(text, N - 1);
}

// Written by NumPy 2.4.6.
static const std::string f4_2x3 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': False, 'shape'"
    ": (2, 3), }                                                          "
    "\012\000\000\200\077\000\000\000@\000\000@@\000\000\200@\000\000\260@"
    "\000\000\300\300");
static const std::string fortran_i2 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<i2', 'fortran_order': True, 'shape':"
    " (2, 3), }                                                           "
    "\012\000\000\003\000\001\000\004\000\002\000\005\000");
static const std::string fortran_f8_3d = bytes(
    "\223NUMPY\001\000v\000{'descr': '<f8', 'fortran_order': True, 'shape':"
    " (2, 2, 2), }                                                        "
    "\012\000\000\000\000\000\000\000\000\000\000\000\000\000\000\020@\000"
    "\000\000\000\000\000\000@\000\000\000\000\000\000\030@\000\000\000\000"
    "\000\000\360\077\000\000\000\000\000\000\024@\000\000\000\000\000\000"
    "\010@\000\000\000\000\000\000\034@");
static const std::string big_f8 = bytes(
    "\223NUMPY\001\000v\000{'descr': '>f8', 'fortran_order': False, 'shape'"
    ": (2,), }                                                            "
    "\012\077\370\000\000\000\000\000\000\300\002\000\000\000\000\000\000");
static const std::string big_u2 = bytes(
    "\223NUMPY\001\000v\000{'descr': '>u2', 'fortran_order': False, 'shape'"
    ": (2,), }                                                            "
    "\012\000\001\002\003");
static const std::string bool_3 = bytes(
    "\223NUMPY\001\000v\000{'descr': '|b1', 'fortran_order': False, 'shape'"
    ": (3,), }                                                            "
    "\012\001\000\001");
static const std::string f2 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<f2', 'fortran_order': False, 'shape'"
    ": (4,), }                                                            "
    "\012\000<U5\000|\001\000");
static const std::string bf16 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<V2', 'fortran_order': False, 'shape'"
    ": (2,), }                                                            "
    "\012\200\077 \300");
static const std::string scalar_i8 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<i8', 'fortran_order': False, 'shape'"
    ": (), }                                                              "
    "\012\371\377\377\377\377\377\377\377");
static const std::string empty_u1 = bytes(
    "\223NUMPY\001\000v\000{'descr': '|u1', 'fortran_order': False, 'shape'"
    ": (0, 4), }                                                          "
    "\012");
static const std::string c8 = bytes(
    "\223NUMPY\001\000v\000{'descr': '<c8', 'fortran_order': False, 'shape'"
    ": (1,), }                                                            "
    "\012\000\000\000\000\000\000\000\000");
static const std::string stored = bytes(
    "PK\003\004-\000\000\000\000\000\000\000!\000\013\371\252-\377\377\377"
    "\377\377\377\377\377\005\000\024\000a.npy\001\000\020\000\210\000\000"
    "\000\000\000\000\000\210\000\000\000\000\000\000\000\223NUMPY\001\000v"
    "\000{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }         "
    "                                                   \012\001\000\000"
    "\000\002\000\000\000PK\003\004-\000\000\000\000\000\000\000!\000=>\343"
    "[\377\377\377\377\377\377\377\377\005\000\024\000b.npy\001\000\020\000"
    "\210\000\000\000\000\000\000\000\210\000\000\000\000\000\000\000\223NU"
    "MPY\001\000v\000{'descr': '<f8', 'fortran_order': False, 'shape': (), "
    "}                                                              \012"
    "\000\000\000\000\000\000\014@PK\001\002-\003-\000\000\000\000\000\000"
    "\000!\000\013\371\252-\210\000\000\000\210\000\000\000\005\000\000\000"
    "\000\000\000\000\000\000\000\000\200\001\000\000\000\000a.npyPK\001"
    "\002-\003-\000\000\000\000\000\000\000!\000=>\343[\210\000\000\000\210"
    "\000\000\000\005\000\000\000\000\000\000\000\000\000\000\000\200\001"
    "\277\000\000\000b.npyPK\005\006\000\000\000\000\002\000\002\000f\000"
    "\000\000~\001\000\000\000\000");
static const std::string deflated = bytes(
    "PK\003\004-\000\000\000\010\000\000\000!\000\373\345\2054\377\377\377"
    "\377\377\377\377\377\013\000\024\000weights.npy\001\000\020\000\320"
    "\000\000\000\000\000\000\000I\000\000\000\000\000\000\000\233\354\027"
    "\352\033\020\311\310P\306P\255\236\222Z\234\134\244n\245\240n\223f\242"
    "\256\243\240\236\226_TR\224\230\027\237_\224\222\012\022wK\314)N\005"
    "\212\027g$\026\244\002\371\032&:\012\246\232:\012\265\012d\003.\006*"
    "\003\000PK\003\004-\000\000\000\010\000\000\000!\000U\314O\315\377\377"
    "\377\377\377\377\377\377\010\000\024\000bias.npy\001\000\020\000\224"
    "\000\000\000\000\000\000\000P\000\000\000\000\000\000\000\233\354\027"
    "\352\033\020\311\310P\306P\255\236\222Z\234\134\244n\245\240n\223f\242"
    "\256\243\240\236\226_TR\224\230\027\237_\224\222\012\022wK\314)N\005"
    "\212\027g$\026\244\002\371\032\246:\232:\012\265\012\024\000.\0060h"
    "\260\007\022\016@\004\304\015\016\000PK\001\002-\003-\000\000\000\010"
    "\000\000\000!\000\373\345\2054I\000\000\000\320\000\000\000\013\000"
    "\000\000\000\000\000\000\000\000\000\000\200\001\000\000\000\000weight"
    "s.npyPK\001\002-\003-\000\000\000\010\000\000\000!\000U\314O\315P\000"
    "\000\000\224\000\000\000\010\000\000\000\000\000\000\000\000\000\000"
    "\000\200\001\206\000\000\000bias.npyPK\005\006\000\000\000\000\002\000"
    "\002\000o\000\000\000\020\001\000\000\000\000");

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

static NDArray read(const std::string &file) {
  llvm::Expected<NDArray> array = readNpy(file, "x.npy");
  if (!array) {
    ADD_FAILURE() << llvm::toString(array.takeError());
    return NDArray();
  }
  return std::move(*array);
}

template <class T>
static std::string errorOf(llvm::Expected<T> result) {
  if (!result)
    return llvm::toString(result.takeError());
  return "";
}

static std::vector<double> values(const NDArray &array) {
  std::vector<double> result;
  for (int64_t i = 0; i < array.size(); ++i)
    result.push_back(array.getDouble(i));
  return result;
}

static std::vector<int64_t> shape(const NDArray &array) {
  return array.shape().vec();
}

using Values = std::vector<double>;
using Shape = std::vector<int64_t>;

/// `file` with `from` replaced by `to`, which is as long.
static std::string edited(std::string file, std::string from, std::string to) {
  EXPECT_EQ(from.size(), to.size());
  size_t at = file.find(from);
  EXPECT_NE(at, std::string::npos);
  return file.replace(at, from.size(), to);
}

//===----------------------------------------------------------------------===//
// .npy
//===----------------------------------------------------------------------===//

TEST(Npy, readsWhatNumPyWrites) {
  NDArray array = read(f4_2x3);
  EXPECT_EQ(array.dtype(), DType::Float32);
  EXPECT_EQ(shape(array), (Shape{2, 3}));
  EXPECT_EQ(values(array), (Values{1, 2, 3, 4, 5.5, -6}));

  EXPECT_EQ(values(read(big_f8)), (Values{1.5, -2.25}));
  EXPECT_EQ(read(big_u2).dtype(), DType::UInt16);
  EXPECT_EQ(values(read(big_u2)), (Values{1, 515}));
  EXPECT_EQ(read(bool_3).dtype(), DType::Bool);
  EXPECT_EQ(values(read(bool_3)), (Values{1, 0, 1}));
  EXPECT_EQ(read(bf16).dtype(), DType::BFloat16);
  EXPECT_EQ(values(read(bf16)), (Values{1, -2.5}));
  EXPECT_EQ(values(read(f2)),
            (Values{1, 0.333251953125, std::numeric_limits<double>::infinity(),
                    0x1p-24}));
}

TEST(Npy, readsScalarsAndEmptyArrays) {
  NDArray scalar = read(scalar_i8);
  EXPECT_EQ(scalar.rank(), 0u);
  EXPECT_EQ(scalar.getInt(0), -7);
  NDArray empty = read(empty_u1);
  EXPECT_EQ(shape(empty), (Shape{0, 4}));
  EXPECT_EQ(empty.size(), 0);
}

TEST(Npy, transposesFortranOrder) {
  EXPECT_EQ(values(read(fortran_i2)), (Values{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(shape(read(fortran_i2)), (Shape{2, 3}));
  EXPECT_EQ(values(read(fortran_f8_3d)), (Values{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Npy, writesWhatNumPyWrites) {
  for (const std::string &file :
       {f4_2x3, bool_3, bf16, f2, scalar_i8, empty_u1})
    EXPECT_EQ(writeNpy(read(file)), file);
}

TEST(Npy, namesUnsupportedTypes) {
  std::string error = errorOf(readNpy(c8, "x.npy"));
  EXPECT_EQ(error,
            "x.npy: dtype '<c8' is not supported; accepted are bool, int8 to "
            "int64, uint8 to uint64, float16, bfloat16, float32 and float64");
}

TEST(Npy, refusesMalformedFiles) {
  EXPECT_EQ(errorOf(readNpy("hello", "x.npy")),
            "x.npy: not an .npy file: it does not begin with '\\x93NUMPY'");
  EXPECT_EQ(errorOf(readNpy(f4_2x3.substr(0, 60), "x.npy")),
            "x.npy: truncated .npy header");
  EXPECT_EQ(errorOf(readNpy(f4_2x3.substr(0, f4_2x3.size() - 3), "x.npy")),
            "x.npy: truncated: 24 bytes of elements expected, 21 found");
  EXPECT_EQ(errorOf(readNpy(f4_2x3 + "abc", "x.npy")),
            "x.npy: too long: 24 bytes of elements expected, 27 found");
  EXPECT_EQ(errorOf(readNpy(edited(f4_2x3, "(2, 3)", "(2,-3)"), "x.npy")),
            "x.npy: malformed .npy header: expected a size of at least 0 in "
            "'shape'");
  EXPECT_EQ(errorOf(readNpy(edited(f4_2x3, "'descr'", "'descx'"), "x.npy")),
            "x.npy: malformed .npy header: unknown key 'descx'");
}

TEST(Npy, refusesHugeShapesBeforeAllocating) {
  // 2^32 * 2^32 elements, and 10^12 elements that the file does not have.
  std::string room = "(2, 3), }" + std::string(20, ' ');
  EXPECT_EQ(
      errorOf(readNpy(edited(f4_2x3, room, "(4294967296, 4294967296), }  "),
                      "x.npy")),
      "x.npy: the shape in the .npy header is too large");
  EXPECT_EQ(
      errorOf(readNpy(edited(f4_2x3, room, "(1000000, 1000000), }        "),
                      "x.npy")),
      "x.npy: truncated: 4000000000000 bytes of elements expected, 24 "
      "found");
}

//===----------------------------------------------------------------------===//
// .npz
//===----------------------------------------------------------------------===//

TEST(Npz, readsStoredAndDeflatedMembers) {
  llvm::Expected<NamedArrays> arrays = readNpz(stored, "x.npz");
  ASSERT_TRUE(bool(arrays)) << llvm::toString(arrays.takeError());
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "a");
  EXPECT_EQ(values((*arrays)[0].second), (Values{1, 2}));
  EXPECT_EQ((*arrays)[1].first, "b");
  EXPECT_EQ(values((*arrays)[1].second), (Values{3.5}));

  arrays = readNpz(deflated, "x.npz");
  ASSERT_TRUE(bool(arrays)) << llvm::toString(arrays.takeError());
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ(shape((*arrays)[0].second), (Shape{4, 5}));
  EXPECT_EQ(values((*arrays)[1].second), (Values{0, 1, 2, 3, 4}));
}

TEST(Npz, roundTrip) {
  NamedArrays arrays;
  arrays.emplace_back("dense/kernel", read(f4_2x3));
  arrays.emplace_back("empty", read(empty_u1));
  std::string file = writeNpz(arrays);
  EXPECT_EQ(file, writeNpz(arrays));
  llvm::Expected<NamedArrays> again = readNpz(file, "x.npz");
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  ASSERT_EQ(again->size(), 2u);
  EXPECT_EQ((*again)[0].first, "dense/kernel");
  EXPECT_EQ(values((*again)[0].second), values(arrays[0].second));

  llvm::Expected<NamedArrays> none = readNpz(writeNpz({}), "x.npz");
  ASSERT_TRUE(bool(none)) << llvm::toString(none.takeError());
  EXPECT_TRUE(none->empty());
}

TEST(Npz, refusesMalformedFiles) {
  EXPECT_EQ(errorOf(readNpz("PK\3\4", "x.npz")),
            "x.npz: not an .npz file, or truncated: no zip directory found");
  std::string corrupt = stored;
  corrupt[stored.find("\x93NUMPY") + 128] ^= 1;
  EXPECT_EQ(errorOf(readNpz(corrupt, "x.npz")),
            "x.npz:a.npy: corrupt .npz file: the checksum is wrong");
}

//===----------------------------------------------------------------------===//
// Any bytes at all
//===----------------------------------------------------------------------===//

/// Changes, removes or repeats a few bytes.
static std::string mutated(std::string file, std::mt19937 &random) {
  static const unsigned char special[] = {0, 1, 0x7f, 0x80, 0xff, '(', '\''};
  for (unsigned n = 1 + random() % 4; n-- && !file.empty();) {
    size_t at = random() % file.size();
    switch (random() % 5) {
    case 0:
      file[at] = static_cast<char>(random());
      break;
    case 1:
      file[at] = static_cast<char>(special[random() % std::size(special)]);
      break;
    case 2:
      file.resize(at);
      break;
    case 3:
      file.erase(at, 1 + random() % 8);
      break;
    default:
      file.insert(at, file.substr(at, 1 + random() % 8));
    }
  }
  return file;
}

TEST(Npy, survivesMutations) {
  std::mt19937 random(1);
  const std::string seeds[] = {f4_2x3, fortran_f8_3d, big_f8, bool_3, c8};
  unsigned accepted = 0, refused = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    std::string file = mutated(seeds[i % std::size(seeds)], random);
    llvm::Expected<NDArray> array = readNpy(file, "x.npy");
    if (!array) {
      EXPECT_FALSE(llvm::toString(array.takeError()).empty());
      ++refused;
      continue;
    }
    ++accepted;
    // What was accepted is a real array.
    EXPECT_LE(array->bytes(), file.size());
    EXPECT_EQ(writeNpy(read(writeNpy(*array))), writeNpy(*array));
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 1000u);
}

TEST(Npz, survivesMutations) {
  std::mt19937 random(2);
  const std::string seeds[] = {stored, deflated};
  unsigned refused = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    std::string file = mutated(seeds[i % std::size(seeds)], random);
    llvm::Expected<NamedArrays> arrays = readNpz(file, "x.npz");
    if (arrays)
      continue;
    EXPECT_FALSE(llvm::toString(arrays.takeError()).empty());
    ++refused;
  }
  EXPECT_GT(refused, 1000u);
}
