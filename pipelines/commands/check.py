"""``ensemble check``: can this network be pruned?"""

from __future__ import annotations

from rich.table import Table

from pipelines.build.rehearsal import Rehearsal, noisy_splits, rehearse
from pipelines.commands.console import OutputConsole
from pipelines.commands.shape import checked_classes, read_shape
from pipelines.report.number_format import amount
from pruning.networks.architecture import built_in
from pruning.surgery.checking import check


def run_check(*, arch: str, shape: str, classes: int) -> None:
    """Print the groups of units that can be pruned, what that frees, and what cannot be."""
    sample, classes = read_shape(shape), checked_classes(classes)
    report = check(arch, sample, classes)
    rehearsal = None if built_in(arch) else rehearse(arch, noisy_splits(sample, classes))
    console = OutputConsole()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("units", justify="right")
    table.add_column("made by")
    table.add_column("read by")
    for group in report.groups:
        table.add_row(str(group.units), ", ".join(group.layers), ", ".join(group.readers))
    console.print(table)
    groups = "1 group" if len(report.groups) == 1 else f"{len(report.groups)} groups"
    console.print(
        f"{groups}; {report.removable_flops:.1%} of {amount(report.cost.flops)} "
        f"FLOPs and {report.removable_params:.1%} of {amount(report.cost.params)} parameters "
        "can be removed",
        highlight=False,
    )
    for line in _rehearsed(rehearsal):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for refusal in report.refusals:
        console.print(f"not pruned: {refusal}", highlight=False, markup=False, soft_wrap=True)


def _rehearsed(rehearsal: Rehearsal | None) -> tuple[str, ...]:
    if rehearsal is None:
        return ()
    way = "rehearsed: trained for a few steps, pruned, saved and loaded"
    return (way if rehearsal.not_exported else f"{way}, exported to ONNX", *rehearsal.lines)
