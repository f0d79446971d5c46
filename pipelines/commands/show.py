"""``ensemble show``: what is in an ensemble and what it costs."""

from __future__ import annotations

import shutil
from pathlib import Path

from ensemble.storage.folder import onnx_file
from ensemble.summary import EnsembleView, view
from pipelines.commands.columns import columns
from pipelines.commands.outcome import say_unchecked
from pipelines.report.number_format import amount
from pipelines.run.loading import load_ensemble
from pruning.core.plain_text import plain
from pruning.inference.cost import Cost


def run_show(*, source: str, archs: tuple[str, ...]) -> None:
    """Print an ensemble's members, their widths against the unpruned, and what they cost."""
    say_unchecked(source)
    about = view(load_ensemble(source, archs))
    width = shutil.get_terminal_size().columns
    for line in (
        *_facts(about),
        *_file(Path(source)),
        "",
        *columns(_members(about), width, right=(2, 3, 4)),
    ):
        print(plain(line))


def _facts(about: EnsembleView) -> list[str]:
    names = ", ".join(about.classes[:10]) + (" …" if len(about.classes) > 10 else "")
    shape = "×".join(map(str, about.input_shape))
    vote = f"vote by {about.voting}, temperature {about.temperature:.3g}"
    facts = [
        f"{len(about.members)} networks, {vote}"
        if len(about.members) > 1
        else f"1 network, {vote}",
        f"input {shape}; {len(about.classes)} classes: {names}",
    ]
    origin = about.provenance
    if origin.pool_size and not origin.data:
        facts.append(f"chosen from {origin.pool_size} networks by {origin.method}")
    if origin.data:
        facts.append(
            f"trained on {origin.data}, chosen from {origin.pool_size} networks by {origin.method}"
        )
    if about.cascade:
        order = " → ".join(about.cascade)
        facts.append(f"cascade {order}, stops at probability {about.cascade_threshold:.3f}")
    return facts


def _file(source: Path) -> list[str]:
    """Say how large an exported file is: quantised, it is smaller than its networks' weights."""
    file = onnx_file(source)
    if file is None:
        return []
    size = amount(file.stat().st_size, "B")
    return [f"one file of {size}; the bytes below are its networks' as float32"]


def _members(about: EnsembleView) -> list[list[str]]:
    return [
        ["member", "architecture", "FLOPs", "parameters", "bytes", "units left"],
        *([m.name, m.arch, *_amounts(m.cost), m.widths_text or "all"] for m in about.members),
        ["together", "", *_amounts(about.cost), ""],
    ]


def _amounts(cost: Cost) -> tuple[str, str, str]:
    return amount(cost.flops), amount(cost.params), amount(cost.bytes, "B")
