//===- AbiTest.cpp - the object as a C program sees it --------------------===//
#include "CompileHelpers.h"
#include "lamina/Support/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cstdlib>

using namespace lamina;

namespace {
/// y = sqrt(x) @ kernel + bias, with embedded weights.
const char *dense = R"(
#m = affine_map<(i,j)->(i,j)>
#b = affine_map<(i,j)->(j)>
module attributes {lamina.model = "net"} {
func.func @forward(
    %x: tensor<?x10xf32> {lamina.role = "input", lamina.name = "x", lamina.dims = ["n", 10], lamina.dtype = "float32"},
    %k: tensor<10x5xf32> {lamina.role = "weight", lamina.name = "dense/kernel", lamina.dims = [10, 5],
        lamina.dtype = "float32", lamina.trainable = true, lamina.value = dense<0.5> : tensor<10x5xf32>},
    %b: tensor<5xf32> {lamina.role = "weight", lamina.name = "dense/bias", lamina.dims = [5], lamina.dtype = "float32",
        lamina.trainable = true, lamina.value = dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>})
    -> (tensor<?x5xf32> {lamina.role = "output", lamina.name = "y", lamina.dims = ["n", 5], lamina.dtype = "float32"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x10xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x10xf32>
  %e5 = tensor.empty(%n) : tensor<?x5xf32>
  %s = linalg.generic {indexing_maps = [#m, #m], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>) {
  ^bb0(%in: f32, %o: f32):
    %r = math.sqrt %in : f32
    linalg.yield %r : f32
  } -> tensor<?x10xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e5 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %p = linalg.matmul ins(%s, %k : tensor<?x10xf32>, tensor<10x5xf32>) outs(%f : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.generic {indexing_maps = [#m, #b, #m], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<?x5xf32>, tensor<5xf32>) outs(%e5 : tensor<?x5xf32>) {
  ^bb0(%in: f32, %c: f32, %o: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}
})";

const char *program = R"(
#include "net.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define CHECK(c) do { if (!(c)) { printf("line %d: %s\n", __LINE__, #c); return 1; } } while (0)

static int batch(const struct net_weights *w, int64_t n, int shift, int own_scratch) {
  char *xs = malloc(n * 40 + 64), *ys = malloc(n * 20 + 64);
  char *scratch = own_scratch ? malloc(net_forward_scratch(n) + 1) : NULL;
  float *x = (float *)(xs + shift), *y = (float *)(ys + shift);
  for (int64_t i = 0; i < n * 10; ++i) {
    float v = (float)(i % 97) / 7;
    memcpy(x + i, &v, 4);
  }
  memset(ys, 0x5a, n * 20 + 64);
  CHECK(net_forward(w, n, x, y, own_scratch ? scratch + shift % 2 : NULL) == NET_OK);
  for (int64_t r = 0; r < n; ++r) {
    double sum = 0;
    for (int c = 0; c < 10; ++c)
      sum += 0.5 * sqrt((float)((r * 10 + c) % 97) / 7);
    for (int c = 0; c < 5; ++c) {
      float got;
      memcpy(&got, y + r * 5 + c, 4);
      CHECK(fabs(got - (sum + c + 1)) < 1e-5 * (1 + sum));
    }
  }
  for (int i = 0; i < shift; ++i)
    CHECK(ys[i] == 0x5a); /* nothing before or behind is touched */
  for (int i = 0; i < 64 - shift; ++i)
    CHECK(ys[shift + n * 20 + i] == 0x5a);
  free(xs), free(ys), free(scratch);
  return 0;
}

int main(void) {
  float kernel[50], bias[5] = {1, 2, 3, 4, 5}, x[10] = {0}, y[5];
  for (int i = 0; i < 50; ++i)
    kernel[i] = 0.5f;
  struct net_weights weights = {kernel, bias};
  const int64_t sizes[] = {0, 1, 7, 13, 1000};
  for (int i = 0; i < 5; ++i)
    for (int shift = 0; shift < 8; ++shift)
      CHECK(batch(shift % 2 ? NULL : &weights, sizes[i], shift, i % 2) == 0);
  CHECK(net_forward(NULL, 0, NULL, NULL, NULL) == NET_OK);
  CHECK(net_forward(NULL, -1, x, y, NULL) == NET_ESIZE);
  CHECK(net_forward(NULL, INT64_MAX, x, y, NULL) == NET_ESIZE);
  CHECK(net_forward(NULL, INT64_MAX / 40 + 1, x, y, NULL) == NET_ESIZE);
  CHECK(net_forward(NULL, 1, NULL, y, NULL) == NET_ENULL);
  CHECK(net_forward(NULL, 1, x, NULL, NULL) == NET_ENULL);
  weights.dense_bias = NULL;
  CHECK(net_forward(&weights, 1, x, y, NULL) == NET_EWEIGHTS);
  CHECK(net_forward_scratch(-5) == 0 && net_forward_scratch(1000) >= net_forward_scratch(1));
  CHECK(strstr(net_error(NET_ESIZE), "size") && strlen(net_error(99)));
  puts("fine");
  return 0;
}
)";

class AbiTest : public CompileTest {
protected:
  AbiTest() { llvm::sys::fs::createUniqueDirectory("lamina-abi", directory); }
  ~AbiTest() override { llvm::sys::fs::remove_directories(directory); }

  std::string path(llvm::StringRef file) {
    llvm::SmallString<128> full(directory);
    llvm::sys::path::append(full, file);
    return full.str().str();
  }
  void write(llvm::StringRef file, llvm::StringRef contents) {
    ASSERT_FALSE(contents.empty()) << file.str() << ": " << errors;
    ASSERT_FALSE(bool(writeFile(path(file), contents)));
  }
  /// The exit status of a shell command in the directory, and its output.
  int shell(const std::string &command) {
    int status = std::system(
        ("cd " + path("") + " && (" + command + ") > log 2>&1").c_str());
    auto text = llvm::MemoryBuffer::getFile(path("log"));
    output = text ? (*text)->getBuffer().str() : "";
    return status;
  }

  llvm::SmallString<128> directory;
  std::string output;
};
} // namespace

TEST_F(AbiTest, aCProgramCallsTheObject) {
  write("net.o", emit(dense, "obj"));
  write("net.h", emit(dense, "header"));
  write("main.c", program);
  ASSERT_EQ(shell("cc -std=c99 -Wall -Wextra -Werror main.c net.o -lm -o main "
                  "&& ./main"),
            0)
      << output;
  EXPECT_EQ(output, "fine\n");
  // The header on its own, as C++.
  write("use.cpp",
        "#include \"net.h\"\nint main() { return net_error(0) == nullptr; }\n");
  EXPECT_EQ(
      shell("c++ -Wall -Wextra -Werror use.cpp net.o -lm -o use && ./use"), 0)
      << output;
}

TEST_F(AbiTest, everyMachineAndLevelGivesTheSameNumbers) {
  write("net.h", emit(dense, "header"));
  write("main.c", program);
  for (const char *mcpu : {"x86-64", "x86-64-v2", "x86-64-v3", "native"})
    for (unsigned level : {0u, 2u}) {
      SCOPED_TRACE(std::string(mcpu) + " -O" + std::to_string(level));
      options.mcpu = mcpu;
      options.optLevel = level;
      write("net.o", emit(dense, "obj"));
      EXPECT_EQ(shell("cc main.c net.o -lm -o main && ./main"), 0) << output;
    }
}

TEST_F(AbiTest, archiveAndSharedLibraryLink) {
  write("net.h", emit(dense, "header"));
  write("main.c", program);
  write("libnet.a", emit(dense, "lib"));
  EXPECT_EQ(shell("cc main.c libnet.a -lm -o main && ./main"), 0) << output;
  write("net.so", emit(dense, "so"));
  EXPECT_EQ(shell("cc main.c ./net.so -lm -o main && LD_LIBRARY_PATH=. ./main"),
            0)
      << output;
}

TEST_F(AbiTest, onlyLibcAndLibmAreUndefined) {
  std::string narrow = R"(
func.func @f(%x: tensor<?xf16>, %y: tensor<?xbf16>, %z: tensor<?xf64>) -> (tensor<?xf16>, tensor<?xbf16>, tensor<?xf16>) {
  %a = lam.exp %x : tensor<?xf16>
  %b = lam.tanh %y : tensor<?xbf16>
  %c = lam.cast %z : tensor<?xf64> -> tensor<?xf16>
  return %a, %b, %c : tensor<?xf16>, tensor<?xbf16>, tensor<?xf16>
})";
  for (const char *mcpu : {"x86-64", "x86-64-v3", "native"}) {
    options.mcpu = mcpu;
    for (const std::string &text : {narrow, std::string(dense)}) {
      write("m.o", emit(text, "obj"));
      // A shared library without libc would not link if libm and libc were not
      // enough.
      EXPECT_EQ(shell("cc -shared -Wl,-z,defs m.o -lm -o m.so && nm -u m.o"), 0)
          << output;
      EXPECT_EQ(output.find("__"), std::string::npos) << output;
      EXPECT_EQ(output.find("memref"), std::string::npos) << output;
    }
  }
}

TEST_F(AbiTest, sizesThatOverflowAreRefused) {
  // The result and a temporary have n * n rows, which is 0 in 64 bits for n =
  // 2^33.
  const char *square = R"(
func.func @forward(%x: tensor<?x0xf32> {lamina.role = "input", lamina.name = "x", lamina.dims = ["n", 0], lamina.dtype = "float32"})
    -> (tensor<?xi8> {lamina.role = "output", lamina.name = "y", lamina.dims = ["n*n"], lamina.dtype = "int8"}) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i8
  %n = tensor.dim %x, %c0 : tensor<?x0xf32>
  %nn = arith.muli %n, %n : index
  %e = tensor.empty(%nn) : tensor<?xi8>
  %y = linalg.fill ins(%one : i8) outs(%e : tensor<?xi8>) -> tensor<?xi8>
  return %y : tensor<?xi8>
})";
  write("model.h", emit(square, "header"));
  write("model.o", emit(square, "obj"));
  write("main.c", R"(
#include "model.h"
int main(void) {
  int8_t y[10] = {0};
  if (model_forward(0, 3, 0, y, 0) != MODEL_OK || y[8] != 1 || y[9] != 0)
    return 1;
  if (model_forward(0, (int64_t)1 << 33, 0, y, 0) != MODEL_ESIZE)
    return 2;
  return model_forward(0, INT64_MAX, 0, y, 0) != MODEL_ESIZE;
}
)");
  EXPECT_EQ(shell("cc main.c model.o -lm -o main && ./main"), 0) << output;
}

TEST_F(AbiTest, theSameInputGivesTheSameBytes) {
  for (const Artefact &artefact : artefactTable()) {
    // ptxas makes these, where it is installed: test/Gpu/ptxas.test.
    if (llvm::is_contained({"cubin", "sass", "resources"},
                           llvm::StringRef(artefact.name)))
      continue;
    SCOPED_TRACE(artefact.name);
    options.target = llvm::StringRef(artefact.name) == "ptx" ? "cuda" : "cpu";
    std::string first = emit(dense, artefact.name);
    EXPECT_FALSE(first.empty()) << errors;
    EXPECT_TRUE(first == emit(dense, artefact.name));
  }
}

TEST_F(AbiTest, theManifestDescribesTheCall) {
  auto json = llvm::json::parse(emit(dense, "manifest"));
  ASSERT_TRUE(bool(json)) << llvm::toString(json.takeError());
  const llvm::json::Object &root = *json->getAsObject();
  const llvm::json::Object &entry =
      *(*root.getArray("entry_points"))[0].getAsObject();
  EXPECT_EQ(entry.getString("symbol"), "net_forward");
  std::string roles;
  for (const llvm::json::Value &argument : *entry.getArray("arguments"))
    roles += argument.getAsObject()->getString("role")->str() + " ";
  EXPECT_EQ(roles, "weights batch input output scratch ");
  const llvm::json::Object &x =
      *(*entry.getArray("arguments"))[2].getAsObject();
  EXPECT_EQ(x.getString("dtype"), "float32");
  EXPECT_EQ((*x.getArray("shape"))[0].getAsString(), "n");
  EXPECT_EQ((*x.getArray("shape"))[1].getAsInteger(), 10);
  const llvm::json::Object &bias =
      *(*root.getArray("weights"))[1].getAsObject();
  EXPECT_EQ(bias.getString("name"), "dense/bias");
  EXPECT_EQ(bias.getString("field"), "dense_bias");
  EXPECT_EQ(bias.getBoolean("trainable"), true);
}

TEST_F(AbiTest, anUnknownProcessorIsAnErrorWithSuggestions) {
  options.mcpu = "x86-64-v33";
  EXPECT_EQ(emit(dense, "obj"), "");
  EXPECT_NE(errors.find("x86-64-v3"), std::string::npos) << errors;
}
