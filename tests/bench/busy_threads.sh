#!/usr/bin/env bash
# What waiting threads cost where other programs run, and what they gain where none does: wall time of
# training steps by the program of train_steps.cpp, in interleaved pairs of which the median counts.
#     busy_threads.sh busy TRAIN_STEPS [OLDER]   beside as many busy loops of the same priority as there
#                                                are processors: two threads' wall time over one
#                                                thread's, and OLDER's two threads over its one
#     busy_threads.sh quiet TRAIN_STEPS OLDER    OLDER's wall time over TRAIN_STEPS', two threads each.
#                                                A pair is dropped and counted where something else
#                                                keeps a processor busy before it.
# From the environment: SHAPES="sample small" (128 hidden, 240 tokens a step; 288 hidden, 1,024 tokens;
# 6 layers each, random weights, r 16 on seven projections), TYPES="float32 bfloat16", THREADS=2,
# STEPS=40, PAIRS=5.
# Needs python3. "others" is what other programs, the busy loops among them, took of the processors
# meanwhile.
set -euo pipefail

fail() {
    printf 'busy_threads.sh: %s\n' "$*" >&2
    exit 2
}

scenario=${1:-}
newer=${2:-}
older=${3:-}
shapes=${SHAPES:-sample small}
types=${TYPES:-float32 bfloat16}
threads=${THREADS:-2}
steps=${STEPS:-40}
pairs=${PAIRS:-5}
[[ $scenario == busy || $scenario == quiet ]] || fail "the scenario is busy or quiet"
[[ -x $newer ]] || fail "no program: $newer"
[[ -z $older || -x $older ]] || fail "no program: $older"
[[ $scenario == busy || -n $older ]] || fail "quiet compares with an older program"
# Threads wait as each program has them wait, whatever this shell says.
unset OMP_WAIT_POLICY GOMP_SPINCOUNT OMP_NUM_THREADS

work=$(mktemp -d)
loops=()
clean_up() {
    ((${#loops[@]} == 0)) || kill "${loops[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

# write_shape NAME HIDDEN INTERMEDIATE HEADS VOCABULARY TIED ROWS LENGTH
write_shape() {
    python3 - "$work/$1" "${@:2}" <<'PYTHON'
import array, json, os, random, struct, sys

folder, tied = sys.argv[1], sys.argv[6] == "tied"
hidden, inner, heads, vocabulary = map(int, sys.argv[2:6])
row_count, length = map(int, sys.argv[7:9])
layers, rank = 6, 16
numbers = random.Random(1)
block = [numbers.gauss(0, 0.02) for _ in range(65536)]


def bfloat16(values):  # the upper halves of float32
    return array.array("H", array.array("f", values).tobytes())[1::2]


def write(path, shapes):
    noise, header, end = bfloat16(block).tobytes(), {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            if len(entry["shape"]) == 1:  # norms
                file.write(bfloat16([1.0]).tobytes() * entry["shape"][0])
                continue
            start = 2 * numbers.randrange(len(block))
            size = end - begin
            file.write((noise * (size // len(noise) + 2))[start:start + size])


linears = {}
for layer in range(layers):
    prefix = f"model.layers.{layer}."
    for name in "qkvo":
        linears[f"{prefix}self_attn.{name}_proj"] = [hidden, hidden]
    for name in ("gate", "up"):
        linears[f"{prefix}mlp.{name}_proj"] = [inner, hidden]
    linears[f"{prefix}mlp.down_proj"] = [hidden, inner]
shapes = {"model.embed_tokens.weight": [vocabulary, hidden], "model.norm.weight": [hidden]}
if not tied:
    shapes["lm_head.weight"] = [vocabulary, hidden]
for layer in range(layers):
    for norm in ("input_layernorm", "post_attention_layernorm"):
        shapes[f"model.layers.{layer}.{norm}.weight"] = [hidden]
shapes |= {name + ".weight": shape for name, shape in linears.items()}
adapter = {}
for name, shape in linears.items():
    adapter[f"base_model.model.{name}.lora_A.weight"] = [rank, shape[1]]
    adapter[f"base_model.model.{name}.lora_B.weight"] = [shape[0], rank]

os.makedirs(folder + "/adapter")
write(folder + "/model.safetensors", shapes)
write(folder + "/adapter/adapter_model.safetensors", adapter)
with open(folder + "/config.json", "w", encoding="utf-8") as file:
    json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
               "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": inner,
               "num_hidden_layers": layers, "num_attention_heads": heads,
               "num_key_value_heads": heads, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
               "max_position_embeddings": 512, "hidden_act": "silu",
               "tie_word_embeddings": tied, "torch_dtype": "bfloat16"}, file)
with open(folder + "/adapter/adapter_config.json", "w", encoding="utf-8") as file:
    json.dump({"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 32,
               "lora_dropout": 0.0, "bias": "none", "target_modules": sorted(
                   {name.rsplit(".", 1)[1] for name in linears})}, file)
with open(folder + "/rows.jsonl", "w", encoding="utf-8") as file:
    for _ in range(row_count):
        ids = [numbers.randrange(vocabulary) for _ in range(length)]
        file.write(json.dumps({"input_ids": ids, "labels": ids}) + "\n")
PYTHON
}

# measure PROGRAM SHAPE TYPE THREADS: sets wall_s, the sum over the steps but the first two, and
# cpu_s of the program meanwhile.
measure() {
    local settings answers
    settings=$(printf '{"model": "%s", "adapter": "%s", "dtype": "%s", "threads": %d, "learning_rate": 1e-4}' \
        "$work/$2" "$work/$2/adapter" "$3" "$4")
    answers=$({
        printf 'rows %s\n' "$work/$2/rows.jsonl"
        for ((i = 0; i < steps + 2; ++i)); do printf 'step\n'; done
    } | "$1" "$settings")
    read -r wall_s cpu_s < <(awk -F'[:,}]' -v wanted="$steps" '
        /"error"/ { print > "/dev/stderr" }
        /"wall_s"/ {
            if (++count <= 2) next
            for (i = 1; i < NF; ++i) {
                if ($i ~ /wall_s/) wall += $(i + 1)
                if ($i ~ /cpu_s/) cpu += $(i + 1)
            }
        }
        END { if (count == wanted + 2) print wall, cpu }' <<<"$answers") ||
        fail "$1 did not do its steps"
}

# Seconds that all processors together have worked since the machine started.
worked_s() {
    awk -v ticks="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / ticks }' /proc/stat
}
now_s() { cut -d' ' -f1 /proc/uptime; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

median() {
    sort -n | awk 'NF { v[++n] = $1 }
        END { if (n) printf "%.3f", (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2; else printf "none" }'
}

# Processors that are at work over two seconds. The load average would still hold the pair before.
load_now() {
    local worked since
    worked=$(worked_s)
    since=$(now_s)
    sleep 2
    awk -v a="$worked" -v b="$(worked_s)" -v s="$since" -v e="$(now_s)" \
        'BEGIN { printf "%.2f", (b - a) / (e - s) }'
}

# compare NAME SHAPE TYPE PROGRAM_A THREADS_A PROGRAM_B THREADS_B: one pair; a ratio B / A into `result`.
compare() {
    local worked since own a_s b_s
    worked=$(worked_s)
    since=$(now_s)
    measure "$4" "$2" "$3" "$5"
    a_s=$wall_s own=$cpu_s
    measure "$6" "$2" "$3" "$7"
    b_s=$wall_s
    result=$(ratio "$b_s" "$a_s")
    awk -v name="$1" -v a="$a_s" -v b="$b_s" -v r="$result" -v own="$own" -v more="$cpu_s" \
        -v w="$worked" -v x="$(worked_s)" -v s="$since" -v e="$(now_s)" 'BEGIN {
            printf "  %-28s %8.3f s %8.3f s  ratio %s  others %.2f\n", name, a, b, r,
                   (x - w - own - more) / (e - s) }'
}

busy_pairs() {
    local new=() old=()
    for ((pair = 0; pair < pairs; ++pair)); do
        compare "one, $threads threads" "$1" "$2" "$newer" 1 "$newer" "$threads"
        new+=("$result")
        [[ -n $older ]] || continue
        compare "older: one, $threads threads" "$1" "$2" "$older" 1 "$older" "$threads"
        old+=("$result")
    done
    printf '%s %s: %d threads take %s of one thread'"'"'s time' "$1" "$2" "$threads" \
        "$(printf '%s\n' "${new[@]}" | median)"
    [[ -z $older ]] || printf ', the older %s' "$(printf '%s\n' "${old[@]}" | median)"
    printf ' (median of %d pairs)\n' "$pairs"
}

quiet_pairs() {
    local rates=() dropped=0 load
    for ((pair = 0; pair < pairs; ++pair)); do
        load=$(load_now)
        if awk -v load="$load" 'BEGIN { exit load < 1 }'; then
            printf '  dropped: %s processors are at work\n' "$load"
            dropped=$((dropped + 1))
            continue
        fi
        compare "newer, older" "$1" "$2" "$newer" "$threads" "$older" "$threads"
        rates+=("$result")
    done
    printf '%s %s, %d threads: %s of the older rate (median of %d pairs, %d dropped)\n' "$1" "$2" \
        "$threads" "$(printf '%s\n' "${rates[@]}" | median)" "${#rates[@]}" "$dropped"
}

for shape in $shapes; do
    case $shape in
        sample) write_shape sample 128 352 8 1024 tied 4 60 ;;
        small) write_shape small 288 768 6 32000 untied 4 256 ;;
        *) fail "the shapes are sample and small" ;;
    esac
done
if [[ $scenario == busy ]]; then
    for ((i = 0; i < $(nproc); ++i)); do
        while :; do :; done &
        loops+=($!)
    done
fi
for shape in $shapes; do
    for type in $types; do
        "${scenario}_pairs" "$shape" "$type"
    done
done
