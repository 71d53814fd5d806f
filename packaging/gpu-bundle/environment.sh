# shellcheck shell=bash
# Where libtorch and the CUDA libraries of this machine lie: those of the Python that has torch.
# Sets LD_LIBRARY_PATH; prints nothing. Read by run.sh.
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
libraries=$(python3 - <<'PYTHON' 2>/dev/null || true
import glob, importlib.util, os
spec = importlib.util.find_spec("torch")
torch = os.path.dirname(spec.origin)
site = os.path.dirname(torch)
print(":".join([os.path.join(torch, "lib"), *sorted(glob.glob(os.path.join(site, "nvidia/*/lib")))]))
PYTHON
)
export LD_LIBRARY_PATH=$bundle/lib:$libraries:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DAYRUN_CUDA_PLUGIN=${DAYRUN_CUDA_PLUGIN:-$bundle/lib/dayrun/libdayrun_cuda.so}
