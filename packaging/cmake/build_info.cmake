# What this build is (core/base/build_info.h). The commit is asked at build time, and only one small
# file depends on it, so the compiler cache serves everything else.
set(_torch_version "")
if(DAYRUN_TORCH AND EXISTS "${DAYRUN_SITE}/torch/version.py")
    file(STRINGS "${DAYRUN_SITE}/torch/version.py" _line REGEX "^__version__ = ")
    string(REGEX REPLACE ".*'(.*)'.*" "\\1" _torch_version "${_line}")
endif()
set(_build_info_cpp "${PROJECT_BINARY_DIR}/build_info.cpp")
add_custom_target(dayrun_build_id
    COMMAND "${CMAKE_COMMAND}"
        "-DTEMPLATE=${PROJECT_SOURCE_DIR}/core/base/build_info.cpp.in"
        "-DOUTPUT=${_build_info_cpp}"
        "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
        "-DVERSION=${PROJECT_VERSION}"
        "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
        "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}"
        "-DTORCH_VERSION=${_torch_version}"
        "-DCUDA_VERSION=${CUDAToolkit_VERSION}"
        -P "${PROJECT_SOURCE_DIR}/packaging/cmake/write_build_info.cmake"
    BYPRODUCTS "${_build_info_cpp}"
    COMMENT "Build id")
add_library(dayrun_build_info STATIC "${_build_info_cpp}")
target_link_libraries(dayrun_build_info PRIVATE dayrun_warnings)
add_dependencies(dayrun_build_info dayrun_build_id)
target_link_libraries(dayrun_core PUBLIC dayrun_build_info)
