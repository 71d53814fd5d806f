# libtorch from the unpacked torch wheel in DAYRUN_SITE, as dayrun::torch.
# Only libtorch_cpu and libc10 are linked: libtorch.so would pull libtorch_cuda into every start
# (docs/dev/architecture.md, "Plug-ins"). libtorch_cpu of the CUDA wheel itself needs
# libcudart.so.13 and libcupti.so.13, which lie in the nvidia wheels beside it.
set(_torch "${DAYRUN_SITE}/torch")
if(NOT EXISTS "${_torch}/include/ATen/ATen.h")
    message(FATAL_ERROR "No libtorch headers under '${_torch}'. Run ./run once, or give -DDAYRUN_SITE=DIR.")
endif()
add_library(dayrun_c10 SHARED IMPORTED)
set_target_properties(dayrun_c10 PROPERTIES IMPORTED_LOCATION "${_torch}/lib/libc10.so")
add_library(dayrun_libtorch SHARED IMPORTED)
set_target_properties(dayrun_libtorch PROPERTIES
    IMPORTED_LOCATION "${_torch}/lib/libtorch_cpu.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_torch}/include;${_torch}/include/torch/csrc/api/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
        "${_torch}/include;${_torch}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "dayrun_c10;${_torch}/lib/libgomp.so.1")
add_library(dayrun::torch ALIAS dayrun_libtorch)
# What the CUDA plug-in alone is linked to; a CPU-only wheel set has it all the same.
add_library(dayrun_c10_cuda SHARED IMPORTED)
set_target_properties(dayrun_c10_cuda PROPERTIES IMPORTED_LOCATION "${_torch}/lib/libc10_cuda.so")
add_library(dayrun_libtorch_cuda SHARED IMPORTED)
set_target_properties(dayrun_libtorch_cuda PROPERTIES
    IMPORTED_LOCATION "${_torch}/lib/libtorch_cuda.so"
    INTERFACE_LINK_LIBRARIES "dayrun_c10_cuda;dayrun_libtorch")
add_library(dayrun::torch_cuda ALIAS dayrun_libtorch_cuda)
# Where the plug-ins, and the tests that ask libtorch itself, find it. The program never looks there.
set(DAYRUN_TORCH_RPATH "${_torch}/lib")
file(GLOB _nvidia_libs LIST_DIRECTORIES true "${DAYRUN_SITE}/nvidia/*/lib")
list(APPEND DAYRUN_TORCH_RPATH ${_nvidia_libs})
foreach(_dir IN LISTS DAYRUN_TORCH_RPATH)
    add_link_options("LINKER:-rpath-link,${_dir}")
endforeach()

# Three symbols that the plug-in calls and no header of the wheel declares. Another wheel may have
# lost them: said here and not by the linker, or by a process that ends.
execute_process(COMMAND "${CMAKE_NM}" --dynamic --defined-only "${_torch}/lib/libtorch_cpu.so"
    OUTPUT_VARIABLE _symbols RESULT_VARIABLE _failed)
if(_failed)
    message(FATAL_ERROR "The symbols of '${_torch}/lib/libtorch_cpu.so' cannot be read.")
endif()
foreach(_symbol sgemm_ gemm_bf16bf16f32_ _ZN2at6native13mkldnn_matmulERKNS_6TensorES3_S3_ff)
    if(NOT _symbols MATCHES " T ${_symbol}[@\n]")
        message(FATAL_ERROR "This libtorch does not export ${_symbol}, which core/engine/torch calls: "
            "another version than the one in packaging/wheels-cpu.txt?")
    endif()
endforeach()
unset(_symbols)
