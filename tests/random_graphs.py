"""A hypothesis strategy of random graphs, rich in what passes look for and in what must stop them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from featherlight.graph import Builder, Graph, Kind, Tensor, kinds
from featherlight.graph.activations import FUNCTIONS

Draw = st.DrawFn


class Growing:
    """A graph in the making; `maps` are the tensors to go on from."""

    def __init__(self, draw: Draw, dtype: str, channels: list[int]) -> None:
        self.draw, self.dtype = draw, dtype
        self.random = np.random.default_rng(draw(st.integers(0, 1000)))
        self.builder = Builder()
        shape = (draw(st.integers(1, 2)), draw(st.sampled_from(channels)), *draw(st.tuples(*[st.integers(3, 7)] * 2)))
        self.maps = [self.builder.input("x", Tensor(shape, dtype))]
        self.weights: list[str] = []

    def shape(self, name: str) -> tuple[int, ...]:
        return self.builder.tensors[name].shape

    def add(self, kind: Kind, *inputs: str) -> str:
        return self.builder.add(kind, inputs, type(kind).__name__.lower())[0]

    def any_map(self) -> str:
        """The newest or an older one, so that graphs branch."""
        return self.draw(st.sampled_from(self.maps[-1:] * 3 + self.maps))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def number(self, value: float) -> str:
        shape = self.draw(st.sampled_from([(), (1,), (1, 1, 1)]))
        return self.builder.constant("number", np.full(shape, value, self.dtype))

    def weight(self, *shape: int) -> str:
        """A constant, new or one that another layer has too."""
        shared = [name for name in self.weights if self.shape(name) == shape]
        if shared and self.chance():
            return shared[0]
        value: npt.NDArray[np.float64] = self.random.uniform(0.5, 1.5, shape) * self.random.choice([-0.5, 0.5], shape)
        value /= max(1, math.prod(shape[1:])) ** 0.5
        self.weights.append(self.builder.constant("weight", value.astype(self.dtype)))
        return self.weights[-1]


def convolution(g: Growing, x: str) -> str:
    _, channels, *side = g.shape(x)
    kernel = g.draw(st.sampled_from([k for k in (1, 2, 3) if k <= min(side)]))
    groups = g.draw(st.sampled_from([n for n in (1, 2, channels) if channels % n == 0]))
    out = groups * g.draw(st.integers(1, 2 if groups > 2 else 3))
    padding = g.draw(st.tuples(*[st.integers(0, 1)] * 4))
    weights = [g.weight(out, channels // groups, kernel, kernel)] + [g.weight(out)] * g.chance()
    return g.add(kinds.Convolution(g.draw(st.sampled_from([(1, 1), (2, 1)])), padding, groups=groups), x, *weights)


def batch_norm(g: Growing, x: str) -> str:
    channels = g.shape(x)[1]
    variance = g.builder.constant("variance", g.random.uniform(0.5, 2, channels).astype(g.dtype))
    return g.add(kinds.BatchNorm(1e-3), x, g.weight(channels), g.weight(channels), g.weight(channels), variance)


def convolution_and_norm(g: Growing, x: str) -> str:
    y = convolution(g, x)
    if g.draw(st.integers(0, 3)) == 0:
        g.maps.append(y)  # somebody else may read it
    return batch_norm(g, y)


def element_wise(g: Growing, x: str) -> str:
    function = g.draw(st.sampled_from(sorted(FUNCTIONS)))
    choices: list[Kind] = [kinds.Activation(function), kinds.Clip(-0.5, 0.5)]
    return g.add(g.draw(st.sampled_from(choices)), x)


def arithmetic(g: Growing, x: str) -> str:
    """With a map of the same shape (perhaps itself), a number, or what is made of two constants."""
    choices: list[Kind] = [kinds.Add(), kinds.Multiply(), kinds.Subtract()]
    kind = g.draw(st.sampled_from(choices))
    others = [name for name in g.maps if g.shape(name) == g.shape(x)]
    scaled = g.add(kinds.Multiply(), g.weight(g.shape(x)[1], 1, 1), g.number(2.0))
    other = g.draw(st.sampled_from([*others, g.number(3.0), scaled]))
    if kind == kinds.Multiply() and other in others:
        other = g.add(kinds.Activation("tanh"), other)  # so that values stay of a size
    return g.add(kind, *g.draw(st.permutations([x, other])))


def hard_pieces(g: Growing, x: str) -> str:
    """relu6(x + 3) / 6, perhaps times x, in the spellings there are; at times with a number that is not 3."""
    plus = g.add(kinds.Add(), *g.draw(st.permutations([x, g.number(g.draw(st.sampled_from([3.0, 3.0, 3.0, 2.0])))])))
    gate = g.add(kinds.Activation("relu6") if g.chance() else kinds.Clip(0.0, 6.0), plus)
    if g.chance():
        g.maps.append(gate)

    def sixth(y: str) -> str:
        if g.chance():
            return g.add(kinds.Divide(), y, g.number(6.0))
        return g.add(kinds.Multiply(), *g.draw(st.permutations([y, g.number(1 / 6)])))

    match g.draw(st.sampled_from(["sigmoid", "before", "after", "x"])):
        case "sigmoid":
            return sixth(gate)
        case "before":
            return g.add(kinds.Multiply(), *g.draw(st.permutations([x, sixth(gate)])))
        case "after":
            return sixth(g.add(kinds.Multiply(), *g.draw(st.permutations([x, gate]))))
        case _:
            return g.add(kinds.Multiply(), *g.draw(st.permutations([sixth(x), gate])))


def smooth_pieces(g: Growing, x: str) -> str:
    """X sigmoid(x), or x (1 + erf(x / sqrt 2)) / 2 with the half at any place; at times with a number that is not 1."""

    def product(*factors: str) -> str:
        return g.add(kinds.Multiply(), *g.draw(st.permutations(factors)))

    if g.chance():
        return product(x, g.add(kinds.Activation("sigmoid"), x))
    error = g.add(kinds.Activation("erf"), product(x, g.number(0.5**0.5)))
    one = g.number(g.draw(st.sampled_from([1.0, 1.0, 1.0, 2.0])))
    gate = g.add(kinds.Add(), *g.draw(st.permutations([error, one])))
    if g.chance():
        g.maps.append(gate)
    factors = [x, gate]
    place = g.draw(st.integers(0, 2))
    if place < 2:
        factors[place] = product(factors[place], g.number(0.5))
        return product(*factors)
    return product(product(*factors), g.number(0.5))


def pool(g: Growing, x: str) -> str:
    padding = g.draw(st.tuples(*[st.integers(0, 1)] * 4))
    if g.chance():
        return g.add(kinds.MaxPool((2, 2), (1, 2), padding), x)
    return g.add(kinds.AveragePool((3, 2), (2, 1), padding, g.chance()), x) if g.shape(x)[2] > 2 else x


def padded(g: Growing, x: str) -> str:
    """A pad before a convolution or a pool; minus infinity only before a max pool."""
    value = g.draw(st.sampled_from([0.0, 0.0, 1.0, -math.inf]))
    most = 1 if value == -math.inf else 2  # a window that met nothing else would be minus infinity
    sides = [(0, 0, *g.draw(st.tuples(*[st.integers(0, most)] * 2))) for _ in range(2)]
    if value == -math.inf:
        return g.add(kinds.MaxPool((2, 2), (1, 1)), g.add(kinds.Pad(sides[0], sides[1], value), x))
    if g.chance():
        x = g.add(kinds.Activation("relu"), x)
    pad = g.add(kinds.Pad(sides[0], sides[1], value), x)
    if g.chance():
        g.maps.append(pad)
    return g.draw(st.sampled_from([convolution, pool]))(g, pad)


def nothing(g: Growing, x: str) -> str:
    shape = g.shape(x)
    axis = g.draw(st.integers(0, 3))
    choices: list[Kind] = [
        kinds.Identity(),
        kinds.Reshape(shape),
        kinds.Slice(axis, 0, shape[axis]),
        kinds.Concat(axis),
    ]
    choices += [kinds.Split(axis, (shape[axis],)), kinds.Transpose((0, 1, 2, 3)), kinds.Pad((0,) * 4, (0,) * 4)]
    return g.add(g.draw(st.sampled_from(choices)), x)


def joined(g: Growing, x: str) -> str:
    """A concat with whatever map fits, perhaps itself."""
    fitting = [name for name in g.maps if g.shape(name)[2:] == g.shape(x)[2:]]
    return g.add(kinds.Concat(1), x, g.draw(st.sampled_from(fitting))) if g.shape(x)[1] <= 12 else x


def shuffled(g: Growing, x: str) -> str:
    """The channel shuffle in pieces; at times a transpose of other axes, which is none."""
    n, channels, height, width = g.shape(x)
    groups = g.draw(st.sampled_from([d for d in range(1, channels + 1) if channels % d == 0]))
    rest = (height * width,) if g.chance() else (height, width)
    y = g.add(kinds.Reshape((n, groups, channels // groups, *rest)), x)
    swap = (0, 2, 1, *range(3, 3 + len(rest))) if g.draw(st.integers(0, 3)) else (0, 1, *range(2 + len(rest), 1, -1))
    y = g.add(kinds.Transpose(swap), y)
    return g.add(kinds.Reshape((n, channels, height, width)), nothing(g, y) if len(g.shape(y)) == 4 else y)


def split(g: Growing, x: str) -> str:
    """In two parts; the first is there for others."""
    channels = g.shape(x)[1]
    if channels < 2:
        return x
    first = g.draw(st.integers(1, channels - 1))
    left, right = g.builder.add(kinds.Split(1, (first, channels - first)), [x], "part")
    g.maps.append(left)
    return right


def shuffle_unit(g: Growing, x: str) -> str:
    y = shuffled(g, joined(g, x))
    if g.draw(st.integers(0, 3)) == 0:
        g.maps.append(y)
    return split(g, y)


def pointwise(g: Growing, x: str, out: int) -> str:
    return g.add(kinds.Convolution(), x, g.weight(out, g.shape(x)[1], 1, 1), g.weight(out))


def fire(g: Growing, x: str) -> str:
    """Two kernels side by side of one narrow map, as in SqueezeNet."""
    narrow = g.add(kinds.Activation("relu"), pointwise(g, x, 3))
    wide = g.add(kinds.Convolution(padding=(1, 1, 1, 1)), narrow, g.weight(5, 3, 3, 3))
    return g.add(kinds.Concat(1), pointwise(g, narrow, 4), wide)


def squeeze_excite(g: Growing, x: str) -> str:
    """Each channel scaled by what a small network makes of all channels' means."""
    squeezed = g.add(kinds.Activation("relu"), pointwise(g, g.add(kinds.Mean((2, 3), True), x), 3))
    gate = g.add(g.draw(st.sampled_from(GATES)), pointwise(g, squeezed, g.shape(x)[1]))
    return g.add(kinds.Multiply(), *g.draw(st.permutations([x, gate])))


def inverted_residual(g: Growing, x: str) -> str:
    """Expansion, depthwise convolution with odd padding, projection; at times a squeeze-excite and what it adds to."""
    channels, (height, width) = g.shape(x)[1], g.shape(x)[2:]
    wide, kernel = 2 * channels + 1, g.draw(st.sampled_from([1, 3, 5]))
    around = g.draw(st.lists(st.integers(0, kernel - 1), min_size=2, max_size=2))
    padding = (around[0], around[1], kernel - 1 - around[0], kernel - 1 - around[1])
    stride = g.draw(st.sampled_from([(1, 1), (1, 1), (2, 2)]))
    y = g.add(kinds.Activation("relu6"), pointwise(g, x, wide))
    y = g.add(kinds.Convolution(stride, padding, groups=wide), y, g.weight(wide, 1, kernel, kernel), g.weight(wide))
    y = pointwise(g, squeeze_excite(g, y) if g.chance() else y, channels)
    return g.add(kinds.Add(), *g.draw(st.permutations([x, y]))) if g.shape(y)[2:] == (height, width) else y


GATES: list[Kind] = [kinds.Activation("sigmoid"), kinds.Activation("hard_sigmoid")]
BLOCKS = [fire, squeeze_excite, inverted_residual]
STEPS: list[Callable[[Growing, str], str]] = [
    *(convolution, batch_norm, convolution_and_norm, convolution_and_norm, element_wise, arithmetic),
    *(hard_pieces, smooth_pieces, pool, padded, nothing, joined, shuffled, split, shuffle_unit, *BLOCKS),
]


@st.composite
def graphs(draw: Draw, most_steps: int = 7, dtype: str = "float64", channels: tuple[int, ...] = (2, 4, 6)) -> Graph:
    """A graph of one input and up to three outputs, any of its tensors among them; some operations lead nowhere.

    In float64 rounding hides nothing.
    """
    g = Growing(draw, dtype, list(channels))
    for _ in range(draw(st.integers(1, most_steps))):
        x = g.any_map()
        if min(g.shape(x)[2:]) >= 2:
            g.maps.append(draw(st.sampled_from(STEPS))(g, x))
    outputs = [g.maps[-1], *draw(st.lists(st.sampled_from(g.maps), max_size=2))]
    if draw(st.booleans()):
        return g.builder.graph(outputs)
    made = g.builder
    return Graph(tuple(made.ops), tuple(made.inputs), tuple(outputs), made.tensors, made.constants)
