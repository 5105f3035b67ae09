# Rivals of `jackdaw bench --rivals` that need headers when the program is built.  All are opened at run time, so that the
# program depends on none of them.
option(JACKDAW_RIVALS "Build in the rivals whose headers are found" ON)
if(JACKDAW_RIVALS)
  find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h)
  find_library(DNNL_LIBRARY dnnl)
  set(DNNL_VERSION_FILE ${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h)
  if(DNNL_INCLUDE_DIR AND DNNL_LIBRARY AND EXISTS ${DNNL_VERSION_FILE})
    # oneDNN 3 makes primitives in another way.
    file(STRINGS ${DNNL_VERSION_FILE} DNNL_MAJOR REGEX "DNNL_VERSION_MAJOR +2$")
    if(DNNL_MAJOR)
      target_compile_definitions(jackdaw PRIVATE JACKDAW_HAVE_DNNL=1)
      target_include_directories(jackdaw SYSTEM PRIVATE ${DNNL_INCLUDE_DIR})
    endif()
  endif()
endif()

if(JACKDAW_TESTS AND NOT JACKDAW_SANITIZE)
  # Whatever is installed, the rival is named: with figures, or with why it has none.
  enable_testing()
  add_test(NAME bench_rivals COMMAND jackdaw bench cnn_mnist_b1 --rivals --rounds 1 --threads 1 --json)
  set_tests_properties(bench_rivals PROPERTIES PASS_REGULAR_EXPRESSION "\"rival\":\"oneDNN\",\"(version|absent)\":")
endif()
