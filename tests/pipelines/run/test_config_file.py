"""A configuration from the file that every run writes, or from what somebody made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_support import TINY_OPTIONS, write_images

from ensemble.storage.sealed import CHECKSUM, seal
from pipelines.commands.cli import run
from pipelines.run.config import BuildConfig
from pipelines.run.config_file import read_config
from pipelines.run.directory import RunDirectory
from pipelines.run.resolved import ASKED, SETTLED
from pruning.core.errors import RequestError

Content = dict[str, Any]


def test_what_a_run_settles_is_known_and_nothing_else() -> None:
    run = RunDirectory(Path(__file__).parent / "runs" / "v1")
    assert run.resolved.to_json().keys() == {ASKED, *SETTLED, CHECKSUM}


def _written(path: Path, config: BuildConfig, edit: Callable[[Content], object]) -> Path:
    content = json.loads(json.dumps(seal({"format": 1, "asked": config.to_json(), "groups": []})))
    edit(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "config",
    [
        BuildConfig(),
        BuildConfig.of(m=4, s=2, arch=("conv-b", "mlp-a:8-4"), image_size="64x48", seed=2**40),
        BuildConfig.of(pruner="datafree", remove=("fc1=3",), recipe="paper", epochs=2),
    ],
)
def test_what_was_asked_is_asked_again(config: BuildConfig, tmp_path: Path) -> None:
    read = read_config(_written(tmp_path / "config.json", config, lambda content: None))
    assert read.config == config
    assert read.remarks == ()
    assert read_config(tmp_path) == read, "a run's folder is taken for the file in it"


def test_an_edited_copy_is_taken_and_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    edited = _written(tmp_path / "a.json", BuildConfig(), lambda c: c["asked"].update(seed=7))
    assert read_config(edited).config == BuildConfig(seed=7)
    few = tmp_path / "few.json"
    few.write_text('{"asked": {"m": 3, "selection": {"size": 2}, "dropnet": {"rounds": 0}}}')
    assert read_config(few).config == BuildConfig.of(m=3, s=2, rounds=0)


def test_what_a_file_is_too_old_to_say_is_told(tmp_path: Path) -> None:
    """Runs that had no warm-up ask for none, though the default has one now."""
    old = _written(
        tmp_path / "old.json",
        BuildConfig(),
        lambda content: content["asked"]["dropnet"]["recipe"].pop("warmup"),
    )
    read = read_config(old)
    assert read.config.dropnet.recipe.warmup == 0
    assert len(read.remarks) == 1
    assert "`warmup` 0" in read.remarks[0]


def _dropnet(**values: object) -> Callable[[Content], object]:
    return lambda content: content["asked"]["dropnet"].update(values)


def _first_version_without_late_epochs(content: Content) -> None:
    dropnet = content["asked"]["dropnet"]
    del dropnet["target"], dropnet["rewinding"]["late_epochs"]
    dropnet["rewinding"]["to"] = "late"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c["asked"].update(seeds=1), "unknown setting 'seeds'; did you mean 'seed'?"),
        (_dropnet(recipe={"max_epoch": 3}), "unknown setting 'max_epoch'; did you mean 'max_epo"),
        (_dropnet(recipe=3), "setting 'recipe' is 3; it is an object of settings"),
        (_dropnet(fraction=1.5), "`fraction` 1.5: allowed more than 0, less than 1"),
        (_dropnet(metric=None), "`metric` None: allowed apoz, "),
        (lambda c: c["asked"].update(data=None), "setting 'data' is None"),
        (lambda c: c["asked"].update(m="four"), "`m` 'four': allowed whole numbers"),
        (lambda c: c["asked"].update(archs="mlp"), "unknown architecture 'mlp'; did you mean"),
        (lambda c: c["asked"]["merging"].update(counts=5), "`counts` 5: allowed pairs of a layer"),
        (_first_version_without_late_epochs, "not as a run writes it (KeyError: 'late_epochs')"),
        (lambda c: c.update(askt=3), "unknown field 'askt'; did you mean 'asked'?"),
        (lambda c: c.pop("asked"), "has no object 'asked'; give the config.json of a run"),
    ],
)
def test_a_bad_field_is_named(edit: Callable[[Content], object], said: str, tmp_path: Path) -> None:
    file = _written(tmp_path / "bad.json", BuildConfig(), edit)
    with pytest.raises(RequestError) as caught:
        read_config(file)
    assert str(caught.value).startswith(f"`config` {file}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"asked": {"m": 4,}}', "is no JSON object (Expecting property name"),
        ('{"asked": {"m": 4, "m": 5}}', "is no JSON object (a key is given twice)"),
        ("[1]", "expected an object"),
        ("", "is no JSON object"),
    ],
)
def test_what_is_no_json_object_is_said_to_be_none(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RequestError) as caught:
        read_config(tmp_path)
    assert said in str(caught.value)


def test_the_command_makes_the_same_bytes_and_its_options_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_images(tmp_path / "tiny.npz")
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(one)]) == 0
    assert run(["build", "--config", str(one / "config.json"), "--out", str(two)]) == 0
    for file in ("config.json", "selection.json", "ensemble/ensemble.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    words = ["build", "--config", str(one), "--s", "1", "--no-rescale", "--out", str(three)]
    assert run(words) == 0
    asked, first = (RunDirectory(path).resolved.config for path in (three, one))
    assert asked.selection.size == 1
    assert not asked.dropnet.rewinding.rescale
    assert (asked.m, asked.data, asked.archs) == (first.m, first.data, first.archs)
    capsys.readouterr()
    for words, said in (
        (["--config", str(tmp_path / "nosuch")], "cannot be read (No such file or directory)"),
        (["--config", ""], "--config '': allowed is a path"),
        (["--config", str(one), "--s", "99"], "--s 99 is more than the 4 networks of --m 4"),
    ):
        assert run(["build", *words]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
