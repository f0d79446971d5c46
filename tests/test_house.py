"""The walls of the house: imports follow the data, inference stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ORDER = ("pruning", "selection", "ensemble", "pipelines")
INFERENCE_ROOMS = {
    "pruning.networks", "pruning.surgery", "pruning.cost", "pruning.errors",
    "pruning.registry", "pruning.inference", "pruning.layout", "pruning.scaling", "pruning.images",
}  # fmt: skip


def _folder(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", ORDER)
def test_a_folder_imports_only_from_folders_to_its_left(package: str) -> None:
    to_the_right = set(ORDER[ORDER.index(package) + 1 :])
    for path in sorted(_folder(package).rglob("*.py")):
        wrong = {name for name in _imports(path) if name.split(".")[0] in to_the_right}
        assert not wrong, f"{path} imports {sorted(wrong)}"


def test_selection_is_numpy_only() -> None:
    for path in sorted(_folder("selection").rglob("*.py")):
        heavy = {"torch", "torchvision", "pandas", "sklearn", "scipy", "joblib"}
        wrong = {name for name in _imports(path) if name.split(".")[0] in heavy}
        assert not wrong, f"{path} imports {sorted(wrong)}"


def test_ensemble_uses_networks_and_surgery_only() -> None:
    for path in sorted(_folder("ensemble").rglob("*.py")):
        used = {name for name in _imports(path) if name.startswith("pruning.")}
        rooms = {".".join(name.split(".")[:2]) for name in used}
        assert rooms <= INFERENCE_ROOMS, f"{path} imports {sorted(rooms - INFERENCE_ROOMS)}"


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("pruning", ["torch", "torchvision", "pandas"]),
        ("selection", ["torch", "pandas", "sklearn"]),
        ("ensemble", ["torch", "torchvision", "pandas", "sklearn", "click", "rich", "torch_pruning",
                      "pruning.data", "pruning.training", "pipelines"]),
    ],
)  # fmt: skip
def test_importing_loads_nothing_it_does_not_need(imported: str, absent: list[str]) -> None:
    code = f"import sys, {imported}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
