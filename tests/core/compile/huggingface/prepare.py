"""The same work as `dayrun data compile`, with datasets and tokenizers: JSON lines to ids and labels.

    prepare.py ROWS.jsonl TOKENIZER.json CACHE_FOLDER

Prints one JSON object: CPU seconds (of all threads and children) of loading alone, of loading and
handing out every row, and of the whole; tokens; peak memory.
"""
import json
import os
import resource
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets  # noqa: E402
import tokenizers  # noqa: E402

datasets.disable_progress_bars()


def cpu_seconds():
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main():
    rows, vocabulary, cache = sys.argv[1:4]
    tokenizer = tokenizers.Tokenizer.from_file(vocabulary)
    eos = tokenizer.token_to_id("</s>")

    def prompt(instruction, text):
        head = f"### Instruction:\n{instruction}\n\n" if text else ""
        return f"{head}### Input:\n{text or instruction}\n\n### Response:\n"

    def encode(batch):
        prompts = [prompt(*row) for row in zip(batch["instruction"], batch["input"])]
        asked = tokenizer.encode_batch_fast(prompts)
        told = tokenizer.encode_batch_fast(batch["output"], add_special_tokens=False)
        ids = [a.ids + b.ids + [eos] for a, b in zip(asked, told)]
        labels = [[-100] * len(a.ids) + b.ids + [eos] for a, b in zip(asked, told)]
        return {"input_ids": ids, "labels": labels}

    start = cpu_seconds()
    data = datasets.load_dataset("json", data_files=rows, split="train", cache_dir=cache)
    loaded = cpu_seconds()
    count = 0
    for batch in data.iter(batch_size=1000):
        count += len(batch["output"])
    read = cpu_seconds()
    encoded = data.map(encode, batched=True, batch_size=1000, remove_columns=data.column_names)
    done = cpu_seconds()
    tokens = sum(sum(len(ids) for ids in batch["input_ids"]) for batch in encoded.iter(1000))
    print(json.dumps({
        "rows": count,
        "tokens": tokens,
        "load_s": loaded - start,
        "read_s": read - start,
        "whole_s": (loaded - start) + (done - read),
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))


main()
