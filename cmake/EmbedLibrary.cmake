# cmake -DOUTPUT=x.cpp -DFILES="a.lam|b.lam" -P EmbedLibrary.cmake
# Writes the files as C++ raw string literals, for lib/Frontend/Library.cpp.
set(table "")
set(count 0)
string(REPLACE "|" ";" files "${FILES}")
set(code "// Generated from lib/Library/*.lam.\n#include \"EmbeddedLibrary.h\"\n")
foreach(file ${files})
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" text)
  if(NOT text STREQUAL "")
    string(APPEND code "static constexpr char text${count}[] = R\"lam(${text})lam\";\n")
    string(APPEND table "    {\"${name}\", {text${count}, sizeof(text${count}) - 1}},\n")
    math(EXPR count "${count} + 1")
  endif()
endforeach()
string(APPEND code "static const lamina::EmbeddedFile files[] = {\n${table}};\n"
  "llvm::ArrayRef<lamina::EmbeddedFile> lamina::embeddedLibrary() { return files; }\n")
file(WRITE "${OUTPUT}" "${code}")
