"""The library names arguments, the command line options; nothing says a flag of its own accord."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from pipelines.commands.cli import cli, run
from pipelines.commands.setting_options import in_flags

FLAG = re.compile(r"(?:^|[\s(:])--[a-z]")


def _library() -> Iterator[Path]:
    for package in ("pruning", "selection", "ensemble", "pipelines"):
        spec = find_spec(package)
        assert spec is not None and spec.origin is not None
        for path in sorted(Path(spec.origin).parent.rglob("*.py")):
            if "commands" not in path.parts:
                yield path


def _texts(node: ast.AST) -> str:
    parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return "".join(part for part in parts if isinstance(part, str))


@pytest.mark.parametrize("path", list(_library()), ids=lambda path: "/".join(path.parts[-3:]))
def test_no_error_of_the_library_speaks_of_flags(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise):
            said = re.sub(r"`(?:ensemble|dask|ray) [^`]*`", "", _texts(node))
            assert not FLAG.search(said), f"{path}:{node.lineno}: {said}"


@pytest.mark.parametrize(
    ("command", "message", "said"),
    [
        ("build", "`size` 0: allowed 1 and more", "--s 0: allowed 1 and more"),
        ("build", "`max_epochs` 0", "--epochs 0"),
        ("build", "ask for `to` 'late' or `coupling` 'joint'",
         "ask for --rewind 'late' or --coupling 'joint'"),
        ("build", "give `ensemble build` again; `momentum` 3", "give `ensemble build` again; "
         "`momentum` 3"),
        ("build", "`fraction` 2", "--fraction 2"),
        ("select", "`measures` 3, `m` 4", "--measure 3, `m` 4"),
        ("serve", "`host` there", "--host there"),
        ("show", "give `archs` mynets:make", "give --arch mynets:make"),
        ("compare", "see `ensemble compare`", "see `ensemble compare`"),
    ],
)  # fmt: skip
def test_arguments_are_spelt_as_the_commands_own_options(
    command: str, message: str, said: str
) -> None:
    assert in_flags(message, cli.commands[command]) == said
    assert in_flags(message, None) == message


def test_old_words_are_taken_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--score-mode", "paper", "--coupling", "paper", "--out", "", "--s", "2"]
    assert run(["build", *words]) == 2
    assert "--out ''" in capsys.readouterr().err, "all before it was taken"


@pytest.mark.parametrize("command", ["build", "select", "compare", "export"])
def test_a_result_needs_a_place(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [] if command == "build" else ["nowhere"]
    assert run([command, *words, "--out", ""]) == 2
    assert "--out '': allowed is a path" in capsys.readouterr().err


def test_names_are_completed() -> None:
    metric = next(p for p in cli.commands["build"].params if p.name == "metric")
    context = click.Context(cli.commands["build"])
    assert [item.value for item in metric.shell_complete(context, "m")] == ["maximum", "minimum"]
