# What `cmake --install` puts where: both libraries, headers, jackdaw.pc, the CMake package, the program.
include(CMakePackageConfigHelpers)

set_target_properties(jackdaw_shared PROPERTIES EXPORT_NAME jackdaw)
install(TARGETS jackdaw_shared jackdaw_static EXPORT jackdaw-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET jackdaw)
  install(TARGETS jackdaw RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # Man pages and completions come from the program's own table of commands, so they are made by running it.
  if(NOT CMAKE_CROSSCOMPILING)
    set(JACKDAW_SHARE ${PROJECT_BINARY_DIR}/share)
    set(JACKDAW_COMPLETIONS bash-completion/completions/jackdaw zsh/site-functions/_jackdaw
      fish/vendor_completions.d/jackdaw.fish)
    set(shells bash zsh fish)
    set(commands COMMAND ${CMAKE_COMMAND} -E make_directory ${JACKDAW_SHARE}/man/man1
      COMMAND jackdaw help --man-pages ${JACKDAW_SHARE}/man/man1)
    foreach(shell file IN ZIP_LISTS shells JACKDAW_COMPLETIONS)
      get_filename_component(folder ${JACKDAW_SHARE}/${file} DIRECTORY)
      list(APPEND commands COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
        COMMAND jackdaw completion ${shell} > ${JACKDAW_SHARE}/${file})
    endforeach()
    add_custom_command(OUTPUT ${JACKDAW_SHARE}/stamp ${commands} COMMAND ${CMAKE_COMMAND} -E touch ${JACKDAW_SHARE}/stamp
      DEPENDS jackdaw VERBATIM)
    add_custom_target(jackdaw_share ALL DEPENDS ${JACKDAW_SHARE}/stamp)
    install(DIRECTORY ${JACKDAW_SHARE}/man ${JACKDAW_SHARE}/bash-completion ${JACKDAW_SHARE}/zsh ${JACKDAW_SHARE}/fish
      DESTINATION ${CMAKE_INSTALL_DATADIR})
  endif()
endif()
foreach(plugin jackdaw_cuda jackdaw_cuda_emulated)
  if(TARGET ${plugin})
    install(TARGETS ${plugin} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/jackdaw)
  endif()
endforeach()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/jackdaw RENAME copyright)
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

# A Debian package of all this: `cpack -G DEB` in the folder of the build.
set(CPACK_PACKAGE_NAME jackdaw)
set(CPACK_PACKAGE_CONTACT "The Jackdaw authors <jackdaw@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "deep learning in C: networks that see, listen, write and act")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libjansson-dev, libxxhash-dev, libpng-dev, libsndfile1-dev, zlib1g-dev, torcs")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)
