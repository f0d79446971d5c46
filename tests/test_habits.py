"""What is said of the project in several files is one thing."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CI = ".github/workflows/ci.yml"


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_ci_tries_the_pythons_that_the_project_says_it_supports() -> None:
    prefix = "Programming Language :: Python :: 3."
    said = [c.removeprefix(prefix) for c in PROJECT["classifiers"] if c.startswith(prefix)]
    tried = re.search(r"python: \[(.*)\]", _text(CI))
    assert tried is not None
    assert [v.strip('" ') for v in tried[1].split(",")] == [f"3.{minor}" for minor in said]
    assert PROJECT["requires-python"] == f">=3.{said[0]}"


@pytest.mark.parametrize("path", [CI, ".ci/run", "README.md", "CONTRIBUTING.md"])
def test_every_target_that_is_named_is_there(path: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|run: |`| {4})make ((?:[a-z-]+ ?)+)", _text(path), re.MULTILINE))
    words = {word for names in named for word in names.split()}
    assert words <= targets, words - targets


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "make test" in _text(".ci/run").splitlines()
    assert "    make test " in _text("README.md")
    assert "run: .ci/run" in _text(CI)


@pytest.mark.parametrize(
    ("asked", "torch"), [("oldest", "torch==2.11.*"), ("pinned", None), ("newest", "")]
)
def test_ci_sets_the_torch_it_is_asked_for(tmp_path: Path, asked: str, torch: str | None) -> None:
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    subprocess.run([tmp_path / ".ci" / "torch", asked], check=True, capture_output=True)
    found = [line for line in (tmp_path / "constraints.txt").read_text().splitlines()
             if line.startswith("torch==")]  # fmt: skip
    pinned = [line for line in _text("constraints.txt").splitlines() if line.startswith("torch==")]
    assert found == (pinned if torch is None else [torch] if torch else [])


def test_the_hooks_run_what_lint_and_types_run() -> None:
    hooks = re.findall(r"entry: (\w+(?: [\w/.]+)?)", _text(".pre-commit-config.yaml"))
    made = re.findall(
        r"\$\(BIN\)/((?:ruff|mypy)(?: \w+)?|python benchmarks/check_types\.py)", _text("Makefile")
    )
    assert hooks == made
    assert "https://" not in _text(".pre-commit-config.yaml")


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("from pruning.core.errors import RequestError", True),
        ("from pruning.core.errors import Gone", False),
        ("from pruning.core.gone import RequestError", False),
        ("from pruning.core.errors import RequestError; RequestError(gone=1)", False),
    ],
)
def test_a_benchmark_that_calls_what_is_gone_is_found(
    line: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "script.py").write_text(line, encoding="utf-8")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    assert importlib.import_module("check_types").fits(tmp_path) is fits


def test_the_citation_is_of_this_version() -> None:
    cited = re.search(r"^version: (.*)$", _text("CITATION.cff"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == PROJECT["version"]


def test_every_folder_of_tests_is_looked_into(pytestconfig: pytest.Config) -> None:
    """By default pytest leaves out folders that are named build, as one of ours is."""
    left_out = pytestconfig.getini("norecursedirs")
    with_tests = {
        folder.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for folder in file.relative_to(ROOT).parents
    }
    assert "build" in with_tests
    assert [name for name in with_tests for mask in left_out if fnmatch(name, mask)] == []
