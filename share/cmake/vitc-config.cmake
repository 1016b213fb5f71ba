# vitc in CMake: models compiled as a part of the build.
#
#   find_package(vitc REQUIRED)        # with share/cmake of vitc on CMAKE_PREFIX_PATH, or vitc_DIR
#   add_vit_model(digits MODEL path/to/folder PRECISION bf16)
#   target_link_libraries(app PRIVATE digits::digits)
#
# add_vit_model(NAME
#   MODEL model            the name of a variant, or a folder as downloaded
#   [WEIGHTS weights]      a checkpoint, or seed:N
#   [PRECISION precision]  f32, bf16 or int8
#   [CALIBRATE folder]     photos, for bf16 and int8
#   [OUTPUTS names]        logits,features,pooler,tokens
#   [IMAGE_SIZE size]      N or HxW
#   [TARGET list]          instruction sets: v2,v3,v4 or portable or host
#   [STATIC]               an archive instead of a shared library
#   [WEIGHTS_FILE]         weights in a file beside the library
#   [OPTIONS option ...])  any other option of vitc compile
#
# defines the target NAME::NAME, with the headers NAME.h and NAME.hpp. The model is compiled again when
# a file changes that it was compiled from, or vitc itself. NAME is the prefix of its C functions.
# VITC_PROGRAM is the program; it is looked for on PATH, and beside this file as it is installed.

if(CMAKE_VERSION VERSION_LESS 3.20)
  set(vitc_FOUND FALSE)
  set(vitc_NOT_FOUND_MESSAGE "vitc needs CMake 3.20 or later")
  return()
endif()

find_program(VITC_PROGRAM vitc
  HINTS "${CMAKE_CURRENT_LIST_DIR}/../../../bin" "${CMAKE_CURRENT_LIST_DIR}/../../bin" "$ENV{VITC_ROOT}/bin"
  DOC "The program vitc")
if(NOT VITC_PROGRAM)
  set(vitc_FOUND FALSE)
  set(vitc_NOT_FOUND_MESSAGE "the program vitc was not found: set VITC_PROGRAM")
  return()
endif()

function(add_vit_model name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC;WEIGHTS_FILE"
    "MODEL;WEIGHTS;PRECISION;CALIBRATE;OUTPUTS;IMAGE_SIZE;TARGET" "OPTIONS")
  if(NOT name MATCHES "^[A-Za-z][A-Za-z0-9_]*$")
    message(FATAL_ERROR "add_vit_model: '${name}' cannot begin the names of C functions")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_vit_model(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_MODEL)
    message(FATAL_ERROR "add_vit_model(${name}): MODEL is missing")
  endif()

  # Files and folders are given relative to the CMakeLists.txt; names and seeds are neither.
  foreach(key MODEL WEIGHTS CALIBRATE)
    if(arg_${key} AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${arg_${key}}")
      set(arg_${key} "${CMAKE_CURRENT_SOURCE_DIR}/${arg_${key}}")
    endif()
  endforeach()

  set(prefix "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  set(options --package -o "${prefix}" --name "${name}" --depfile "${prefix}.d" --quiet)
  foreach(key WEIGHTS PRECISION CALIBRATE OUTPUTS IMAGE_SIZE TARGET)
    if(DEFINED arg_${key})
      string(TOLOWER "--${key}" option)
      string(REPLACE "_" "-" option "${option}")
      list(APPEND options "${option}" "${arg_${key}}")
    endif()
  endforeach()
  if(arg_WEIGHTS_FILE)
    list(APPEND options --weights-file)
  endif()
  if(arg_STATIC)
    list(APPEND options --emit static)
    set(type STATIC)
    set(library "${prefix}/lib/lib${name}.a")
  else()
    set(type SHARED)
    set(library "${prefix}/lib/lib${name}.so")
  endif()

  set(headers "${prefix}/include/${name}.h" "${prefix}/include/${name}.hpp")
  add_custom_command(
    OUTPUT "${library}"
    BYPRODUCTS ${headers}
    COMMAND "${VITC_PROGRAM}" compile "${arg_MODEL}" ${options} ${arg_OPTIONS}
    DEPENDS "${VITC_PROGRAM}"
    DEPFILE "${prefix}.d"
    COMMENT "Compiling the model ${name}"
    VERBATIM)
  add_custom_target(${name}_vit_model DEPENDS "${library}")

  # CMake wants the folder when it is named.
  file(MAKE_DIRECTORY "${prefix}/include")
  add_library(${name}::${name} ${type} IMPORTED GLOBAL)
  set_target_properties(${name}::${name} PROPERTIES
    IMPORTED_LOCATION "${library}"
    INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include")
  if(arg_STATIC)
    set_target_properties(${name}::${name} PROPERTIES
      IMPORTED_LINK_INTERFACE_LANGUAGES "C"
      INTERFACE_LINK_LIBRARIES "pthread;dl;m")
  else()
    set_target_properties(${name}::${name} PROPERTIES IMPORTED_SONAME "lib${name}.so")
  endif()
  add_dependencies(${name}::${name} ${name}_vit_model)
endfunction()
