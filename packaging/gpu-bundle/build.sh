#!/usr/bin/env bash
# Puts everything that a bare GPU machine needs to check and time the CUDA trainer into one folder:
# dayrun without window and Parquet, test and benchmark programs, plug-in, the small libraries they
# use, and the script that runs all of it. From the GPU machine come libtorch 2.11.0+cu130, the CUDA
# 13.0 libraries and the C and C++ libraries only.
#     packaging/gpu-bundle/build.sh [OUT]      default OUT: build/gpu-bundle
set -euo pipefail
dayrun_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=packaging/setup/set_up.sh
source "$dayrun_root/packaging/setup/set_up.sh"

out=${1:-$dayrun_root/build/gpu-bundle}
most_bytes=$((20 << 20))
programs=(gpu_check gpu_bench)

# What the GPU machine has; everything else that a program names goes into lib/.
is_on_gpu_machine() {
    case $1 in
        libtorch* | libc10* | libcu* | libnv* | libgomp* | libstdc++* | libgcc_s* | libc.so* | \
            libm.so* | libdl.so* | libpthread.so* | librt.so* | ld-linux*) return 0 ;;
    esac
    return 1
}

needed_of() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

choose_cuda
[[ -n $dayrun_nvcc ]] || fail "The bundle needs nvcc 13 (CUDA toolkit) on the machine that builds it."
for target in dayrun_torch dayrun_cuda dayrun_headless "${programs[@]}"; do
    set_up "$target" "Building $target for the GPU bundle."
done
# The kernels' own checks and timings on a card, where the build has them.
targets=$(ninja -C "$dayrun_build" -t targets all)
for target in test_kernels_gpu bench_kernels_gpu; do
    if grep -q "^$target:" <<<"$targets"; then
        set_up "$target" "Building $target for the GPU bundle."
        programs+=("$target")
    fi
done

rm -rf "$out"
mkdir -p "$out/bin" "$out/lib/dayrun" "$out/share/dayrun"
cp "$dayrun_build/headless/dayrun" "$out/bin/"
cp "$dayrun_build/lib/libdayrun_lean.so" "$out/lib/"
for part in recipes sample_project; do
    cp -r "$dayrun_root/resources/$part" "$out/share/dayrun/"
done
# Its model would not fit; what runs on a card brings models or makes them.
rm -rf "$out/share/dayrun/sample_project"/{base,generator,work,rebuild.sh}
ours=("$out/lib/libdayrun_lean.so")
for plug_in in libdayrun_torch.so libdayrun_cuda.so; do
    cp "$dayrun_build/lib/dayrun/$plug_in" "$out/lib/dayrun/"
    ours+=("$out/lib/dayrun/$plug_in")
done
for program in "${programs[@]}"; do
    cp "$(find "$dayrun_build/bin" "$dayrun_build/tests" -type f -name "$program" -perm -u+x | head -n 1)" "$out/bin/"
done
strip --strip-unneeded "$out"/bin/* "${ours[@]}"
# Folders of this machine mean nothing on the other one: environment.sh says where libraries are.
for file in "$out"/bin/* "${ours[@]}"; do
    printf 'file(RPATH_REMOVE FILE "%s")\n' "$file"
done >"$out/rpath.cmake"
cmake -P "$out/rpath.cmake"
rm "$out/rpath.cmake"

# Small libraries: those of the programs, then those that these need in turn.
queue=("$out"/bin/* "${ours[@]}")
while ((${#queue[@]} > 0)); do
    file=${queue[0]}
    queue=("${queue[@]:1}")
    while read -r name; do
        if is_on_gpu_machine "$name" || [[ -e $out/lib/$name ]]; then continue; fi
        path=$(ldconfig -p | sed -n "s|^[[:space:]]*$name (.*x86-64.*) => ||p" | head -n 1)
        [[ -n $path ]] || fail "$(basename "$file") needs $name, which is no system library."
        cp -L "$path" "$out/lib/"
        queue+=("$out/lib/$name")
    done < <(needed_of "$file")
done
for file in run.sh tiny_batch.sh environment.sh peer_bench.py write_report.py; do
    cp "$dayrun_root/packaging/gpu-bundle/$file" "$out/"
done

bytes=$(du -sb "$out" | cut -f 1)
((bytes <= most_bytes)) || fail "The bundle is $bytes bytes; $most_bytes are allowed."
printf '%s: %s bytes\n' "$out" "$bytes"
