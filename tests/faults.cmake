# Allocations and system calls that fail on purpose (tests/faults.h).
if(TARGET jackdaw)
  # The program, with a fault from its environment.
  add_executable(jackdaw_faulty tests/faults.c $<TARGET_OBJECTS:jackdaw>)
  target_link_libraries(jackdaw_faulty PRIVATE $<TARGET_PROPERTY:jackdaw,LINK_LIBRARIES>)
  if(NOT JACKDAW_SANITIZE) # a hundred processes
    add_test(NAME iofail COMMAND ${PROJECT_SOURCE_DIR}/tools/iofail $<TARGET_FILE:jackdaw_faulty>)
    set_tests_properties(iofail PROPERTIES TIMEOUT 300)
  endif()
endif()
target_sources(test_oom PRIVATE tests/faults.c tests/oom_files.c tests/oom_learning.c tests/oom_tools.c)
# It runs before the sanitizers are ready.
set_source_files_properties(tests/faults.c PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
