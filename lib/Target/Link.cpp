//===- Link.cpp - libraries of one object ---------------------------------===//
#include "Link.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

llvm::Expected<std::string> lamina::makeArchive(llvm::StringRef object,
                                                llvm::StringRef name) {
  std::string member = (name + ".o").str();
  llvm::NewArchiveMember entry(llvm::MemoryBufferRef(object, member));
  entry.Perms = 0644;
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> archive =
      llvm::writeArchiveToBuffer(entry, llvm::SymtabWritingMode::NormalSymtab,
                                 llvm::object::Archive::K_GNU,
                                 /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return (*archive)->getBuffer().str();
}

static llvm::Error writeBytes(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (!error) {
    stream << bytes;
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (error)
    return llvm::createStringError("cannot write '" + path +
                                   "': " + error.message());
  return llvm::Error::success();
}

llvm::Expected<std::string>
lamina::makeSharedLibrary(llvm::StringRef object, llvm::StringRef name,
                          llvm::ArrayRef<const char *> libraries) {
  std::string linker;
  for (const char *candidate : {"cc", "gcc", "clang", "clang-22"})
    if (llvm::ErrorOr<std::string> found =
            llvm::sys::findProgramByName(candidate)) {
      linker = *found;
      break;
    }
  if (linker.empty())
    return llvm::createStringError("a shared library needs a C compiler to "
                                   "link it (cc, gcc or clang); none is on the "
                                   "PATH. --emit=obj and --emit=lib need none");

  llvm::SmallString<128> directory;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("lamina", directory))
    return llvm::createStringError("cannot create a temporary directory: " +
                                   error.message());
  llvm::scope_exit cleanup(
      [&] { llvm::sys::fs::remove_directories(directory); });
  auto inside = [&](llvm::StringRef file) {
    llvm::SmallString<128> path(directory);
    llvm::sys::path::append(path, file);
    return path.str().str();
  };
  std::string input = inside("in.o"), output = inside("out.so"),
              log = inside("log");
  if (llvm::Error error = writeBytes(input, object))
    return std::move(error);
  std::string soname = ("-Wl,-soname," + name + ".so").str();
  llvm::SmallVector<llvm::StringRef> arguments = {
      linker, "-shared", "-nostartfiles", soname, "-o", output, input, "-lm"};
  llvm::SmallVector<std::string> options;
  for (const char *library : libraries)
    options.push_back(std::string("-l") + library);
  llvm::append_range(arguments, options);
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(log), llvm::StringRef(log)};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(linker, arguments, std::nullopt,
                                         redirects, 0, 0, &message);
  if (status != 0) {
    auto text = llvm::MemoryBuffer::getFile(log);
    return llvm::createStringError(
        "linking with '" + linker + "' failed: " + message +
        (text ? (*text)->getBuffer().str() : std::string()));
  }
  auto library = llvm::MemoryBuffer::getFile(output);
  if (!library)
    return llvm::createStringError("cannot read what the linker wrote: " +
                                   library.getError().message());
  return (*library)->getBuffer().str();
}
