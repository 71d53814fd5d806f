"""Makes the reference figures beside this file with transformers and PEFT (README.md tells how).

Usage: make_goldens.py [--check]
Without an option models/ and about.json are made anew. With --check they are made in a temporary
folder and compared: float tensors within 1e-4 of their norm, single floats within 1e-4 of their
value, all else exactly. Everything is float32 on one thread, so the same machine gives the same
bytes; another one rounds sums otherwise, for which the tolerance is.
"""
import argparse
import copy
import json
import math
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import peft
import safetensors
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-4
VOCABULARY = 96
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 40,
         "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "max_position_embeddings": 128, "bos_token_id": None, "eos_token_id": None}
# What each family has and the others lack: a head of its own; biases; norms of queries and keys,
# and heads that are wider than their share of the hidden size.
FAMILIES = {
    "llama": {"tie_word_embeddings": False, "rms_norm_eps": 1e-5},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"tie_word_embeddings": True, "head_dim": 8},
}
ADAPTERS = {"lora": {}, "rslora": {"use_rslora": True}, "dora": {"use_dora": True}}
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LEARNING_RATE, WARMUP_STEPS, STEPS = 5e-3, 5, 30
WEIGHT_DECAY, CLIP = 0.01, 0.3


class Random:
    """One stream of values for each thing that is made, so that none depends on the others."""

    def __init__(self, *name):
        self.generator = torch.Generator().manual_seed(zlib.crc32("/".join(name).encode()))

    def normal(self, shape):
        return torch.randn(shape, generator=self.generator)

    def ids(self, *shape):
        return torch.randint(VOCABULARY, shape, generator=self.generator)

    def rows(self, count, length, is_last_untrained=False):
        """Ids and labels; masked are each row's beginning, like a prompt, and a tenth of the rest."""
        ids = self.ids(count, length)
        begins = torch.randint(2, length // 2, (count, 1), generator=self.generator)
        is_masked = torch.rand(ids.shape, generator=self.generator) < 0.1
        labels = ids.masked_fill(is_masked | (torch.arange(length) < begins), -100)
        if is_last_untrained:
            labels[-1] = -100
        return {"input_ids": ids, "labels": labels}


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def make_base(family, settings, folder):
    config = transformers.AutoConfig.for_model(family, **SHAPE, **settings)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32,
                                                          attn_implementation="eager").eval()
    random = Random(family, "weights")
    with torch.no_grad():
        # As they are made, biases are 0 and norms 1, and a program that forgets them would pass.
        for name, weight in sorted(model.named_parameters()):
            values = random.normal(weight.shape)
            if weight.dim() == 2:
                scale = 0.25 if "embed" in name else 1.3 / math.sqrt(weight.shape[1])
                weight.copy_(scale * values)
            else:
                weight.copy_(("norm" in name) + 0.2 * values)
    model.save_pretrained(folder)
    return model


def write_forward(model, random, folder):
    rows = random.rows(2, 24)
    with torch.no_grad():
        result = model(**rows)
    logprobs = torch.log_softmax(result.logits[:, :-1], dim=-1)
    chosen = logprobs.gather(2, rows["input_ids"][:, 1:, None])[..., 0]
    save_file({**rows, "logits": result.logits, "token_logprobs": chosen.contiguous()},
              folder / "forward.safetensors")
    write_json(folder / "forward.json", {"loss": result.loss.item()})


def write_continuation(model, random, folder):
    prompt = random.ids(1, 8)
    result = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
                            max_new_tokens=24, return_dict_in_generate=True, output_logits=True)
    first, second = torch.cat(result.logits).topk(2).values.T
    smallest_lead = (first - second).min().item()
    # Twenty times what the tests let a logit be off by: no choice is one of rounding.
    assert smallest_lead > 2e-3, f"{folder.name}: a token leads by only {smallest_lead}"
    write_json(folder / "generate.json",
               {"prompt": prompt[0].tolist(), "greedy": result.sequences[0, 8:].tolist()})


def save_adapter(model, folder):
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["target_modules"].sort()  # a set, of another order in every process
    config["base_model_name_or_path"] = None  # a folder of this machine
    write_json(folder / "adapter_config.json", config)


def train(model, rows):
    adapter = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(adapter, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = transformers.get_cosine_schedule_with_warmup(optimizer, WARMUP_STEPS, STEPS)
    log = []
    for step in range(STEPS):
        halves = [[(4 * step + 2 * half + i) % 8 for i in (0, 1)] for half in (0, 1)]
        targets = sum((rows["labels"][half][:, 1:] != -100).sum().item() for half in halves)
        loss = 0.0
        for half in halves:
            part = model(input_ids=rows["input_ids"][half], labels=rows["labels"][half],
                         num_items_in_batch=targets).loss
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(adapter, CLIP).item()
        log.append({"step": step + 1, "loss": loss, "grad_norm_before_clip": norm,
                    "lr": schedule.get_last_lr()[0]})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return log


def write_adapter(base, method, random, folder):
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=PROJECTIONS, **ADAPTERS[method])
    model = peft.get_peft_model(copy.deepcopy(base), config)
    adapter = {name: p for name, p in sorted(model.named_parameters()) if p.requires_grad}
    with torch.no_grad():
        # B begins at zero, where A has no gradient and nothing of the adapter shows.
        for name, weight in adapter.items():
            values = random.normal(weight.shape)
            if weight.dim() == 1:
                weight.mul_(1 + 0.1 * values)
            else:
                weight.copy_(values / weight.shape[1]**0.5 if "lora_A" in name else 0.1 * values)
    save_adapter(model, folder / "init")

    rows = random.rows(2, 24)
    loss = model(**rows).loss
    loss.backward()
    gradients = {"grad." + name.replace(".default", ""): p.grad for name, p in adapter.items()}
    save_file({**rows, **gradients}, folder / "step1.safetensors")
    model.zero_grad()

    # A row without a target must change nothing but the shape of its micro-batch.
    rows = random.rows(8, 16, is_last_untrained=True)
    save_file(rows, folder / "train_rows.safetensors")
    write_json(folder / "train.json", {
        "loss_step1": loss.item(), "learning_rate": LEARNING_RATE, "warmup_steps": WARMUP_STEPS,
        "weight_decay": WEIGHT_DECAY, "clip": CLIP, "log": train(model, rows)})
    save_adapter(model, folder / "final")


def make(folder):
    shutil.rmtree(folder / "models", ignore_errors=True)
    for family, settings in FAMILIES.items():
        place = folder / "models" / family
        base = make_base(family, settings, place)
        write_forward(base, Random(family, "forward"), place)
        write_continuation(base, Random(family, "prompt"), place)
        for method in ADAPTERS if family == "llama" else ["lora"]:
            write_adapter(base, method, Random(family, method), place / method)
    write_json(folder / "about.json", {
        "dtype": "float32", "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__, "peft": peft.__version__,
        "safetensors": safetensors.__version__})


def flat(content, name):
    """The values of a JSON text by their names."""
    if isinstance(content, (dict, list)):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {k: v for key, value in items for k, v in flat(value, f"{name}/{key}").items()}
    return {name: content}


def values_of(folder):
    values = {}
    for path in [folder / "about.json", *sorted((folder / "models").rglob("*.*"))]:
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            values |= flat(json.loads(path.read_text(encoding="utf-8")), name)
        else:
            values |= {f"{name}/{k}": v for k, v in load_file(path).items()}
    return values


def deviation(got, want):
    """Relative for floats and tensors of them; else 0 where equal and infinite where not."""
    if isinstance(want, torch.Tensor) and isinstance(got, torch.Tensor):
        if got.shape != want.shape or got.dtype != want.dtype:
            return math.inf
        if want.is_floating_point():
            got, want = got.double(), want.double()
            return ((got - want).norm() / want.norm().clamp_min(1e-30)).item()
        return 0.0 if torch.equal(got, want) else math.inf
    if isinstance(want, float) and isinstance(got, float):
        return abs(got - want) / max(abs(want), 1e-30)
    return 0.0 if type(got) is type(want) and got == want else math.inf


def check():
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        got, want = values_of(Path(folder)), values_of(HERE)
        offs = {name: deviation(got.get(name), want.get(name)) for name in got.keys() | want.keys()}
    for name in sorted(name for name, off in offs.items() if not off <= TOLERANCE):
        print(name, "differs" if offs[name] == math.inf else f"is off by {offs[name]:.2g}")
    print(f"{len(offs)} values, the largest deviation is {max(offs.values()):.2g}")
    return all(off <= TOLERANCE for off in offs.values())


parser = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--check", action="store_true", help="compare instead of writing")
is_check = parser.parse_args().check
torch.set_num_threads(1)
transformers.utils.logging.disable_progress_bar()
if is_check:
    sys.exit(0 if check() else 1)
make(HERE)
