"""The names of torch that are private, and that the house uses: a torch without one fails here.

What is listed is what the files use, no more and no less.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).parents[1]
PACKAGES = ("pruning", "ensemble")
ADD = torch.ops.aten.add.Tensor

IMPORTED = {
    "torch.nn.modules.batchnorm._BatchNorm",
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch.utils._pytree.tree_leaves",
}
"""Imported from a private module, or under a private name."""

ATTRIBUTES: dict[str, Callable[[], object]] = {
    "_C": lambda: torch._C,
    "_can_decompose": lambda: ADD._can_decompose() is not None and ADD.decompose,
    "_foreach_add_": lambda: torch._foreach_add_,
    "_foreach_mul_": lambda: torch._foreach_mul_,
    "_forward_hooks": lambda: not nn.Linear(1, 1)._forward_hooks,
    "_forward_pre_hooks": lambda: not nn.Linear(1, 1)._forward_pre_hooks,
    "_fused_adam_": lambda: torch._fused_adam_,
    "_metadata": lambda: nn.Linear(1, 1).state_dict()._metadata,  # type: ignore[attr-defined]
    "_overloadpacket": lambda: ADD._overloadpacket.__name__ == "add",
    "_schema": lambda: not ADD._schema.is_mutable and ADD._schema.arguments[0].name == "self",
}
"""Attribute → a use of it that is true while it is there and does what it did."""

UNDOCUMENTED: dict[str, Callable[[], object]] = {
    "flop_registry": lambda: torch.ops.aten.mm in importlib.import_module(
        "torch.utils.flop_counter").flop_registry,
    "threshold_backward.grad_input": lambda: torch.ops.aten.threshold_backward.grad_input,
    "Tag.pointwise": lambda: torch.Tag.pointwise in ADD.tags,
    "is_view": lambda: torch.ops.aten.view.default.is_view,
}  # fmt: skip
"""Public by their names, and on no page of torch's documentation."""

MAY_BE_ABSENT = {
    "_is_avx512_bf16_supported", "_is_amx_tile_supported", "_cuda_clearCublasWorkspaces",
}  # fmt: skip
"""Asked for by name. Without an answer about the processor nothing takes bfloat16 by itself; where
cuBLAS cannot be told to give its memory back, as in a torch without CUDA, it keeps it."""


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _trees() -> list[ast.Module]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


def _own_names(tree: ast.Module) -> set[str]:
    """Return the private names that a file itself gives to attributes, methods and functions."""
    own = {node.name for node in ast.walk(tree)
           if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    return own | {
        node.attr for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id in ("self", "cls")
    }  # fmt: skip


def test_the_private_names_in_use_are_those_listed() -> None:
    attributes, imported = set(), set()
    for tree in _trees():
        own = _own_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _private(node.attr) and node.attr not in own:
                attributes.add(node.attr)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                imported |= {name for name in names if any(map(_private, name.split(".")))}
    assert attributes == ATTRIBUTES.keys()
    assert imported == IMPORTED


@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_torch_still_has_what_is_imported(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", [*ATTRIBUTES, *UNDOCUMENTED])
def test_torch_still_does_what_is_asked_of_it(name: str) -> None:
    assert (ATTRIBUTES | UNDOCUMENTED)[name]()


def test_what_may_be_absent_is_asked_for_by_these_names() -> None:
    asked = {
        node.value for tree in _trees() for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and node.value.startswith(("_is_", "_cuda_"))
    }  # fmt: skip
    assert asked == MAY_BE_ABSENT
