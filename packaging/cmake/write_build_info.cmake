# Fills build_info.cpp.in with the commit of the source tree; run by the target dayrun_build_id.
# A tree that differs from its commit says so; a tree without git is "unknown".
find_program(GIT git)
set(COMMIT unknown)
if(GIT)
    execute_process(COMMAND "${GIT}" -C "${SOURCE_DIR}" rev-parse --short=12 HEAD
        OUTPUT_VARIABLE _head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _failed)
    if(NOT _failed)
        set(COMMIT "${_head}")
        execute_process(COMMAND "${GIT}" -C "${SOURCE_DIR}" status --porcelain
            OUTPUT_VARIABLE _changes ERROR_QUIET)
        if(_changes)
            string(APPEND COMMIT "-dirty")
        endif()
    endif()
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
