# Fuzz drivers, tests/fuzz_NAME.c: each a program of its own, run for some tenths of a second as a test.  With clang and
# JACKDAW_SANITIZE=address,undefined,fuzzer-no-link they are libFuzzer programs instead (tests/fuzz.h).
file(GLOB JACKDAW_FUZZ CONFIGURE_DEPENDS tests/fuzz_*.c)
list(FILTER JACKDAW_FUZZ EXCLUDE REGEX "fuzz_(main|run)\\.c$")
foreach(source ${JACKDAW_FUZZ})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} tests/fuzz_run.c)
  target_link_libraries(${name} PRIVATE jackdaw_flags jackdaw_static ${JACKDAW_DEPS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  if(JACKDAW_SANITIZE MATCHES "fuzzer")
    target_compile_definitions(${name} PRIVATE JACKDAW_LIBFUZZER=1)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE tests/fuzz_main.c tests/faults.c)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
  endif()
endforeach()
# Readers that belong to the program, not to the library.
target_sources(fuzz_config PRIVATE cmd/arrays.c cmd/classes.c cmd/columns.c cmd/config.c cmd/files.c cmd/fit.c
                                   cmd/folder_pictures.c cmd/folder_sounds.c cmd/folders.c cmd/folder_table.c cmd/letters.c cmd/listed.c
                                   cmd/measure.c cmd/members.c cmd/ragged.c cmd/model.c cmd/model_file.c cmd/samples.c cmd/series.c
                                   cmd/split.c cmd/tables.c cmd/tails.c cmd/targets.c systems/scan_nets.c)
target_include_directories(fuzz_config PRIVATE ${PROJECT_SOURCE_DIR}/cmd ${PROJECT_SOURCE_DIR}/systems)
