# shellcheck shell=bash
# All set-up steps in their order, for run and test. Needs dayrun_root: the clone's folder.
: "${dayrun_root:?}"
# shellcheck source=packaging/setup/common.sh
source "$dayrun_root/packaging/setup/common.sh"
# shellcheck source=packaging/setup/packages.sh
source "$dayrun_root/packaging/setup/packages.sh"
# shellcheck source=packaging/setup/cuda.sh
source "$dayrun_root/packaging/setup/cuda.sh"
# shellcheck source=packaging/setup/wheels.sh
source "$dayrun_root/packaging/setup/wheels.sh"
# shellcheck source=packaging/setup/build.sh
source "$dayrun_root/packaging/setup/build.sh"

# set_up TARGET WHAT: everything between a fresh clone and a built ninja target; says WHAT when
# there is something to build.
set_up() {
    ensure_packages
    choose_cuda
    ensure_wheels
    use_ccache
    with_lock "$dayrun_build/lock" "this clone's build folder" configure_and_build "$@" || exit 1
}
