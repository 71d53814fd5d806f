# How every target is compiled: language, warnings, linker, compiler cache, sanitizers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# One list of folders for the build and for what is installed. CMake would pad the build's list with a
# ':' to leave room for another one, and the loader reads what follows it as the current folder.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# Line tables are enough for a stack trace; full debug info triples the link time and the disk.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

find_program(DAYRUN_CCACHE ccache)
if(DAYRUN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${DAYRUN_CCACHE}")
endif()
find_program(DAYRUN_MOLD mold)
if(DAYRUN_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# One libtorch translation unit takes up to 2 GB; the pool keeps two of them in flight.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS torch=2)

# Headers that most files of a target read are precompiled: measured, a file of core costs half.
# ccache wants the preprocessor to see the precompiled header's name.
function(dayrun_precompile target)
    if(DAYRUN_PCH)
        target_precompile_headers(${target} PRIVATE ${ARGN})
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    endif()
endfunction()

set(DAYRUN_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined or thread")
if(DAYRUN_SANITIZE)
    add_compile_options(-fsanitize=${DAYRUN_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${DAYRUN_SANITIZE})
endif()

# The warnings of our own code; libraries enter as SYSTEM includes and stay silent.
add_library(dayrun_warnings INTERFACE)
target_compile_options(dayrun_warnings INTERFACE -Wall -Wextra -Wshadow)
if(DAYRUN_WERROR)
    # -Wrestrict of GCC 12 warns about std::string's own operator+ (its bug 105651).
    target_compile_options(dayrun_warnings INTERFACE -Werror -Wno-error=restrict)
endif()

include_directories("${PROJECT_SOURCE_DIR}")
