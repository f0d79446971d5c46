"""What computes a build, as a value; never part of a run's identity."""

from __future__ import annotations

from dataclasses import dataclass

from pruning.core.errors import RequestError, unknown_name
from pruning.core.option_checks import check_options
from pruning.core.options import option

HERE = ("loky", "threading", "sequential")
"""joblib's backends on this machine, which with one job train in this very process."""


@dataclass(frozen=True)
class Placement:
    """Where groups of runs are computed; on CUDA by one process per card, whatever `jobs` says."""

    jobs: int | None = option(
        None, "Groups of runs computed at a time.", least=1, unset="one per core",
        section="Where it runs",
    )  # fmt: skip
    backend: str = option(
        "loky",
        f"joblib's backend for the jobs: {', '.join(HERE)}, or one that is registered with "
        "joblib, such as dask.",
        section="Where it runs",
    )
    profile: str | None = option(
        None,
        "A file for PyTorch's trace of a short training before the build: two epochs of the first "
        "group's networks, each of at most 32 steps. ui.perfetto.dev and chrome://tracing show "
        "it; a name that ends in .gz is compressed.",
        metavar="FILE", unset="none", section="Where it runs",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
        if self.backend not in HERE:
            self._check_registered()
        if self.jobs is not None and self.backend in HERE and self.jobs > (cores := _cores()):
            raise RequestError(
                f"`jobs` {self.jobs}: allowed 1 to {cores}, this machine's cores: more would "
                "only wait for each other; leave it out to use them all"
            )

    def _check_registered(self) -> None:
        from joblib.parallel import BACKENDS

        known = [name for name in BACKENDS if name != "multiprocessing"]
        if self.backend not in known:
            raise unknown_name("joblib backend", self.backend, known)

    @property
    def processes(self) -> int:
        """How many groups are computed at a time."""
        return _cores() if self.jobs is None else self.jobs


def _cores() -> int:
    from joblib import cpu_count

    return int(cpu_count())
