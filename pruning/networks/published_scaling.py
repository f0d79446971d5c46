"""Network input as torchvision's weights were trained on it."""

from __future__ import annotations

from dataclasses import replace

from pruning.networks.torchvision_models import PREFIX, published_normalisation
from pruning.samples.scaling import Scaling

WHITE = 255


def published_scaling(source: str, shape: tuple[int, ...], own: Scaling) -> Scaling | None:
    """Return the scaling that weights to start from expect; None where there is none to know.

    There is one for torchvision's weights and images of three channels, stored in 8 bits.

    Parameters
    ----------
    source
        As `pruning.networks.weights.start_from` takes it.
    shape
        Of a sample.
    own
        The data's own scaling, whose reading of what is handed over stays.

    Raises
    ------
    RequestError
        If torchvision has no such classifier or weights.

    >>> [round(x, 3) for x in published_scaling("torchvision:vgg16", (3, 32, 32), Scaling()).scale]
    [58.395, 57.12, 57.375]
    >>> published_scaling("my.safetensors", (3, 32, 32), Scaling()) is None
    True
    """
    eight_bit = len(shape) == 3 and own.reading.units is None
    if not source.startswith(PREFIX) or not eight_bit or shape[0] != 3:
        return None
    means, deviations = published_normalisation(source.removeprefix(PREFIX))
    offset = tuple(WHITE * mean for mean in means)
    return replace(own, offset=offset, scale=tuple(WHITE * one for one in deviations))
