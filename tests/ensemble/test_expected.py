"""`ensemble.load(expect=…)` refuses what `ensemble verify --expect` refuses."""

from __future__ import annotations

from pathlib import Path

import hostile
import pytest

import ensemble
from ensemble.fingerprint import fingerprint
from pruning.core.errors import RequestError


@pytest.mark.parametrize("form", ["team", "team.onnx"])
def test_the_one_that_was_meant_is_loaded_and_no_other(form: str) -> None:
    place = hostile.KEPT / form
    digits = fingerprint(place)
    for spelt in (digits, digits.upper(), f" sha256:{digits}\n"):
        assert ensemble.load(place, expect=spelt).classes_.size
    with pytest.raises(RequestError, match="it is another ensemble; do not use it"):
        ensemble.load(place, expect="0" * 64)


@pytest.mark.parametrize("expect", ["", "abc", "g" * 64, "0" * 63])
def test_what_is_no_sha256_is_refused(expect: str) -> None:
    with pytest.raises(RequestError, match=r"`expect` .*64 hexadecimal digits"):
        ensemble.load(hostile.KEPT / "team", expect=expect)


def test_another_whose_seals_are_right_is_refused(tmp_path: Path) -> None:
    other = hostile.folder(tmp_path / "team", lambda c: c.update(temperature=2.0))
    assert ensemble.load(other).classes_.size
    with pytest.raises(RequestError, match="another ensemble"):
        ensemble.load(other, expect=fingerprint(hostile.KEPT / "team"))
