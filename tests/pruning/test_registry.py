from __future__ import annotations

import pytest

from pruning.errors import RequestError
from pruning.networks.registry import NETWORKS
from pruning.registry import Registry
from pruning.scores.base import SCORES


def test_a_name_registered_twice_raises() -> None:
    registry: Registry[int] = Registry("thing", "pruning.scores")
    registry.register("a")(1)
    with pytest.raises(ValueError, match="thing 'a' is registered twice"):
        registry.register("a")(2)


def test_an_unknown_name_lists_the_known_nearest_first() -> None:
    with pytest.raises(RequestError, match=r"unknown importance score 'minimun'; did you mean "
                                           r"'minimum'\? known: minimum, "):  # fmt: skip
        SCORES["minimun"]


def test_discovery_finds_every_file() -> None:
    assert {"minimum", "maximum", "random"} <= set(SCORES)
    assert {"mlp-a", "conv-b", "conv-c", "conv-c4"} <= set(NETWORKS)
