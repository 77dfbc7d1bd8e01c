"""A space of networks as data: for each stage of a network, what its blocks may be.

Tan et al. 2019 (MnasNet), section 4.1: blocks are searched stage by stage (factorised), and all blocks of a stage are
alike (hierarchical), so that some thirty choices span more networks than could ever be tried.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from featherlight.errors import BadInput, must_be
from featherlight.spec import (
    Activation,
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Row,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
    Style,
    out_channels,
    round_channels,
)
from featherlight.spec.rows import ACTIVATIONS

Kind: TypeAlias = Literal["convolution", "depthwise_separable", "inverted_residual", "shuffle_unit_2", "fire"]
Genes: TypeAlias = tuple[int, ...]
"""A network of a space: for each of its `choices` the index of the option taken."""

FIRE_SQUEEZE = 8  # Iandola et al. 2016, section 4.2.1: a Fire module's squeeze ratio is 1/8


class Choice(NamedTuple):
    """Something that is searched, by name such as "stages.2.kernel", and what it may be."""

    name: str
    options: tuple[Any, ...]


class Place(NamedTuple):
    """Where a row stands: in "stem", "last", or a stage by its number, and the how manieth of it from 0."""

    stage: str
    position: int


@dataclass(frozen=True)
class Stage:
    """A stage: blocks of the same output channels, the first of which has the stride. Each field lists its options.

    kinds           rows of a Spec; "fire" has its expands side by side, half the channels each, and pools at stride 2
    repeats         blocks
    expansions      of an inverted residual, times the channels that enter it
    squeeze_excite  share of the expansion (of the middle channels, in a ShuffleNet v2 unit) that the gate squeezes
                    to; 0 is no gate
    skips           whether a block adds its input where the shapes agree; a ShuffleNet v2 unit passes half of it anyway
    """

    channels: tuple[int, ...]
    repeats: tuple[int, ...] = (1, 2, 3)
    strides: tuple[int, ...] = (1, 2)
    kinds: tuple[Kind, ...] = ("inverted_residual",)
    kernels: tuple[int, ...] = (3, 5)
    expansions: tuple[float, ...] = (3, 6)
    squeeze_excite: tuple[float, ...] = (0, 0.25)
    activations: tuple[Activation, ...] = ("relu",)
    skips: tuple[bool, ...] = (True,)

    def __post_init__(self) -> None:
        _check_options("stages", self)
        _known("stages.kinds", self.kinds, get_args(Kind))
        _known("stages.activations", self.activations, ACTIVATIONS)


@dataclass(frozen=True)
class Space:
    """Networks of a stem, stages and a head, with the strides where the search puts them.

    stem          channels of the first 3x3 convolution
    last          channels of the 1x1 convolution before the pool; 0 is none
    hidden        width of the layer behind the pool (MobileNet v3's cheap head); 0 is none
    activations   of the stem and the head
    total_stride  what the strides of every network of the space multiply to

    Raises BadInput for an option that no row can have, and for a space in which no network has that stride.
    """

    name: str
    stem: tuple[int, ...]
    stages: tuple[Stage, ...]
    stem_strides: tuple[int, ...] = (1, 2)
    last: tuple[int, ...] = (0,)
    hidden: tuple[int, ...] = (0,)
    activations: tuple[Activation, ...] = ("relu",)
    total_stride: int = 32
    style: Style = Style()

    def __post_init__(self) -> None:
        _check_options("space", self)
        if strange := [stage for stage in self.stages if not isinstance(stage, Stage)]:
            raise must_be("space.stages", "a tuple of Stages", strange[0])
        _known("space.activations", self.activations, ACTIVATIONS)
        strides = {1}
        for options in (self.stem_strides, *(stage.strides for stage in self.stages)):
            strides = {before * stride for before in strides for stride in options}
        if self.total_stride not in strides:
            raise BadInput(
                f"no network of the space {self.name} has a total stride of {self.total_stride}; its stages can have "
                f"{', '.join(map(str, sorted(strides)))}"
            )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """What is searched: whatever has more than one option."""
        return tuple(choice for choice in self._every if len(choice.options) > 1)

    @cached_property
    def size(self) -> int:
        """How many combinations of options there are; not each is a network of its own, nor even valid."""
        product = 1
        for choice in self.choices:
            product *= len(choice.options)
        return product

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all options: two spaces with the same one have the same networks under the same genes."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    def named(self, genes: Sequence[int]) -> dict[str, Any]:
        """The options taken, by the names of the choices."""
        return {choice.name: choice.options[gene] for choice, gene in zip(self.choices, genes, strict=True)}

    def genes(self, options: Mapping[str, Any]) -> Genes:
        """The genes of the options taken, by the names of the choices; those of no choice are passed over."""
        return tuple(choice.options.index(options[choice.name]) for choice in self.choices)

    def narrowed(self, genes: Sequence[int]) -> Space:
        """The networks that are like this one but for kernels, widths, depths and expansions."""
        taken = self._taken(genes)
        stages = tuple(
            replace(
                stage, **{field: (taken[f"stages.{number}.{name}"],) for field, name in _STAGE_CHOICES.items()
                          if field in PATTERN}
            )
            for number, stage in enumerate(self.stages)
        )  # fmt: skip
        return replace(self, stages=stages, stem_strides=(taken["stem.stride"],), activations=(taken["activation"],))

    def spec(self, genes: Sequence[int]) -> Spec | None:
        """The network, or None where the options do not fit together.

        Different genes may give the same Spec: a Fire module has no expansion.
        """
        taken = self._taken(genes)
        # Most that is drawn fails by its strides: that is asked first, before any row is made.
        if math.prod(value for name, value in taken.items() if name.endswith("stride")) != self.total_stride:
            return None
        try:
            rows = tuple(row for _, row in self._rows(taken))
            head = Head(hidden=(taken["hidden"],) if taken["hidden"] else (), activation=taken["activation"])
            return Spec(rows, head, self.style)
        except BadInput:
            return None

    def places(self, genes: Sequence[int]) -> tuple[Place, ...]:
        """Where each row of `spec(genes)` stands."""
        return tuple(place for place, _ in self._rows(self._taken(genes)))

    def blocks(self) -> Iterator[tuple[Place, Row, int]]:
        """At each place (of its stage, pools not counted) the blocks of every width, and the channels that enter them.

        With the largest kernel and gate; so the widest of a kind holds room for all others of it.
        """
        entering = self.stem
        yield Place("stem", 0), Convolution(max(self.stem), 3), 0
        for number, stage in enumerate(self.stages):
            most = {name: max(getattr(stage, field)) for field, name in _STAGE_CHOICES.items()}
            for position in range(max(stage.repeats)):
                for kind, channels, expansion, before in itertools.product(
                    stage.kinds, stage.channels, stage.expansions, entering
                ):
                    taken = most | {"kind": kind, "channels": channels, "expansion": expansion}
                    with contextlib.suppress(BadInput):
                        yield Place(str(number), position), _block(taken, before, stride=1), before
                entering = stage.channels
        if any(self.last):
            yield Place("last", 0), Convolution(max(self.last), 1), max(entering)

    @cached_property
    def _every(self) -> tuple[Choice, ...]:
        found = [Choice("stem.channels", self.stem), Choice("stem.stride", self.stem_strides)]
        found.append(Choice("activation", self.activations))
        for number, stage in enumerate(self.stages):
            for field, name in _STAGE_CHOICES.items():
                found.append(Choice(f"stages.{number}.{name}", getattr(stage, field)))
        return (*found, Choice("last", self.last), Choice("hidden", self.hidden))

    @cached_property
    def _first(self) -> dict[str, Any]:
        """The first option of each choice: of those with one option, what every network has."""
        return {choice.name: choice.options[0] for choice in self._every}

    def _taken(self, genes: Sequence[int]) -> dict[str, Any]:
        return self._first | self.named(genes)

    def _rows(self, taken: dict[str, Any]) -> Iterator[tuple[Place, Row]]:
        activation, channels = taken["activation"], taken["stem.channels"]
        yield Place("stem", 0), Convolution(channels, 3, taken["stem.stride"], activation)
        for number in range(len(self.stages)):
            own = {name: taken[f"stages.{number}.{name}"] for name in _STAGE_CHOICES.values()}
            for position, row in enumerate(_blocks(own, channels)):
                yield Place(str(number), position), row
                channels = out_channels(row, channels)
        if taken["last"]:
            yield Place("last", 0), Convolution(taken["last"], 1, activation=activation)


PATTERN = ("kinds", "strides", "squeeze_excite", "activations", "skips")
"""Of a stage: what networks must have in common to learn from shared weights."""

_STAGE_CHOICES = {
    "kinds": "kind",
    "channels": "channels",
    "repeats": "repeats",
    "strides": "stride",
    "kernels": "kernel",
    "expansions": "expansion",
    "squeeze_excite": "squeeze_excite",
    "activations": "activation",
    "skips": "skip",
}


_NO_OPTIONS = ("name", "total_stride", "style")
_NO_NUMBERS = ("stages", "kinds", "activations", "skips")


def _blocks(taken: dict[str, Any], entering: int) -> Iterator[Row]:
    """The rows of a stage."""
    for number in range(taken["repeats"]):
        stride = 1 if number else taken["stride"]
        if taken["kind"] == "fire" and stride > 1:
            yield Pool(3, stride, padding=1)
        yield _block(taken, entering, stride)
        entering = taken["channels"]


def _block(taken: dict[str, Any], entering: int, stride: int) -> Row:
    channels, kernel, ratio = taken["channels"], taken["kernel"], taken["squeeze_excite"]
    activation = taken["activation"]
    match taken["kind"]:
        case "convolution":
            return Convolution(channels, kernel, stride, activation)
        case "depthwise_separable":
            return DepthwiseSeparable(channels, kernel, stride, activation)
        case "shuffle_unit_2":
            return ShuffleUnit2(channels, channels // 2, kernel, stride, _gate(ratio, channels // 2))
        case "fire":
            bypass = taken["skip"] and entering == channels
            squeeze = round_channels(channels / FIRE_SQUEEZE)
            return Fire(squeeze, channels // 2, channels - channels // 2, "simple" if bypass else "none")
    expanded = round(taken["expansion"] * entering)
    return InvertedResidual(
        channels,
        None if expanded == entering else expanded,
        kernel,
        stride,
        activation,
        _gate(ratio, expanded),
        skip=taken["skip"],
    )


def _gate(ratio: float, channels: int) -> SqueezeExcite | None:
    return SqueezeExcite(round_channels(ratio * channels)) if ratio else None


def _check_options(where: str, record: Stage | Space) -> None:
    """Raise BadInput for what is no tuple of options, an empty one, one given twice, or one that no row can have."""
    for field in dataclasses.fields(record):
        options, name = getattr(record, field.name), f"{where}.{field.name}"
        if field.name in _NO_OPTIONS:
            continue
        if not isinstance(options, tuple) or not options:  # (24) is a number: the comma is easily forgotten
            raise must_be(name, "a tuple of at least one option", options or "none")
        if field.name != "stages" and any(options.count(option) > 1 for option in options):
            raise must_be(name, "a tuple of different options", options)
        if field.name not in _NO_NUMBERS:
            _check_numbers(field.name, name, options)


def _check_numbers(field: str, name: str, options: tuple[Any, ...]) -> None:
    least = 0 if field in ("last", "hidden", "squeeze_excite") else 1
    whole = field not in ("expansions", "squeeze_excite")
    if not all(type(option) is int or (not whole and type(option) is float) for option in options):
        raise must_be(name, "whole numbers" if whole else "numbers", options)
    if not all(least <= option < math.inf for option in options):
        raise must_be(name, f"numbers of at least {least}", options)
    if field == "kernels" and not all(option % 2 for option in options):
        raise must_be(name, "odd numbers", options)
    if field in ("strides", "stem_strides") and not all(option <= 2 for option in options):
        raise must_be(name, "1 or 2, for a block halves a map or leaves its size", options)


def _known(name: str, options: Sequence[str], known: Sequence[str]) -> None:
    if strange := [option for option in options if option not in known]:
        raise must_be(name, f"some of {', '.join(known)}", ", ".join(map(str, strange)))
