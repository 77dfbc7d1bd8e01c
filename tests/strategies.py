"""Hypothesis strategies for what has a space: random legal rows and specs, small enough to build and run quickly."""

from __future__ import annotations

from hypothesis import strategies as st

from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
    Style,
    out_channels,
)

ACTIVATIONS = st.sampled_from(["none", "relu", "relu6", "hard_swish"])
KERNELS = st.sampled_from([1, 3, 5])
STRIDES = st.sampled_from([1, 2])
GATES = st.none() | st.builds(SqueezeExcite, st.integers(1, 8), st.sampled_from(["sigmoid", "hard_sigmoid"]))
STYLES = st.builds(
    Style,
    padding=st.sampled_from(["symmetric", "same"]),
    norm=st.sampled_from(["batch", "none"]),
    epsilon=st.sampled_from([1e-5, 1e-3]),
    momentum=st.sampled_from([0.1, 0.01]),
    divisor=st.sampled_from([1, 4, 8]),
)
HEADS = st.builds(
    Head, hidden=st.lists(st.integers(1, 12), max_size=2).map(tuple), activation=ACTIVATIONS, bias=st.booleans()
) | st.just(Head("convolution"))


@st.composite
def rows_after(draw: st.DrawFn, channels: int) -> Row:
    """One row that can take `channels`, of any kind that can."""
    wide = st.integers(1, 24)
    makers: list[st.SearchStrategy[Row]] = [
        st.builds(Convolution, wide, KERNELS, STRIDES, ACTIVATIONS),
        st.just(Pool(3, 2, padding=1)),
        st.builds(Fire, st.integers(1, 8), wide, wide, st.sampled_from(["none", "complex"])),
        st.builds(DepthwiseSeparable, wide, KERNELS, STRIDES, ACTIVATIONS),
        st.builds(
            InvertedResidual,
            st.one_of(wide, st.just(channels)),
            st.none() | wide,
            KERNELS,
            STRIDES,
            ACTIVATIONS,
            GATES,
            st.booleans(),
            st.booleans(),
        ),
        st.builds(Residual, wide, st.integers(1, 8), STRIDES, st.booleans()),
        wide.map(lambda half: ShuffleUnit2(2 * half, half, 3, 2)),
    ]
    if channels % 2 == 0:
        makers.append(st.builds(ShuffleUnit2, st.just(channels), wide, KERNELS, st.just(1), GATES, st.booleans()))
        makers.append(st.just(ShuffleUnit1(channels, 4, 2, 2)))
        makers.append(st.just(ShuffleUnit1(channels + 4, 4, 2, 1, stride=2)))
    return draw(st.one_of(makers))


@st.composite
def specs(draw: st.DrawFn, most_rows: int = 5) -> Spec:
    """A legal network of up to `most_rows` rows that mixes blocks of all families."""
    rows: list[Row] = [draw(st.builds(Convolution, st.integers(1, 24), KERNELS, STRIDES, ACTIVATIONS))]
    channels = out_channels(rows[0], 0)
    for _ in range(draw(st.integers(0, most_rows - 1))):
        rows.append(draw(rows_after(channels)))
        channels = out_channels(rows[-1], channels)
    return Spec(tuple(rows), draw(HEADS), draw(STYLES))
