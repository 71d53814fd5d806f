# shellcheck shell=bash
# Whether the CUDA plug-in is built, and whether a GPU can run its tests. Needs common.sh.

# Prints the path of nvcc, or nothing.
find_nvcc() {
    command -v nvcc && return
    [[ -x /usr/local/cuda/bin/nvcc ]] && printf '/usr/local/cuda/bin/nvcc\n'
    return 0
}

# Sets dayrun_nvcc. DAYRUN_CUDA=OFF in the environment asks for a CPU-only build all the same.
choose_cuda() {
    dayrun_nvcc=$(find_nvcc)
    case ${DAYRUN_CUDA:-} in
        OFF | off | 0 | no) dayrun_nvcc= ;;
    esac
}

# Prints why no CUDA test can run here, or nothing when one can.
no_gpu_reason() {
    if [[ -z $dayrun_nvcc ]]; then
        printf 'this is a CPU-only build (no nvcc, or DAYRUN_CUDA=OFF)\n'
    elif ! command -v nvidia-smi >/dev/null; then
        printf 'no NVIDIA driver (nvidia-smi is not there)\n'
    elif ! nvidia-smi -L 2>&1 | grep -q '^GPU '; then
        nvidia-smi -L 2>&1 | head -n 1
    fi
}
