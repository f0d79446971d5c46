"""Text from files of anybody's, made harmless where it is printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from pruning.core.errors import RequestError

_TURNING = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Line ends that only Unicode knows, and marks that turn the direction of what follows."""


def plain(text: str) -> str:
    """Return a text that moves no cursor, sets no colour and has no half characters.

    Control characters but line ends and tabs, marks of direction and lone surrogates are escaped
    as Python does. For names of files, classes and members, wherever a person or a table reads
    them.

    >>> plain("caf\u00e9"), plain("cat" + chr(27) + "[2J")
    ('caf\u00e9', 'cat\\\\x1b[2J')
    """
    if text.isprintable():
        return text
    return "".join(
        repr(letter)[1:-1]
        if (unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t")
        or letter in _TURNING
        else letter
        for letter in text
    )


def check_writable(what: str, texts: Iterable[str]) -> None:
    """Raise `RequestError` for the first text that UTF-8 cannot hold: no file could name it.

    >>> check_writable("class", ["café", "caf\\udce9"])
    Traceback (most recent call last):
        ...
    pruning.core.errors.RequestError: class 'caf\\udce9' is not UTF-8; write it in letters that are
    """
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RequestError(
                f"{what} {text!a} is not UTF-8; write it in letters that are"
            ) from error
