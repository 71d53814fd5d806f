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

missing_packages() {
    local package
    local -A installed=()
    while read -r package; do
        installed[$package]=1
    done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${dayrun_packages[@]}" \
        2>/dev/null | sed -n 's/ installed$//p')
    for package in "${dayrun_packages[@]}"; do
        [[ ${installed[$package]:-} ]] || printf '%s\n' "$package"
    done
}

# Installs what is missing, all of it at once. Without root or sudo it names the one command.
ensure_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian; building needs the counterparts of: ${dayrun_packages[*]}"
        return
    fi
    local -a missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) && return

    local -a as_root=()
    if ((EUID != 0)); then
        # sudo may ask for a password only where somebody can answer.
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            fail "These Debian packages are missing; install them as root, then run this again:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        fi
    fi
    say "Installing ${#missing[@]} Debian packages (1 to 4 minutes): ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 30 "$log" >&2
        fail "Installing the Debian packages failed; the end of apt's words is above, all in $log.
    Put it right (network, disk, package lists), then run this again."
    fi
    rm -f "$log"
}
