"""Times Hugging Face tokenizers on one core, for test_tokenizer_bench.cpp.

encode_texts.py VOCABULARY TEXTS.json: encodes every text of the list, once by encode() and once by
encode_batch(), and prints {"seconds": CPU seconds of the faster way, "ids": number of ids}.
VOCABULARY is a tokenizer.json, or a rank file, which becomes a byte-level BPE with Qwen's words.
"""

import base64
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers  # noqa: E402

QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_characters():
    """The character that stands for each byte in byte-level vocabularies."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    names = {byte: chr(byte) for byte in shown}
    for byte in range(256):
        if byte not in names:
            names[byte] = chr(256 + len(names) - len(shown))
    return names


def two_parts(token, ranks, limit):
    """The pair that the token is merged from, using only ranks below its own."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        best = min(
            range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], limit)
        )
        if ranks.get(parts[best] + parts[best + 1], limit) >= limit:
            return None
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def open_ranks(path):
    ranks = {}
    with open(path, "rb") as lines:
        for line in lines:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
    names = byte_characters()
    text = lambda token: "".join(names[byte] for byte in token)  # noqa: E731
    merges = []
    for token, rank in ranks.items():
        parts = two_parts(token, ranks, rank) if len(token) > 1 else None
        if parts:
            merges.append((text(parts[0]), text(parts[1])))
    vocabulary = {text(token): rank for token, rank in ranks.items()}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def main():
    path, texts_path = sys.argv[1:]
    with open(texts_path, encoding="utf-8") as file:
        texts = json.load(file)
    tokenizer = Tokenizer.from_file(path) if path.endswith(".json") else open_ranks(path)
    began = time.process_time()
    ids = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
    one_by_one = time.process_time() - began
    began = time.process_time()
    tokenizer.encode_batch(texts, add_special_tokens=False)
    together = time.process_time() - began
    print(json.dumps({"seconds": min(one_by_one, together), "ids": ids}))


main()
