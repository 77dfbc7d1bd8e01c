"""The rows of a network's table: one frozen record a kind of block.

A row says what comes out of a block and what happens inside it; what goes in follows from the rows before. All channel
counts are absolute, so that a row scaled, searched or shrunk says exactly what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeAlias, get_args

from featherlight.errors import must_be

Activation: TypeAlias = Literal["none", "relu", "relu6", "hard_swish"]
Gate: TypeAlias = Literal["sigmoid", "hard_sigmoid"]
Bypass: TypeAlias = Literal["none", "simple", "complex"]

ACTIVATIONS: tuple[str, ...] = get_args(Activation)

# Fields that may be zero; every other whole number in a row is at least 1.
_MAY_BE_ZERO = {"padding"}


class _Record:
    """Checks shared by every record: whole numbers are in range, words are among those allowed."""

    kind: ClassVar[str]
    _words: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value, where = getattr(self, field.name), f"{self.kind}.{field.name}"
            if field.name in self._words and value not in self._words[field.name]:
                raise must_be(where, f"one of {', '.join(self._words[field.name])}", value)
            if isinstance(value, int) and not isinstance(value, bool):
                least = 0 if field.name in _MAY_BE_ZERO else 1
                if value < least:
                    raise must_be(where, f"a whole number of at least {least}", value)
        self.check()

    def check(self) -> None:
        """What holds between fields; a record with such a rule says so here."""


def _odd(where: str, kernel: int) -> None:
    if kernel % 2 == 0:
        raise must_be(where, "an odd number", kernel)


@dataclass(frozen=True)
class SqueezeExcite:
    """A channel gate: pool to 1x1, reduce to `channels`, ReLU, expand, gate (Hu et al. 2018)."""

    channels: int
    gate: Gate = "hard_sigmoid"

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise must_be("squeeze_excite.channels", "a whole number of at least 1", self.channels)
        if self.gate not in get_args(Gate):
            raise must_be("squeeze_excite.gate", f"one of {', '.join(get_args(Gate))}", self.gate)


@dataclass(frozen=True)
class Convolution(_Record):
    """One convolution with its norm and activation; `padding` None is the style's."""

    kind: ClassVar[str] = "convolution"
    _words: ClassVar[dict[str, tuple[str, ...]]] = {"activation": ACTIVATIONS}
    channels: int
    kernel: int
    stride: int = 1
    activation: Activation = "relu"
    padding: int | None = None

    def check(self) -> None:
        """The kernel has a middle."""
        _odd("convolution.kernel", self.kernel)


@dataclass(frozen=True)
class Pool(_Record):
    """A maximum or average over a window; `ceil` lets the last window hang over the edge."""

    kind: ClassVar[str] = "pool"
    _words: ClassVar[dict[str, tuple[str, ...]]] = {"reduce": ("max", "average")}
    kernel: int
    stride: int
    padding: int = 0
    ceil: bool = False
    reduce: Literal["max", "average"] = "max"

    def check(self) -> None:
        """No window lies wholly in the padding."""
        if self.padding > self.kernel // 2:
            raise must_be("pool.padding", f"at most half the kernel, {self.kernel // 2}", self.padding)


@dataclass(frozen=True)
class Fire(_Record):
    """SqueezeNet's module: a 1x1 squeeze, then 1x1 and 3x3 expands side by side (Iandola et al. 2016, section 3.2).

    `bypass` adds the input to the output: "simple" as it is (channels must agree), "complex" through a 1x1 convolution
    (section 6).
    """

    kind: ClassVar[str] = "fire"
    _words: ClassVar[dict[str, tuple[str, ...]]] = {"bypass": get_args(Bypass)}
    squeeze: int
    expand1: int
    expand3: int
    bypass: Bypass = "none"
    stride: ClassVar[int] = 1


@dataclass(frozen=True)
class DepthwiseSeparable(_Record):
    """MobileNet v1's block: depthwise, then pointwise convolution, each with its activation (Howard et al. 2017)."""

    kind: ClassVar[str] = "depthwise_separable"
    _words: ClassVar[dict[str, tuple[str, ...]]] = {"activation": ACTIVATIONS}
    channels: int
    kernel: int = 3
    stride: int = 1
    activation: Activation = "relu"

    def check(self) -> None:
        """The kernel has a middle."""
        _odd("depthwise_separable.kernel", self.kernel)


@dataclass(frozen=True)
class ShuffleUnit1(_Record):
    """ShuffleNet v1's unit: grouped 1x1 to `middle`, shuffle, depthwise 3x3, grouped 1x1 (Zhang et al. 2018, figure 2).

    At stride 1 the input is added; at stride 2 it is average-pooled and concatenated, and `channels` counts both.
    `reduce_groups` are the groups of the first 1x1 (1 in the network's first unit, section 3.2).
    """

    kind: ClassVar[str] = "shuffle_unit_1"
    channels: int
    middle: int
    groups: int
    reduce_groups: int
    stride: int = 1
    shuffle: bool = True

    def check(self) -> None:
        """Groups divide what they group."""
        if self.middle % self.groups or self.middle % self.reduce_groups:
            raise must_be("shuffle_unit_1.middle", f"a multiple of its groups, {self.groups}", self.middle)


@dataclass(frozen=True)
class InvertedResidual(_Record):
    """MobileNet v2's block: 1x1 up to `expanded`, depthwise, linear 1x1 down (Sandler et al. 2018, section 3.3).

    `expanded` None leaves the first 1x1 out (expansion 1). The input is added where shapes agree and `skip` is on.
    `linear=False` puts the activation after the projection too, for comparison. Squeeze-excite sits behind the
    depthwise convolution (MnasNet, MobileNet v3).
    """

    kind: ClassVar[str] = "inverted_residual"
    _words: ClassVar[dict[str, tuple[str, ...]]] = {"activation": ACTIVATIONS}
    channels: int
    expanded: int | None
    kernel: int = 3
    stride: int = 1
    activation: Activation = "relu6"
    squeeze_excite: SqueezeExcite | None = None
    linear: bool = True
    skip: bool = True

    def check(self) -> None:
        """The kernel has a middle."""
        _odd("inverted_residual.kernel", self.kernel)


@dataclass(frozen=True)
class ShuffleUnit2(_Record):
    """ShuffleNet v2's unit: split, 1x1 - depthwise - 1x1 on one half, concatenate, shuffle (Ma et al. 2018, figure 3).

    At stride 2 both branches see the whole input. `middle` are the channels inside the branch (half of `channels` in
    the paper, guideline G1). `residual` adds the branch's input to it, and squeeze-excite ends it (the appendix).
    """

    kind: ClassVar[str] = "shuffle_unit_2"
    channels: int
    middle: int
    kernel: int = 3
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    residual: bool = False

    def check(self) -> None:
        """The halves are equal and the kernel has a middle."""
        _odd("shuffle_unit_2.kernel", self.kernel)
        if self.channels % 2:
            raise must_be("shuffle_unit_2.channels", "an even number, two equal halves", self.channels)


@dataclass(frozen=True)
class Residual(_Record):
    """ResNet's block: two 3x3, or with `bottleneck` 1x1 - 3x3 - 1x1 (He et al. 2016, figure 5).

    The stride is in the first 3x3, and the shortcut is projected where shapes differ (option B).
    """

    kind: ClassVar[str] = "residual"
    channels: int
    middle: int
    stride: int = 1
    bottleneck: bool = False


Row: TypeAlias = (
    Convolution | Pool | Fire | DepthwiseSeparable | ShuffleUnit1 | InvertedResidual | ShuffleUnit2 | Residual
)

KINDS: dict[str, type[Row]] = {row.kind: row for row in get_args(Row)}


def out_channels(row: Row, in_channels: int) -> int:
    """The channels that come out of `row` when `in_channels` go in."""
    match row:
        case Pool():
            return in_channels
        case Fire():
            return row.expand1 + row.expand3
        case _:
            return row.channels
