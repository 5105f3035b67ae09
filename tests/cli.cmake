# The program's messages, exit codes and a training from the command line.
if(TARGET jackdaw)
  set_tests_properties(test_serve test_read PROPERTIES ENVIRONMENT JACKDAW_PROGRAM=$<TARGET_FILE:jackdaw>)
  add_test(NAME cli COMMAND ${PROJECT_SOURCE_DIR}/tests/cli.sh $<TARGET_FILE:jackdaw>)
  add_test(NAME cli_completion COMMAND ${PROJECT_SOURCE_DIR}/tests/completion.sh $<TARGET_FILE:jackdaw>)
  set_tests_properties(cli cli_completion PROPERTIES TIMEOUT 300)
  # What a product needs: sanitized libraries do not link into an ordinary program.
  if(NOT JACKDAW_SANITIZE)
    add_test(NAME install COMMAND ${PROJECT_SOURCE_DIR}/tests/install.sh ${PROJECT_BINARY_DIR})
    set_tests_properties(install PROPERTIES TIMEOUT 300)
  endif()
endif()
