"""Values are frozen: what may change is a class of its own, named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_CHANGE = {
    "pipelines/build/progress.py": {"Tally"},
    "pipelines/reproduction/claim.py": {"Run"},
    "pipelines/report/figures/drawing.py": {"Labels"},
    "pruning/surgery/trace.py": {"Value"},
    "pruning/training/trained.py": {"Trained"},
}
"""Records that are filled as the work goes on."""

METHODS = "selection/methods/"
"""Selection methods are estimators, whose settings may be set."""


def _dataclasses(path: Path) -> Iterator[tuple[str, dict[str, bool]]]:
    """Yield each dataclass of a file and what its decorator says."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            call = decorator if isinstance(decorator, ast.Call) else None
            if getattr(call.func if call else decorator, "id", None) == "dataclass":
                said = call.keywords if call else []
                assert isinstance(node, ast.ClassDef)
                yield node.name, {str(k.arg): ast.literal_eval(k.value) for k in said}


@pytest.mark.parametrize("package", ["pruning", "selection", "ensemble", "pipelines"])
def test_values_are_frozen(package: str) -> None:
    found = 0
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        loose = {kind for kind, said in _dataclasses(path) if not said.get("frozen")}
        found += sum(1 for _ in _dataclasses(path))
        assert loose == MAY_CHANGE.get(name, set()) or name.startswith(METHODS), name
    assert found > 5
