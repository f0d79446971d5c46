"""A build's options: one list, one home each, from flat names to files and back."""

from __future__ import annotations

import hashlib
import importlib
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.commands.cli import cli
from pipelines.commands.setting_options import in_flags, setting_options
from pipelines.run.command_line import command_of
from pipelines.run.config import BuildConfig, SelectionConfig, differences
from pipelines.run.directory import RunDirectory
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.core.options import RegistryNames, group, option
from pruning.core.registry import names_in
from pruning.core.settings_json import from_json, to_json
from pruning.core.settings_tree import asked, made, settings_of
from pruning.dropnet.settings import DropNet
from pruning.training.recipe import RECIPES
from selection.methods.method import METHODS

# The configuration of the first version's default build, as its config.json has it.
FIRST_RUN = Path(__file__).parent / "runs" / "v1"
FIRST_VERSION = {
    "archs": ["mlp-a"], "device": "auto", "engine": "auto", "m": 20, "pruner": "dropnet", "seed": 0,
    "data": {"data": "digits", "data_dir": None, "image_size": None, "limit": None},
    "dropnet": {
        "coupling": "joint", "fraction": 0.2, "init": None, "kappa": 0.97, "keep": 0.55,
        "metric": "minimum", "round_to": 1, "rounds": None, "score_mode": "text",
        "recipe": {
            "attempts": 3, "augment": "none", "batch_size": None, "keep": "best",
            "learning_rate": None, "max_epochs": None, "momentum": 0.0, "optimizer": "adam",
            "patience": None, "schedule": "cosine", "weight_decay": None,
        },
        "rewinding": {"late_epochs": None, "rescale": True, "to": "late"},
    },
    "merging": {"counts": [], "fraction": None, "saliency": "exact"},
    "selection": {
        "max_bytes": None, "max_flops": None, "max_latency": None, "measures": [],
        "method": "soft", "pool": "pruned", "prune_fraction": None, "size": 5,
        "thrifty": False, "voting": "mean",
    },
}  # fmt: skip


def test_a_run_of_the_first_version_has_its_recipe_and_its_name() -> None:
    stored = BuildConfig.from_json(FIRST_VERSION)
    assert stored == BuildConfig.of(recipe="first", rewind="late")
    assert BuildConfig.from_json(stored.to_json()) == stored
    assert stored.default_out.name == "digits-mlp-a-m20-s5-79c663f3"
    assert BuildConfig().default_out.name != stored.default_out.name
    assert BuildConfig.from_json(BuildConfig().to_json()) == BuildConfig()


def test_a_run_of_the_first_version_in_old_words_goes_on() -> None:
    dropnet = FIRST_VERSION["dropnet"] | {"score_mode": "paper", "coupling": "paper"}  # type: ignore[operator]
    stored = BuildConfig.from_json(FIRST_VERSION | {"dropnet": dropnet})
    today = BuildConfig.of(
        score_mode="published", coupling="independent", recipe="first", rewind="late"
    )
    assert (
        stored
        == today
        == BuildConfig.of(score_mode="paper", coupling="paper", recipe="first", rewind="late")
    )
    assert differences(today, stored) == []
    assert today.to_json()["dropnet"]["score_mode"] == "published"
    assert "--score-mode published --coupling independent" in command_of(stored)
    old_name = json.dumps(
        FIRST_VERSION | {"dropnet": dropnet}, sort_keys=True, separators=(",", ":")
    )

    assert today.sha256 == hashlib.sha256(old_name.encode()).hexdigest()


def test_late_epochs_that_the_first_version_ignored_do_not_stop_a_run() -> None:
    rewinding = {"to": "initial", "late_epochs": 7, "rescale": True}
    dropnet = FIRST_VERSION["dropnet"] | {"rewinding": rewinding}  # type: ignore[operator]
    stored = BuildConfig.from_json(FIRST_VERSION | {"dropnet": dropnet})
    assert differences(BuildConfig.of(rewind="initial", recipe="first"), stored) == []
    with pytest.raises(RequestError, match="`late_epochs` 7 belongs to late rewinding"):
        BuildConfig.of(rewind="initial", late_epochs=7)


def test_no_two_options_share_a_name_and_all_say_help_default_and_section() -> None:
    found = settings_of(BuildConfig)
    assert len({setting.name for setting in found}) == len(found)
    for setting in found:
        assert setting.option.help.endswith((".", ")")), setting.name
        assert setting.section, setting.name
        assert setting.default_text, setting.name
        if setting.default is not None:
            made(BuildConfig, {setting.name: setting.default})


def test_what_build_offers_is_what_its_settings_say() -> None:
    command = cli.commands["build"]
    page = " ".join(command.get_help(click.Context(command)).split()).replace("- ", "-")
    for setting in settings_of(BuildConfig):
        assert setting.flag in page
        assert f"default: {setting.default_text}".replace("- ", "-") in page, setting.name
        if setting.option.range:
            assert f"allowed: {setting.option.range}" in page, setting.name


@pytest.mark.parametrize(
    "names",
    [
        setting.option.names for setting in settings_of(BuildConfig) if setting.option.names
    ],
    ids=lambda names: names.registry,
)  # fmt: skip
def test_names_read_from_sources_are_those_of_the_registry(names: RegistryNames) -> None:
    module, _, entry = names.registry.partition(":")
    registry = getattr(importlib.import_module(module), entry)
    assert registry.package == names.home
    assert names_in(registry.package) == registry.names()


some_options = st.fixed_dictionaries(
    {},
    optional={
        "m": st.integers(5, 50),
        "seed": st.integers(0, 2**63 - 1),
        "arch": st.lists(st.sampled_from(["mlp-a", "conv-b", "lenet"]), min_size=1, max_size=3),
        "data": st.sampled_from(["mnist", "a folder/with spaces", "x.npz"]),
        "limit": st.integers(1, 10**9),
        "metric": st.sampled_from(["minimum_layer", "oracle", "l1"]),
        "score_mode": st.sampled_from(["text", "published", "paper"]),
        "fraction": st.floats(0.01, 0.99),
        "kappa": st.floats(0, 1),
        "rounds": st.integers(0, 9),
        "rescale": st.booleans(),
        "rewind": st.sampled_from(["initial", "late"]),
        "recipe": st.sampled_from(["default", "paper"]),
        "epochs": st.integers(1, 500),
        "learning_rate": st.floats(1e-9, 10),
        "augment": st.sampled_from(["none", "shift-flip"]),
        "method": st.sampled_from(["hq", "soft"]),
        "thrifty": st.booleans(),
        "max_flops": st.floats(1, 1e12),
        "device": st.sampled_from(["cpu", "cuda"]),
    },
)


@given(some_options)
@settings(max_examples=60, deadline=None)
def test_options_config_json_and_the_printed_command_say_the_same(
    options: dict[str, object],
) -> None:
    config = BuildConfig.of(**options)
    assert BuildConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert BuildConfig.of(**asked(config)) == config
    command = cli.commands["build"]
    words = shlex.split(command_of(config))[2:]
    context = command.make_context("build", words)
    known = {setting.name for setting in settings_of(BuildConfig)}
    assert BuildConfig.of(**{k: v for k, v in context.params.items() if k in known}) == config


@dataclass(frozen=True)
class WarmDropNet(DropNet):
    """DropNet with an option more."""

    warm_up: int = option(3, "Epochs before the first drop.", least=0, most=9)


@dataclass(frozen=True)
class WarmConfig(BuildConfig):
    """A build with an option more."""

    dropnet: WarmDropNet = group(WarmDropNet, section="Pruning")


def test_an_option_is_added_in_one_place() -> None:
    """Its field is all that was written: help, checks, files, command and flat list follow."""
    (setting,) = (each for each in settings_of(WarmConfig) if each.name == "warm_up")
    assert (setting.default, setting.section) == (3, "Pruning")
    command = click.Command("build", params=setting_options(WarmConfig))
    page = " ".join(command.get_help(click.Context(command)).split())
    assert "--warm-up INTEGER Epochs before the first drop. [default: 3; allowed: 0 to 9]" in page
    given = command.make_context("build", ["--warm-up", "5"]).params
    config = made(WarmConfig, given)
    assert config.dropnet.warm_up == 5
    assert to_json(config)["dropnet"]["warm_up"] == 5
    assert from_json(WarmConfig, to_json(config)) == config
    assert from_json(WarmConfig, FIRST_VERSION).dropnet.warm_up == 3, "older files take the default"
    assert command_of(config) == "ensemble build --m 20 --s 5 --warm-up 5"
    with pytest.raises(RequestError) as error:
        made(WarmConfig, {"warm_up": 10})
    assert in_flags(str(error.value), command) == "--warm-up 10: allowed 0 to 9; the default is 3"


def test_a_flat_list_takes_one_name_where_several_may_be_given() -> None:
    config = BuildConfig.of(m=2, s=1, arch="mlp-a:3", measure="entropy", method="hq", remove=())
    assert config.archs == ("mlp-a:3",)
    assert config.selection == SelectionConfig(size=1, method="hq", measures=("entropy",))
    with pytest.raises(RequestError, match="unknown option 'archs'; did you mean 'arch'"):
        BuildConfig.of(archs="mlp-a")


def test_more_architectures_than_networks_are_refused_and_read_where_a_run_has_them() -> None:
    with pytest.raises(RequestError, match=r"`m` 1; raise `m`, or leave out conv-b and lenet$"):
        BuildConfig.of(m=1, s=1, arch=["mlp-a", "conv-b", "lenet"])
    content = RunDirectory(FIRST_RUN).resolved.to_json()
    idle = {**content["asked"], "m": 1, "archs": ["mlp-a", "no.such:network"]}
    idle["selection"] = {**idle["selection"], "size": 1}
    assert ResolvedConfig.from_json({**content, "asked": idle}).config.archs == ("mlp-a",)


def test_a_mixed_pool_has_at_most_two_networks_of_each_run() -> None:
    assert BuildConfig.of(m=5, s=10, pool="mixed").selection.size == 10
    assert BuildConfig.of(m=5, s=11, pool="rounds").selection.size == 11
    with pytest.raises(RequestError, match="`size` 11 is more than the 10 networks"):
        BuildConfig.of(m=5, s=11, pool="mixed")


def test_presets_are_named_where_options_alone_can_make_the_recipe_of_them() -> None:
    for name, recipe in RECIPES.items():
        config = BuildConfig(dropnet=DropNet(recipe=recipe))
        assert asked(config).get("recipe", "default") == name


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["select", "--help"]])
def test_help_loads_neither_torch_nor_numpy(words: list[str], tmp_path: Path) -> None:
    heavy = ["torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "joblib", "rich"]
    code = (
        "import sys\nfrom pipelines.commands.cli import run\n"
        f"run({words!r})\nprint([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("method", METHODS.names())
def test_another_method_leaves_behind_the_settings_that_it_does_not_have(method: str) -> None:
    """All else of the run's choice is kept."""
    run = SelectionConfig(
        size=3, method="hq", pool="mixed", voting="majority", max_flops=9.0, prune_fraction=0.0,
        measures=("entropy",), thrifty=True,
    )  # fmt: skip
    chosen = run.changed_by({"method": method, "s": None, "measure": ()})
    assert set(chosen.method_options) == set(run.method_options) & set(METHODS[method].parameters())
    assert chosen.method_options.items() <= run.method_options.items()
    shared = ("size", "pool", "voting", "max_flops")
    assert all(getattr(chosen, name) == getattr(run, name) for name in shared)
    assert run.changed_by({"thrifty": False}).method_options == {
        "prune_fraction": 0.0, "measures": ("entropy",),
    }  # fmt: skip


def test_a_setting_given_with_a_method_that_has_none_is_refused() -> None:
    run = SelectionConfig(method="hq", prune_fraction=0.2)
    with pytest.raises(RequestError, match="`method` 'soft' has no `prune_fraction`"):
        run.changed_by({"method": "soft", "prune_fraction": 0.1})
    with pytest.raises(RequestError, match="did you mean 'soft'"):
        run.changed_by({"method": "sofft"})
