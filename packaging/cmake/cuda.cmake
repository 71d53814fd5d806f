# The CUDA language and the chips that device code is built for. CMake 3.25 does not know nvcc 13's
# newest dialects, so C++17 is named here; the room's other code stays C++20.
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
# It must be set before the language is enabled, since CMake's own test compiles with it.
# The list of the release preset (CMakePresets.json), one line each:
#     80-real    A100, A30
#     86-real    RTX 30, A10, A40
#     89-real    RTX 40, L4, L40
#     90-real    H100, H200, GH200
#     100-real   B200, GB200
#     120-real   RTX 50, RTX PRO Blackwell
#     120        the newest virtual one: later chips compile it at the first start
if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90-real CACHE STRING "Chips to build device code for")
endif()
if(DAYRUN_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER "${DAYRUN_CCACHE}")
endif()
enable_language(CUDA)
find_package(CUDAToolkit 13 REQUIRED)
# Line numbers for the profilers cost nothing at run time. Fast math is never set globally.
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:-lineinfo>")
# Device code for one chip is not compressed by itself; the bundle for a GPU machine has 20 MB.
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xfatbin -compress-all>")
