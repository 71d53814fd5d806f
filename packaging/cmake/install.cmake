# Where the parts go. resource_path.h and plug_in.h look for them relative to the executable.
# libtorch and Arrow stay where the wheels were unpacked; a package that carries them comes later.
include(GNUInstallDirs)
if(TARGET dayrun)
    install(TARGETS dayrun RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET dayrun_headless)
    # Not part of all: installed where it was built, under its own name, with the library it shares.
    install(PROGRAMS "$<TARGET_FILE:dayrun_headless>" RENAME dayrun-headless
        DESTINATION "${CMAKE_INSTALL_BINDIR}" OPTIONAL)
    install(PROGRAMS "$<TARGET_FILE:dayrun_lean>" DESTINATION lib OPTIONAL)
endif()
if(TARGET dayrun_torch)
    install(TARGETS dayrun_torch LIBRARY DESTINATION lib/dayrun)
endif()
if(TARGET dayrun_cuda)
    install(TARGETS dayrun_cuda LIBRARY DESTINATION lib/dayrun)
endif()
# What only makes the sample anew stays in the sources.
install(DIRECTORY resources/ DESTINATION share/dayrun
    PATTERN generator EXCLUDE PATTERN work EXCLUDE PATTERN rebuild.sh EXCLUDE)
install(FILES LICENSE DESTINATION share/doc/dayrun)
