"""The exceptions whose message is for the user: a wrong request, a damaged run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

LONGEST_WORD, LONGEST_LINE = 300, 2000
"""Letters of a word, and of a line, beyond which the middle is left out."""


def one_line(text: str) -> str:
    """Return a message as one line, that a value of any length leaves readable.

    >>> one_line("no file\\n  a.png; give another")
    'no file a.png; give another'
    >>> len(one_line("no file " + "x" * 5000 + " ; give another"))
    198
    """
    line = " ".join(part.strip() for part in text.splitlines() if part.strip())
    line = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda found: _shortened(found[0], 150), line)
    return line if len(line) <= LONGEST_LINE else _shortened(line, LONGEST_LINE)


def _shortened(text: str, letters: int) -> str:
    ends = letters // 2
    return f"{text[:ends]} [{len(text) - 2 * ends} letters left out] {text[-ends:]}"


class RequestError(ValueError):
    """What was asked for cannot be done: an unknown name, a bad value, unusable data.

    The message is one line: the thing, its value, what is allowed, the way out. An argument
    is named in backquotes, as in NumPy's messages: `` `size` 0: allowed 1 and more``. The
    command line spells it as its option (``--s``), prints the line and exits with 2.

    >>> print(RequestError("`size` [0\\n 1]: allowed 1 and more"))
    `size` [0 1]: allowed 1 and more
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class ForeignCodeError(RequestError):
    """A member's architecture is its author's own code, and was not handed over."""

    def __init__(self, arch: str, way_out: str) -> None:
        super().__init__(
            f"architecture {arch!r} is its author's own code, which loading never runs; "
            f"hand it over: {way_out}"
        )
        self.arch = arch


class DamagedRunError(RuntimeError):
    """A file of a run is missing or is not what was written; the command line exits with 1."""


class MachineError(RuntimeError):
    """The machine ended the work, for want of memory say; the command line exits with 1."""


def unknown_name(
    kind: str,
    name: str,
    known: Iterable[str],
    elsewhere: Iterable[str] = (),
    synonyms: Mapping[str, str] = MappingProxyType({}),
) -> RequestError:
    """Return the error for a name nobody registered, the nearest known names first.

    Parameters
    ----------
    kind
        What is looked for.
    name
        As it was given.
    known
        All are listed.
    elsewhere
        Names with a prefix, ``library:name``, too many to list: only those that are near are
        named, also where the prefix was left out.
    synonyms
        Words that others have for a known name → that name.

    >>> print(unknown_name("metric", "minimun", ["maximum", "minimum", "random"]))
    unknown metric 'minimun'; did you mean 'minimum'? known: minimum, maximum, random
    >>> print(unknown_name("network", "net50", ["net18", "mlp"], ["torchvision:net50"]))
    unknown network 'net50'; did you mean 'torchvision:net50'? known: torchvision:net50, net18, mlp
    """
    names, others = sorted(known), sorted(elsewhere)
    meant = {other.rpartition(":")[2]: other for other in others} | {n: n for n in names + others}
    meant |= synonyms
    found = difflib.get_close_matches(name, meant, n=3, cutoff=0.5)
    near = list(dict.fromkeys(meant[spelling] for spelling in found))
    ordered = near + [other for other in names if other not in near]
    hint = f"did you mean {near[0]!r}? " if near else ""
    return RequestError(f"unknown {kind} {name!r}; {hint}known: {', '.join(ordered)}")
