"""``ensemble combine``: a team of ONNX classifiers made elsewhere, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipelines.build.combining import combine
from pipelines.build.labelled import LabelledSamples, read_labelled
from pipelines.commands.choice_text import chosen_lines, reasons
from pipelines.commands.outcome import quoted
from pipelines.run.choice_files import check_replaceable, model_file
from pipelines.run.own_files import check_not_own
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling


def run_combine(
    *, models: tuple[str, ...], labels: str, mean: str | None, std: str | None, out: str,
    **options: Any,
) -> None:  # fmt: skip
    """Run the models on the labelled samples, choose, write one file, say what was chosen."""
    check_not_own(Path(out), "out")
    check_replaceable(Path(out), model=True)
    config = SelectionConfig.of_pool(options, len(models))
    labelled = read_labelled(Path(labels))
    scaling = _scaling(labelled, mean, std)
    found = combine([Path(model) for model in models], labelled, config, scaling, Path(out))
    for name, missed in found.uncounted.items():
        click.echo(
            f"{name}: the FLOPs leave out {len(missed)} operations whose sizes are not known, "
            f"such as {missed[0]}",
            err=True,
        )
    pool = found.choice.select
    for name, accuracy in zip(pool.member_ids, pool.accuracies, strict=True):
        if accuracy <= 1 / len(labelled.classes):
            click.echo(
                f"{name} is right on {100 * accuracy:.0f} % of the samples, no more than by "
                "chance: are its classes in another order, or its inputs scaled otherwise?",
                err=True,
            )
    for line in [
        *chosen_lines(found.choice.selection, config, labelled.name),
        *reasons(found.choice.selection),
    ]:
        print(line)
    more = "" if found.choice.test is not None else " --test PREDICTIONS.npz"
    print(
        f"\n{model_file(Path(out))}\n\nnext: ensemble predict {quoted(out)} …"
        f"\n      ensemble compare {quoted(out)}{more}"
    )


def _scaling(labelled: LabelledSamples, mean: str | None, std: str | None) -> Scaling:
    """Return what makes model input of samples: 8 bits become 0..1, then less mean, over std."""
    eight_bit = labelled.samples.dtype.name == "uint8"
    if not eight_bit:
        if mean is not None or std is not None:
            raise RequestError(
                f"`mean` and `std` are of 8-bit images; {labelled.name} holds "
                f"{labelled.samples.dtype}, which is handed on as it is"
            )
        return Scaling((0.0,), (1.0,))
    offsets, scales = _numbers("mean", mean, 0.0), _numbers("std", std, 1.0)
    longest = max(len(offsets), len(scales))
    offsets, scales = (v * (longest // len(v)) for v in (offsets, scales))
    if (
        len(offsets) != len(scales)
        or min(scales) <= 0
        or longest not in (1, labelled.samples.shape[1])
    ):
        raise RequestError(
            f"`mean` {mean or 0} and `std` {std or 1} must be one number or one for each of "
            f"{labelled.samples.shape[1]} channels, std above 0"
        )
    return Scaling(tuple(255 * v for v in offsets), tuple(255 * v for v in scales))


def _numbers(name: str, text: str | None, usual: float) -> tuple[float, ...]:
    try:
        return (usual,) if text is None else tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise RequestError(
            f"`{name}` {text!r} is no list of numbers; give one such as 0.5,0.4,0.4"
        ) from error
