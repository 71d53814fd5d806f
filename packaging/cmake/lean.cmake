# dayrun_lean: kernels, core and engine as one shared library, without Arrow. The three programs of
# packaging/gpu-bundle share it there: three copies of the engine would not fit into its 20 MB.
add_library(dayrun_lean SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:dayrun_kernels>
    $<TARGET_OBJECTS:dayrun_core> $<TARGET_OBJECTS:dayrun_engine>
    $<TARGET_OBJECTS:dayrun_no_parquet> $<TARGET_OBJECTS:dayrun_build_info>)
set_target_properties(dayrun_lean PROPERTIES DAYRUN_LEAN ON LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
target_link_libraries(dayrun_lean PRIVATE dayrun_engine dayrun_core dayrun_kernels)

# What the shared library defines is not taken from the static ones, since it stands before them.
function(dayrun_share_core target)
    target_link_options(${target} BEFORE PRIVATE "$<TARGET_FILE:dayrun_lean>")
    add_dependencies(${target} dayrun_lean)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "$<TARGET_FILE:dayrun_lean>")
    # It lies in ../lib in the build, in the bundle and where the program is installed.
    set_property(TARGET ${target} APPEND PROPERTY INSTALL_RPATH "$ORIGIN/../lib")
endfunction()
