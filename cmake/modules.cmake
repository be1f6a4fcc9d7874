# One folder, one static library `trainyard_<name>`, one test executable `<name>_test`.
#
#   trainyard_module(store SOURCES a.cc DEPS base model LIBS SQLite::SQLite3 TESTS a_test.cc)
#
# DEPS are other folders; LIBS are third-party targets; TEST_DEPS are folders that only the tests need.

add_library(trainyard_flags INTERFACE)
target_include_directories(trainyard_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_options(trainyard_flags INTERFACE
  -Wall -Wextra -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 sees overlaps that are none in "literal" + std::string when it optimises.
  target_compile_options(trainyard_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(trainyard_flags INTERFACE -Wthread-safety -Wthread-safety-beta)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(trainyard_flags INTERFACE -O1 -g1)
endif()
if(TRAINYARD_ANALYZE)
  # Nothing is generated or linked: each output is only touched.
  set(touch "\"${CMAKE_COMMAND}\" -E touch")
  set(CMAKE_CXX_COMPILE_OBJECT
    "<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -fsyntax-only <SOURCE>" "${touch} <OBJECT>")
  set(CMAKE_CXX_CREATE_STATIC_LIBRARY "${touch} <TARGET>")
  set(CMAKE_ASM_CREATE_STATIC_LIBRARY "${touch} <TARGET>")
  set(CMAKE_CXX_LINK_EXECUTABLE "${touch} <TARGET>")
endif()
if(TRAINYARD_SANITIZE)
  target_compile_options(trainyard_flags INTERFACE
    -fsanitize=${TRAINYARD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(trainyard_flags INTERFACE -fsanitize=${TRAINYARD_SANITIZE})
endif()
if(TRAINYARD_SANITIZE MATCHES "thread")
  # Protobuf's maps grow by a member where the compiler says that it is ThreadSanitizer's, and Debian's
  # protobuf and our generated code are built without: the same message would have two layouts.
  target_compile_options(trainyard_flags INTERFACE -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
endif()

function(trainyard_module NAME)
  cmake_parse_arguments(M "" "" "SOURCES;DEPS;LIBS;TESTS;TEST_DEPS;TEST_LIBS" ${ARGN})
  list(TRANSFORM M_DEPS PREPEND trainyard_)
  list(TRANSFORM M_TEST_DEPS PREPEND trainyard_)
  if(M_SOURCES)
    add_library(trainyard_${NAME} STATIC ${M_SOURCES})
    target_link_libraries(trainyard_${NAME} PUBLIC trainyard_flags ${M_DEPS} ${M_LIBS})
  else()
    add_library(trainyard_${NAME} INTERFACE)
    target_link_libraries(trainyard_${NAME} INTERFACE trainyard_flags ${M_DEPS} ${M_LIBS})
  endif()
  if(M_TESTS)
    trainyard_test(${NAME}_test SOURCES ${M_TESTS}
                   LIBS trainyard_${NAME} ${M_TEST_DEPS} ${M_TEST_LIBS})
  endif()
endfunction()

function(trainyard_test NAME)
  cmake_parse_arguments(T "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${NAME} ${T_SOURCES})
  target_link_libraries(${NAME} PRIVATE trainyard_flags ${T_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${NAME} PRIVATE TRAINYARD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${NAME} COMMAND ${NAME})
  set_tests_properties(${NAME} PROPERTIES TIMEOUT 300)
endfunction()
