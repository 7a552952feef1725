# Writes the bytes of INPUT as the constant array NAME of a C++ file, for
# lib/Runtime/Runtime.cpp.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "// Generated.\nextern const unsigned char ${NAME}[] = {${bytes}};\n"
  "extern const unsigned long ${NAME}Size = sizeof(${NAME});\n")
