"""What a server takes at most, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from pruning.core.option_checks import check_options
from pruning.core.options import option


@dataclass(frozen=True)
class Limits:
    """Limits of `ensemble serve`, told by ``GET /health``.

    The pixels of a request's images are counted before any is decoded. A request beyond those
    worked on at once gets 503 with ``Retry-After``. A client has the time for its headers, again
    for its body, and again to take some of its answer.
    """

    upload_bytes: int = option(
        10 * 2**20, "Most bytes of a request.", least=1, flag="max_upload"
    )  # fmt: skip
    pixels: int = option(
        25_000_000, "Most pixels of an image; 4 times as many of a request.",
        least=1, flag="max_pixels",
    )  # fmt: skip
    samples: int = option(64, "Most samples of a request.", least=1, flag="max_samples")
    requests: int = option(64, "Most requests in work at once.", least=1, flag="max_requests")
    seconds: float = option(
        10.0, "Seconds to send a request in, to decode it, and to take an answer.",
        above=0, flag="timeout",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
