"""`ensemble verify`: whole, and the one that was meant."""

from __future__ import annotations

import hashlib
from pathlib import Path

import hostile
import pytest

from pipelines.commands.cli import run


def test_it_says_what_sha256sum_says(capsys: pytest.CaptureFixture[str]) -> None:
    for place, file in (("team", "team/ensemble.json"), ("team.onnx", "team.onnx")):
        digits = hashlib.sha256((hostile.KEPT / file).read_bytes()).hexdigest()
        assert run(["verify", str(hostile.KEPT / place)]) == 0
        assert capsys.readouterr().out.split()[0] == digits
        assert run(["verify", str(hostile.KEPT / place), "--expect", digits.upper()]) == 0
        capsys.readouterr()


def test_another_ensemble_with_its_seals_right_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = hashlib.sha256((hostile.KEPT / "team" / "ensemble.json").read_bytes()).hexdigest()
    other = hostile.folder(tmp_path / "team", lambda c: c.update(temperature=2.0))
    assert run(["verify", str(other)]) == 0
    assert run(["verify", str(other), "--expect", digits]) == 2
    assert "another ensemble" in capsys.readouterr().err


@pytest.mark.parametrize("expect", ["", "abc", "g" * 64])
def test_what_is_no_checksum_is_refused(expect: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(hostile.KEPT / "team"), "--expect", expect]) == 2
    assert "--expect" in capsys.readouterr().err


def test_a_damaged_member_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = hostile.folder(tmp_path / "team")
    (place / "member-1.safetensors").write_bytes(b"")
    assert run(["verify", str(place)]) == 2
    assert "member-1" in capsys.readouterr().err
