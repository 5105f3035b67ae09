# The driver that TORCS loads, as bytes inside the library.  It is plain C against offsets, so TORCS need not be there.
set(driver_bytes ${PROJECT_BINARY_DIR}/torcs_driver_bytes.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_library(jackdaw_torcs_driver MODULE src/env/torcs/driver.c)
  set_target_properties(jackdaw_torcs_driver PROPERTIES PREFIX "" OUTPUT_NAME jd)
  # Without the sanitizers of the library: the program that loads it has none.
  target_compile_options(jackdaw_torcs_driver PRIVATE -O2 -g0 -ffp-contract=off -Wall -Wextra -Wshadow -Wconversion)
  target_compile_definitions(jackdaw_torcs_driver PRIVATE _GNU_SOURCE)
  target_link_options(jackdaw_torcs_driver PRIVATE -s)
  target_link_libraries(jackdaw_torcs_driver PRIVATE m)
  add_custom_command(OUTPUT ${driver_bytes}
    COMMAND ${CMAKE_COMMAND} -DIN=$<TARGET_FILE:jackdaw_torcs_driver> -DOUT=${driver_bytes}
      -DHEADER=env/torcs.h -DNAME=jd__torcs_driver -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS jackdaw_torcs_driver ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
else()
  file(WRITE ${driver_bytes} "#include \"env/torcs.h\"\nconst unsigned char jd__torcs_driver[1] = {0};\n"
    "const size_t jd__torcs_driver_bytes = 0;\n")
endif()
list(APPEND JACKDAW_SOURCES ${driver_bytes})
