"""What an ensemble is besides its weights: classes, input, vote, members' costs, origin.

NumPy only: the torch artefact and the ONNX file carry the same description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import LEAST_TEMPERATURE, MOST_TEMPERATURE
from ensemble.cascade import NEVER, Cascade
from ensemble.combination import Combination
from ensemble.feature_names import MOST_LETTERS as MOST_NAME_LETTERS
from ensemble.storage.fields import Fields
from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from pruning.core.plain_text import check_writable
from pruning.inference.cost import Cost
from pruning.samples.reading import Reading
from pruning.samples.scaling import Scaling

Classes = NDArray[np.int64] | NDArray[np.str_]

MOST_MEMBERS = 10_000
MOST_CLASSES = 200_000
MOST_LETTERS = 2**23
"""Classes times the letters of the longest: NumPy gives all of them as much room."""

LARGEST_SIDE = 2**24
LARGEST_SAMPLE = 2**24
LARGEST_COUNT = 2**62
LARGEST_VALUE = 1e30
"""What a description that somebody else wrote may ask for, at most."""


@dataclass(frozen=True)
class LayerWidth:
    """How many of a layer's units are left, of how many unpruned."""

    layer: str
    kept: int
    unpruned: int


@dataclass(frozen=True)
class MemberInfo:
    """A member without its weights.

    Attributes
    ----------
    name
        The pool row it was, such as ``"07-r3"``.
    arch
        Architecture name, or the user's ``module:factory``.
    cost
        Per sample.
    widths
        Layer by layer; empty where the unpruned network is not known.
    """

    name: str
    arch: str
    cost: Cost
    widths: tuple[LayerWidth, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where an ensemble comes from; nothing in it depends on time or machine.

    Attributes
    ----------
    data
        Name of the data set.
    configuration
        Hash of the run's configuration.
    method
        How the team was chosen, such as ``"hq"``.
    pool_size
        How many networks it was chosen from; 0 where unknown.
    select_accuracy
        The team's accuracy on the selection split, in 0..1, where known.
    """

    data: str = ""
    configuration: str = ""
    method: str = ""
    pool_size: int = 0
    select_accuracy: float | None = None


@dataclass(frozen=True, eq=False)
class Description(ArrayValue):
    """All that a loaded ensemble knows of itself.

    Attributes
    ----------
    members
        At least one, with distinct names.
    classes
        (C,) int64 or str, distinct, at least two, in the order of the probabilities.
    input_shape
        (C, H, W) for images, (C, T) for signals or (F,) for feature rows.
    scaling
        What every member's input is made with, and how what is handed over is read.
    combination
        How the members' probabilities become the team's; with weights for all of them.
    provenance
        Where it comes from.
    feature_names
        Of feature rows: the name of each column, where the training data had names.
    """

    members: tuple[MemberInfo, ...]
    classes: Classes
    input_shape: tuple[int, ...]
    scaling: Scaling = field(default_factory=Scaling)
    combination: Combination = field(default_factory=Combination)
    provenance: Provenance = field(default_factory=Provenance)
    feature_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if not names or len(set(names)) != len(names):
            raise RequestError(f"members {names} must be at least one, with distinct names")
        object.__setattr__(self, "combination", self.combination.of_members(len(names)))
        self._check_classes()
        self._check_input()
        self._check_names()

    @property
    def cost(self) -> Cost:
        """The members' costs summed; activations are not held together."""
        return Cost.total(member.cost for member in self.members)

    @property
    def eight_bit(self) -> bool:
        """Whether samples are stored as uint8, else as float32."""
        return self.scaling.reading.dtype(self.input_shape) == np.uint8

    @property
    def without_widths(self) -> Description:
        """The same, for a file from whose sizes the widths are read anyway."""
        return replace(self, members=tuple(replace(m, widths=()) for m in self.members))

    def _check_classes(self) -> None:
        kind = self.classes.dtype.kind
        if self.classes.ndim != 1 or len(self.classes) < 2 or kind not in "iU":
            raise RequestError(
                f"classes are {self.classes.dtype} of shape {self.classes.shape}; "
                "expected at least 2, int64 or str"
            )
        if len(set(self.classes.tolist())) != len(self.classes):
            raise RequestError(f"classes {self.classes[:10].tolist()} are not distinct")

    def _check_input(self) -> None:
        shape, channels, units = self.input_shape, self.input_shape[:1], self.scaling.reading.units
        if len(shape) not in (1, 2, 3) or min(shape) < 1:
            raise RequestError(f"input shape {shape} must be (C, H, W), (C, T) or (features,)")
        for scale in (self.scaling.scale, () if units is None else units.scale):
            if scale and len(scale) not in {1, *channels}:
                raise RequestError(
                    f"scaling of {len(scale)} values does not fit input shape {shape}"
                )

    def _check_names(self) -> None:
        names = self.feature_names
        if names and self.input_shape != (len(names),):
            raise RequestError(
                f"{len(names)} feature names do not fit input shape {self.input_shape}; "
                "expected one for each feature, or none"
            )
        if (letters := sum(map(len, names))) > MOST_NAME_LETTERS:
            raise RequestError(
                f"feature names have {letters} letters together, allowed are {MOST_NAME_LETTERS}; "
                "leave them out, or shorten them"
            )
        check_writable("feature name", names)

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values; `from_json` reads them back."""
        vote, cascade = self.combination, self.combination.cascade
        kind = "int64" if self.classes.dtype.kind == "i" else "str"
        return {
            "classes": {"kind": kind, "labels": self.classes.tolist()},
            "input": {
                "shape": list(self.input_shape),
                "offset": list(self.scaling.offset),
                "scale": list(self.scaling.scale),
                **_reading_to_json(self.scaling.reading),
                **({"names": list(self.feature_names)} if self.feature_names else {}),
            },
            "vote": {"name": vote.voting, "weights": list(vote.weights)},
            "members": [_member_to_json(member) for member in self.members],
            "provenance": vars(self.provenance).copy(),
            "temperature": vote.temperature,
            "cascade": None if cascade is None else vars(cascade) | {"order": list(cascade.order)},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, object], source: str) -> Description:
        """Return the description that `to_json` wrote, everything in it checked.

        Parameters
        ----------
        content
            The object; keys that are not the description's own are left unread.
        source
            What to call it in an error.
        """
        fields = Fields(source, content)
        entry, vote = fields.inner("input"), fields.inner("vote")
        shape = entry.wholes("shape", 1, LARGEST_SIDE, most=3)
        if int(np.prod(shape, dtype=np.float64)) > LARGEST_SAMPLE:
            raise entry.error("shape", f"at most {LARGEST_SAMPLE} values per sample")
        try:
            return cls(
                members=tuple(map(_member, fields.each("members", MOST_MEMBERS))),
                classes=_classes(fields.inner("classes")),
                input_shape=shape,
                scaling=Scaling(
                    entry.numbers("offset", -LARGEST_VALUE, LARGEST_VALUE, LARGEST_SIDE),
                    entry.numbers("scale", 1e-30, LARGEST_VALUE, LARGEST_SIDE),
                    _reading(entry.optional("reading")),
                ),
                combination=Combination(
                    vote.text("name", 100),
                    vote.numbers("weights", 0, 1, MOST_MEMBERS),
                    fields.number("temperature", LEAST_TEMPERATURE, MOST_TEMPERATURE),
                    _cascade(fields.optional("cascade")),
                ),
                provenance=_provenance(fields.inner("provenance")),
                feature_names=_feature_names(entry),
            )
        except RequestError as error:
            named = str(error).startswith(source)
            raise error if named else RequestError(f"{source}: {error}") from error
        except ValueError as error:
            raise RequestError(f"{source}: {error}") from error


def _reading_to_json(reading: Reading) -> dict[str, object]:
    return {} if reading == Reading() else {"reading": reading.to_json()}


def _reading(fields: Fields | None) -> Reading:
    return Reading() if fields is None else Reading.from_json(fields.values)


def _member_to_json(member: MemberInfo) -> dict[str, object]:
    widths = [vars(width).copy() for width in member.widths]
    bare = {"name": member.name, "arch": member.arch, "cost": vars(member.cost).copy()}
    return bare | ({"widths": widths} if widths else {})


def _member(fields: Fields) -> MemberInfo:
    cost = fields.inner("cost")
    counts = (
        cost.whole(key, 0, LARGEST_COUNT)
        for key in ("flops", "params", "bytes", "peak_activation_bytes")
    )
    widths = fields.each("widths", MOST_MEMBERS) if fields.values.get("widths") else ()
    return MemberInfo(
        fields.text("name", 200), fields.text("arch", 200), Cost(*counts),
        tuple(
            LayerWidth(
                w.text("layer", 500),
                w.whole("kept", 0, LARGEST_SIDE),
                w.whole("unpruned", 0, LARGEST_SIDE),
            )
            for w in widths
        ),
    )  # fmt: skip


def _classes(fields: Fields) -> Classes:
    if fields.text("kind") == "int64":
        return np.array(fields.wholes("labels", -(2**63), 2**63 - 1, MOST_CLASSES), np.int64)
    if fields.text("kind") != "str":
        raise fields.error("kind", "'int64' or 'str'")
    labels = fields.items("labels", MOST_CLASSES)
    texts = [label for label in labels if isinstance(label, str) and len(label) < 1000]
    if len(texts) < len(labels) or len(texts) * max(map(len, texts)) > MOST_LETTERS:
        raise fields.error("labels", f"texts; together at most {MOST_LETTERS} letters")
    return np.array(texts, np.str_)


def _feature_names(entry: Fields) -> tuple[str, ...]:
    """Return the columns' names, which versions before 0.2 did not keep."""
    if entry.values.get("names") is None:
        return ()
    names = entry.items("names", LARGEST_SIDE)
    texts = tuple(name for name in names if isinstance(name, str))
    if len(texts) < len(names):
        raise entry.error("names", "a text for each feature")
    return texts


def _cascade(fields: Fields | None) -> Cascade | None:
    if fields is None:
        return None
    order = fields.wholes("order", 0, MOST_MEMBERS, MOST_MEMBERS)
    return Cascade(order, fields.number("threshold", 0, NEVER))


def _provenance(fields: Fields) -> Provenance:
    accuracy = fields.values.get("select_accuracy")
    return Provenance(
        fields.text("data"), fields.text("configuration"), fields.text("method"),
        fields.whole("pool_size", 0, LARGEST_COUNT),
        None if accuracy is None else fields.number("select_accuracy", 0, 1),
    )  # fmt: skip
