//===- Link.cpp - libraries of one object ---------------------------------===//
#include "Link.h"
#include "Workplace.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

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

  Workplace place;
  if (llvm::Error error = place.create())
    return std::move(error);
  if (llvm::Error error = place.write("in.o", object))
    return std::move(error);
  std::string input = place.file("in.o"), output = place.file("out.so");
  std::string soname = ("-Wl,-soname," + name + ".so").str();
  llvm::SmallVector<llvm::StringRef> arguments = {
      linker, "-shared", "-nostartfiles", soname, "-o", output, input, "-lm"};
  llvm::SmallVector<std::string> options;
  for (const char *library : libraries)
    options.push_back(std::string("-l") + library);
  llvm::append_range(arguments, options);
  if (llvm::Error error = place.run(arguments))
    return llvm::createStringError("linking with " +
                                   llvm::toString(std::move(error)));
  return place.read("out.so");
}
