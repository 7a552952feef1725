//===- Workplace.cpp - files for a run of another program -----------------===//
#include "Workplace.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

Workplace::~Workplace() {
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

llvm::Error Workplace::create() {
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("lamina", folder))
    return llvm::createStringError("cannot create a temporary directory: " +
                                   error.message());
  return llvm::Error::success();
}

std::string Workplace::file(llvm::StringRef name) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

llvm::Error Workplace::write(llvm::StringRef name,
                             llvm::StringRef contents) const {
  std::error_code error;
  llvm::raw_fd_ostream stream(file(name), error);
  if (!error) {
    stream << contents;
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (error)
    return llvm::createStringError("cannot write '" + file(name) +
                                   "': " + error.message());
  return llvm::Error::success();
}

llvm::Expected<std::string> Workplace::read(llvm::StringRef name) const {
  auto buffer = llvm::MemoryBuffer::getFile(file(name));
  if (!buffer)
    return llvm::createStringError("cannot read '" + file(name) +
                                   "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

llvm::Error Workplace::run(llvm::ArrayRef<llvm::StringRef> command) const {
  std::string out = file("out"), log = file("log"), message;
  std::optional<llvm::StringRef> redirects[] = {
      llvm::StringRef(), llvm::StringRef(out), llvm::StringRef(log)};
  if (llvm::sys::ExecuteAndWait(command.front(), command, std::nullopt,
                                redirects, 0, 0, &message) == 0)
    return llvm::Error::success();
  llvm::Expected<std::string> text = read("log");
  if (text)
    message += *text;
  else
    llvm::consumeError(text.takeError());
  return llvm::createStringError("'" + command.front() +
                                 "' failed: " + message);
}
