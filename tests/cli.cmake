# The program's messages, exit codes and a training from the command line.
if(TARGET jackdaw)
  add_test(NAME cli COMMAND ${PROJECT_SOURCE_DIR}/tests/cli.sh $<TARGET_FILE:jackdaw>)
  set_tests_properties(cli PROPERTIES TIMEOUT 300)
endif()
