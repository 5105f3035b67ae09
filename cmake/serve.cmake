# `jackdaw serve`: GNU libmicrohttpd where it is there, and the page as bytes inside the program.
pkg_check_modules(MICROHTTPD IMPORTED_TARGET libmicrohttpd)
if(MICROHTTPD_FOUND)
  target_link_libraries(jackdaw PRIVATE PkgConfig::MICROHTTPD)
  target_compile_definitions(jackdaw PRIVATE JD_HAVE_MICROHTTPD=1)
  foreach(part html css js)
    set(page ${PROJECT_SOURCE_DIR}/cmd/page/serve.${part})
    set(bytes ${PROJECT_BINARY_DIR}/serve_${part}_bytes.c)
    add_custom_command(OUTPUT ${bytes}
      COMMAND ${CMAKE_COMMAND} -DIN=${page} -DOUT=${bytes} -DHEADER=page.h -DNAME=serve_${part}
        -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${page} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
    target_sources(jackdaw PRIVATE ${bytes})
  endforeach()
endif()
