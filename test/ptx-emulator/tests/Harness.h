// Drives the emulator as a program would: dlopen and the driver's functions.
#ifndef PTX_EMULATOR_HARNESS_H
#define PTX_EMULATOR_HARNESS_H

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace harness {

// Calls the driver's function `name`. Handles and results have other types
// there, of the same size.
template <class... A>
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
int cu(const char *name, A... args) {
  static void *library = dlopen(PTX_EMULATOR_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    ADD_FAILURE() << dlerror();
    abort();
  }
  void *symbol = dlsym(library, name);
  if (!symbol) {
    ADD_FAILURE() << "no function " << name;
    abort();
  }
  return reinterpret_cast<int (*)(A...)>(symbol)(args...);
}

using Pointer = unsigned long long;

// A context without errors of earlier tests.
inline void start() {
  void *context = nullptr;
  ASSERT_EQ(cu("cuInit", 0u), 0);
  ASSERT_EQ(cu("cuDevicePrimaryCtxRetain", &context, 0), 0);
  ASSERT_EQ(cu("cuCtxSetCurrent", context), 0);
  ASSERT_EQ(cu("cuDevicePrimaryCtxReset_v2", 0), 0);
}

struct Loaded {
  int result = 0;
  void *module = nullptr;
  std::string log;
  Loaded() = default;
  Loaded(const Loaded &) = delete;
  ~Loaded() {
    if (module)
      cu("cuModuleUnload", module);
  }
};

inline void load(Loaded &loaded, const std::string &ptx) {
  char log[4096] = "";
  int options[] = {5, 6};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  loaded.result = cu("cuModuleLoadDataEx", &loaded.module,
                     (const void *)ptx.c_str(), 2u, options, values);
  loaded.log = log;
}

// Device memory with the values of a vector, or without any.
template <class T>
struct Buffer {
  Pointer address = 0;
  size_t count = 0;
  explicit Buffer(const std::vector<T> &values) : Buffer(values.size()) {
    EXPECT_EQ(cu("cuMemcpyHtoD_v2", address, (const void *)values.data(),
                 sizeof(T) * count),
              0);
  }
  explicit Buffer(size_t count) : count(count) {
    EXPECT_EQ(cu("cuMemAlloc_v2", &address, sizeof(T) * count), 0);
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { cu("cuMemFree_v2", address); }
  std::vector<T> read() const {
    std::vector<T> values(count);
    EXPECT_EQ(cu("cuMemcpyDtoH_v2", (void *)values.data(), address,
                 sizeof(T) * count),
              0);
    return values;
  }
};

struct Grid {
  unsigned x, y;
  Grid(unsigned x, unsigned y = 1) : x(x), y(y) {}
};

// Launches and waits; the arguments are the kernel's parameters.
template <class... A>
int launch(const Loaded &loaded, const char *kernel, Grid grid, unsigned block,
           unsigned shared, A... args) {
  void *function = nullptr;
  if (int result = cu("cuModuleGetFunction", &function, loaded.module, kernel))
    return result;
  void *params[] = {&args..., nullptr};
  void *none = nullptr;
  if (int result = cu("cuLaunchKernel", function, grid.x, grid.y, 1u, block, 1u,
                      1u, shared, none, (void **)params, (void **)nullptr))
    return result;
  return cu("cuCtxSynchronize");
}

// The same, with what the emulator printed.
template <class... A>
int report(std::string &text, const Loaded &loaded, const char *kernel,
           Grid grid, unsigned block, unsigned shared, A... args) {
  testing::internal::CaptureStderr();
  int result = launch(loaded, kernel, grid, block, shared, args...);
  text = testing::internal::GetCapturedStderr();
  return result;
}

inline std::string header(unsigned sm = 90) {
  return ".version 8.0\n.target sm_" + std::to_string(sm) +
         "\n.address_size 64\n";
}

inline std::string readFile(const std::string &name) {
  std::ifstream file(std::string(PTX_EMULATOR_INPUTS) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << "cannot read " << name;
  return text.str();
}

// `text` with its one `from` replaced.
inline std::string replaced(std::string text, const std::string &from,
                            const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos)
      << from << " is there twice";
  return text.replace(at, from.size(), to);
}

// An environment variable, for the life of the object.
struct WithVariable {
  std::string name;
  WithVariable(const char *name, const char *value) : name(name) {
    setenv(name, value, 1);
  }
  ~WithVariable() { unsetenv(name.c_str()); }
};
struct WithSchedule : WithVariable {
  explicit WithSchedule(const char *value)
      : WithVariable("LAMINA_PTX_EMULATOR_SCHEDULE", value) {}
};
inline const std::vector<const char *> schedules = {"round-robin", "warp",
                                                    "reverse", "random:3"};

// What one thread computes: the inputs are in %d1.. as 64 bits, in %r1.. and
// %h1.. as the low 32 and 16, in %p1.. as whether they are not 0. The code
// leaves its results in %d0, %r0, %h0 and %p0.
struct Results {
  uint64_t d;
  uint32_t r;
  uint16_t h;
  uint8_t p;
};
inline std::string evaluationKernel(const std::string &code) {
  std::string text = header() + ".visible .entry k(.param .u64 out";
  for (int i = 1; i <= 4; ++i)
    text += ", .param .u64 in" + std::to_string(i);
  text += ")\n{\n.reg .b64 %d<20>;\n.reg .b32 %r<40>;\n.reg .b16 %h<20>;\n.reg "
          ".pred %p<20>;\n.reg .b64 %out;\n"
          "ld.param.u64 %out, [out];\n";
  for (int i = 1; i <= 4; ++i) {
    std::string n = std::to_string(i);
    text += "ld.param.u64 %d" + n + ", [in" + n + "];\ncvt.u32.u64 %r" + n +
            ", %d" + n + ";\ncvt.u16.u64 %h" + n + ", %d" + n +
            ";\nsetp.ne.u64 %p" + n + ", %d" + n + ", 0;\n";
  }
  text += "mov.b64 %d0, 0;\nmov.b32 %r0, 0;\nmov.b16 %h0, 0;\nsetp.ne.b32 %p0, "
          "0, 0;\n" +
          code +
          "\nst.global.b64 [%out], %d0;\nst.global.b32 [%out+8], "
          "%r0;\nst.global.b16 [%out+12], %h0;\n"
          "selp.b16 %h0, 1, 0, %p0;\nst.global.b8 [%out+14], %h0;\nret;\n}\n";
  return text;
}
inline Results evaluate(const std::string &code, std::vector<uint64_t> inputs) {
  start();
  Loaded loaded;
  load(loaded, evaluationKernel(code));
  EXPECT_EQ(loaded.result, 0) << loaded.log;
  Buffer<uint64_t> out(std::vector<uint64_t>(2));
  inputs.resize(4);
  if (!loaded.result)
    EXPECT_EQ(launch(loaded, "k", 1, 1, 0, out.address, inputs[0], inputs[1],
                     inputs[2], inputs[3]),
              0)
        << code;
  Results results{};
  std::vector<uint64_t> bytes = out.read();
  memcpy(&results, bytes.data(), 15);
  return results;
}

inline uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }
inline uint64_t bits(double value) { return std::bit_cast<uint64_t>(value); }
inline float asFloat(uint32_t word) { return std::bit_cast<float>(word); }
inline double asDouble(uint64_t word) { return std::bit_cast<double>(word); }

} // namespace harness

#endif
