"""What is told of weights that a run starts from."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.run.resolved import ResolvedConfig
from pruning.networks.architecture import architecture_name, build_network
from pruning.networks.published_scaling import published_scaling
from pruning.networks.torchvision_models import PREFIX, published_normalisation
from pruning.networks.weights import classes_given


def starting_lines(resolved: ResolvedConfig) -> list[str]:
    """Return a line on each thing that is not the given weights' own, or not the data's own."""
    return [*_last_layers(resolved), *_normalisation(resolved)]


def _last_layers(resolved: ResolvedConfig) -> list[str]:
    source, classes = resolved.config.dropnet.init, len(resolved.classes)
    if source is None:
        return []
    lines = []
    for arch in dict.fromkeys(resolved.config.archs):
        network = build_network(arch, classes, resolved.input_shape, resolved.config.seed)
        if (others := classes_given(network, source)) is not None:
            lines.append(
                f"the last layer of {architecture_name(arch)} is drawn anew: {source} is of "
                f"{others} classes, the data of {classes}"
            )
    return lines


def _normalisation(resolved: ResolvedConfig) -> list[str]:
    """Return a line on how images are normalised, where a run starts from torchvision's weights."""
    source, scaling, shape = resolved.config.dropnet.init, resolved.scaling, resolved.input_shape
    if source is None or not source.startswith(PREFIX) or len(shape) != 3:
        return []
    if published_scaling(source, shape, scaling) == scaling:
        means, deviations = published_normalisation(source.removeprefix(PREFIX))
        return [
            f"images are normalised as {source} was trained, by mean {_numbers(means)} and "
            f"deviation {_numbers(deviations)} of 0..1, not by this data's own"
        ]
    return [f"images are normalised by this data's own mean and deviation, not by {source}'s"]


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
