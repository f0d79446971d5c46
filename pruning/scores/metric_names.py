"""How a metric is spelt: a score's name, ranked over all layers or within each."""

from __future__ import annotations

SUFFIX = "_layer"


def split_metric(metric: str) -> tuple[str, bool]:
    """Return the score's name, and whether units are ranked within layers.

    >>> split_metric("minimum_layer")
    ('minimum', True)
    """
    return metric.removesuffix(SUFFIX), metric.endswith(SUFFIX)
