"""What computes a build, as a value; never part of a run's identity."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pruning.core.errors import RequestError, unknown_name
from pruning.core.option_checks import check_options
from pruning.core.options import option

HERE = ("loky", "sequential")
"""joblib's backends that give every group a process of its own, or all of them this one.

Threads would share torch's generator and thread count, and give other bytes.
"""

_INSTEAD = {
    "threading": "threads share torch's random generator, so that the same command would not give "
    "the same bytes; take loky",
    "dask": "give the address of a Dask cluster's scheduler as `scheduler`",
    "ray": "give the address of a Ray cluster as `ray`",
}
"""What was taken once, or may be sought here."""


_ADDRESSES = {
    "scheduler": (r"([a-z]+://)?[^\s/]+:\d+", "tcp://10.0.0.1:8786, as `dask scheduler` prints it"),
    "ray": (r"auto|(ray://)?[^\s/]+:\d+", "auto, 10.0.0.1:6379, ray://10.0.0.1:10001"),
}
"""What the address of a cluster looks like, and examples."""


@dataclass(frozen=True)
class Placement:
    """Where groups of runs are computed; on CUDA by one process per card, whatever `jobs` says."""

    jobs: int | None = option(
        None, "Groups of runs computed at a time.", least=1, unset="one per core",
        section="Where it runs",
    )  # fmt: skip
    backend: str = option(
        "loky",
        f"What starts the jobs here: {' or '.join(HERE)}, which is one at a time in this process.",
        section="Where it runs",
    )
    scheduler: str | None = option(
        None,
        "Address of a Dask cluster's scheduler, such as tcp://10.0.0.1:8786: its workers train "
        "the groups.",
        metavar="ADDRESS", unset="this machine", section="Where it runs",
    )  # fmt: skip
    ray: str | None = option(
        None,
        "Address of a Ray cluster, whose nodes train the groups: auto for the one that this "
        "machine is part of, HOST:PORT, or ray://HOST:10001 from elsewhere.",
        metavar="ADDRESS", unset="this machine", section="Where it runs",
    )  # fmt: skip
    time_limit: float | None = option(
        None,
        "Minutes after which no round of pruning begins; every run trains its unpruned network. "
        "The team is chosen of what there is, which then hangs on the machine's speed; the same "
        "command without a limit goes on.",
        above=0, unset="none", section="Where it runs",
    )  # fmt: skip
    checkpoint_every: float = option(
        30.0,
        "Seconds of a round after which its training is kept between two epochs, and from then on "
        "between two times: so much, or an epoch, is lost where a build is stopped. On "
        "processors of this machine; elsewhere a round is.",
        least=0, section="Where it runs",
    )  # fmt: skip
    profile: str | None = option(
        None,
        "A file for PyTorch's trace of a short training before the build: two epochs of the first "
        "group's networks, each of at most 32 steps. ui.perfetto.dev and chrome://tracing show "
        "it; a name that ends in .gz is compressed.",
        metavar="FILE", unset="none", section="Where it runs",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
        if self.backend in _INSTEAD:
            raise RequestError(f"`backend` {self.backend!r}: {_INSTEAD[self.backend]}")
        if self.backend not in HERE:
            raise unknown_name("joblib backend", self.backend, HERE)
        if self.on_cluster:
            self._check_cluster()
        elif self.jobs is not None and self.jobs > (cores := usable_cores()):
            raise RequestError(
                f"`jobs` {self.jobs}: allowed 1 to {cores}, this machine's cores: more would "
                "only wait for each other; leave it out to use them all"
            )

    def _check_cluster(self) -> None:
        if self.scheduler is not None and self.ray is not None:
            raise RequestError(
                f"`scheduler` {self.scheduler!r} and `ray` {self.ray!r} are two clusters; give one"
            )
        named = self.cluster
        assert named is not None
        name, address = named
        form, examples = _ADDRESSES[name]
        if not re.fullmatch(form, address):
            raise RequestError(f"`{name}` {address!r} is no address: allowed is such as {examples}")
        for ignored in ("jobs", "backend", "checkpoint_every"):
            value = getattr(self, ignored)
            if value != getattr(type(self), ignored):
                raise RequestError(
                    f"`{ignored}` {value!r} is for this machine, and `{name}` {address!r} trains "
                    "on the workers that its cluster has; leave one out"
                )

    def until(self, now: float) -> float:
        """Return the time, as `now` is given, after which no further round begins.

        >>> Placement(time_limit=2).until(100.0), Placement().until(100.0)
        (220.0, inf)
        """
        return math.inf if self.time_limit is None else now + 60 * self.time_limit

    @property
    def cluster(self) -> tuple[str, str] | None:
        """The option that names the cluster whose workers train, and its address."""
        named = (("scheduler", self.scheduler), ("ray", self.ray))
        return next(((name, address) for name, address in named if address is not None), None)

    @property
    def on_cluster(self) -> bool:
        """Whether the workers of a cluster train."""
        return self.cluster is not None

    @property
    def processes(self) -> int:
        """How many groups are computed at a time on this machine, if there are as many.

        >>> Placement(backend="sequential").processes, Placement(jobs=1).processes
        (1, 1)
        """
        if self.backend == "sequential":
            return 1
        return usable_cores() if self.jobs is None else self.jobs


def usable_cores() -> int:
    """Return how many of this machine's cores this process may use."""
    from joblib import cpu_count

    return int(cpu_count())
