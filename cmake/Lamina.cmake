# Helpers that keep the CMakeLists.txt of each folder to a few lines.

# lamina_library(NAME SOURCES... [DEPENDS targets...] [LINK libraries...])
# A static library of one folder under lib/; MLIR and LLVM are linked shared.
function(lamina_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} lamina-tablegen ${ARG_DEPENDS})
  lamina_precompiled_headers(${name})
endfunction()

# lamina_precompiled_headers(TARGET)
# Most of the time of a build is the reading of MLIR's headers: with
# LAMINA_PRECOMPILED_HEADERS they are read once. Sources still include what they
# use, as a build without the option checks.
function(lamina_precompiled_headers target)
  if(NOT LAMINA_PRECOMPILED_HEADERS)
    return()
  endif()
  if(NOT TARGET LaminaHeaders)
    file(WRITE ${PROJECT_BINARY_DIR}/headers/Headers.cpp "")
    add_library(LaminaHeaders STATIC ${PROJECT_BINARY_DIR}/headers/Headers.cpp)
    target_compile_options(LaminaHeaders PRIVATE "SHELL:-Xclang -fno-pch-timestamp") # the same bytes again, for ccache
    target_precompile_headers(LaminaHeaders PRIVATE
      <mlir/Conversion/LLVMCommon/TypeConverter.h>
      <mlir/Dialect/Affine/IR/AffineOps.h>
      <mlir/Dialect/Arith/IR/Arith.h>
      <mlir/Dialect/Arith/Utils/Utils.h>
      <mlir/Dialect/Bufferization/IR/Bufferization.h>
      <mlir/Dialect/Func/IR/FuncOps.h>
      <mlir/Dialect/LLVMIR/LLVMDialect.h>
      <mlir/Dialect/Linalg/IR/Linalg.h>
      <mlir/Dialect/Linalg/Transforms/Transforms.h>
      <mlir/Dialect/Linalg/Utils/Utils.h>
      <mlir/Dialect/Math/IR/Math.h>
      <mlir/Dialect/MemRef/IR/MemRef.h>
      <mlir/Dialect/SCF/IR/SCF.h>
      <mlir/Dialect/Tensor/IR/Tensor.h>
      <mlir/Dialect/Utils/StaticValueUtils.h>
      <mlir/Dialect/Vector/IR/VectorOps.h>
      <mlir/IR/IRMapping.h>
      <mlir/IR/ImplicitLocOpBuilder.h>
      <mlir/IR/Matchers.h>
      <mlir/IR/PatternMatch.h>
      <mlir/IR/TypeUtilities.h>
      <mlir/IR/Verifier.h>
      <mlir/Parser/Parser.h>
      <mlir/Pass/PassManager.h>
      <mlir/Transforms/DialectConversion.h>
      <mlir/Transforms/GreedyPatternRewriteDriver.h>
      <mlir/Transforms/RegionUtils.h>
      <llvm/ADT/StringExtras.h>
      <llvm/Support/Error.h>
      <llvm/Support/FormatVariadic.h>
      <llvm/Support/JSON.h>
      <llvm/Support/MemoryBuffer.h>
      <llvm/Support/raw_ostream.h>)
  endif()
  target_precompile_headers(${target} REUSE_FROM LaminaHeaders)
endfunction()

# lamina_bitcode(RESULT SOURCE.c [flags...])
# LLVM bitcode of a C file as the array bitcodeSOURCE of a C++ file, whose path
# RESULT becomes.
function(lamina_bitcode result source)
  find_program(LAMINA_CLANG NAMES clang clang-22 HINTS ${LLVM_TOOLS_BINARY_DIR} NO_DEFAULT_PATH)
  find_program(LAMINA_CLANG NAMES clang-22)
  if(NOT LAMINA_CLANG)
    message(FATAL_ERROR "Lamina needs clang 22 to compile lib/Runtime and lib/Gpu/Math")
  endif()
  cmake_path(GET source STEM name)
  cmake_path(GET source PARENT_PATH folder)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.h)
  set(bitcode ${CMAKE_CURRENT_BINARY_DIR}/${name}.bc)
  set(array ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  add_custom_command(OUTPUT ${array}
    COMMAND ${LAMINA_CLANG} -std=c11 -O2 -fno-ident -Wall -Wextra -Werror ${ARGN}
            -emit-llvm -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${bitcode}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${bitcode} -DOUTPUT=${array} -DNAME=bitcode${name}
            -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${source} ${headers} ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    COMMENT "Embedding ${source}" VERBATIM)
  set(${result} ${array} PARENT_SCOPE)
endfunction()

# lamina_unittest(NAME SOURCES... [LINK libraries...])
# A GoogleTest executable, one ctest entry.
function(lamina_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE LAMINA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  lamina_precompiled_headers(${name})
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
