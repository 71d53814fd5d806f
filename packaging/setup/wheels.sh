# shellcheck shell=bash
# libtorch and Arrow: unpacks the pinned wheels into one private folder that all clones share.
# Needs common.sh and cuda.sh. Layout under <cache>/dayrun/deps:
#     wheels/<sha256>/NAME.whl    downloaded and verified; kept until the set is unpacked
#     <set>/site/                 a complete set; <set> is a short hash of its requirements
#     <set>/staging/              a set in the making; renamed to site/ when complete
# Once site/ is there nothing here needs pip or a network.

# Prints the requirements of this build: one "name==version --hash=sha256:HEX" a line.
wheel_requirements() {
    local files=("$dayrun_root/packaging/wheels-cpu.txt")
    [[ -n $dayrun_nvcc ]] && files+=("$dayrun_root/packaging/wheels-cuda.txt")
    sed -e '/^#/d' -e '/^$/d' "${files[@]}"
}

# run_python PYTHON ARGUMENTS...: runs it in a folder that only root writes to, since -m looks for
# modules in the current one first.
run_python() { (cd / && exec "$@"); }

# A python3 with pip: Debian's own first, since a virtual environment's may lack pip.
find_python() {
    local python
    for python in /usr/bin/python3 python3; do
        if run_python "$python" -m pip --version >/dev/null 2>&1; then
            printf '%s\n' "$python"
            return
        fi
    done
    fail "No python3 with pip is here; it is needed once to fetch libtorch and Arrow."
}

# fetch_wheel REQUIREMENT: downloads one wheel, checked by pip against its hash. One pip call a
# wheel, so that an interrupted set-up goes on with the wheel it was at.
fetch_wheel() {
    local requirement=$1
    local sha=${requirement##*sha256:} name=${requirement%% *}
    local kept="$dayrun_deps/wheels/$sha"
    if [[ -d $kept ]] && verify_wheel "$kept"; then
        say "  $name is already downloaded."
        return
    fi
    say "  fetching $name"
    rm -rf "$kept" "$kept.part"
    mkdir -p "$kept.part"
    printf '%s\n' "$requirement" >"$kept.part/requirement.txt"
    # pip matches a manylinux tag exactly, so every tag that one of the wheels carries is listed.
    if ! PIP_REQUIRE_VIRTUALENV=0 TMPDIR="$kept.part" run_python "$dayrun_python" -m pip download \
        --quiet --no-deps --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary=:all: --python-version 3.11 --implementation cp \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
        --platform manylinux_2_25_x86_64 --platform manylinux_2_18_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --platform manylinux1_x86_64 \
        --dest "$kept.part" --requirement "$kept.part/requirement.txt" >&2 </dev/null; then
        fail "pip could not fetch $name; its reason is above. What is downloaded is kept: run this
    again once the network (or pip's configured index) answers."
    fi
    rm -f "$kept.part/requirement.txt"
    mv "$kept.part" "$kept"
}

# verify_wheel FOLDER: true when the folder's wheel has the hash that the folder is named after.
verify_wheel() {
    local wheels=("$1"/*.whl)
    [[ -f ${wheels[0]} ]] && printf '%s  %s\n' "${1##*/}" "${wheels[0]}" |
        sha256sum --check --status
}

check_free_space() {
    local needed_mib=$1 free_mib
    free_mib=$(df -Pm "$dayrun_deps" | awk 'NR == 2 { print $4 }')
    if ((free_mib < needed_mib)); then
        fail "libtorch and Arrow need about $needed_mib MiB under $dayrun_deps, but only $free_mib MiB
    are free there. Free some space, or set XDG_CACHE_HOME to a folder on a larger disk."
    fi
}

install_wheels() {
    [[ -d $dayrun_site ]] && return # another clone was quicker
    local -a requirements
    mapfile -t requirements < <(wheel_requirements)
    if [[ -n $dayrun_nvcc ]]; then
        say "Fetching libtorch with CUDA and Arrow, once for all clones (2.6 GB, 3 to 15 minutes)."
        check_free_space 7500
    else
        say "Fetching libtorch and Arrow, once for all clones (0.6 GB, 1 to 6 minutes)."
        check_free_space 2600
    fi
    dayrun_python=$(find_python) || exit 1
    local requirement staging="${dayrun_site%/site}/staging" wheel
    for requirement in "${requirements[@]}"; do
        fetch_wheel "$requirement"
    done
    say "Unpacking ${#requirements[@]} wheels (1 to 2 minutes)."
    rm -rf "$staging"
    mkdir -p "$staging"
    for requirement in "${requirements[@]}"; do
        for wheel in "$dayrun_deps/wheels/${requirement##*sha256:}"/*.whl; do
            run_python "$dayrun_python" -m zipfile -e "$wheel" "$staging" >&2 ||
                fail "Cannot unpack ${wheel##*/} into $staging; is the disk full? Run this again."
        done
    done
    sync -f "$staging" # a crash after the rename must not leave half-written libraries
    mv "$staging" "$dayrun_site"
    for requirement in "${requirements[@]}"; do
        rm -rf "$dayrun_deps/wheels/${requirement##*sha256:}"
    done
}

# Sets dayrun_site, and fills it if it is not there yet.
ensure_wheels() {
    if [[ $(uname -sm) != "Linux x86_64" ]]; then
        fail "The pinned libtorch is built for Linux on x86-64; this is $(uname -sm)."
    fi
    dayrun_deps="${dayrun_cache:?}/deps"
    local requirements_sha
    requirements_sha=$(wheel_requirements | sha256sum)
    dayrun_site="$dayrun_deps/${requirements_sha:0:12}/site"
    [[ -d $dayrun_site ]] && return
    with_lock "$dayrun_deps/lock" "libtorch and Arrow" install_wheels || exit 1
}
