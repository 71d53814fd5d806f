# shellcheck shell=bash
# Words, folders and locks that the set-up steps share. Sourced by run and test.
# Everything the set-up says goes to standard error: standard output is the program's own.

# A relative XDG_CACHE_HOME does not count, as its standard says: libraries are looked for below it.
dayrun_cache=${XDG_CACHE_HOME:-}
[[ $dayrun_cache == /* ]] || dayrun_cache="${HOME:?HOME is not set}/.cache"
dayrun_cache+=/dayrun

say() { printf 'dayrun set-up: %s\n' "$*" >&2; }

fail() {
    printf 'dayrun set-up: %s\n' "$*" >&2
    exit 1
}

# with_lock FILE WAITING_FOR COMMAND...: runs a shell function under an exclusive lock. The lock is
# held by a file descriptor of a subshell, so it ends with the subshell however that dies.
with_lock() {
    local file=$1 waiting_for=$2
    shift 2
    mkdir -p "${file%/*}" || fail "Cannot create the folder ${file%/*}."
    (
        if ! flock -n 9; then
            say "Waiting for another set-up to finish with $waiting_for."
            flock 9
        fi
        "$@"
    ) 9>"$file"
}
