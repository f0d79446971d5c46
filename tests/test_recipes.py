"""CONTRIBUTING's recipes, followed: each file as it stands there, no other touched by hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from only_recipes import NAMES

ROOT = Path(__file__).parents[1]
FOLDERS = ("pruning", "selection", "ensemble", "pipelines", "tests")
BLOCK = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)
RECIPES = dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))

CONTRACTS = {
    "stripes": ("tests/pruning/data/test_contract.py",),
    "funnel": ("tests/pruning/networks/test_networks.py", "tests/pruning/surgery/test_built_in.py"),
    "linf": ("tests/pruning/scores/test_contract.py", "tests/pruning/scores/test_linf.py",
             "tests/pruning/core/test_registry.py"),
    "threads": ("tests/pruning/training/engines/test_contract.py",),
    "jaccard": ("tests/selection/test_measures.py", "tests/selection/test_hierarchy.py"),
    "geometric": ("tests/selection/test_voting.py", "tests/selection/test_accuracy.py",
                  "tests/selection/test_methods.py", "tests/ensemble/test_onnx.py"),
    "cheapest": ("tests/selection/test_methods.py",),
}  # fmt: skip
"""Plug-in → where what every plug-in of its kind must hold is tested."""

EVERYWHERE = ("tests/test_house.py",)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house in which the recipes have been followed."""
    copy = tmp_path_factory.mktemp("recipes_followed")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs", copy / "docs", ignore=shutil.ignore_patterns("*.png"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, text in RECIPES.items():
        assert not (copy / path).exists(), f"{path} is there already"
        (copy / path).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, copy / "docs" / "list_rooms.py"], check=True)
    return copy


def _run(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(house), NAMES: " ".join(CONTRACTS)}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=house, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_every_recipe_is_tried() -> None:
    assert {Path(path).stem.removeprefix("test_") for path in RECIPES} == set(CONTRACTS)


def test_what_the_recipes_add_passes_the_contract_tests(house: Path) -> None:
    files = sorted({file for files in CONTRACTS.values() for file in files})
    done = _run(house, "pytest", "-p", "only_recipes", "-p", "no:cacheprovider", "-v",
                "-m", "not slow", *files, *EVERYWHERE)  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    for name in CONTRACTS:
        own = [line for line in done.stdout.splitlines() if name in line.split(" ")[0]]
        assert sum(" PASSED" in line for line in own) >= 2, name
        assert not any(" SKIPPED" in line for line in own), own


def test_a_build_is_made_of_nothing_but_what_the_recipes_add(house: Path, tmp_path: Path) -> None:
    write = "import sys, pathlib, miniatures.stripes as m; m.write(pathlib.Path(sys.argv[1]))"
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{house}{os.pathsep}{house / 'tests' / 'support'}"}
    subprocess.run([sys.executable, "-c", write, data], env=environment, check=True)
    asked = (
        f"build --data stripes --data-dir {data} --arch funnel --metric linf_layer "
        "--engine threads --method cheapest --voting geometric "
        f"--m 4 --s 2 --rounds 1 --epochs 2 --jobs 1 --out {run}"
    )
    again = f"select {run} --method hq --measure jaccard --out {tmp_path / 'again'}"
    for command in (asked, again):
        done = _run(house, "pipelines.commands.cli", *command.split())
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "selection.json").is_file()


def test_the_files_of_the_recipes_keep_the_rules_of_the_house(house: Path) -> None:
    done = _run(house, "ruff", "check", *RECIPES)
    assert done.returncode == 0, done.stdout
