//===- RecordedCases.h - functions with known results -----------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_RECORDEDCASES_H
#define LAMINA_TEST_UNIT_RECORDEDCASES_H

#include "lamina/Support/NDArray.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <string>
#include <vector>

namespace lamina {

/// A recorded case: "// case NAME", a function, "// in …", "// out …".
struct Case {
  std::string name, text;
  std::vector<NDArray> inputs, outputs;
};

/// "float64[2,3] 1 2 …".
inline NDArray parseArray(llvm::StringRef text) {
  auto [type, rest] = text.split('[');
  auto [sizes, values] = rest.split(']');
  llvm::SmallVector<int64_t> shape;
  while (!sizes.empty()) {
    auto [size, more] = sizes.split(',');
    shape.push_back(std::stoll(size.str()));
    sizes = more;
  }
  NDArray array(*parseDType(type), shape);
  llvm::SmallVector<llvm::StringRef> words;
  values.split(words, ' ', -1, /*KeepEmpty=*/false);
  EXPECT_EQ(static_cast<int64_t>(words.size()), array.size());
  for (auto [i, word] : llvm::enumerate(words)) {
    std::string number = word.str();
    if (isFloat(array.dtype()))
      array.setDouble(i, std::strtod(number.c_str(), nullptr));
    else if (isUnsigned(array.dtype()))
      array.setInt(
          i, static_cast<int64_t>(std::strtoull(number.c_str(), nullptr, 10)));
    else
      array.setInt(i, std::strtoll(number.c_str(), nullptr, 10));
  }
  return array;
}

inline std::vector<Case> readCases() {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/interpreter-cases.txt");
  std::vector<Case> cases;
  if (!buffer)
    return cases;
  llvm::SmallVector<llvm::StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n');
  for (llvm::StringRef line : lines) {
    if (line.consume_front("// case "))
      cases.push_back({line.str(), "", {}, {}});
    else if (cases.empty())
      continue;
    else if (line.consume_front("// in "))
      cases.back().inputs.push_back(parseArray(line));
    else if (line.consume_front("// out "))
      cases.back().outputs.push_back(parseArray(line));
    else
      cases.back().text += line.str() + "\n";
  }
  return cases;
}

} // namespace lamina

#endif // LAMINA_TEST_UNIT_RECORDEDCASES_H
