"""Trains an adapter with transformers and PEFT one step at a time, as its standard input asks.

Usage: train_steps.py '{"model": DIR, "adapter": DIR, "dtype": "float32", "adapter_dtype":
"float32", "threads": 1, "learning_rate": 1e-3}'
The protocol is that of tests/bench/train_steps.cpp: one command a line, one JSON answer a line.
Settings are those that were fastest here: sdpa, no gradient checkpointing, no cache, fused AdamW.
"""
import json
import sys
import time

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM


def memory(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))


def answer(**fields):
    print(json.dumps(fields), flush=True)


def read_rows(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return torch.tensor([row["input_ids"] for row in rows]), torch.tensor(
        [row["labels"] for row in rows])


settings = json.loads(sys.argv[1])
if settings["threads"] > 0:  # else as many as torch takes
    torch.set_num_threads(settings["threads"])
start_bytes = memory("VmRSS")
dtype = getattr(torch, settings["dtype"])
model = AutoModelForCausalLM.from_pretrained(settings["model"], dtype=dtype,
                                             attn_implementation="sdpa")
model.config.use_cache = False
model = PeftModel.from_pretrained(model, settings["adapter"], is_trainable=True,
                                  autocast_adapter_dtype=False)
adapter = {name: p for name, p in model.named_parameters() if p.requires_grad}
for parameter in adapter.values():
    parameter.data = parameter.data.to(getattr(torch, settings["adapter_dtype"]))
model.train()
optimizer = torch.optim.AdamW(adapter.values(), lr=settings["learning_rate"], weight_decay=0.0,
                              fused=True)
answer(ready=True)
ids = labels = None
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "rows":
        ids, labels = read_rows(argument)
        answer(rows=len(ids))
    elif command == "step":
        wall, cpu = time.perf_counter(), time.process_time()
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapter.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        answer(cpu_s=time.process_time() - cpu, wall_s=time.perf_counter() - wall,
               loss=loss.item())
    elif command == "gradients":
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        save_file({name.replace(".default", ""): p.grad.float().contiguous()
                   for name, p in adapter.items()}, argument)
        optimizer.zero_grad(set_to_none=True)
        answer(loss=loss.item())
    elif command == "memory":
        answer(peak_bytes=memory("VmHWM"), start_bytes=start_bytes)
