# Google's protos come from pinned npm packages (proto/packages.txt) and are shared by all presets.
set(TRAINYARD_GOOGLE_PROTO_DIR ${CMAKE_SOURCE_DIR}/build/protos CACHE PATH "Google's .proto files")
set(TRAINYARD_GENERATED_DIR ${CMAKE_BINARY_DIR}/generated)
set(TRAINYARD_PROTO_PATH
  ${CMAKE_SOURCE_DIR}/proto ${TRAINYARD_GOOGLE_PROTO_DIR} /usr/include)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/packages.txt)
file(MAKE_DIRECTORY ${TRAINYARD_GENERATED_DIR})

execute_process(
  COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch_protos.py ${TRAINYARD_GOOGLE_PROTO_DIR}
  COMMAND_ERROR_IS_FATAL ANY)

list(TRANSFORM TRAINYARD_PROTO_PATH PREPEND "--proto_path=" OUTPUT_VARIABLE TRAINYARD_PROTOC_FLAGS)

# trainyard_proto_closure(OUT ROOT...): the files that the roots need, as names below the proto path.
function(trainyard_proto_closure OUT)
  list(JOIN TRAINYARD_PROTO_PATH ":" path)
  execute_process(
    COMMAND ${CMAKE_SOURCE_DIR}/tools/proto_closure.py ${path} ${ARGN}
    OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" names "${names}")
  set(${OUT} ${names} PARENT_SCOPE)
endfunction()

# trainyard_proto_library(TARGET [LITE] NAMES...): a static library of the generated C++, never sanitised. LITE: for the
# lite runtime, whatever the files say.
function(trainyard_proto_library TARGET)
  cmake_parse_arguments(P "LITE" "" "" ${ARGN})
  set(directory_out ${TRAINYARD_GENERATED_DIR})
  set(options)
  if(P_LITE)
    set(directory_out ${TRAINYARD_GENERATED_DIR}-lite)
    set(options "lite:")
    file(MAKE_DIRECTORY ${directory_out})
  endif()
  set(sources)
  foreach(name IN LISTS P_UNPARSED_ARGUMENTS)
    string(REGEX REPLACE "\\.proto$" "" stem ${name})
    set(outputs ${directory_out}/${stem}.pb.cc ${directory_out}/${stem}.pb.h)
    foreach(directory IN LISTS TRAINYARD_PROTO_PATH)
      if(EXISTS ${directory}/${name})
        set(input ${directory}/${name})
        break()
      endif()
    endforeach()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc ${TRAINYARD_PROTOC_FLAGS} --cpp_out=${options}${directory_out} ${name}
      DEPENDS ${input} VERBATIM)
    list(APPEND sources ${outputs})
  endforeach()
  add_library(${TARGET} STATIC ${sources})
  target_include_directories(${TARGET} SYSTEM PUBLIC ${directory_out})
  target_compile_options(${TARGET} PRIVATE -O1 -g0 -w)
  set_target_properties(${TARGET} PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
endfunction()
