# The program's messages, exit codes and a training from the command line.
if(TARGET jackdaw)
  set_tests_properties(test_bitext test_columns test_eval test_masks test_members test_own_data test_parsing test_read test_recipe test_serve test_targets test_texter
                       test_translation PROPERTIES ENVIRONMENT JACKDAW_PROGRAM=$<TARGET_FILE:jackdaw>)
  add_test(NAME cli COMMAND ${PROJECT_SOURCE_DIR}/tests/cli.sh $<TARGET_FILE:jackdaw>)
  add_test(NAME cli_completion COMMAND ${PROJECT_SOURCE_DIR}/tests/completion.sh $<TARGET_FILE:jackdaw>)
  set_tests_properties(cli cli_completion PROPERTIES TIMEOUT 300)
  if(TARGET jackdaw_mpi AND NOT JACKDAW_SANITIZE)
    add_test(NAME ranks COMMAND ${PROJECT_SOURCE_DIR}/tests/ranks.sh $<TARGET_FILE:jackdaw>)
    set_tests_properties(ranks PROPERTIES TIMEOUT 400 SKIP_RETURN_CODE 77)
  endif()
  # What a product needs: sanitized libraries do not link into an ordinary program.
  if(NOT JACKDAW_SANITIZE)
    add_test(NAME install COMMAND ${PROJECT_SOURCE_DIR}/tests/install.sh ${PROJECT_BINARY_DIR})
    set_tests_properties(install PROPERTIES TIMEOUT 300)
  endif()
endif()
