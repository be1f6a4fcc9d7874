# trainyard_embed(TARGET SYMBOL FILE [SYMBOL FILE ...]): a static library that holds the files' bytes between the
# C symbols SYMBOL_begin and SYMBOL_end.
enable_language(ASM)

function(trainyard_embed TARGET)
  set(sources)
  while(ARGN)
    list(POP_FRONT ARGN symbol file)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${output} -DSYMBOL=${symbol}
              -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    set_source_files_properties(${output} PROPERTIES OBJECT_DEPENDS ${file})
    list(APPEND sources ${output})
  endwhile()
  add_library(${TARGET} STATIC ${sources})
endfunction()
