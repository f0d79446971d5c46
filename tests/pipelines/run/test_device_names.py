"""What `--device` may say; of it only the kind is part of a run's identity."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.run.config import BuildConfig
from pipelines.run.device_names import AskedDevice, asked_device
from pruning.core.errors import RequestError


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=9, unique=True))
def test_cards_are_asked_for_by_number_in_any_order(cards: list[int]) -> None:
    asked = asked_device("cuda:" + ",".join(map(str, cards)))
    assert asked == AskedDevice("cuda", tuple(cards))


@pytest.mark.parametrize(
    "text",
    ["cuda:x", "cuda:", "cuda:0,0", "cuda:1,0,1", "cuda:-1", "cuda:0,", "cuda:,1", "cuda: 1",
     "cuda:1 ", "cuda:01", "cuda:1.0", "cuda:٣", "cuda:1\n", "cuda0", "CUDA", "gpu", "cpu:0",
     "auto:1", "cuda:" + "9" * 9999],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RequestError, match=r"`device` .*: allowed auto, cpu, cuda") as error:
        BuildConfig(device=text)
    assert "\n" not in str(error.value)
    assert "the default is auto" in str(error.value)


@pytest.mark.parametrize("cards", ["cuda:0", "cuda:1", "cuda:2,0"])
def test_which_cards_compute_is_no_part_of_a_configuration(cards: str) -> None:
    some, every = BuildConfig(device=cards), BuildConfig(device="cuda")
    assert some.sha256 == every.sha256
    assert some.default_out == every.default_out
    assert json.dumps(some.to_json()) == json.dumps(every.to_json())
    assert BuildConfig.from_json(some.to_json()) == every
    assert BuildConfig(device="cpu").sha256 != every.sha256
