# DAYRUN_SITE: the folder with the unpacked wheels. When it is not given, the one that ./run has
# made is taken (packaging/setup/wheels.sh uses the same name: 12 digits of the SHA-256 of the
# requirement lines), so that `cmake --preset dev` needs no path.
if(NOT DAYRUN_SITE)
    set(_requirements "")
    set(_files "${PROJECT_SOURCE_DIR}/packaging/wheels-cpu.txt")
    if(DAYRUN_CUDA)
        list(APPEND _files "${PROJECT_SOURCE_DIR}/packaging/wheels-cuda.txt")
    endif()
    foreach(_file IN LISTS _files)
        file(STRINGS "${_file}" _lines REGEX "^[^#]")
        foreach(_line IN LISTS _lines)
            string(APPEND _requirements "${_line}\n")
        endforeach()
    endforeach()
    string(SHA256 _set "${_requirements}")
    string(SUBSTRING "${_set}" 0 12 _set)
    # As in packaging/setup/common.sh: a relative one does not count.
    if("$ENV{XDG_CACHE_HOME}" MATCHES "^/")
        set(_cache "$ENV{XDG_CACHE_HOME}")
    else()
        set(_cache "$ENV{HOME}/.cache")
    endif()
    set(DAYRUN_SITE "${_cache}/dayrun/deps/${_set}/site")
endif()
# The programs find their libraries by these paths. The loader splits them at each ':' and takes what
# does not begin with a '/' for a folder in the current one.
if(NOT IS_ABSOLUTE "${DAYRUN_SITE}" OR DAYRUN_SITE MATCHES "[:;]")
    message(FATAL_ERROR "The wheels lie at '${DAYRUN_SITE}', where no program can look for libraries. "
        "Give an absolute path without ':' and ';' (XDG_CACHE_HOME for ./run, or -DDAYRUN_SITE=DIR).")
endif()
if(NOT EXISTS "${DAYRUN_SITE}")
    message(FATAL_ERROR "The unpacked wheels are not at '${DAYRUN_SITE}'. "
        "Run ./run --version once to fetch them, or give -DDAYRUN_SITE=DIR.")
endif()
message(STATUS "Wheels: ${DAYRUN_SITE}")
