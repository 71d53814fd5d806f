# shellcheck shell=bash
# Where libtorch and the CUDA libraries of this machine lie: those of the Python that has torch.
# Sets LD_LIBRARY_PATH; prints nothing but why it fails. Read by run.sh.
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
if [[ $bundle == *[:\;]* ]]; then
    printf 'The folder %s has a ":" or ";" in its name: no library can be found there. Rename it.\n' "$bundle" >&2
    return 1
fi
# Python would take modules from the current folder first.
libraries=$(python3 - <<'PYTHON' 2>/dev/null || true
import sys
sys.path = [folder for folder in sys.path if folder.startswith("/")]
import glob, importlib.util, os
spec = importlib.util.find_spec("torch")
torch = os.path.dirname(spec.origin)
site = os.path.dirname(torch)
print(":".join([os.path.join(torch, "lib"), *sorted(glob.glob(os.path.join(site, "nvidia/*/lib")))]))
PYTHON
)
# An empty or relative folder in the list would be the current one, so only absolute ones get into it.
folders=$bundle/lib:$libraries:/usr/local/cuda/lib64:${LD_LIBRARY_PATH:-}
LD_LIBRARY_PATH=
while IFS= read -r folder; do
    if [[ $folder == /* ]]; then LD_LIBRARY_PATH+=${LD_LIBRARY_PATH:+:}$folder; fi
done <<<"${folders//[:;]/$'\n'}"
export LD_LIBRARY_PATH
export DAYRUN_TORCH_PLUGIN=${DAYRUN_TORCH_PLUGIN:-$bundle/lib/dayrun/libdayrun_torch.so}
export DAYRUN_CUDA_PLUGIN=${DAYRUN_CUDA_PLUGIN:-$bundle/lib/dayrun/libdayrun_cuda.so}
