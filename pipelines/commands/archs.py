"""``ensemble archs``: which networks there are, and what each costs at a given input."""

from __future__ import annotations

import textwrap
from typing import Any

from rich.table import Table

from pipelines.build.data import load_data
from pipelines.commands.console import OutputConsole
from pipelines.commands.shape import checked_classes, read_shape
from pipelines.report.number_format import amount, whole
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.core.settings_tree import made
from pruning.data.data_config import DataConfig
from pruning.networks.torchvision_models import PREFIX, classifiers
from pruning.surgery.listing import ListedArchitecture, listed

USUAL_SHAPE = "3x32x32"
USUAL_CLASSES = 10


def run_archs(
    *, names: tuple[str, ...], shape: str | None, classes: int | None, **data: Any
) -> None:
    """Print a line for each architecture, and how those are named that have none.

    `data` are the options of `DataConfig`; given, they say what a sample is.
    """
    sample, logits = _input(shape, classes and checked_classes(classes), data)
    rows = listed(names, sample, logits)
    console = OutputConsole()
    size = "×".join(map(str, sample))
    console.print(f"one sample of {size}, {whole(logits)} classes", highlight=False)
    console.print()
    console.print(_table(rows))
    if any(row.cost is None for row in rows):
        console.print(
            f"– cannot be built for such samples; ensemble check NAME --input "
            f"{'x'.join(map(str, sample))} says why{_turned(sample)}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    if not names:
        print("\n".join(("", *_other_ways(console.width))))


def _input(
    shape: str | None, classes: int | None, data: dict[str, Any]
) -> tuple[tuple[int, ...], int]:
    """Return one sample's shape and the number of classes, from the data where these are named."""
    given = [name for name, value in data.items() if value is not None and value != ()]
    if not given:
        return read_shape(shape or USUAL_SHAPE), classes or USUAL_CLASSES
    if "data" not in given:
        raise RequestError(f"`{given[0]}` belongs to `data`; name the data, or leave it out")
    if shape is not None:
        raise RequestError("`shape` and `data` both say what a sample is; give one of them")
    splits = load_data(BuildConfig(data=made(DataConfig, data))).splits
    return splits.input_shape, classes or len(splits.classes)


def _turned(sample: tuple[int, ...]) -> str:
    """What to give where channels stand last, which the command line takes first."""
    if len(sample) != 3 or sample[2] not in (1, 3) or sample[0] <= 4:
        return ""
    return f"; channels come first: --input {sample[2]}x{sample[0]}x{sample[1]}"


def _table(rows: tuple[ListedArchitecture, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("architecture", no_wrap=True)
    for name in ("FLOPs", "parameters", "units"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("published weights")
    for row in rows:
        if row.cost is None:
            table.add_row(row.name, "–", "–", "–", "")
            continue
        table.add_row(
            row.name, amount(row.cost.flops), amount(row.cost.params), whole(row.units),
            ", ".join(row.weights) or "none",
        )  # fmt: skip
    return table


def _other_ways(width: int) -> list[str]:
    """Return how torchvision's networks and one's own are named."""
    names = ", ".join(name.removeprefix(PREFIX) for name in classifiers())
    return [
        *textwrap.wrap(
            "widths: mlp-a:60-60 is mlp-a with layers of 60; units are what can be pruned, "
            "FLOPs 2 for each multiply-accumulate", width,
        ),
        *textwrap.wrap(
            "your own: --arch module:factory, factory(num_classes, input_shape) in module.py; "
            "ensemble check module:factory --input … says what of it can be pruned", width,
        ),
        *textwrap.wrap(
            "torchvision's, with weights to start from (--arch torchvision:resnet18 --init "
            f"torchvision:resnet18): {names}", width, break_on_hyphens=False,
        ),
        *textwrap.wrap(
            "what one of them costs: ensemble archs torchvision:resnet18 --input 3x224x224", width
        ),
    ]  # fmt: skip
