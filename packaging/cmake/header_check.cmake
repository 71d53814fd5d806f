# dayrun_check_headers(<name> <library> FOLDERS <folders> [EXCEPT <regex>])
# Compiles the headers below the folders alone, with what the library is compiled with: a header
# that leans on its includer's includes breaks the build of the tests, with its name. A header with
# a body beside it is left out, since the body includes it first (tests/house/test_rooms.cpp) and so
# has tried it already.
function(dayrun_check_headers name library)
    cmake_parse_arguments(arg "" "EXCEPT" "FOLDERS" ${ARGN})
    set(_sources "")
    foreach(_folder IN LISTS arg_FOLDERS)
        file(GLOB_RECURSE _headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
            "${PROJECT_SOURCE_DIR}/${_folder}/*.h")
        if(arg_EXCEPT)
            list(FILTER _headers EXCLUDE REGEX "${arg_EXCEPT}")
        endif()
        foreach(_header IN LISTS _headers)
            string(REGEX REPLACE "\\.h$" ".cpp" _body "${PROJECT_SOURCE_DIR}/${_header}")
            if(EXISTS "${_body}")
                continue()
            endif()
            string(REPLACE "/" "__" _source "${_header}")
            set(_source "${CMAKE_CURRENT_BINARY_DIR}/headers/${_source}.cpp")
            file(CONFIGURE OUTPUT "${_source}" CONTENT "#include \"${_header}\"\n")
            list(APPEND _sources "${_source}")
        endforeach()
    endforeach()
    if(NOT _sources)
        return()
    endif()
    add_library(${name} OBJECT ${_sources})
    target_link_libraries(${name} PRIVATE ${library} ${arg_UNPARSED_ARGUMENTS} dayrun_warnings)
    # Only the front end's word is wanted.
    target_compile_options(${name} PRIVATE -O0 -g0)
endfunction()
