"""Every file of a run is known to be its own: no exchanged, older or changed one is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import tiny_config, write_images
from run_contents import run_files

import ensemble
from ensemble.storage.contents import Contents, replacing
from ensemble.storage.sealed import json_bytes, parse_json, seal, sha256_of
from pipelines.build.built import read_built
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.compare.of_build import compare
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError, RequestError
from selection.exchange import predictions_to_npz, read_predictions

FIRST = Path(__file__).parent / "runs" / "v1"
"""A run that version 1 made, kept as it was: 3 × mlp-a:4-3 on digits, compared."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two compared runs that differ in their seed alone."""
    folder = tmp_path_factory.mktemp("runs")
    data = write_images(folder / "tiny.npz")
    made = []
    for seed in (0, 9):
        built = build(
            tiny_config(data, seed=seed), out=folder / f"run-{seed}", control=True, small_team=True
        )
        compare(built)
        assert built.path is not None
        made.append(built.path)
    return made[0], made[1]


@pytest.fixture
def copy(runs: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs[0], tmp_path / "copy"))


def _again(run: Path) -> None:
    """Build the run at `run` again, as its command would."""
    asked = RunDirectory(run).resolved.config
    build(asked, out=run, control=True, small_team=True)


MADE_AGAIN = [
    "predictions/select.npz", "predictions/test.npz", "control/select.npz", "control/test.npz",
    "small_team/select.npz", "small_team/test.npz",
]  # fmt: skip
REFUSED_BY_COMPARE = [
    "selection.json", "candidates.csv", "files.json", "config.json", "control/control.json",
    "small_team/control.json", "small_team/network-0.safetensors",
    "small_team/network-1.safetensors",
    "ensemble/ensemble.json", "ensemble/member-0.safetensors", "members/002/history.json",
    "members/002/round-1.safetensors", "control/network.safetensors",
]  # fmt: skip


def test_every_file_that_is_read_is_exchanged_here(runs: tuple[Path, Path]) -> None:
    held = {name.replace("001", "002").replace("-1.safe", "-0.safe") for name in run_files(runs[0])}
    tried = {n.replace("-1.safe", "-0.safe") for n in MADE_AGAIN + REFUSED_BY_COMPARE}
    others = ("members/000", "members/003", "members/002/round")
    assert {n for n in held if not n.startswith(others)} == {
        n for n in tried if not n.startswith(others)
    }


@pytest.mark.parametrize("name", MADE_AGAIN)
def test_anothers_predictions_are_made_again(
    name: str, runs: tuple[Path, Path], copy: Path
) -> None:
    shutil.copyfile(runs[1] / name, copy / name)
    compare(read_built(RunDirectory(copy)))
    assert run_files(copy) == run_files(runs[0])


@pytest.mark.parametrize("name", REFUSED_BY_COMPARE)
def test_anothers_file_is_refused_by_name(name: str, runs: tuple[Path, Path], copy: Path) -> None:
    shutil.copyfile(runs[1] / name, copy / name)
    with pytest.raises((DamagedRunError, RequestError)) as caught:
        compare(read_built(RunDirectory(copy)))
    said = str(caught.value)
    assert "\n" not in said
    if name not in ("config.json", "files.json"):
        assert str(copy / name) in said
        assert "again" in said or "delete" in said or "changed or damaged" in said


@pytest.mark.parametrize("name", ["selection.json", "candidates.csv", "files.json", "ensemble"])
@pytest.mark.parametrize("how", ["exchanged", "deleted"])
def test_a_build_makes_again_what_costs_no_training(
    name: str, how: str, runs: tuple[Path, Path], copy: Path
) -> None:
    place = copy / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    if how == "exchanged" and (runs[1] / name).is_dir():
        shutil.copytree(runs[1] / name, place)
    elif how == "exchanged":
        shutil.copyfile(runs[1] / name, place)
    if name == "files.json":  # it names the controls, too, which a build does not train unasked
        shutil.rmtree(copy / "control")
        shutil.rmtree(copy / "small_team")
        shutil.rmtree(copy / "predictions")
    _again(copy)
    compare(read_built(RunDirectory(copy)))
    assert run_files(copy) == run_files(runs[0])


def test_anothers_ensemble_does_not_predict(runs: tuple[Path, Path], copy: Path) -> None:
    shutil.rmtree(copy / "ensemble")
    shutil.copytree(runs[1] / "ensemble", copy / "ensemble")
    for place in (copy, copy / "ensemble"):
        with pytest.raises(RequestError, match=r"ensemble\.json is not the file that this run"):
            ensemble.load(place)
    shutil.move(copy / "ensemble", copy.parent / "elsewhere")
    assert len(ensemble.load(copy.parent / "elsewhere").description.members) == 2


def test_swapped_members_are_refused(copy: Path) -> None:
    members = copy / "members"
    (members / "001").rename(members / "x")
    (members / "002").rename(members / "001")
    (members / "x").rename(members / "002")
    for work in (lambda: _again(copy), lambda: read_built(RunDirectory(copy))):
        with pytest.raises(DamagedRunError, match=r"001/history\.json is another run's or another"):
            work()


def test_an_older_history_is_not_what_was_chosen_from_and_is_trained_on(
    runs: tuple[Path, Path], copy: Path
) -> None:
    file = copy / "members" / "003" / "history.json"
    content = parse_json(file.read_bytes(), "history")
    content["rounds"] = content["rounds"][:-1]  # type: ignore[index]
    file.write_bytes(json_bytes(seal(content)))
    with pytest.raises(DamagedRunError, match=r"003/history\.json is not the file"):
        read_built(RunDirectory(copy))
    _again(copy)
    compare(read_built(RunDirectory(copy)))
    assert run_files(copy) == run_files(runs[0])


def test_numbers_changed_and_sealed_again_are_found(copy: Path) -> None:
    table = copy / "candidates.csv"
    table.write_text(table.read_text().replace("0.", "0.9", 1))
    with pytest.raises(DamagedRunError, match=r"candidates\.csv is not the file"):
        RunDirectory(copy).selection()
    choice = copy / "selection.json"
    content = parse_json(choice.read_bytes(), "choice")
    choice.write_bytes(json_bytes(seal({**content, "accuracy": 1.0})))
    with pytest.raises(DamagedRunError, match=r"selection\.json is not the file"):
        RunDirectory(copy).selection()


def test_a_choice_from_other_predictions_is_refused(copy: Path) -> None:
    run = RunDirectory(copy)
    pool = run.predictions("select")
    assert pool is not None
    other = type(pool)(
        pool.probabilities[:, :, ::-1].copy(), pool.labels, pool.member_ids, "select"
    )
    run.keep_predictions(other)  # as another machine may compute them
    shutil.copyfile(copy / "predictions" / "select.npz", copy / "kept.npz")
    with pytest.raises(DamagedRunError, match="chosen from other predictions"):
        run.check_choice()
    assert run.predictions("select") is None


@pytest.mark.parametrize("killed", [False, True])
def test_a_file_is_named_before_it_is_there(copy: Path, killed: bool) -> None:
    old = sha256_of((copy / "candidates.csv").read_bytes())
    try:
        with replacing(copy, {"candidates.csv": sha256_of(b"new")}):
            during = Contents.of(copy)
            assert all(during.holds("candidates.csv", one) for one in (old, sha256_of(b"new")))
            if killed:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert Contents.of(copy).holds("candidates.csv", old) is killed
    assert Contents.of(copy).holds("candidates.csv", sha256_of(b"new")) is True


INT8 = ["export", "--int8", "--max-loss", "0.99"]


@pytest.mark.parametrize(
    ("words", "at"), [*((["compare"], at) for at in range(5)), (["export"], 0), (INT8, 0)]
)
def test_a_command_that_is_killed_leaves_no_file_that_is_not_the_runs_own(
    words: list[str], at: int, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed as soon as its n-th file is in the run."""
    words = [words[0], str(copy), *words[1:]]
    replace, placed = Path.replace, []

    def then_killed(self: Path, target: Path) -> Path:
        found = replace(self, target)
        if found.parent == copy and found.name != "files.json":
            placed.append(found)
        if len(placed) > at:
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", then_killed)
        assert command(words) == (130 if len(placed) > at else 0)
    assert placed
    run = RunDirectory(copy)
    assert all(run.read_own(file) is not None for file in placed)
    for file in placed:
        if file.suffix == ".onnx":
            assert len(ensemble.load(file).description.members) == 2
    assert command(words) == 0


def test_what_a_killed_command_had_not_placed_goes(copy: Path) -> None:
    before = run_files(copy)
    placing = RunDirectory(copy).placing()
    (placing.__enter__() / "ensemble.onnx").write_bytes(b"half")
    assert run_files(copy) != before
    with RunDirectory(copy).writing():
        pass
    assert run_files(copy) == before


def _first(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIRST, tmp_path / "v1"))


def test_a_run_of_version_1_loads_and_says_what_cannot_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _first(tmp_path)
    before = run_files(run)
    assert command(["compare", str(run)]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "begun by version 1" in said
    assert "members, predictions/select.npz, predictions/test.npz, selection.json" in said
    assert {name: run_files(run)[name] for name in before} == before
    assert command(["show", str(run)]) == 0
    assert "that ensemble/ensemble.json are its own cannot" in capsys.readouterr().err


def test_a_build_binds_a_run_of_version_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _first(tmp_path)
    config = RunDirectory(run).resolved.config
    build(config, out=run)
    assert command(["show", str(run)]) == 0
    assert capsys.readouterr().err == ""
    (run / "candidates.csv").write_text("team,accuracy\n0,1.0\n")
    with pytest.raises(DamagedRunError, match="candidates"):
        RunDirectory(run).selection()


def test_what_a_run_of_version_1_chose_from_is_checked(tmp_path: Path) -> None:
    run = _first(tmp_path)
    file = run / "predictions" / "select.npz"
    whole = file.read_bytes()
    pool, _ = read_predictions(file)
    other = type(pool)(
        np.roll(pool.probabilities, 1, axis=2), pool.labels, pool.member_ids, "select"
    )
    file.write_bytes(predictions_to_npz(other))
    assert RunDirectory(run).predictions("select") is None
    file.write_bytes(whole)
    assert RunDirectory(run).predictions("select") is not None


@pytest.mark.parametrize("name", ["config.json", "files.json"])
@pytest.mark.parametrize(
    "work", [lambda run: RunDirectory(run).selection(), ensemble.load], ids=["run", "product"]
)
def test_a_newer_version_is_refused_with_the_remedy(
    name: str, work: Callable[[Path], object], copy: Path
) -> None:
    content = json.loads((copy / name).read_text())
    (copy / name).write_bytes(json_bytes(seal({**content, "format": 3})))
    with pytest.raises((RequestError, DamagedRunError), match="install a newer one"):
        work(copy)
    with pytest.raises((RequestError, DamagedRunError), match="install a newer one"):
        RunDirectory(copy).resolved if name == "config.json" else Contents.of(copy)


@pytest.mark.parametrize(
    "words",
    [
        ["export", "{run}", "--out", "{run}/config.json"],
        ["export", "{run}", "--out", "{run}/ensemble-int8.onnx"],
        ["export", "{run}", "--out", "{other}/ensemble.onnx"],
        ["export", "{run}", "--out", "{run}/ensemble/member-0.safetensors"],
        ["export", "{run}/ensemble", "--out", "{run}/members/../ensemble/ensemble.json"],
        ["select", "{run}/predictions/select.npz", "--s", "2", "--out", "{run}"],
        ["select", "{run}/predictions/select.npz", "--s", "2", "--out", "{run}/ensemble"],
        ["compare", "{run}", "--out", "{other}"],
        ["compare", "{run}", "{other}", "--out", "{run}"],
        ["build", "--m", "2", "--s", "2", "--profile", "{run}/config.json", "--out", "{run}/x"],
    ],
    ids=lambda words: " ".join(words[:1] + words[-1:]),
)
def test_no_command_writes_over_a_runs_own_files(
    words: list[str], runs: tuple[Path, Path], copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run_files(copy), run_files(runs[1])
    assert command([word.format(run=copy, other=runs[1]) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "give another place" in said
    assert (run_files(copy), run_files(runs[1])) == before


def test_a_refusal_speaks_of_where_a_file_was_to_be(copy: Path) -> None:
    with pytest.raises(RequestError) as caught, RunDirectory(copy).placing() as folder:
        raise RequestError(f"{folder / 'ensemble.onnx'} was not written")
    assert str(caught.value) == f"{copy / 'ensemble.onnx'} was not written"
