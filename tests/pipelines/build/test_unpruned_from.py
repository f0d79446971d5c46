"""Unpruned networks of an earlier run: taken where they would be trained alike, else refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_support import TINY_OPTIONS, fails, tiny_config, write_images
from run_contents import run_files

from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError, RequestError
from pruning.core.settings_tree import changed
from pruning.dropnet import DropNet, Rewinding
from pruning.training.recipe import Recipe

RECIPE = Recipe(max_epochs=3, batch_size=16)
EPOCHS = 3


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images.npz")


@pytest.fixture
def earlier(data: Path, tmp_path: Path) -> Path:
    build(tiny_config(data), out=tmp_path / "earlier")
    return tmp_path / "earlier"


OTHERWISE: dict[str, dict[str, Any]] = {
    "another score": {"metric": "random"},
    "other shares": {"fraction": 0.5, "kappa": 0.5},
    "first weights": {"rewind": "initial"},
    "late weights": {"rewind": "late", "late_epochs": 2},
    "a teacher": {"teacher": "ensemble", "perturb": 0.1},
    "another team": {"s": 3, "method": "top"},
}


@pytest.mark.parametrize("otherwise", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_a_build_on_taken_networks_is_the_same_files(
    data: Path,
    earlier: Path,
    tmp_path: Path,
    otherwise: dict[str, Any],
    epochs: Callable[[int | None], list[int]],
) -> None:
    config = changed(tiny_config(data), otherwise)
    build(config, out=tmp_path / "whole")
    told: list[str] = []
    done = epochs(None)
    taken = build(config, out=tmp_path / "taken", unpruned_from=earlier, tell=told.append)
    assert run_files(tmp_path / "taken") == run_files(tmp_path / "whole")
    assert "4 of 4 unpruned networks taken, not trained" in told
    late = 2 if config.dropnet.rewinding.to == "late" else 0
    later = max(sum(len(r.epochs) for r in history.rounds[1:]) for history in taken.histories)
    assert len(done) == late + later, "what is pruned is trained, and nothing else"


def test_a_build_in_memory_takes_them_too(data: Path, earlier: Path) -> None:
    config = changed(tiny_config(data), {"metric": "random"})
    taken, whole = build(config, unpruned_from=earlier), build(config)
    assert [history.rounds for history in taken.histories] == [
        history.rounds for history in whole.histories
    ]


def test_what_was_stopped_while_networks_were_taken_goes_on(
    data: Path, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = changed(tiny_config(data), {"metric": "random"})
    build(config, out=tmp_path / "whole")
    out = tmp_path / "taken"
    with monkeypatch.context() as patched:
        keep, kept = RunDirectory.keep_round, []

        def twice(*arguments: Any) -> Any:
            if len(kept) == 2:
                raise KeyboardInterrupt
            kept.append(arguments)
            return keep(*arguments)

        patched.setattr(RunDirectory, "keep_round", twice)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=out, unpruned_from=earlier)
    told: list[str] = []
    build(config, out=out, unpruned_from=earlier, tell=told.append)
    assert "2 of 4 unpruned networks taken, not trained" in told
    assert run_files(out) == run_files(tmp_path / "whole")
    build(config, out=out, unpruned_from=tmp_path / "gone by now")


def test_networks_that_train_alone_are_taken_into_a_larger_pool(data: Path, tmp_path: Path) -> None:
    few = changed(tiny_config(data), {"engine": "loop", "m": 2, "s": 1})
    many = changed(few, {"m": 4, "metric": "random"})
    build(few, out=tmp_path / "few")
    build(many, out=tmp_path / "whole")
    told: list[str] = []
    build(many, out=tmp_path / "taken", unpruned_from=tmp_path / "few", tell=told.append)
    assert "2 of 4 unpruned networks taken, not trained" in told
    assert run_files(tmp_path / "taken") == run_files(tmp_path / "whole")


OTHER_NETWORKS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 7}, "`seed`: 7 asked, 0 there"),
    "network": ({"arch": ("mlp-a:8-7",)}, "`arch`: mlp-a:8-7 asked, mlp-a:8-6 there"),
    "recipe": ({"epochs": 4}, "`epochs`: 4 asked, 3 there"),
    "pool": ({"m": 5}, "in groups of 5, and there by 'stacked' in groups of 4, 4 so far"),
    "engine": ({"engine": "loop"}, "train by 'loop' in groups of 1, and there by 'stacked'"),
}


@pytest.mark.parametrize(("change", "said"), OTHER_NETWORKS.values(), ids=OTHER_NETWORKS.keys())
def test_other_networks_are_refused_before_anything_is_written(
    data: Path, earlier: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    config = changed(tiny_config(data), change)
    with pytest.raises(RequestError) as refused:
        build(config, out=tmp_path / "out", unpruned_from=earlier)
    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_networks_of_other_data_are_refused(earlier: Path, tmp_path: Path) -> None:
    other = write_images(tmp_path / "other.npz", seed=1)
    with pytest.raises(RequestError, match="the data differ"):
        build(tiny_config(other), out=tmp_path / "out", unpruned_from=earlier)


def test_given_weights_that_rounds_draw_anew_are_trained_otherwise(
    data: Path, earlier: Path, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    weights = tmp_path / "weights.safetensors"
    network = next(iter(build(tiny_config(data)).histories)).rounds[0].load().network
    save_file(dict(network.state_dict()), weights)
    given = DropNet(rounds=1, kappa=0.0, recipe=RECIPE, init=str(weights))
    build(tiny_config(data, dropnet=given), out=tmp_path / "tuned")
    drawn = DropNet(
        rounds=1, kappa=0.0, recipe=RECIPE, init=str(weights), rewinding=Rewinding("random")
    )
    with pytest.raises(RequestError, match="fine_tuning"):
        build(tiny_config(data, dropnet=drawn), unpruned_from=tmp_path / "tuned")


def test_a_damaged_network_is_refused_before_anything_is_written(
    data: Path, earlier: Path, tmp_path: Path
) -> None:
    file = earlier / "members" / "002" / "round-0.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedRunError, match="round-0"):
        build(tiny_config(data), out=tmp_path / "out", unpruned_from=earlier)
    assert not (tmp_path / "out").exists()


def test_of_an_earlier_run_that_has_not_ended_what_is_there_is_taken(
    data: Path, tmp_path: Path, epochs: Callable[[int | None], list[int]]
) -> None:
    config = changed(tiny_config(data), {"engine": "loop"})
    epochs(2 * EPOCHS + 1)
    with pytest.raises(KeyboardInterrupt):
        build(config, out=tmp_path / "stopped")
    epochs(None)
    told: list[str] = []
    build(config, unpruned_from=tmp_path / "stopped", tell=told.append)
    assert [line for line in told if "taken" in line], told


def test_the_command_takes_them_and_says_so(
    data: Path, earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "--data", str(data), *TINY_OPTIONS, "--metric", "random")
    out = tmp_path / "again"
    given = (*words, "--out", str(out), "--unpruned-from", str(earlier))
    assert run((*given, "--dry-run")) == 0
    assert "4 unpruned networks taken, not trained" in " ".join(capsys.readouterr().out.split())
    assert not out.exists()
    assert run(given) == 0
    assert "4 of 4 unpruned networks taken" in capsys.readouterr().err
    assert run(("show", "--log", str(out))) == 0
    new = ("--out", str(tmp_path / "new"))
    line = fails(capsys, *words, "--seed", "3", *new, "--unpruned-from", str(earlier))
    assert "--unpruned-from" in line and "--seed" in line
    line = fails(capsys, *words, *new, "--unpruned-from", str(tmp_path / "nothing"))
    assert "does not exist" in line


def test_the_configuration_does_not_say_where_they_came_from(
    data: Path, earlier: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"
    build(tiny_config(data), out=out, unpruned_from=earlier)
    assert str(earlier) not in (out / "config.json").read_text(encoding="utf-8")
