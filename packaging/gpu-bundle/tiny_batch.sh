#!/usr/bin/env bash
# A few steps of LoRA by the bundle's own dayrun on the card, from rows to adapter, and on the CPU
# beside it: the losses must agree. The model is the goldens' llama under DAYRUN_SHARED. Without it, or
# without a usable card: SKIP and why.
#     tiny_batch.sh WORK          WORK is made anew
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
dayrun=$here/bin/dayrun
work=$1

read -r state _ words < <("$dayrun" doctor | grep -E '^(ok|note) +(gpu|cuda:0) ')
if [[ ${state:-} != ok ]]; then
    printf 'SKIP batch: %s\n' "${words:-dayrun doctor names no card}"
    exit 77
fi
model=${DAYRUN_SHARED:-}/goldens/models/llama
if [[ ! -e $model/model.safetensors ]]; then
    printf 'SKIP batch: the reference data is not here (DAYRUN_SHARED)\n'
    exit 77
fi
rm -rf "$work"
mkdir -p "$work"
for ((row = 0; row < 16; ++row)); do
    ids=1
    for ((i = 1; i < 24 + row; ++i)); do ids+=,$(((row * 31 + i * i * 7) % 200 + 3)); done
    printf '{"input_ids": [%s], "labels": [%s]}\n' "$ids" "$ids"
done >"$work/rows.jsonl"
cat >"$work/tiny.yaml" <<RECIPE
dayrun: 1
name: tiny
base: {path: $model, dtype: float32}
adapter: {lora_rank: 4, lora_alpha: 8}
data: [{name: rows, path: rows.jsonl, converter: token_ids, use: train}]
mix: {shuffle: false}
tokens: {packing: false}
batch: {micro_batch_size: 2, max_steps: 6}
RECIPE
for device in cuda:0 cpu; do
    "$dayrun" --batch "$work/tiny.yaml" --project "$work/${device%:0}" --device "$device" \
        >"$work/${device%:0}.jsonl" || { printf 'FAIL batch: on %s\n' "$device"; exit 1; }
done
python3 - "$work/cuda.jsonl" "$work/cpu.jsonl" <<'PYTHON'
import sys

# Modules are not taken from the current folder.
sys.path = [folder for folder in sys.path if folder.startswith("/")]
import json

losses = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    losses.append([event["loss"] for event in events if event.get("event") == "step"])
card, cpu = losses
off = max(abs(a - b) / b for a, b in zip(card, cpu)) if card and cpu else 1.0
good = len(card) == len(cpu) == 6 and off < 1e-3
print(f"{'ok  ' if good else 'FAIL'} batch: {len(card)} steps by dayrun --batch, losses within {off:.1e} of the CPU's")
raise SystemExit(0 if good else 1)
PYTHON
