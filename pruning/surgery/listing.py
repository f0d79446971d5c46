"""Architectures side by side: what each costs, what of it can be pruned, weights to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pruning.core.errors import RequestError
from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import NETWORKS, build_network
from pruning.networks.torchvision_models import published_weights
from pruning.surgery.find import analyse


@dataclass(frozen=True)
class ListedArchitecture:
    """What is known of an architecture before any training.

    Attributes
    ----------
    name
        As `pruning.networks.architecture.build_network` takes it.
    cost
        Of one sample through the unpruned network; None where it cannot be built for such
        samples.
    units
        Units and filters that can be pruned; channels that are summed count once.
    weights
        Names of published weights to start from; most architectures have none.
    """

    name: str
    cost: Cost | None
    units: int
    weights: tuple[str, ...]


def listed(
    names: Sequence[str], input_shape: tuple[int, ...], num_classes: int = 10
) -> tuple[ListedArchitecture, ...]:
    """Return what is known of the named architectures, or of all that are registered.

    Parameters
    ----------
    names
        Names, torchvision's and the user's own among them; none for all that are registered.
    input_shape
        One sample, (C, H, W) or (F,).
    num_classes
        Number of logits.

    Raises
    ------
    RequestError
        If one that was named is unknown, or cannot be built for such samples. Of those that
        were not, `ListedArchitecture.cost` says so.

    >>> [(row.name, row.units, row.cost.params) for row in listed(["mlp-a:8-4"], (5,), 2)]
    [('mlp-a:8-4', 12, 94)]
    """
    if names:
        return tuple(_known_of(name, input_shape, num_classes) for name in names)
    rows = []
    for name in NETWORKS:
        try:
            rows.append(_known_of(name, input_shape, num_classes))
        except RequestError:
            rows.append(ListedArchitecture(name, None, 0, ()))
    return tuple(rows)


def _known_of(name: str, input_shape: tuple[int, ...], num_classes: int) -> ListedArchitecture:
    network = build_network(name, num_classes, input_shape, seed=0)
    units = sum(group.size for group in analyse(network, input_shape).groups)
    return ListedArchitecture(
        name, count_cost(network, input_shape), units, published_weights(name)
    )
