"""``ensemble show``: what is in an ensemble and what it costs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ensemble.summary import EnsembleView, view
from pipelines.report.number_format import amount
from pipelines.run.loading import load_ensemble


def run_show(*, source: str, archs: tuple[str, ...]) -> None:
    """Print an ensemble's members, their widths against the unpruned, and what they cost."""
    about = view(load_ensemble(source, archs))
    console = Console()
    for line in _facts(about):
        console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_members(about))


def _facts(about: EnsembleView) -> list[str]:
    names = ", ".join(about.classes[:10]) + (" …" if len(about.classes) > 10 else "")
    shape = "×".join(map(str, about.input_shape))
    vote = f"vote by {about.voting}, temperature {about.temperature:.3g}"
    facts = [
        f"{len(about.members)} networks, {vote}",
        f"input {shape}; {len(about.classes)} classes: {names}",
    ]
    origin = about.provenance
    if origin.data:
        facts.append(
            f"trained on {origin.data}, chosen from {origin.pool_size} networks by {origin.method}"
        )
    if about.cascade:
        order = " → ".join(about.cascade)
        facts.append(f"cascade {order}, stops at probability {about.cascade_threshold:.3f}")
    return facts


def _members(about: EnsembleView) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("member", "architecture"):
        table.add_column(name, no_wrap=True)
    for name in ("FLOPs", "parameters", "bytes"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("units left")
    for member in about.members:
        cost = member.cost
        table.add_row(
            member.name, member.arch, amount(cost.flops), amount(cost.params),
            amount(cost.bytes, "B"), member.widths_text or "all",
        )  # fmt: skip
    total = about.cost
    table.add_row(
        "together", "", amount(total.flops), amount(total.params), amount(total.bytes, "B"), "",
        style="bold",
    )  # fmt: skip
    return table
