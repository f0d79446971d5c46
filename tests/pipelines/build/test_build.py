"""The story end to end on a tiny data set: the same again, stopped and resumed, damaged."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import directory, tiny_config, write_images

import ensemble
from pipelines.build.built import Built, read_built
from pipelines.build.progress import EpochDone, Event, RoundDone, Tally
from pipelines.build.story import build
from pipelines.build.watching import Watcher
from pipelines.compare.gather import gather
from pipelines.compare.of_build import compare
from pipelines.run.config import SelectionConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import plan_groups
from pipelines.run.records import RunHistory
from pipelines.run.resources import Placement
from pruning.core.errors import DamagedRunError, RequestError
from pruning.data.load import load_splits
from pruning.dropnet import DropNet, Member
from pruning.inference.cost import count_cost
from pruning.training.recipe import Recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tiny_config(data), out=tmp_path_factory.mktemp("runs") / "first")


def _bytes(built: Built) -> dict[str, bytes]:
    """Return every file of a run but its log, which says when things happened."""
    assert built.path is not None
    return {
        str(file.relative_to(built.path)): file.read_bytes()
        for file in sorted(built.path.rglob("*"))
        if file.is_file() and file.name != "build.log"
    }


def test_a_run_holds_the_files_of_the_design(built: Built) -> None:
    assert directory(built).log_file.is_file()
    assert set(_bytes(built)) == {
        "config.json", "files.json", "predictions/select.npz", "selection.json", "candidates.csv",
        "ensemble/ensemble.json", "ensemble/member-0.safetensors",
        "ensemble/member-1.safetensors",
        *(f"members/{run:03d}/history.json" for run in range(4)),
        *(f"members/{run:03d}/round-{k}.safetensors" for run in range(4) for k in range(3)),
    }  # fmt: skip


def test_the_same_command_gives_the_same_bytes(built: Built, data: Path, tmp_path: Path) -> None:
    again = build(tiny_config(data), out=tmp_path / "again")
    assert again.selection.team == built.selection.team
    assert _bytes(again) == _bytes(built)


@pytest.mark.slow
def test_another_number_of_jobs_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    config = tiny_config(data, archs=("mlp-a:8-6", "conv-b:3-4"))
    one = build(config, out=tmp_path / "one", placement=Placement(jobs=1))
    two = build(config, out=tmp_path / "two", placement=Placement(jobs=2))
    assert _bytes(one) == _bytes(two)


def _stop_after(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    """Interrupt a build when so many rounds of single runs have been kept."""
    keep, kept = RunDirectory.keep_round, []

    def keep_then_stop(
        self: RunDirectory, member: Member, earlier: RunHistory | None
    ) -> RunHistory:
        if len(kept) == rounds:
            raise KeyboardInterrupt
        kept.append(member.run)
        return keep(self, member, earlier)

    monkeypatch.setattr(RunDirectory, "keep_round", keep_then_stop)


@pytest.mark.parametrize("rounds", [0, 2, 4, 6, 8, 11])
def test_a_stopped_build_goes_on_to_the_same_bytes(
    rounds: int, built: Built, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop between two members of one population: the whole population repeats the round."""
    with monkeypatch.context() as patched:
        _stop_after(patched, rounds)
        with pytest.raises(KeyboardInterrupt):
            build(tiny_config(data), out=tmp_path / "run")
    assert not (tmp_path / "run" / "selection.json").exists()
    with pytest.raises(RequestError, match=r"no selection\.json"):
        read_built(RunDirectory.existing(tmp_path / "run"))
    resumed = build(tiny_config(data), out=tmp_path / "run")
    assert _bytes(resumed) == _bytes(built)


def test_a_finished_build_trains_nothing_again(
    built: Built, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("pruning.dropnet.rounds.train", refuse)
    before = _bytes(built)
    assert build(tiny_config(data), out=built.path).selection.team == built.selection.team
    assert _bytes(built) == before


def test_another_configuration_in_the_same_folder_is_refused_and_touches_nothing(
    built: Built, data: Path
) -> None:
    before = _bytes(built)
    with pytest.raises(RequestError, match=r"another configuration's run \(`m`: 5 asked, 4 "):
        build(tiny_config(data, m=5), out=built.path)
    assert _bytes(built) == before


def test_a_folder_with_other_files_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RequestError, match="exists and is not a run"):
        build(tiny_config(data), out=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_other_data_under_the_same_name_is_refused(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data.npz")
    config = tiny_config(data, m=2, dropnet=DropNet(rounds=0, recipe=Recipe(max_epochs=1)))
    run = directory(build(config, out=tmp_path / "run"))
    write_images(data, seed=1)
    with pytest.raises(RequestError, match="the data is not what it was"):
        build(config, out=run.path)
    with pytest.raises(RequestError, match="built from other data"):
        read_built(run)


def test_the_artefact_predicts_what_the_members_vote(built: Built, data: Path) -> None:
    splits = load_splits(str(data), seed=0).splits
    clf = ensemble.load(built.path)
    team = gather(built).test.rows(built.selection.team)
    votes = team.probabilities.mean(0).argmax(1)
    assert np.array_equal(clf.predict(splits.test.images), splits.classes[votes])


def test_history_records_costs_and_widths_of_the_stored_networks(built: Built) -> None:
    for history in directory(built).histories():
        assert [entry.round for entry in history.rounds] == [0, 1, 2]
        for entry in history.rounds:
            member = entry.load()
            assert count_cost(member.network, built.splits.input_shape) == entry.cost
            for name, (kept, full) in entry.widths.items():
                layer = member.network.get_submodule(name)
                assert layer.weight.shape[0] == kept == int(member.masks[name].sum())  # type: ignore[union-attr]
                assert len(member.masks[name]) == full


def test_selection_reads_its_own_split_alone(built: Built, data: Path) -> None:
    evidence = gather(built)
    labels = load_splits(str(data), seed=0).splits.select.labels
    assert evidence.select.split == "select"
    assert np.array_equal(evidence.select.labels, labels)
    team = evidence.select.rows(built.selection.team).probabilities.mean(0).argmax(1)
    assert built.selection.accuracy == pytest.approx((team == labels).mean())


def test_the_test_set_is_predicted_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(tiny_config(data, m=2), out=tmp_path / "run")
    first = compare(built)
    assert (tmp_path / "run" / "predictions" / "test.npz").exists()

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("predicted again")

    monkeypatch.setattr("pipelines.build.predicting.predict_probabilities", refuse)
    again = compare(read_built(directory(built)))
    assert [r.accuracy for r in first.results] == [r.accuracy for r in again.results]


@pytest.mark.parametrize(
    "name", ["members/001/round-0.safetensors", "members/001/history.json", "config.json"]
)
@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_damaged_file_is_named(
    built: Built, data: Path, tmp_path: Path, name: str, how: str
) -> None:
    copy = tmp_path / "run"
    for file, content in _bytes(built).items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes(content)
    damaged = (copy / name).read_bytes()
    middle = len(damaged) // 2
    broken = (
        damaged[:middle]
        if how == "cut"
        else (damaged[:middle] + bytes([damaged[middle] ^ 1]) + damaged[middle + 1 :])
    )
    (copy / name).write_bytes(broken)
    (copy / "predictions" / "select.npz").unlink()
    with pytest.raises((DamagedRunError, RequestError)) as error:
        build(tiny_config(data), out=copy)
    assert Path(name).name in str(error.value)


@pytest.mark.parametrize("pool", ["pruned", "unpruned", "mixed", "rounds"])
def test_every_pool_can_be_chosen_from(data: Path, tmp_path: Path, pool: str) -> None:
    settings = DropNet(rounds=1, kappa=0.0, recipe=Recipe(max_epochs=1, batch_size=32))
    config = tiny_config(
        data, m=3, dropnet=settings,
        selection=SelectionConfig(size=2, pool=pool, method="top"),  # type: ignore[arg-type]
    )  # fmt: skip
    chosen = build(config, out=tmp_path / pool).selection
    rounds = {"pruned": {"1"}, "unpruned": {"0"}, "mixed": {"0", "1"}, "rounds": {"0", "1"}}[pool]
    assert {name[-1] for name in chosen.pool} == rounds
    assert len(chosen.pool) == 3 * len(rounds)


def test_groups_cover_every_run_once_and_ignore_the_machine(data: Path) -> None:
    config = tiny_config(data, m=25, archs=("mlp-a", "conv-b:2-2"))
    groups = plan_groups(config, 3, (1, 4, 4), samples=300)
    assert sorted(n for group in groups for n in group.runs.numbers) == list(range(25))
    for group in groups:
        assert group.runs.seeds == group.runs.numbers
        assert group.threads == 1
        assert {n % 2 for n in group.runs.numbers} == {0 if group.runs.arch == "mlp-a" else 1}
        assert (group.engine == "stacked") == (group.runs.arch == "mlp-a")


def test_progress_counts_every_round_and_the_time_left_falls(data: Path, tmp_path: Path) -> None:
    seen: list[Event] = []

    class Listener(Watcher):
        def saw(self, event: Event) -> None:
            super().saw(event)
            seen.append(event)

    tallies: list[Tally] = []

    def watch(tally: Tally) -> Watcher:
        tallies.append(tally)
        return Listener(tally)

    build(tiny_config(data), out=tmp_path / "run", watch=watch)
    rounds = [event for event in seen if isinstance(event, RoundDone)]
    assert [event.round for event in rounds] == [0, 1, 2]
    assert all(event.runs == (0, 1, 2, 3) for event in rounds)
    assert any(isinstance(event, EpochDone) for event in seen)
    assert tallies[0].share == 1
    assert tallies[0].seconds_left == 0


def test_config_json_is_the_configuration(built: Built, data: Path) -> None:
    content = json.loads(directory(built).config_file.read_text())
    assert directory(built).resolved.config == tiny_config(data)
    assert {"asked", "groups", "versions", "data_sha256", "checksum"} <= set(content)


def test_jobs_are_no_part_of_a_runs_identity(built: Built) -> None:
    text = directory(built).config_file.read_text()
    options = [field.name for field in dataclasses.fields(Placement)]
    assert set(options) >= {"jobs", "backend", "scheduler", "ray", "profile"}
    assert not [name for name in options if f'"{name}"' in text]


def test_the_engine_is_resolved_recorded_and_may_be_asked_for(data: Path) -> None:
    groups = {
        engine: plan_groups(tiny_config(data, engine=engine), 3, (1, 4, 4), samples=300)
        for engine in ("auto", "loop")
    }
    assert {group.engine for group in groups["auto"]} == {"stacked"}
    assert {group.engine for group in groups["loop"]} == {"loop"}
    assert all(len(group.runs.numbers) == 1 for group in groups["loop"])
    with pytest.raises(RequestError, match="`engine` 'stacked' runs plain MLPs"):
        conv = tiny_config(data, archs=("conv-b:2-2",), engine="stacked")
        plan_groups(conv, 3, (1, 4, 4), samples=300)
    with pytest.raises(RequestError, match="unknown engine 'fast'"):
        tiny_config(data, engine="fast")
