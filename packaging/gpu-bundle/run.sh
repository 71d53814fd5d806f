#!/usr/bin/env bash
# Runs every check and benchmark of the bundle on this machine, in under 8 minutes, and leaves the
# results in one folder. Without a usable GPU each program prints SKIP and why.
#     ./run.sh [RESULTS]            default RESULTS: results
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=packaging/gpu-bundle/environment.sh
source "$here/environment.sh" || exit 1
results=${1:-results}
mkdir -p "$results"
results=$(cd "$results" && pwd -P)
# The models lie in memory where that is possible: 30 GB are written and read once each.
models=$results
[[ -w /dev/shm && $(df --output=avail -B1G /dev/shm | tail -n 1) -gt 40 ]] && models=$(mktemp -d -p /dev/shm)
deadline=$((SECONDS + 470))
failed=0

# step SECONDS NAME COMMAND...: runs it, keeps its output, and stops it when its time is over.
step() {
    local limit=$1 name=$2
    shift 2
    local left=$((deadline - SECONDS)) program
    for program in "$@"; do
        if [[ $program == "$here"/bin/* && ! -x $program ]]; then
            printf 'SKIP %s: the bundle has no %s\n' "$name" "${program##*/}" | tee "$results/$name.log"
            return
        fi
    done
    if ((left < 5)); then
        printf 'SKIP %s: the 8 minutes are over\n' "$name" | tee "$results/$name.log"
        return
    fi
    ((limit < left)) || limit=$left
    timeout "$limit" "$@" 2>&1 | tee "$results/$name.log"
    local code=${PIPESTATUS[0]}
    ((code == 124)) && printf 'FAIL %s: not done after %s s\n' "$name" "$limit" | tee -a "$results/$name.log"
    # 77 is how a program says that it skipped everything.
    ((code == 0 || code == 77)) || failed=1
}

{
    uname -sr
    nvidia-smi 2>&1
} >"$results/machine.txt"
step 20 doctor "$here/bin/dayrun" doctor
step 40 batch "$here/tiny_batch.sh" "$results/tiny-batch"
step 90 kernels "$here/bin/test_kernels_gpu"
step 60 kernels-bench "$here/bin/bench_kernels_gpu"
step 120 check "$here/bin/gpu_check" --out "$results"
if command -v compute-sanitizer >/dev/null; then
    # Without the tensors of many GiB: it looks at every access.
    step 90 sanitizer compute-sanitizer --tool memcheck "$here/bin/test_kernels_gpu" "-high blocks"
else
    printf 'SKIP sanitizer: compute-sanitizer is not on this machine\n' | tee "$results/sanitizer.log"
fi
step 260 bench "$here/bin/gpu_bench" --out "$models"
cp "$models"/*.json "$results" 2>/dev/null
# Compiling the whole model takes two of its three minutes.
step 230 peer python3 "$here/peer_bench.py" --models "$models/models" --out "$results"
[[ $models == "$results" ]] || rm -rf "$models"
python3 "$here/write_report.py" "$results" "$results/gpu.md" >/dev/null 2>&1
printf 'results: %s\n' "$results"
exit "$failed"
