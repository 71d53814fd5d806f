# Arrow and Parquet from the unpacked pyarrow wheel in DAYRUN_SITE, as dayrun::arrow.
# The wheel carries headers and versioned shared libraries but no CMake package.
set(_arrow "${DAYRUN_SITE}/pyarrow")
if(NOT EXISTS "${_arrow}/include/arrow/api.h")
    message(FATAL_ERROR "No Arrow headers under '${_arrow}'. Run ./run once, or give -DDAYRUN_SITE=DIR.")
endif()
file(GLOB _arrow_lib "${_arrow}/libarrow.so.*")
file(GLOB _parquet_lib "${_arrow}/libparquet.so.*")
add_library(dayrun_parquet SHARED IMPORTED)
set_target_properties(dayrun_parquet PROPERTIES IMPORTED_LOCATION "${_parquet_lib}")
add_library(dayrun_arrow SHARED IMPORTED)
set_target_properties(dayrun_arrow PROPERTIES
    IMPORTED_LOCATION "${_arrow_lib}"
    INTERFACE_INCLUDE_DIRECTORIES "${_arrow}/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_arrow}/include"
    INTERFACE_LINK_LIBRARIES dayrun_parquet)
add_library(dayrun::arrow ALIAS dayrun_arrow)
list(APPEND CMAKE_INSTALL_RPATH "${_arrow}")
