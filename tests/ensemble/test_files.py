from __future__ import annotations

import json
from pathlib import Path

import pytest

from ensemble.storage.sealed import (
    canonical_json,
    folder_written_whole,
    parse_json,
    seal,
    sha256_of,
    unseal,
    write_bytes_atomic,
    write_json_atomic,
)
from pruning.core.errors import RequestError


def test_a_published_digest() -> None:
    assert sha256_of(b"abc").startswith("ba7816bf8f01cfea414140de5dae2223")  # FIPS 180-2, B.1


def test_canonical_json_has_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": [1.5]}) == canonical_json({"a": [1.5], "b": 1})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


def test_seal_and_unseal_are_inverse() -> None:
    content: dict[str, object] = {"x": [1, 2.5, "κ"], "y": None}
    assert unseal(json.dumps(seal(content)).encode(), "f") == content
    assert seal(seal(content)) == seal(content)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "JSON list"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b'{"a": 1}', "checksum"),
        (b'{"a": 1, "checksum": ["x"]}', "checksum"),
    ],
)
def test_what_was_not_sealed_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        unseal(data, "ensemble.json")
    assert "\n" not in str(caught.value) and "ensemble.json" in str(caught.value)


def test_a_changed_digit_breaks_the_seal() -> None:
    data = json.dumps(seal({"accuracy": 0.91})).encode()
    with pytest.raises(RequestError, match="changed or damaged"):
        unseal(data.replace(b"0.91", b"0.92"), "f")


def test_json_for_people_reads_back(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"b": 0.1, "a": "é"})
    assert parse_json((tmp_path / "a.json").read_bytes(), "a") == {"a": "é", "b": 0.1}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes_atomic(tmp_path / "f", b"old")

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="space"):
        write_bytes_atomic(tmp_path / "f", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with folder_written_whole(tmp_path / "d") as fresh:
            (fresh / text).write_text(text)
    assert [p.name for p in tmp_path.rglob("*")] == ["d", "two"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    with folder_written_whole(tmp_path / "d") as fresh:
        (fresh / "old").touch()
    with pytest.raises(KeyboardInterrupt), folder_written_whole(tmp_path / "d") as fresh:
        (fresh / "new").touch()
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.rglob("*")] == ["d", "old"]
