# dayrun_flatbuffers(<target> <file.fbs>): flatc makes <file>_generated.h, which the .cpp files in the
# same folder include. flatbuffers' own code is all in headers, so nothing is linked.
find_program(DAYRUN_FLATC flatc REQUIRED)
find_path(DAYRUN_FLATBUFFERS_INCLUDE flatbuffers/flatbuffers.h REQUIRED)
function(dayrun_flatbuffers target file)
    get_filename_component(_folder "${file}" ABSOLUTE)
    get_filename_component(_name "${file}" NAME_WE)
    set(_out "${CMAKE_CURRENT_BINARY_DIR}/flatbuffers")
    set(_header "${_out}/${_name}_generated.h")
    add_custom_command(OUTPUT "${_header}"
        COMMAND "${DAYRUN_FLATC}" --cpp --scoped-enums -o "${_out}" "${_folder}"
        DEPENDS "${_folder}" VERBATIM)
    target_sources(${target} PRIVATE "${_header}")
    # For who reads the sources without building them (packaging/lint/tidy.sh).
    add_custom_target(${target}_flatbuffers DEPENDS "${_header}")
    get_filename_component(_folder "${_folder}" DIRECTORY)
    file(GLOB _readers CONFIGURE_DEPENDS "${_folder}/*.cpp")
    # The include path of these files alone. As a system header it brings no warnings.
    set_source_files_properties(${_readers} PROPERTIES
        COMPILE_OPTIONS "-isystem;${_out}" OBJECT_DEPENDS "${_header}")
endfunction()
