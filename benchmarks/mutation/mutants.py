"""Which changes can be made to the code, and a sample of them drawn by seed.

The changes are cosmic-ray's operators, those of them that a slip of the hand could make: minus
for plus, ``<=`` for ``<``, a number one off, a condition turned round, a loop left out, a
decorator removed. ``+`` turned into ``^`` would be found by any test at all and say nothing.
Annotations are left alone: nothing evaluates them.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

SLIPS = (
    *(f"ReplaceBinaryOperator_{slip}" for slip in (
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_FloorDiv", "Pow_Mul",
        "BitAnd_BitOr", "BitOr_BitAnd", "BitXor_BitAnd", "LShift_RShift", "RShift_LShift",
    )),
    *(f"ReplaceComparisonOperator_{slip}" for slip in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE",
        "GtE_Gt", "GtE_Lt", "Is_IsNot", "IsNot_Is",
    )),
    *(f"ReplaceUnaryOperator_{slip}" for slip in (
        "Delete_USub", "Delete_Invert", "Delete_Not", "USub_UAdd",
    )),
    "NumberReplacer", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr",
    "ReplaceOrWithAnd", "AddNot", "ZeroIterationForLoop", "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak", "ExceptionReplacer", "RemoveDecorator",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change to one file.

    Attributes
    ----------
    file
        From the root of the repository.
    operator, occurrence
        Cosmic-ray's operator and which of its places in the file.
    line
        Where it changes, from 1.
    sha256
        Of the file before: a result holds for these bytes alone.
    """

    file: str
    operator: str
    occurrence: int
    line: int
    sha256: str

    def source(self, text: str) -> str:
        """Return the file's text with the change."""
        changed = mutate_code(text, _operator(self.operator), self.occurrence)
        if changed is None:
            raise ValueError(f"{self.file} has no place {self.occurrence} for {self.operator}")
        return str(changed)

    def difference(self, text: str) -> tuple[str, str]:
        """Return the lines before and after, their ends and spaces trimmed."""
        lines = list(difflib.ndiff(text.splitlines(), self.source(text).splitlines()))
        before, after = (
            " ".join(" ".join(line[2:].split()) for line in lines if line.startswith(sign))
            for sign in ("- ", "+ ")
        )
        return before, after


def draw(root: Path, files: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Return `count` mutants of these files, drawn without replacement, in the order drawn."""
    every = [mutant for file in files for mutant in mutants_of(root, file)]
    rows = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[row] for row in rows]


def mutants_of(root: Path, file: str) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    text = (root / file).read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    nodes, unread = list(ast_nodes(get_ast(text))), _annotations(text)
    for name in SLIPS:
        operator = _operator(name)
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start <= last for first, last in unread):
                yield Mutant(file, name, occurrence, start[0], digest)


@cache
def _operator(name: str) -> Operator:
    return get_operator(f"core/{name}")()


def _annotations(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations begin and end, as (line, column)."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
    return [
        ((a.lineno, a.col_offset), (a.end_lineno or a.lineno, a.end_col_offset or a.col_offset))
        for a in found
        if a is not None
    ]
