//===- ArraysFuzzer.cpp - any bytes give arrays or an error ---------------===//

#include "lamina/Support/Safetensors.h"
#include "lamina/Training/Checkpoint.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  llvm::errs() << "violated: " << what << '\n';
  abort();
}

/// What was read can be written, and read again as the same.
static void check(llvm::Expected<NamedArrays> arrays) {
  if (!arrays) {
    require(!llvm::toString(arrays.takeError()).empty(), "errors have a text");
    return;
  }
  if (llvm::Expected<Checkpoint> checkpoint = unpackCheckpoint(*arrays))
    require(checkpoint->state.history.size() == size_t(checkpoint->state.epoch),
            "a history of all epochs");
  else
    llvm::consumeError(checkpoint.takeError());
  std::string image = writeSafetensors(*arrays);
  llvm::Expected<NamedArrays> again = readSafetensors(image, "again");
  require(bool(again), "what is written can be read");
  require(writeSafetensors(*again) == image, "the same arrays, the same bytes");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  check(readNpz(bytes, "fuzz.npz"));
  check(readSafetensors(bytes, "fuzz.safetensors"));
  // With a length that fits, so that mutations reach what is behind it.
  llvm::StringRef header = bytes.drop_front(std::min<size_t>(8, size));
  header = header.take_front(header.rfind('}') + 1);
  std::string repaired;
  for (unsigned i = 0; i < 8; ++i)
    repaired += static_cast<char>(uint64_t(header.size()) >> (8 * i) & 0xff);
  repaired += bytes.drop_front(std::min<size_t>(8, size));
  check(readSafetensors(repaired, "fuzz.safetensors"));
  if (llvm::Expected<NDArray> array = readNpy(bytes, "fuzz.npy"))
    require(writeNpy(*array).size() >= array->bytes(), "an array is written");
  else
    llvm::consumeError(array.takeError());
  return 0;
}
