"""What is measured on a card: each part a few functions from a bench to a line.

Speeds are in training images a second, all members together; a share is of the FLOPs a second
of the card's largest product in bfloat16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from gpu_bench import MEMBERS, SHAPE, Bench, Line
from gpu_steps import (
    TABLE,
    engine_steps,
    memory,
    peak,
    same_alone,
    textbook_step,
    too_little_memory,
)  # fmt: skip
from gpu_trainings import accuracies, all_rounds, resumes, textbook_epochs, whole_build

PARTS: dict[str, list[Callable[[Bench], Line]]] = {
    "peak": [peak],
    "conv-c": [textbook_epochs, all_rounds],
    "widths": [
        functools.partial(engine_steps, f"conv-c:{widths}-256", SHAPE, "auto", MEMBERS)
        for widths in ("48-48-88-88", "48-48-96-96", "40-40-72-72", "48-48-80-80")
    ],
    "table": [
        measure
        for arch, (shape, members) in TABLE.items()
        for measure in (
            functools.partial(textbook_step, arch, shape),
            functools.partial(engine_steps, arch, shape, "loop", 2),
            functools.partial(engine_steps, arch, shape, "auto", members),
        )
    ],
    "builds": [functools.partial(whole_build, data) for data in ("digits", "mnist")],
    "alone": [same_alone],
    "resumes": [resumes],
    "memory": [
        *(functools.partial(memory, members) for members in (5, 10, 20, 40)), too_little_memory
    ],
    "accuracy": [functools.partial(accuracies, engine) for engine in ("loop", "compiled")],
}  # fmt: skip
