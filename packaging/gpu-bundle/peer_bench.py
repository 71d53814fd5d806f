"""Times transformers + PEFT on the models and rows that gpu_bench left behind: LoRA in bfloat16 with
SDPA, the same packed rows, the same starting weights; not compiled, then compiled. The losses come
first: a faster wrong run is worth nothing. Prints one line a setting and writes peer_bench.json.

    peer_bench.py --models DIR --out DIR
"""
import argparse
import json
import os
import time

WARM_STEPS = 3
RANK = 16


def skip(reason):
    print(f"SKIP peer_bench: {reason}")
    raise SystemExit(0)


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def inputs_of(row, torch):
    ids = torch.tensor([row["input_ids"]], device="cuda")
    positions = torch.tensor([row["position_ids"]], device="cuda")
    targets = torch.tensor([row["targets"]], device="cuda")
    return ids, positions, targets


def run(model, rows, optimizer, torch):
    """Losses of all steps, and the seconds of those after the warm ones."""
    losses = []
    start = 0.0
    for step, row in enumerate(rows):
        if step == WARM_STEPS:
            torch.cuda.synchronize()
            start = time.perf_counter()
        ids, positions, targets = inputs_of(row, torch)
        logits = model(input_ids=ids, position_ids=positions, use_cache=False).logits
        # Targets are shifted already, as Dayrun hands them to its loss.
        loss = torch.nn.functional.cross_entropy(
            logits.float().view(-1, logits.size(-1)), targets.view(-1), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(
            [p for p in model.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
    torch.cuda.synchronize()
    return [float(loss) for loss in losses], time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    try:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging
        logging.disable_progress_bar()
    except ImportError as missing:
        skip(str(missing))
    if not torch.cuda.is_available():
        skip("torch finds no CUDA device")
    folder = os.path.join(arguments.models, "Llama-3.1-8B")
    rows_file = os.path.join(folder, "llama-lora.rows.jsonl")
    if not os.path.exists(rows_file):
        skip("gpu_bench left no model behind")
    rows = read_rows(rows_file)
    # Without room for all activations the peer makes them again, as its users do.
    is_large = torch.cuda.mem_get_info()[1] > 100 << 30
    results = {}

    def keep():
        with open(os.path.join(arguments.out, "peer_bench.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)

    for compiled in (False, True):
        name = "peft-compiled" if compiled else "peft-eager"
        torch.manual_seed(1)
        torch.cuda.reset_peak_memory_stats()
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation="sdpa", device_map={"": 0})
        if not is_large:
            model.gradient_checkpointing_enable()
            model.enable_input_require_grads()
        model = get_peft_model(model, LoraConfig(
            r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, task_type="CAUSAL_LM",
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
                            "down_proj"]))
        model.train()
        optimizer = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.0,
            fused=True)
        try:
            used = torch.compile(model) if compiled else model
            losses, seconds = run(used, rows, optimizer, torch)
        except Exception as failed:  # noqa: BLE001: the peer's failure is a result, not ours
            print(f"FAIL {name}: {failed}")
            results[name] = {"error": str(failed)}
            keep()
            continue
        tokens = sum(len(row["input_ids"]) for row in rows[WARM_STEPS:])
        results[name] = {"tokens_per_second": tokens / seconds, "losses": losses,
                         "peak_bytes": torch.cuda.max_memory_reserved(),
                         "recomputes": not is_large}
        print(f"ok   {name}: {tokens / seconds:.0f} tokens/s, first loss {losses[0]:.4f}",
              flush=True)
        keep()
        del model, optimizer, used
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
