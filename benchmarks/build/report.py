"""Measurements → table and plot: ``results/benchmarks/build.md`` and ``build.png``."""

from __future__ import annotations

import json
import statistics
from typing import Any

import matplotlib as mpl
from measure import RESULTS, machine
from scipy import stats

mpl.use("Agg")
from matplotlib import pyplot as plt

ROUNDS = 12
"""Round 0 and eleven pruning rounds."""
GIGA = 1e9
Known = dict[str, Any]


def write() -> None:
    """Write what has been measured; a part that has not is left out."""
    parts = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    machines = {known.pop("machine", machine()) for known in parts.values()}
    lines = [
        "# How fast a build is",
        "",
        "`python benchmarks/build/speed.py --mnist DIR --cifar DIR`",
        "",
        *sorted(machines),
        "",
    ]
    writers = {
        "mlp": _mlp, "conv": _conv, "peak": _peak, "members": _members, "samples": _samples,
        "memory": _memory, "inference": _inference,
    }  # fmt: skip
    for name, section in writers.items():
        if parts.get(name):
            lines += [*section(parts[name]), ""]
    text = "\n".join(lines).rstrip() + "\n"
    (RESULTS.parent / "build.md").write_text(text, encoding="utf-8")
    _plot(parts)


def _mlp(known: Known) -> list[str]:
    textbook = [known[name] for name in known if name.startswith("textbook")]
    seconds = sum(side["seconds"] for side in textbook)
    lines = [
        "## mlp-a, MNIST (48,001 training images), M = 20, batch 32, 2 epochs a round, "
        "`minimum`, p = 0.2 to 9 % of the units",
        "",
        f"The textbook: {len(textbook)} members one after the other, one thread, which is faster "
        "here than two; all rounds at full width. Ours: two processes, worker start-up and the "
        "files of every round included.",
        "",
        "| | seconds | textbook is slower by | load when measured |",
        "|---|---|---|---|",
        f"| textbook, {len(textbook)} of 20 members | {seconds:.0f} | | {_loads(textbook)} |",
    ]
    ours = known.get("program stacked")
    if ours:
        ratio = seconds * 20 / len(textbook) / ours["seconds"]
        lines.append(
            f"| ours, {ours['engine']} | {ours['seconds']:.1f} | **{ratio:.1f} ×** | "
            f"{ours['load']} |"
        )
    rival, unpruned = known.get("torchensemble"), known.get("program unpruned")
    if rival and unpruned:
        first = sum(side["rounds"][0] for side in textbook) * 20 / len(textbook)
        lines += [
            f"| unpruned networks alone: textbook, round 0 | {first:.0f} | | |",
            f"| … torchensemble's VotingClassifier | {rival['seconds']:.0f} | | {rival['load']} |",
            f"| … ours, start-up and files included | {unpruned['seconds']:.1f} | "
            f"{first / unpruned['seconds']:.1f} × (torchensemble "
            f"{rival['seconds'] / unpruned['seconds']:.1f} ×) | {unpruned['load']} |",
        ]
    return lines + (_accuracies(textbook, {"ours, float32": ours}) if ours else [])


def _conv(known: Known) -> list[str]:
    timed = [known[name] for name in known if name.startswith("timed")]
    whole = [known[name] for name in known if name.startswith("whole")]
    lines = [
        "## conv-c, CIFAR-10 (re-encoded as JPEG), 5,000 training images, batch 128, 3 epochs a "
        "round, `minimum_layer`, p = 0.2 to 9 % of the filters",
        "",
        "The textbook: one member at a time, two threads, all rounds at full width. Its rounds "
        "cost the same: of one member all are timed, of three round 0, taken 12 times. Ours: "
        "the same members, all rounds, two processes, worker start-up and the files of every "
        "round included.",
        "",
        "| | seconds a member | textbook is slower by | load when measured |",
        "|---|---|---|---|",
    ]
    if timed:
        each = ROUNDS * statistics.mean(statistics.mean(side["rounds"]) for side in timed)
        lines.append(f"| textbook, {len(timed)} members | {each:.0f} | | {_loads(timed)} |")
    sides = {n: known.get(f"program {n}") for n in ("loop-bf16", "loop")}
    for name, side in sides.items():
        if side:
            own = side["seconds"] / len(side["accuracies"]["0"])
            ratio = f"**{each / own:.1f} ×**" if timed else ""
            lines.append(f"| ours, {name} | {own:.0f} | {ratio} | {side['load']} |")
    shown = {f"ours, {name}": side for name, side in sides.items() if side}
    return lines + (_accuracies(whole, shown) if whole and shown else [])


def _accuracies(textbook: list[Known], sides: dict[str, Known]) -> list[str]:
    last = next(iter(sides.values()))["accuracies"]
    rows = sorted(last, key=int)
    rounds = " | ".join(f"round {k}" for k in rows)
    lines = ["", f"| mean accuracy on the 10,000 test images, % | {rounds} |"]
    lines.append("|---" * (len(rows) + 1) + "|")
    cells = []
    for k in rows:
        found = [100 * side["accuracies"][k][0] for side in textbook if k in side["accuracies"]]
        cells.append(_interval(found) if len(found) > 1 else "not run")
    lines.append(f"| textbook (95 % interval of the mean) | {' | '.join(cells)} |")
    for name, side in sides.items():
        means = [f"{100 * statistics.mean(side['accuracies'][k]):.2f}" for k in rows]
        lines.append(f"| {name} | {' | '.join(means)} |")
    return lines


def _interval(values: list[float]) -> str:
    mean = statistics.mean(values)
    t = float(stats.t.ppf(0.975, len(values) - 1))
    half = t * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.2f} ({mean - half:.2f} to {mean + half:.2f})"


def _peak(known: Known) -> list[str]:
    products = {d: known[f"product {d}"] for d in ("float32", "bfloat16")}
    lines = [
        "## Training throughput at full width against the measured matrix product",
        "",
        f"One core, batch 128; a product of 1024 × 1024 matrices takes "
        f"{products['float32'] / GIGA:.0f} GFLOP/s in float32, "
        f"{products['bfloat16'] / GIGA:.0f} in bfloat16.",
        "",
        "| | float32, images/s | share of the product | bfloat16, images/s | share |",
        "|---|---|---|---|---|",
    ]
    for arch, found in known.items():
        if arch.startswith("product"):
            continue
        cells = []
        for key, dtype in (("False", "float32"), ("True", "bfloat16")):
            cells += [f"{found[key]['images']:.0f}", f"{found[key]['flops'] / products[dtype]:.2f}"]
        lines.append(f"| {arch} | {' | '.join(cells)} |")
    return lines


def _members(known: Known) -> list[str]:
    lines = [
        "## Against M: mlp-a, MNIST, an epoch a round, three pruning rounds",
        "",
        "| M | seconds | a member | peak memory of all processes, GB |",
        "|---|---|---|---|",
    ]
    for count, side in _counted(known):
        lines.append(
            f"| {count} | {side['seconds']:.1f} | {side['seconds'] / count:.2f} | "
            f"{side['peak_bytes'] / GIGA:.2f} |"
        )
    return lines


def _samples(known: Known) -> list[str]:
    lines = [
        "## Against the samples: mlp-a, MNIST, M = 20, an epoch a round, three pruning rounds",
        "",
        "| samples (80 % of them train) | seconds | per 1,000 |",
        "|---|---|---|",
    ]
    for count, side in _counted(known):
        lines.append(f"| {count} | {side['seconds']:.1f} | {1000 * side['seconds'] / count:.2f} |")
    return lines


def _memory(known: Known) -> list[str]:
    lines = [
        "## Peak memory on all of CIFAR-10, two processes and the main one",
        "",
        "Shared pages count once. Of convolutional networks two train at a time, whatever M.",
        "",
        "| | M | GB |",
        "|---|---|---|",
    ]
    for name, side in known.items():
        arch, count = name.split(" ")
        lines.append(f"| {arch} | {count} | {side['peak_bytes'] / GIGA:.2f} |")
    return lines


def _inference(known: Known) -> list[str]:
    teams = list(next(iter(next(iter(next(iter(known.values())).values())).values())))
    lines = [
        "## Inference of a team of five, pruned to a share of the filters, one thread",
        "",
        "Milliseconds, and in brackets against one unpruned network.",
        "",
        f"| | runtime | batch | {' | '.join(teams)} |",
        "|---" * (3 + len(teams)) + "|",
    ]
    for arch, runtimes in known.items():
        for runtime, batches in runtimes.items():
            for batch, seconds in batches.items():
                one = seconds["1 unpruned"]
                cells = [f"{1000 * s:.2f} ({s / one:.2f} ×)" for s in seconds.values()]
                lines.append(f"| {arch} | {runtime} | {batch} | {' | '.join(cells)} |")
    return lines


def _counted(known: Known) -> list[tuple[int, Known]]:
    return sorted((int(name.split(" ")[1]), side) for name, side in known.items())


def _loads(sides: list[Known]) -> str:
    loads = [side["load"] for side in sides]
    return f"{min(loads)} to {max(loads)}"


def _plot(parts: dict[str, Known]) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for axis, name, label in ((axes[0], "members", "M"), (axes[1], "samples", "samples")):
        points = _counted(parts.get(name, {}))
        if points:
            axis.plot([p for p, _ in points], [s["seconds"] for _, s in points], "o-")
        axis.set(xlabel=label, ylabel="seconds", title=f"mlp-a, MNIST: time against {label}")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    memory = {n: s for n, s in parts.get("memory", {}).items() if n.startswith("mlp-a")}
    points = _counted(memory)
    if points:
        axes[2].plot([p for p, _ in points], [s["peak_bytes"] / GIGA for _, s in points], "o-")
    axes[2].axhline(6, color="grey", linestyle=":")
    axes[2].set(xlabel="M", ylabel="GB, all processes", title="mlp-a, CIFAR-10: peak memory")
    axes[2].set_ylim(0, 6.5)
    figure.savefig(RESULTS.parent / "build.png", dpi=110)
