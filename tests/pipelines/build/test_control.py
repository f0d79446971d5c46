"""Controls: as costly as the team, the same again, of this team or not at all."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from pipeline_support import directory, tiny_config, write_images
from pruning_support import blobs
from safetensors.torch import save_file

from pipelines.build.built import Built, read_built
from pipelines.build.control_training import train_control
from pipelines.build.story import build
from pipelines.compare.forms import other_forms
from pipelines.compare.gather import gather
from pipelines.compare.of_build import compare
from pipelines.report.verdict import verdict
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError, RequestError
from pruning.dropnet.settings import Rewinding
from pruning.inference.cost import Cost, count_cost
from pruning.inference.probabilities import predict_probabilities
from pruning.networks.architecture import build_network
from pruning.surgery.widening import widened
from pruning.training.recipe import Recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("runs") / "run"
    return build(tiny_config(data), out=out, control=True, small_team=True)


def test_it_costs_what_the_team_costs_and_is_nobody_of_the_pool(built: Built) -> None:
    control = built.store.control("control")
    assert control is not None
    assert control.team == built.selection.team
    spent = sum(record.cost.flops for record in built.team)
    assert control.flops == spent
    assert control.records[0].cost.flops == pytest.approx(spent, rel=0.1)
    network = control.records[0].load().network
    assert count_cost(network, built.splits.input_shape) == control.records[0].cost
    assert control.records[0].seed not in {history.seed for history in built.histories}


def test_a_small_team_is_as_many_networks_together_as_costly(built: Built) -> None:
    small = built.store.control("small_team")
    control = built.store.control("control")
    assert small is not None and control is not None
    assert small.team == built.selection.team
    costs = [record.cost for record in small.records]
    assert len(costs) == len(built.team) > 1
    assert len(set(costs)) == 1
    assert Cost.total(costs).flops == pytest.approx(small.flops, rel=0.1)
    assert small.flops == control.flops
    seeds = [one.seed for one in (*built.records, *small.records, *control.records)]
    assert len({*seeds}) == len(built.histories) + len(small.records) + 1
    first, second = (record.load().network.state_dict() for record in small.records)
    assert not any(torch.equal(first[name], second[name]) for name in first if "weight" in name)


def test_a_small_team_votes_by_the_mean(built: Built) -> None:
    small = built.store.control("small_team")
    assert small is not None
    row = compare(built).row("small_team")
    test, scaling = built.splits.test, built.store.resolved.scaling
    alone = [
        predict_probabilities(record.load().network, test.images, scaling)
        for record in small.records
    ]
    right = np.mean(np.mean(alone, axis=0).argmax(1) == test.labels)
    assert row.accuracy.value == pytest.approx(right)
    assert row.members == len(alone) == len(built.team)
    assert row.cost.flops == sum(record.cost.flops for record in small.records)


def test_a_small_network_does_not_depend_on_those_beside_it(built: Built) -> None:
    pair = train_control("small_team", built.team, built.store.resolved, built.splits)
    resolved = dataclasses.replace(
        built.store.resolved,
        groups=tuple(
            dataclasses.replace(group, engine="loop") for group in built.store.resolved.groups
        ),
    )
    alone = train_control("small_team", built.team, resolved, built.splits)
    for one, other in zip(pair.records, alone.records, strict=True):
        assert one.seed == other.seed
        weights, others = (record.load().network.state_dict() for record in (one, other))
        for name in weights:
            torch.testing.assert_close(weights[name], others[name], rtol=1e-2, atol=1e-2)


def test_a_team_of_one_has_no_small_team(data: Path, tmp_path: Path) -> None:
    told: list[str] = []
    config = tiny_config(data)
    asked = dataclasses.replace(config, selection=dataclasses.replace(config.selection, size=1))
    made = build(asked, out=tmp_path / "run", small_team=True, tell=told.append)
    assert made.store.control("small_team") is None
    assert any(line.startswith("no small team is trained") for line in told)
    assert not (tmp_path / "run" / "small_team").exists()


def test_the_comparison_holds_it_against_the_team(built: Built) -> None:
    comparison = compare(built)
    assert not any("random weights" in note for note in comparison.notes)
    row = comparison.row("control")
    test = row.versus("selected")
    assert test is not None
    gap = row.accuracy.value - comparison.selected.accuracy.value
    assert test.difference.value == pytest.approx(gap)
    line = comparison.table.set_index("contender").loc["control"]
    assert line["difference_to_selected"] == pytest.approx(gap)
    assert 0 <= line["mcnemar_holm_selected"] <= 1
    rows = comparison.table.set_index("contender")
    assert np.isnan(rows.loc["hq_unpruned", "mcnemar_p_selected"])


def test_where_the_team_kept_its_weights_the_control_trains_as_long(data: Path) -> None:
    config = tiny_config(data)
    kept = dataclasses.replace(
        config.dropnet,
        rewinding=Rewinding("trained"), rounds=2, kappa=0.0, keep=0.0,
        recipe=Recipe(max_epochs=4, batch_size=16),
    )  # fmt: skip
    built = build(dataclasses.replace(config, dropnet=kept), control=True)
    control = built.store.control("control")
    assert control is not None
    assert {record.epochs_seen for record in built.team} == {4 + 3 + 3}
    assert control.records[0].epochs_seen == 10
    table = compare(built).table.set_index("contender")
    assert table.loc["control", "epochs_seen"] == table.loc["selected", "epochs_seen"] == 10
    assert table.loc["all_unpruned", "epochs_seen"] == 4


def test_it_starts_from_a_draw_and_is_trained_as_one_is(tmp_path: Path) -> None:
    file = tmp_path / "given.safetensors"
    save_file(build_network("conv-b:3-4", 3, (3, 4, 4), 7).state_dict(), file)
    config = BuildConfig.of(m=2, s=1, arch=("conv-b:3-4",), init=str(file), rounds=0)
    built = build(config, blobs(shape=(3, 4, 4)), control=True)
    control = built.store.control("control")
    assert control is not None
    assert {record.epochs_seen for record in built.team} == {30}
    assert control.records[0].epochs_seen == 100


def test_all_its_layers_train_where_the_teams_start_from_given_weights(tmp_path: Path) -> None:
    file = tmp_path / "given.safetensors"
    save_file(build_network("conv-b:3-4", 3, (3, 4, 4), 7).state_dict(), file)
    config = BuildConfig.of(
        m=2, s=1, arch=("conv-b:3-4",), init=str(file), rounds=0, epochs=2,
        backbone_rate=0, head_epochs=1,
    )  # fmt: skip
    built = build(config, blobs(shape=(3, 4, 4)), control=True)
    control = built.store.control("control")
    assert control is not None
    record = control.records[0]
    trained = record.load().network.state_dict()
    drawn = widened("conv-b:3-4", control.factor, 3, (3, 4, 4), record.seed).state_dict()
    unmoved = [name for name in drawn if torch.equal(trained[name], drawn[name])]
    assert not [name for name in unmoved if name.endswith("weight")]
    assert any("random weights" in note for note in compare(built).notes)


def test_it_is_trained_once_and_a_finished_run_gets_it_later(
    built: Built, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data)
    later = build(config, out=tmp_path / "run")
    assert not directory(later).control_file("control").exists()
    build(config, out=tmp_path / "run", control=True, small_team=True)
    for control, weights in (("control", "network"), ("small_team", "network-1")):
        folder = directory(built).control_file(control).parent
        for name in ("control.json", f"{weights}.safetensors"):
            again = tmp_path / "run" / control / name
            assert again.read_bytes() == (folder / name).read_bytes()

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("pipelines.build.control_training.train", refuse)
    build(config, out=tmp_path / "run", control=True, small_team=True)


def test_a_control_of_another_team_is_left_out_and_said(built: Built) -> None:
    evidence = gather(built)
    chosen = dataclasses.replace(evidence.selection, team=evidence.selection.pool[:1])
    others = other_forms(
        built, dataclasses.replace(evidence, selection=chosen), built.store.description()
    )
    assert not {"control", "small_team"} & {row.name for row in others.contenders}
    for command in ("--control", "--small-team"):
        assert any("another team" in note and command in note for note in others.notes)


@pytest.mark.parametrize("how", ["damaged", "gone"])
@pytest.mark.parametrize("name", ["control/network", "small_team/network-1", "members/001/round-1"])
def test_weights_that_are_not_there_are_named_with_the_way_out(
    name: str, how: str, built: Built, data: Path, tmp_path: Path
) -> None:
    assert built.path is not None
    run = Path(shutil.copytree(built.path, tmp_path / "run"))
    weights = run / f"{name}.safetensors"
    weights.unlink() if how == "gone" else weights.write_bytes(weights.read_bytes()[:-1])

    def again() -> Built:
        return build(tiny_config(data), out=run, control=True, small_team=True)

    compared = (lambda: compare(read_built(RunDirectory(run))),)
    for work in compared if name.startswith("members") else (*compared, again):
        with pytest.raises(DamagedRunError) as caught:
            work()
        assert f"{weights} " in str(caught.value)
        assert f"delete {weights.parent} and give the `ensemble build` command" in str(caught.value)
    shutil.rmtree(weights.parent)
    compare(again())


def test_an_architecture_without_widths_is_refused_before_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plainest.py").write_text(
        "from math import prod\nfrom torch import nn\n"
        "def make(classes, shape):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    config = tiny_config(data, archs=("plainest:make",))
    with pytest.raises(RequestError, match="no layer that can be pruned"):
        build(config, out=tmp_path / "run", control=True)
    assert not (tmp_path / "run").exists()


def test_a_comparison_without_it_says_what_trains_it(data: Path, tmp_path: Path) -> None:
    config = tiny_config(data)
    assert not compare(build(config)).trains_control  # nothing on disk to go on with
    comparison = compare(build(config, out=tmp_path / "run"))
    assert comparison.trains_control.endswith(f"--out {tmp_path / 'run'} --control")
    assert "was not tried" in verdict(comparison).control
    control = compare(build(config, out=tmp_path / "run", control=True))
    assert not control.trains_control
    assert "the team" in verdict(control).control
