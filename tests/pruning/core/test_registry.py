from __future__ import annotations

import pytest
from torch import Tensor

from pruning.core.errors import RequestError
from pruning.core.registry import Registry
from pruning.networks.architecture import NETWORKS
from pruning.scores.score import SCORES, Score


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


@pytest.mark.parametrize("entry", [3, int, Score])
def test_what_is_registered_must_be_of_the_wanted_kind(entry: object) -> None:
    registry: Registry[object] = Registry("thing", "pruning.scores", Score)
    if entry is Score:
        registry.register("a")(entry)
        registry.register("b")(Score())
    else:
        with pytest.raises(RequestError, match=r"thing 'a': .* does not derive from .*Score"):
            registry.register("a")(entry)


def test_a_score_that_observes_is_swept_and_need_not_say_so() -> None:
    class Seen(Score):
        def observe(self, activation: Tensor) -> Tensor:
            return activation.sum(0)

    class Felt(Score):
        def observe_gradient(self, activation: Tensor, gradient: Tensor) -> Tensor:
            return (activation * gradient).sum(0)

    wants = {kind: (kind.needs_sweep, kind.needs_gradient) for kind in (Score, Seen, Felt)}
    assert wants == {Score: (False, False), Seen: (True, False), Felt: (True, True)}
    swept = {name for name in SCORES if SCORES[name].needs_sweep}
    assert swept >= {"minimum", "maximum", "apoz", "variance", "taylor"}
    assert swept.isdisjoint({"l1", "l2", "fpgm", "bn_scale", "random"})
