// Modules, kernels and their launch.
#include "DeviceMemory.h"
#include "Driver.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace ptx;
using namespace ptx::driver;

LoadedModule::~LoadedModule() {
  for (const CompiledKernel &kernel : compiled)
    release(kernel);
  for (auto &[name, address] : globals)
    DeviceMemory::get().free(address);
}

// Puts .global and .const variables into device memory.
static Result placeGlobals(LoadedModule &loaded, std::string &error) {
  DeviceMemory &memory = DeviceMemory::get();
  for (const Variable &variable : loaded.ptx->variables) {
    if (variable.space != Space::Global && variable.space != Space::Const)
      continue;
    if (variable.isExtern) {
      error = "line " + std::to_string(variable.line) +
              ": unresolved extern variable '" + variable.name + "'";
      return InvalidPtx;
    }
    uint64_t bytes = std::max<uint64_t>(1, variable.bytes());
    uint64_t address = memory.allocate(bytes, variable.align);
    if (!address)
      return OutOfMemory;
    loaded.globals[variable.name] = address;
    loaded.globalSizes[variable.name] = bytes;
  }
  for (const Variable &variable : loaded.ptx->variables) {
    if (variable.space != Space::Global && variable.space != Space::Const)
      continue;
    uint64_t address = loaded.globals[variable.name];
    unsigned width = variable.type.width() / 8;
    // Without an initializer the variable is zero, as the rest of a shorter
    // one.
    memset(memory.host(address), 0, variable.bytes());
    for (unsigned i = 0; i < variable.initializer.size(); ++i) {
      const Operand &value = variable.initializer[i];
      uint64_t bits = value.value;
      if (value.kind == Operand::Symbol) {
        auto it = loaded.globals.find(value.name);
        if (it == loaded.globals.end() || width != 8) {
          error = "line " + std::to_string(variable.line) + ": '" + value.name +
                  "' does not initialize '" + variable.name + "'";
          return InvalidPtx;
        }
        bits += it->second;
      } else if (value.kind == Operand::Float && !value.single && width == 4) {
        double wide;
        memcpy(&wide, &bits, sizeof wide);
        float narrow = wide;
        memcpy(&bits, &narrow, sizeof narrow);
      }
      memcpy(memory.host(address) + i * width, &bits, std::min(width, 8u));
    }
    memory.markInitialized(
        address, std::max<uint64_t>(1, variable.bytes()),
        variable.space == Space::Const ? DeviceMemory::ReadOnly : 0);
  }
  return Success;
}

// Emits all kernels, so that an unknown instruction in any of them is an error
// of the module; code is made when a kernel is asked for.
static Result emitKernels(LoadedModule &loaded, std::string &error) {
  for (const auto &function : loaded.ptx->functions) {
    if (!function->isEntry || !function->isDefined)
      continue;
    auto context = std::make_unique<llvm::LLVMContext>();
    Emitter emitter(*loaded.ptx, loaded.globals, loaded.sites, *context);
    std::unique_ptr<llvm::Module> module = emitter.emit(*function, error);
    if (!module)
      return InvalidPtx;
    auto handle = std::make_unique<FunctionHandle>();
    handle->module = &loaded;
    handle->source = function.get();
    handle->kernel.name = function->name;
    handle->kernel.module = loaded.ptx.get();
    handle->kernel.suspends = emitter.suspends();
    handle->kernel.sharedBytes = emitter.sharedBytes();
    handle->kernel.localSize = emitter.localBytesUsed();
    for (const Variable &param : function->params) {
      handle->parameterBytes =
          (handle->parameterBytes + param.align - 1) & -param.align;
      handle->parameterOffsets.push_back(handle->parameterBytes);
      handle->parameterBytes += param.bytes();
    }
    loaded.functions[function->name] = std::move(handle);
    loaded.pending[function->name].module =
        llvm::orc::ThreadSafeModule(std::move(module), std::move(context));
  }
  return Success;
}

static Result load(LoadedModule &loaded, const char *text, std::string &error) {
  if (!memcmp(text,
              "\x7f"
              "ELF",
              4) ||
      !memcmp(text, "\x50\xed\x55\xba", 4)) {
    error = "the image is machine code, the emulator executes PTX text";
    return NoBinaryForGpu;
  }
  loaded.ptx = parse(text, error);
  if (!loaded.ptx)
    return InvalidPtx;
  if (loaded.ptx->version > 90) {
    error = "PTX versions up to 9.0 are supported";
    return UnsupportedPtxVersion;
  }
  const std::string &target = loaded.ptx->target;
  unsigned needed = strtoul(target.c_str() + 3, nullptr, 10);
  bool exact = target.back() == 'a' || target.back() == 'f';
  if (needed > computeCapability() ||
      (exact && needed != computeCapability())) {
    error = "the module is for " + target + ", the device is sm_" +
            std::to_string(computeCapability());
    return NoBinaryForGpu;
  }
  if (Result result = placeGlobals(loaded, error))
    return result;
  return emitKernels(loaded, error);
}

// CU_JIT_INFO_LOG_BUFFER 3, its size 4, CU_JIT_ERROR_LOG_BUFFER 5, its size 6.
// Values of options, also sizes, lie in the pointers themselves.
PTX_API cuModuleLoadDataEx(LoadedModule **module, const void *image,
                           unsigned count, int *options, void **values) {
  PTX_GUARD
  if (!module || !image)
    return InvalidValue;
  auto loaded = std::make_unique<LoadedModule>();
  std::string error;
  Result result = load(*loaded, static_cast<const char *>(image), error);
  char *log = nullptr;
  unsigned *sizeSlot = nullptr, *infoSlot = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == 5)
      log = static_cast<char *>(values[i]);
    if (options[i] == 6) {
      size = reinterpret_cast<uintptr_t>(values[i]) & 0xffffffff;
      sizeSlot = reinterpret_cast<unsigned *>(values + i);
    }
    if (options[i] == 4)
      infoSlot = reinterpret_cast<unsigned *>(values + i);
  }
  if (log && size) {
    snprintf(log, size, "%s", error.c_str());
    *sizeSlot = std::min(size, error.size() + 1);
  } else if (result)
    fprintf(stderr, "ptx-emulator: %s\n", error.c_str());
  if (infoSlot)
    *infoSlot = 0;
  if (!result)
    *module = loaded.release();
  return result;
}

PTX_API cuModuleLoadData(LoadedModule **module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

PTX_API cuModuleLoad(LoadedModule **module, const char *path) {
  std::ifstream file(path);
  if (!file)
    return FileNotFound;
  std::stringstream text;
  text << file.rdbuf();
  return cuModuleLoadDataEx(module, text.str().c_str(), 0, nullptr, nullptr);
}

PTX_API cuModuleUnload(LoadedModule *module) {
  Guard guard;
  if (guard.error == NotInitialized || guard.error == InvalidContext)
    return guard.error;
  if (!module)
    return InvalidHandle;
  Result result = guard.error ? guard.error : drainAll(guard.context());
  delete module;
  return result;
}

PTX_API cuModuleGetFunction(FunctionHandle **function, LoadedModule *module,
                            const char *name) {
  PTX_GUARD
  if (!function || !module || !name)
    return InvalidValue;
  auto it = module->functions.find(name);
  if (it == module->functions.end())
    return NotFound;
  FunctionHandle &handle = *it->second;
  if (!handle.compiled) {
    std::string error;
    auto code = compile(std::move(module->pending[name]),
                        Emitter::symbol(*handle.source), error);
    if (!code) {
      fprintf(stderr, "ptx-emulator: kernel '%s': %s\n", name, error.c_str());
      return InvalidImage;
    }
    module->compiled.push_back(*code);
    handle.kernel.entry = code->entry;
    handle.compiled = true;
  }
  *function = &handle;
  return Success;
}

PTX_API cuModuleGetGlobal_v2(DevicePointer *pointer, size_t *bytes,
                             LoadedModule *module, const char *name) {
  PTX_GUARD
  auto it = module->globals.find(name);
  if (it == module->globals.end())
    return NotFound;
  if (pointer)
    *pointer = it->second;
  if (bytes)
    *bytes = module->globalSizes[name];
  return Success;
}

unsigned FunctionHandle::maxThreads() const {
  const unsigned *limit =
      source->requiredThreads[0] ? source->requiredThreads : source->maxThreads;
  return limit[0] ? limit[0] * limit[1] * limit[2] : 1024;
}

PTX_API cuFuncGetAttribute(int *value, int attribute,
                           FunctionHandle *function) {
  PTX_GUARD
  if (!value || !function)
    return InvalidValue;
  switch (attribute) {
  case 0: // threads per block
    *value = function->maxThreads();
    return Success;
  case 1:
    *value = function->kernel.sharedBytes;
    return Success;
  case 3:
    *value = function->kernel.localSize;
    return Success;
  case 2: // constant memory
  case 4: // registers: not known
  case 7: // caching mode
    *value = 0;
    return Success;
  case 5: // versions of PTX and of the code
  case 6:
    *value = attribute == 5 ? strtoul(function->module->ptx->target.c_str() + 3,
                                      nullptr, 10)
                            : computeCapability();
    return Success;
  case 8:
    *value = function->maxDynamicShared;
    return Success;
  case 9:
    *value = -1;
    return Success;
  }
  return InvalidValue;
}

PTX_API cuFuncSetAttribute(FunctionHandle *function, int attribute, int value) {
  PTX_GUARD
  if (!function)
    return InvalidHandle;
  if (attribute == 9) // preferred share of shared memory
    return Success;
  if (attribute != 8 || value < 0 ||
      unsigned(value) + function->kernel.sharedBytes > 227u << 10)
    return InvalidValue;
  function->maxDynamicShared = value;
  return Success;
}

PTX_API cuFuncSetCacheConfig(FunctionHandle *, int) { return Success; }

PTX_API cuFuncGetName(const char **name, FunctionHandle *function) {
  *name = function->kernel.name.c_str();
  return Success;
}

PTX_API cuFuncGetModule(LoadedModule **module, FunctionHandle *function) {
  *module = function->module;
  return Success;
}
