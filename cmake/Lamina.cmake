# Helpers that keep the CMakeLists.txt of each folder to a few lines.

# lamina_library(NAME SOURCES... [DEPENDS targets...] [LINK libraries...])
# A static library of one folder under lib/; MLIR and LLVM are linked shared.
function(lamina_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} lamina-tablegen ${ARG_DEPENDS})
endfunction()

# lamina_unittest(NAME SOURCES... [LINK libraries...])
# A GoogleTest executable, one ctest entry.
function(lamina_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE LAMINA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# lamina_dialect_doc(DIALECT FILE.td)
# The reference page build/docs/DIALECT.md; the target lamina-docs makes all.
add_custom_target(lamina-docs ALL)
function(lamina_dialect_doc dialect source)
  set(page ${PROJECT_BINARY_DIR}/docs/${dialect}.md)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  file(GLOB includes CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.td)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/docs
    COMMAND ${MLIR_TABLEGEN_EXE} -gen-dialect-doc -dialect=${dialect} ${source}
      -I ${PROJECT_SOURCE_DIR}/include -I ${MLIR_INCLUDE_DIRS} -o ${page}
    DEPENDS ${includes} VERBATIM)
  add_custom_target(lamina-docs-${dialect} DEPENDS ${page})
  add_dependencies(lamina-docs lamina-docs-${dialect})
endfunction()
