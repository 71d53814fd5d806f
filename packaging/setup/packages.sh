# shellcheck shell=bash
# The Debian packages that building and showing Dayrun needs. Needs common.sh.

dayrun_packages=(
    # Building.
    g++ cmake ninja-build mold ccache pkg-config git
    # Fetching and unpacking the wheels (wheels.sh).
    python3 python3-pip ca-certificates
    # The window; fonts and the cursor library are what a bare system lacks to draw it.
    qt6-base-dev qt6-charts-dev libqt6opengl6-dev libgl-dev fonts-dejavu-core libxcb-cursor0
    # Core's libraries.
    libsentencepiece-dev libyaml-cpp-dev libsqlite3-dev libsimdjson-dev nlohmann-json3-dev
    libspdlog-dev libfmt-dev libcli11-dev libpcre2-dev libutf8proc-dev
    zlib1g-dev libzstd-dev libflatbuffers-dev flatbuffers-compiler
)

# What the house tests and packaging/lint/tidy.sh ask about scripts, layout and code. Without them
# these tests skip with a reason.
dayrun_test_packages=(shellcheck clang-format-14 clang-tidy-14)

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
    local package
    local -A installed=()
    while read -r package; do
        installed[$package]=1
    done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" \
        2>/dev/null | sed -n 's/ installed$//p')
    for package in "$@"; do
        [[ ${installed[$package]:-} ]] || printf '%s\n' "$package"
    done
}

# Prints "sudo" where it is needed; false where nobody here can install anything.
root_command() {
    ((EUID == 0)) && return
    # sudo may ask for a password only where somebody can answer.
    command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; } && printf 'sudo\n'
}

# install_packages LOG PACKAGE...: all of them at once; apt's words go to LOG.
install_packages() {
    local log=$1 as_root
    shift
    as_root=$(root_command)
    # shellcheck disable=SC2086 # nothing, or one word
    { $as_root apt-get -q update &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null
}

# Installs what is missing, all of it at once. Without root or sudo it names the one command.
ensure_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian; building needs the counterparts of: ${dayrun_packages[*]}"
        return
    fi
    local -a missing
    mapfile -t missing < <(missing_packages "${dayrun_packages[@]}")
    ((${#missing[@]} == 0)) && return
    if ! root_command >/dev/null; then
        fail "These Debian packages are missing; install them as root, then run this again:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "Installing ${#missing[@]} Debian packages (1 to 4 minutes): ${missing[*]}"
    local log
    log=$(mktemp)
    if ! install_packages "$log" "${missing[@]}"; then
        tail -n 30 "$log" >&2
        fail "Installing the Debian packages failed; the end of apt's words is above, all in $log.
    Put it right (network, disk, package lists), then run this again."
    fi
    rm -f "$log"
}

# Installs what only tests ask for. Every other test goes without, so a failure stops nothing.
ensure_test_packages() {
    command -v dpkg-query >/dev/null || return 0
    local -a missing
    mapfile -t missing < <(missing_packages "${dayrun_test_packages[@]}")
    ((${#missing[@]} == 0)) && return
    if ! root_command >/dev/null; then
        say "Some house tests will be skipped; they need: apt-get install ${missing[*]}"
        return
    fi
    say "Installing ${#missing[@]} Debian packages for the house tests: ${missing[*]}"
    if ! install_packages /dev/null "${missing[@]}"; then
        say "They could not be installed; the tests that need them will be skipped."
    fi
}
