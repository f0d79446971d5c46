"""What killed writers leave is cleared away, and the same command goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_support import tiny_config, write_images

from ensemble.storage.sealed import folder_written_whole
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run.directory import RunDirectory
from pruning.core.errors import RequestError

DRAFT = "0123456789abcdef"


def test_a_build_begins_where_one_was_killed_before_it_had_begun(tmp_path: Path) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    out = tmp_path / "run"
    out.mkdir()
    (out / f".config.json.{DRAFT}").write_bytes(b"{")
    (out / ".writer").touch()
    build(config, out=out)
    assert not list(out.glob(".*"))
    (out / "config.json").unlink()
    with pytest.raises(RequestError, match="exists and is not a run"):
        build(config, out=out)


def test_drafts_and_workshops_go_and_an_artefact_moved_aside_comes_back(
    tmp_path: Path,
) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    out = tmp_path / "run"
    built = build(config, out=out)
    team = {file.name: file.read_bytes() for file in (out / "ensemble").iterdir()}
    for place in (out, out / "predictions", out / "members" / "002"):
        (place / f".half.{DRAFT}").write_bytes(b"half")
    aside = out / f".ensemble.{DRAFT}"
    aside.mkdir()
    (out / "ensemble").rename(aside / "old")
    assert command(["export", str(out), "--cascade"]) == 0
    assert not list(out.rglob(".*"))
    assert {file.name for file in (out / "ensemble").iterdir()} == set(team)
    assert RunDirectory(out).ensemble().description.members == built.ensemble.description.members


@pytest.mark.parametrize("moment", ["aside", "in place"])
def test_an_interrupt_between_two_renames_loses_neither(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder_written_whole(tmp_path / "team") as fresh:
        (fresh / "old").touch()
    rename, count = Path.rename, iter([1, 2, 3, 4])

    def interrupted(self: Path, target: Path) -> Path:
        found = rename(self, target)
        if next(count) == (1 if moment == "aside" else 2):
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt), folder_written_whole(tmp_path / "team") as fresh:
            (fresh / "new").touch()
    held = [path.name for path in tmp_path.rglob("*")]
    assert held == ["team", "old" if moment == "aside" else "new"]


def test_the_next_comparison_clears_what_a_killed_comparison_left(tmp_path: Path) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    build(config, out=tmp_path / "run")
    (tmp_path / "run" / f".files.json.{DRAFT}").write_bytes(b"{")

    assert command(["compare", str(tmp_path / "run")]) == 0
    assert not list((tmp_path / "run").glob(".*"))
