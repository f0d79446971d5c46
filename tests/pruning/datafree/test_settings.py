"""How much is merged away, as it can be said: by numbers, texts, pairs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ensemble.storage.sealed import canonical_json
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.datafree.settings import Merging


@pytest.mark.parametrize(
    "given",
    [0.5, np.float64(0.5), np.float32(0.5), Fraction(1, 2), "0.5", ".50", (0.5,), [0.5],
     [np.float64(0.5)], ["0.5"], np.array([0.5])],
)  # fmt: skip
def test_a_share_is_a_number_as_it_is_a_text(given: object) -> None:
    config = BuildConfig.of(pruner="datafree", remove=given)
    text = BuildConfig.of(pruner="datafree", remove=("0.5",))
    assert config == text
    assert hash(config) == hash(text)
    assert canonical_json(config.to_json()) == canonical_json(text.to_json())


@pytest.mark.parametrize("given", [0, 0.0, np.int64(0), "0"])
def test_nothing_to_remove_is_a_share_too(given: object) -> None:
    assert BuildConfig.of(pruner="datafree", remove=given).merging.fraction == 0


@pytest.mark.parametrize("given", [1, 1.0, -0.1, float("nan"), True, np.True_, {"fc": 4}, [None]])
def test_what_is_no_share_is_refused_in_a_line(given: object) -> None:
    with pytest.raises(RequestError, match=r"`remove` .*: allowed a share of each layer, 0 and"):
        BuildConfig.of(pruner="datafree", remove=given)


def test_one_share_is_for_all_layers() -> None:
    with pytest.raises(RequestError, match="`remove` takes one share for all layers"):
        BuildConfig.of(pruner="datafree", remove=[0.5, 0.2])


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.123456789, 1e-7])
def test_the_words_of_a_share_make_it_again(fraction: float) -> None:
    words = Merging(fraction=fraction).words
    assert BuildConfig.of(pruner="datafree", remove=words).merging.fraction == fraction


def test_counts_have_one_form() -> None:
    wanted = Merging(counts=(("fc1", 20), ("fc2", 3)))
    for given in ({"fc1": 20, "fc2": np.int64(3)}, [["fc1", 20], ("fc2", 3)]):
        made = Merging(counts=given)  # type: ignore[arg-type]
        assert (made, hash(made), made.words) == (wanted, hash(wanted), ("fc1=20", "fc2=3"))


@pytest.mark.parametrize("given", [5, ("fc",), (("fc", 0.5),), ((1, 2),), (("fc", -1),), "fc=4"])
def test_counts_of_another_form_are_refused(given: object) -> None:
    with pytest.raises(RequestError, match=r"`counts` .*: allowed pairs of a layer and how many"):
        Merging(counts=given)  # type: ignore[arg-type]
