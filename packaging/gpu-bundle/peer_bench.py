"""Times transformers + PEFT on the models and rows that gpu_bench left behind: LoRA in bfloat16 with
SDPA, the same packed rows, the same starting weights. Three settings: eager, every decoder layer
compiled for itself (one short compilation, which all layers share), and the whole model compiled.
The losses come first: a faster wrong run is worth nothing. Prints one line a setting and writes
peer_bench.json after each, so that a run which is cut off leaves what it has.

    peer_bench.py --models DIR --out DIR [--only eager,compiled-layers,compiled] [--device cuda]
"""
import argparse
import json
import os
import time

WARM_STEPS = 3
RANK = 16
SETTINGS = ("eager", "compiled-layers", "compiled")


def skip(reason):
    print(f"SKIP peer_bench: {reason}")
    raise SystemExit(0)


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def wait(device, torch):
    if device == "cuda":
        torch.cuda.synchronize()


def run(model, rows, optimizer, device, torch):
    """Losses of all steps, and the seconds of those after the warm ones."""
    losses = []
    start = 0.0
    for step, row in enumerate(rows):
        if step == WARM_STEPS:
            wait(device, torch)
            start = time.perf_counter()
        ids, positions, targets = (torch.tensor([row[name]], device=device)
                                   for name in ("input_ids", "position_ids", "targets"))
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
    wait(device, torch)
    return [float(loss) for loss in losses], time.perf_counter() - start


def open_model(folder, device, recomputes, torch):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging
    logging.disable_progress_bar()
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, attn_implementation="sdpa", device_map={"": device})
    if recomputes:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    model = get_peft_model(model, LoraConfig(
        r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
                        "down_proj"]))
    return model.train()


def compiled_as(model, setting, torch):
    """The model to call. Layers that were compiled for an earlier setting are plain again."""
    layers = model.get_base_model().model.layers
    for layer in layers:
        if setting == "compiled-layers":
            layer.compile()
        else:
            layer._compiled_call_impl = None  # pylint: disable=protected-access
    return torch.compile(model) if setting == "compiled" else model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", default=",".join(SETTINGS))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    arguments = parser.parse_args()
    device = arguments.device
    try:
        import torch
        import peft  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as missing:
        skip(str(missing))
    if device == "cuda" and not torch.cuda.is_available():
        skip("torch finds no CUDA device")
    folder = os.path.join(arguments.models, "Llama-3.1-8B")
    rows_file = os.path.join(folder, "llama-lora.rows.jsonl")
    if not os.path.exists(rows_file):
        skip("gpu_bench left no model behind")
    rows = read_rows(rows_file)
    # Without room for all activations the peer makes them again, as its users do.
    recomputes = device == "cuda" and torch.cuda.mem_get_info()[1] <= 100 << 30
    model = open_model(folder, device, recomputes, torch)
    trained = [p for p in model.parameters() if p.requires_grad]
    beginning = [p.detach().clone() for p in trained]
    results = {}
    for setting in arguments.only.split(","):
        name = f"peft-{setting}"
        with torch.no_grad():
            for parameter, value in zip(trained, beginning):
                parameter.copy_(value)
        optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0, fused=True)
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            losses, seconds = run(compiled_as(model, setting, torch), rows, optimizer, device, torch)
        except Exception as failed:  # noqa: BLE001: the peer's failure is a result, not ours
            print(f"FAIL {name}: {failed}", flush=True)
            results[name] = {"error": str(failed)}
        else:
            tokens = sum(len(row["input_ids"]) for row in rows[WARM_STEPS:])
            results[name] = {"tokens_per_second": tokens / seconds, "losses": losses,
                             "recomputes": recomputes}
            if device == "cuda":
                results[name]["peak_bytes"] = torch.cuda.max_memory_reserved()
            print(f"ok   {name}: {tokens / seconds:.0f} tokens/s, first loss {losses[0]:.4f}",
                  flush=True)
        with open(os.path.join(arguments.out, "peer_bench.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
