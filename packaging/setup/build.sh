# shellcheck shell=bash
# Configures and builds in <clone>/build, or in $DAYRUN_BUILD. Needs common.sh, cuda.sh and wheels.sh.

dayrun_build="${DAYRUN_BUILD:-$dayrun_root/build}"
# Further arguments for cmake, from a script that wants another build than ./run's.
dayrun_cmake_options=()

# A compiler cache outside the clone: a second clone, or a build folder thrown away, costs little.
# Paths inside the clone are hashed relative to it, so two clones share their entries.
use_ccache() {
    export CCACHE_DIR="${CCACHE_DIR:-$dayrun_cache/ccache}"
    export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-10G}"
    export CCACHE_SLOPPINESS=pch_defines,time_macros
    export CCACHE_BASEDIR="$dayrun_root"
    export CCACHE_NOHASHDIR=1
}

# Runs cmake only when its arguments changed; ninja itself re-runs it when a CMakeLists.txt did.
configure() {
    # Preset dev, so that whoever types `cmake --preset dev` works in this very folder.
    local -a arguments=(--preset "${dayrun_preset:-dev}" -S "$dayrun_root" -B "$dayrun_build"
        -DDAYRUN_SITE="$dayrun_site")
    if [[ -n $dayrun_nvcc ]]; then
        arguments+=(-DDAYRUN_CUDA=ON -DCMAKE_CUDA_COMPILER="$dayrun_nvcc")
    else
        arguments+=(-DDAYRUN_CUDA=OFF)
    fi
    arguments+=("${dayrun_cmake_options[@]}")
    local stamp="$dayrun_build/configured"
    if [[ -f $dayrun_build/build.ninja && -f $stamp &&
        $(<"$stamp") == "${arguments[*]}" ]]; then
        return
    fi
    if [[ -n $dayrun_nvcc ]]; then
        say "Configuring with the CUDA plug-in ($dayrun_nvcc); about 15 s."
    else
        say "Configuring for the CPU only (no nvcc here); about 10 s."
    fi
    mkdir -p "$dayrun_build"
    rm -f "$stamp"
    if ! cmake --fresh "${arguments[@]}" >"$dayrun_build/configure.log" 2>&1; then
        tail -n 30 "$dayrun_build/configure.log" >&2
        fail "Configuring failed; the end of cmake's words is above, all in build/configure.log."
    fi
    printf '%s' "${arguments[*]}" >"$stamp"
}

# Reads ninja's lines: nothing when nothing was built; on a terminal one moving line; otherwise a
# line every 20 s. What is no progress line (a compiler's message) passes through unchanged.
show_progress() {
    local what=$1 line last=0 said=
    while IFS= read -r line; do
        case $line in
            *'no work to do.'* | *'Re-checking globbed'* | *'Build id'* | *'Entering directory'* | '-- '*)
                continue
                ;;
            '['[0-9]*/[0-9]*']'*) ;;
            *)
                printf '%s\n' "$line" >&2
                continue
                ;;
        esac
        if [[ -z $said ]]; then
            say "$what"
            said=1
        fi
        if [[ -t 2 ]]; then
            printf '\r\033[K%.100s' "$line" >&2
        elif ((SECONDS - last >= 20)); then
            printf '  %s\n' "${line:0:100}" >&2
            last=$SECONDS
        fi
    done
    if [[ -n $said && -t 2 ]]; then printf '\r\033[K' >&2; fi
    return 0
}

# build_target TARGET WHAT: builds one ninja target with as many jobs as there are cores.
build_target() {
    local target=$1 what=$2
    ninja -C "$dayrun_build" -j "$(nproc)" "$target" 2>&1 </dev/null | show_progress "$what"
    if ((PIPESTATUS[0] != 0)); then
        fail "The build failed; the compiler's words are above."
    fi
}

configure_and_build() {
    configure
    build_target "$@"
}
