# What `cmake --install` puts where: both libraries, headers, jackdaw.pc, the CMake package, the program.
include(CMakePackageConfigHelpers)

set_target_properties(jackdaw_shared PROPERTIES EXPORT_NAME jackdaw)
install(TARGETS jackdaw_shared jackdaw_static EXPORT jackdaw-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET jackdaw)
  install(TARGETS jackdaw RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/jackdaw DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT jackdaw-targets NAMESPACE jackdaw:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jackdaw)
# jackdaw.pc finds its prefix from where it lies, so that an installed tree can be moved.
file(RELATIVE_PATH JACKDAW_PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" JACKDAW_PC_TO_PREFIX ${JACKDAW_PC_TO_PREFIX})
configure_file(cmake/jackdaw.pc.in jackdaw.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/jackdaw.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
configure_package_config_file(cmake/jackdaw-config.cmake.in jackdaw-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jackdaw)
write_basic_package_version_file(jackdaw-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/jackdaw-config.cmake ${PROJECT_BINARY_DIR}/jackdaw-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jackdaw)
