"""What an augmentation's name asks for: words joined by hyphens, such as ``photo-cutout-mixup``."""

from __future__ import annotations

from dataclasses import dataclass

from pruning.core.errors import RequestError, unknown_name

WORDS = ("shift", "flip", "photo", "trivial", "cutout", "mixup", "cutmix")
"""Every word, in the order in which samples are changed."""
MOVES = ("shift", "flip", "photo")
"""Those that move an image."""
APART = (("photo", "shift"), ("photo", "flip"), ("mixup", "cutmix"))
"""Pairs that do not go together: the first does what the second does, or both mix."""
ANY_SHAPE = {"mixup"}
"""Words that need no images."""


@dataclass(frozen=True)
class Augmentation:
    """Words, each at most once, in the order of `WORDS`; none leaves samples as they are.

    >>> str(Augmentation.of("cutout-photo")), "cutout" in Augmentation.of("cutout-photo")
    ('photo-cutout', True)
    >>> Augmentation.of("none").words
    ()
    """

    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str) -> Augmentation:
        """Return what a name asks for.

        Raises
        ------
        RequestError
            For a word that does not exist, comes twice or does not go with another.
        """
        given = () if name == "none" else tuple(name.split("-"))
        for word in given:
            if word not in WORDS:
                raise unknown_name("augmentation", word, ("none", *WORDS))
        if len(set(given)) < len(given):
            raise RequestError(f"`augment` {name!r} has a word twice; each is allowed once")
        for one, other in APART:
            if one in given and other in given:
                raise RequestError(
                    f"`augment` {name!r}: {one!r} and {other!r} do not go together; leave one out"
                )
        return cls(tuple(word for word in WORDS if word in given))

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def __str__(self) -> str:
        """Return the name in its one form."""
        return "-".join(self.words) or "none"

    @property
    def mixes(self) -> bool:
        """Whether two samples become one, and their labels shares of both."""
        return "mixup" in self or "cutmix" in self

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `RequestError` if samples of this shape cannot be changed so."""
        if len(shape) != 3 and set(self.words) - ANY_SHAPE:
            raise RequestError(
                f"`augment` {str(self)!r} needs images, and samples have shape {shape}; ask for "
                "'none' or 'mixup', or leave it out"
            )

    def check_values(self, *, eight_bit: bool) -> None:
        """Raise `RequestError` if it needs to know black and white, and images do not say."""
        if "trivial" in self and not eight_bit:
            raise RequestError(
                f"`augment` {str(self)!r} needs images of 8 bits, whose values are 0 to 255; leave "
                "out 'trivial', or store the images so"
            )
