#!/usr/bin/env bash
# clang-tidy by the rules of .clang-tidy over app, core, kernels and ui; exits 1 on a finding.
#     packaging/lint/tidy.sh all               every file
#     packaging/lint/tidy.sh changed [COMMIT]  what changed since COMMIT, uncommitted work included;
#                                              without one: since the commit that last passed on this
#                                              machine, else in the last commit
# A changed header is looked at through one .cpp: its own body, or else the first that reads it.
# TIDY_CPU_SECONDS=N starts no further file after N CPU seconds and lists what was not looked at.
set -uo pipefail
dayrun_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# A build folder of its own: clang cannot read the headers that GCC has precompiled.
DAYRUN_BUILD="${DAYRUN_BUILD:-$dayrun_root/build}-tidy"
# shellcheck source=packaging/setup/set_up.sh
source "$dayrun_root/packaging/setup/set_up.sh"
# Without the CUDA plug-in, so that one machine finds what another finds; the wheels stay those that
# ./run has here, since another set would be fetched.
dayrun_cmake_options=(-DDAYRUN_PCH=OFF -DDAYRUN_CUDA=OFF)
: "${dayrun_build:?}"

# Another version has other checks, so a tree that is clean by one is not by the next.
tidy=clang-tidy-14
budget=${TIDY_CPU_SECONDS:-}
product=(app core kernels ui)

usage() {
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# The product's .cpp files that this build compiles, relative to the clone, each once.
compiled_files() {
    sed -n "s|^ *\"file\": \"$dayrun_root/\(.*\.cpp\)\",\{0,1\}\$|\1|p" \
        "$dayrun_build/compile_commands.json" | grep -E "^($(IFS='|' && echo "${product[*]}"))/" |
        sort -u
}

# readers_of HEADER GLOB...: the files that include it and match one of the globs.
readers_of() {
    local header=$1
    shift
    git -C "$dayrun_root" grep -lF "#include \"$header\"" -- "$@"
}

# body_for HEADER: prints one compiled .cpp through which the header is looked at, or nothing.
# A header that only headers read is sought through them.
body_for() {
    local header file
    local -a queue=("$1")
    local -A seen=()
    while ((${#queue[@]} > 0)); do
        header=${queue[0]}
        queue=("${queue[@]:1}")
        [[ ${seen[$header]:-} ]] && continue
        seen[$header]=1
        for file in "${header%.*}.cpp" $(readers_of "$header" 'app/*.cpp' 'core/*.cpp' \
            'kernels/*.cpp' 'ui/*.cpp'); do
            if [[ ${is_compiled[$file]:-} ]]; then
                printf '%s\n' "$file"
                return
            fi
        done
        while IFS= read -r file; do
            queue+=("$file")
        done < <(readers_of "$header" '*.h' '*.inc')
    done
    # What a macro includes stands beside its reader.
    for file in "$dayrun_root/${1%/*}"/*.cpp; do
        file=${file#"$dayrun_root/"}
        if [[ ${is_compiled[$file]:-} ]]; then
            printf '%s\n' "$file"
            return
        fi
    done
}

# changed_files COMMIT: fills chosen and unseen.
changed_files() {
    local file body
    local -A taken=()
    git -C "$dayrun_root" rev-parse --quiet --verify "$1^{commit}" >/dev/null ||
        fail "There is no commit '$1' here."
    while IFS= read -r file; do
        case $file in
            *.cpp) body=${is_compiled[$file]:+$file} ;;
            *) body=$(body_for "$file") ;;
        esac
        if [[ -z $body ]]; then
            unseen+=("$file (no file of this build reads it)")
        elif [[ -z ${taken[$body]:-} ]]; then
            taken[$body]=1
            chosen+=("$body")
        fi
    done < <(
        git -C "$dayrun_root" diff --name-only --diff-filter=d "$1" -- "${product[@]}" |
            grep -E '\.(cpp|h|inc)$'
    )
    if ! git -C "$dayrun_root" diff --quiet "$1" -- '*.clang-tidy'; then
        say "The rules themselves changed since $1: only '${0##*/} all' holds the other files to them."
    fi
}

# Sets cpu_seconds: what the children of this shell took so far. `times` counts its own shell's.
measure() {
    local minutes seconds word total=0
    local -a spent
    times >"$dayrun_build/tidy-times"
    read -ra spent < <(sed -n 2p "$dayrun_build/tidy-times")
    for word in "${spent[@]}"; do
        minutes=${word%%m*}
        seconds=${word#*m}
        total=$((total + minutes * 60 + ${seconds%%.*}))
    done
    cpu_seconds=$((total - cpu_before))
}

# look FILE: prints its findings and adds them to `findings`.
look() {
    local found count
    found=$("$tidy" -p "$dayrun_build" --quiet --extra-arg=-Wno-unknown-warning-option \
        "$dayrun_root/$1" 2>"$dayrun_build/tidy-stderr") && return
    count=$(grep -cE '^/.*: (error|warning): ' <<<"$found")
    if ((count == 0)); then
        count=1
        found+=$(tail -n 5 "$dayrun_build/tidy-stderr")
    fi
    findings=$((findings + count))
    printf '%s:\n%s\n' "$1" "$found"
}

# The commit that last passed is kept beside the other caches, for all clones.
passed=$dayrun_cache/tidy-passed

# last_passed: prints the commit to compare with.
last_passed() {
    local commit
    commit=$(cat "$passed" 2>/dev/null)
    if [[ -n $commit ]] && git -C "$dayrun_root" merge-base --is-ancestor "$commit" HEAD 2>/dev/null; then
        printf '%s\n' "$commit"
        return
    fi
    git -C "$dayrun_root" rev-parse --quiet --verify HEAD~1
}

case ${1:-}:$# in
    changed:1)
        if ! since=$(last_passed); then
            say "clang-tidy: this clone holds one commit and no other to compare with; nothing looked at."
            exit 0
        fi
        set -- changed "$since"
        ;;
    all:1 | changed:2) ;;
    *) usage ;;
esac
[[ $budget =~ ^[0-9]*$ ]] || fail "TIDY_CPU_SECONDS is '$budget', which is no number of seconds."
ensure_test_packages
command -v "$tidy" >/dev/null || fail "$tidy is not here (the Debian package of that name)."
set_up dayrun_core_flatbuffers "Making the generated headers."

declare -A is_compiled=()
is_whole=yes chosen=() unseen=() findings=0 looked_at=0 cpu_before=0 cpu_seconds=0
while IFS= read -r file; do
    is_compiled[$file]=1
    [[ $1 == all ]] && chosen+=("$file")
done < <(compiled_files)
((${#is_compiled[@]} > 0)) || fail "The build in $dayrun_build names no file of the product."
[[ $1 == all ]] || changed_files "$2"

measure
cpu_before=$cpu_seconds cpu_seconds=0
for file in "${chosen[@]}"; do
    if [[ -n $budget ]] && ((cpu_seconds >= budget)); then
        unseen+=("$file (the budget of $budget CPU seconds was spent)")
        is_whole=
        continue
    fi
    look "$file"
    looked_at=$((looked_at + 1))
    measure
done

printf 'clang-tidy: %d files, %d findings, %d CPU seconds\n' "$looked_at" "$findings" "$cpu_seconds"
if ((${#unseen[@]} > 0)); then
    printf 'clang-tidy: %d files were not looked at:\n' "${#unseen[@]}"
    printf '  %s\n' "${unseen[@]}"
fi
((findings == 0)) || exit 1
# Only what was looked at whole counts as passed, and only a commit that has no further work upon it.
if [[ $is_whole && -z $(git -C "$dayrun_root" status --porcelain) ]]; then
    mkdir -p "$dayrun_cache"
    git -C "$dayrun_root" rev-parse HEAD >"$passed"
fi
