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
             "| first loss |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, figure in figures.items():
        if not isinstance(figure, dict) or "tokens_per_second" not in figure:
            continue
        lines.append(
            f"| {name} | {figure['tokens_per_second']:,.0f} "
            f"| {figure['share_of_measured_peak']:.2f} "
            f"| {figure['tflops'] / SPECIFICATION_TFLOPS:.2f} "
            f"| {figure['used_bytes'] / GIB:.2f} GiB | {figure['losses'][0]:.4f} |")
    for name, figure in peers.items():
        if "tokens_per_second" in figure:
            lines.append(f"| {name} (llama-lora's rows) | {figure['tokens_per_second']:,.0f} | | "
                         f"| {figure['peak_bytes'] / GIB:.2f} GiB | {figure['losses'][0]:.4f} |")
        else:
            lines.append(f"| {name} | failed: {figure['error'][:80]} | | | | |")
    return lines


def checks_table(results):
    lines = ["| check | result | |", "| --- | --- | --- |"]
    for one in results:
        lines.append(f"| {one['check']} | {one['state']} | {one['text']} |")
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
    lines += training_table(bench.get("figures", {}), peers)
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
