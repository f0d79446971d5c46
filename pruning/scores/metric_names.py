"""How a metric is spelt: a score's name, ranked over all layers or within each."""

from __future__ import annotations

SUFFIX = "_layer"


def split_metric(metric: str) -> tuple[str, bool]:
    """Return the score's name, and whether units are ranked within layers.

    >>> split_metric("minimum_layer")
    ('minimum', True)
    """
    return metric.removesuffix(SUFFIX), metric.endswith(SUFFIX)


def own_metric(metric: str) -> bool:
    """Whether a metric is of the user's own.

    >>> own_metric("mine:Score_layer"), own_metric("minimum_layer")
    (True, False)
    """
    return ":" in metric
