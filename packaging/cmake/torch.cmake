# libtorch from the unpacked torch wheel in DAYRUN_SITE, as dayrun::torch.
# Only libtorch_cpu and libc10 are linked: libtorch.so would pull libtorch_cuda into every start
# (docs/architecture.md, "CUDA is a plug-in"). libtorch_cpu of the CUDA wheel itself needs
# libcudart.so.13 and libcupti.so.13, which lie in the nvidia wheels beside it.
set(_torch "${DAYRUN_SITE}/torch")
if(NOT EXISTS "${_torch}/include/ATen/ATen.h")
    message(FATAL_ERROR "No libtorch headers under '${_torch}'. Run ./run once, or give -DDAYRUN_SITE=DIR.")
endif()
add_library(dayrun_c10 SHARED IMPORTED)
set_target_properties(dayrun_c10 PROPERTIES IMPORTED_LOCATION "${_torch}/lib/libc10.so")
add_library(dayrun_torch SHARED IMPORTED)
set_target_properties(dayrun_torch PROPERTIES
    IMPORTED_LOCATION "${_torch}/lib/libtorch_cpu.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_torch}/include;${_torch}/include/torch/csrc/api/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
        "${_torch}/include;${_torch}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "dayrun_c10;${_torch}/lib/libgomp.so.1")
add_library(dayrun::torch ALIAS dayrun_torch)
# What the CUDA plug-in alone is linked to; a CPU-only wheel set has it all the same.
add_library(dayrun_c10_cuda SHARED IMPORTED)
set_target_properties(dayrun_c10_cuda PROPERTIES IMPORTED_LOCATION "${_torch}/lib/libc10_cuda.so")
add_library(dayrun_torch_cuda SHARED IMPORTED)
set_target_properties(dayrun_torch_cuda PROPERTIES
    IMPORTED_LOCATION "${_torch}/lib/libtorch_cuda.so"
    INTERFACE_LINK_LIBRARIES "dayrun_c10_cuda;dayrun_torch")
add_library(dayrun::torch_cuda ALIAS dayrun_torch_cuda)
set(DAYRUN_TORCH_RPATH "${_torch}/lib")
file(GLOB _nvidia_libs LIST_DIRECTORIES true "${DAYRUN_SITE}/nvidia/*/lib")
list(APPEND DAYRUN_TORCH_RPATH ${_nvidia_libs})
list(APPEND CMAKE_INSTALL_RPATH ${DAYRUN_TORCH_RPATH})
foreach(_dir IN LISTS DAYRUN_TORCH_RPATH)
    add_link_options("LINKER:-rpath-link,${_dir}")
endforeach()
