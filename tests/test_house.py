"""The walls of the house: imports follow the data, one way; inference stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS: Mapping[str, tuple[str, ...]] = {
    "pruning": (
        "core", "samples", "data", "networks", "inference", "surgery", "scores", "training",
        "dropnet", "datafree",
    ),
    "selection": (
        "setting_kinds", "pair_counts", "pool", "costs", "facts", "team", "measures", "focal",
        "voting", "search", "methods", "optimism", "chance", "choosing", "exchange", "given",
    ),
    "ensemble": (
        "installed", "release", "calibration", "cascade", "combination", "uncertainty", "storage",
        "reading", "feature_names", "description", "probe", "member", "probing", "classifier",
        "artefact", "fingerprint", "onnx", "model", "loader", "summary", "stream", "web",
    ),
    "pipelines": ("run", "build", "compare", "report", "estimator", "reproduction", "commands"),
}  # fmt: skip
"""The folders in the order in which the data walks, and the rooms of each likewise."""

INFERENCE_ROOMS = {
    "pruning.core", "pruning.samples", "pruning.networks", "pruning.inference", "pruning.surgery",
}  # fmt: skip


def _folder(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


@cache
def _files() -> dict[str, Path]:
    """Return every module of the house and its file."""
    found = {}
    for package in FLOORS:
        folder = _folder(package)
        for path in sorted(folder.rglob("*.py")):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return every name a file imports, wherever in the file it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _arrows(module: str) -> Iterator[str]:
    """Yield the modules of the house that a module imports; of a package and its part, the part."""
    named = {name for name in _imports(_files()[module]) if name in _files() and name != module}
    yield from (n for n in named if not any(other.startswith(f"{n}.") for other in named))


@pytest.mark.parametrize("package", FLOORS)
def test_a_folder_imports_only_from_folders_to_its_left(package: str) -> None:
    order = tuple(FLOORS)
    to_the_right = set(order[order.index(package) + 1 :])
    for path in sorted(_folder(package).rglob("*.py")):
        wrong = {name for name in _imports(path) if name.split(".")[0] in to_the_right}
        assert not wrong, f"{path} imports {sorted(wrong)}"


@pytest.mark.parametrize("package", FLOORS)
def test_a_room_imports_only_from_rooms_to_its_left(package: str) -> None:
    rooms = FLOORS[package]
    for module in _files():
        folder, _, rest = module.partition(".")
        if folder != package or not rest:
            continue
        place = rooms.index(rest.split(".")[0])
        for target in _arrows(module):
            there, _, room = target.partition(".")
            if there == package and room:
                wrong = rooms.index(room.split(".")[0]) > place
                assert not wrong, f"{module} imports {target}, a room to its right"


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {module: set(_arrows(module)) for module in _files()}
    while ends := {module for module, targets in arrows.items() if not targets}:
        arrows = {m: targets - ends for m, targets in arrows.items() if m not in ends}
    assert not arrows, f"circles among {sorted(arrows)}"


def test_every_module_is_named_in_the_architecture() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "list_rooms.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [
        module
        for module, path in _files().items()
        if path.name != "__init__.py"
        and f"| `{path.name}` |" not in page
        and f"| `{module.replace('.', '/')}.py` |" not in page
    ]
    assert not missing


def test_every_file_name_in_the_architecture_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`((?:pruning|selection|ensemble|pipelines)/[a-z_/]*(?:\.py)?)`", page))
    missing = sorted(path for path in told if not (ROOT / path).exists())
    assert told
    assert not missing


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
        # what the commands that compare nothing have in common
        ("pipelines.commands.build, pipelines.commands.select, pipelines.commands.show, "
         "pipelines.commands.predict, pipelines.commands.export, pipelines.commands.log, "
         "pipelines.commands.check, pipelines.commands.serve",
         ["scipy", "pandas", "sklearn", "pipelines.compare.comparison", "pipelines.report.page"]),
    ],
)  # fmt: skip
def test_importing_loads_nothing_it_does_not_need(imported: str, absent: list[str]) -> None:
    code = f"import sys, {imported}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
