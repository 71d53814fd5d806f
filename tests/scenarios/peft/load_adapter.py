"""Loads a base and an adapter with transformers and PEFT and prints the mean loss of rows.

Usage: load_adapter.py BASE ADAPTER ROWS.jsonl   (rows: {"input_ids": [...], "labels": [...]})
The loss is the sum over all supervised next tokens divided by their count, as Dayrun reports it.
"""
import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, adapter, rows = sys.argv[1:4]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
model = PeftModel.from_pretrained(model, adapter).eval()
total, count = 0.0, 0
with torch.no_grad(), open(rows, encoding="utf-8") as lines:
    for line in lines:
        row = json.loads(line)
        ids = torch.tensor([row["input_ids"]])
        labels = torch.tensor(row.get("labels", row["input_ids"]))[1:]
        log_probs = torch.log_softmax(model(ids).logits[0, :-1].double(), dim=-1)
        kept = labels != -100
        total -= log_probs[kept].gather(1, labels[kept][:, None]).sum().item()
        count += int(kept.sum())
print(repr(total / count))
