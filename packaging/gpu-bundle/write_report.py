"""Writes docs/gpu.md from the results of a GPU machine (./test --gpu --bench, or the results folder
of the bundle's run.sh). Every figure comes from the files; what is missing there is left out.

    write_report.py RESULTS OUT.md
"""
import json
import os
import sys

GIB = 1 << 30
SPECIFICATION_TFLOPS = 989


def read(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def card_name(folder):
    path = os.path.join(folder, "machine.txt")
    if not os.path.exists(path):
        return "unknown card"
    with open(path, encoding="utf-8") as file:
        for line in file:
            if "NVIDIA" in line and "|" in line and "SMI" not in line:
                return " ".join(line.split("|")[1].split()[1:-1])
    return "unknown card"


def training_table(figures, peers):
    lines = ["| setting | tokens/s | share of the measured peak | of 989 TFLOP/s | used on the card "
             "| planned | of the floor | first loss |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name, figure in figures.items():
        if not isinstance(figure, dict) or "tokens_per_second" not in figure:
            continue
        lines.append(
            f"| {name} | {figure['tokens_per_second']:,.0f} "
            f"| {figure['share_of_measured_peak']:.2f} "
            f"| {figure['tflops'] / SPECIFICATION_TFLOPS:.2f} "
            f"| {figure['used_bytes'] / GIB:.2f} GiB | {figure['planned_bytes'] / GIB:.2f} GiB "
            f"| {figure['used_bytes'] / figure['floor_bytes']:.2f} | {figure['losses'][0]:.4f} |")
    for name, figure in peers.items():
        if "tokens_per_second" in figure:
            used = f"{figure['peak_bytes'] / GIB:.2f} GiB" if "peak_bytes" in figure else ""
            lines.append(f"| {name} (llama-lora's rows) | {figure['tokens_per_second']:,.0f} | | "
                         f"| {used} | | | {figure['losses'][0]:.4f} |")
        else:
            lines.append(f"| {name} | failed: {figure['error'][:80]} | | | | | | |")
    return lines


def ratio_lines(figures, peers):
    """What the goals are stated in: ratios of two rows of the table."""
    rates = {name: figure["tokens_per_second"] for name, figure in {**figures, **peers}.items()
             if isinstance(figure, dict) and "tokens_per_second" in figure}
    pairs = [("llama-lora-any-order", "llama-lora"), ("llama-qlora-4096", "llama-lora-4096")]
    pairs += [("llama-lora", peer) for peer in peers]
    lines = [f"- {one} is {rates[one] / rates[other]:.2f} times as fast as {other}."
             for one, other in pairs if one in rates and other in rates]
    if "llama-lora" in figures and "peft-eager" in peers and "losses" in peers["peft-eager"]:
        ours, theirs = figures["llama-lora"]["losses"], peers["peft-eager"]["losses"]
        pairs = list(zip(ours[:3], theirs[:3]))
        most = max(abs(a - b) for a, b in pairs)
        lines.append(f"- The first {len(pairs)} losses of both on the same rows differ by at most "
                     f"{most:.4f} nats.")
    if any(figure.get("recomputes") for figure in peers.values()):
        lines.append("- The peer does not fit on this card without gradient checkpointing and runs "
                     "with it.")
    return lines


def checks_table(results):
    lines = ["| check | result | |", "| --- | --- | --- |"]
    for one in results:
        # A profile has its own fold above; a table's cell is one line.
        text = "" if one["check"].startswith("profile ") else " ".join(one["text"].split())
        lines.append(f"| {one['check']} | {one['state']} | {text} |")
    return lines


def main():
    folder, out = sys.argv[1], sys.argv[2]
    bench = read(folder, "gpu_bench.json")
    check = read(folder, "gpu_check.json")
    peers = read(folder, "peer_bench.json")
    lines = ["# On a GPU", "", f"Measured on one {card_name(folder)} by `./test --gpu --bench`.", ""]
    peak = bench.get("figures", {}).get("matmul_peak_flops", 0)
    lines += [f"Matrix-multiply peak in bfloat16, measured in the same run: {peak / 1e12:,.0f} TFLOP/s.",
              "", "## Training", ""]
    lines += training_table(bench.get("figures", {}), peers) + [""]
    lines += ratio_lines(bench.get("figures", {}), peers)
    lines += ["", "Tokens/s count every token of a row. The shares count 4 FLOP a matrix weight and "
              "token, the head included, the embedding not. The floor is the model, what is trained, "
              "what the plan keeps and one layer at work; the card's context counts as used.", ""]
    for name, text in bench.get("figures", {}).items():
        if name.endswith(" profile"):
            lines += [f"<details><summary>Where a step of {name[:-8]} spends its time</summary>", "",
                      "```", text.rstrip(), "```", "</details>", ""]
    for title, results in (("Benchmark runs", bench), ("Checks", check)):
        if results.get("checks"):
            lines += ["", f"## {title}", ""] + checks_table(results["checks"])
    for title, name in (("Kernels", "kernels-bench.log"), ("Checks of the kernels", "kernels.log")):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines += ["", f"## {title}", "", "```", file.read().rstrip(), "```"]
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(out)


if __name__ == "__main__":
    main()
