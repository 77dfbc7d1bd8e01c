"""A piece as it stands in a network: between two convolutions.

Engines keep maps in blocks of channels where that is quick for convolutions, and turn them round where something else
reads them. A piece timed naked pays for turning its input and its output, which in a network it does not; a piece that
is no convolution pays for nothing, and in a network it does. Between two convolutions both are as they will be.

    naked       x -- piece -- y
    surrounded  x -- convolution 1x1, relu6 -- piece -- depthwise convolution 1x1 -- y

Only what the engine does between the two is the piece's time. The activation keeps the first one from taking a part of
the piece along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from featherlight.graph import Builder, Graph, Tensor, kinds, to_onnx
from featherlight.latency.piece import Piece

# Weights of noise, the same numbers over and over, so that they are compressed to nothing in an archive.
NOISE = np.random.default_rng(0).standard_normal(4093).astype(np.float32)

# Maps whose channels are a multiple of this come in blocks from a convolution; others come as they lie.
BLOCK = 4

AROUND = "around"  # names of what is not the piece begin so


@dataclass(frozen=True)
class Surrounded:
    """An ONNX model in which a piece stands, and `around`: parts of the names of the steps that are not its own."""

    onnx: bytes
    around: tuple[str, ...]


def surrounded(piece: Piece) -> Surrounded:
    """The piece between two convolutions, with weights of noise."""
    graph = piece.graph
    builder = Builder()
    names = {name: _given(builder, graph.tensors[name], at) for at, name in enumerate(graph.inputs)}
    filled = with_noise(graph)
    names |= {name: builder.constant(name, value) for name, value in filled.constants.items()}
    for op in graph.ops:
        names.update(
            zip(op.outputs, builder.add(op.kind, [names[name] for name in op.inputs], op.outputs[0]), strict=True)
        )
    outputs = [_taken(builder, names[name]) for name in graph.outputs]
    # The model calls its outputs "logits"; an engine names a step after what it writes.
    ends = ["logits"] if len(outputs) == 1 else [f"logits_{at}" for at in range(len(outputs))]
    is_map = len(builder.tensors[outputs[0]].shape) == 4
    around = (AROUND, *ends) if is_map else (AROUND,)
    return Surrounded(bytes(to_onnx(builder.graph(outputs)).SerializeToString()), around)


def with_noise(graph: Graph) -> Graph:
    """The graph with noise in place of the weights of its convolutions and linear layers, in the scale of He 2015."""
    weights = {name for op in graph.ops if isinstance(op.kind, kinds.Convolution | kinds.Linear | kinds.BatchNorm)
               for name in op.inputs}  # fmt: skip
    values = {name: noise(value.shape) if name in weights else value for name, value in graph.constants.items()}
    return replace(graph, constants=values)


def noise(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Numbers around zero whose products with a map stay of its size; what has one dimension is above zero."""
    values = np.resize(NOISE, shape)
    if len(shape) == 1:
        return np.abs(values) + np.float32(0.5)  # a variance among them
    return values * np.float32((2 / np.prod(shape[1:])) ** 0.5)


def _given(builder: Builder, tensor: Tensor, at: int) -> str:
    """A map as the convolution before leaves it; what is no map comes as it is."""
    if len(tensor.shape) != 4:
        return builder.input(f"given_{at}", tensor)
    batch, channels, height, width = tensor.shape
    groups = 1 if channels % BLOCK == 0 else channels
    x = builder.input(f"given_{at}", Tensor((batch, groups, height, width)))
    weight = builder.constant(f"{AROUND}_weight_{at}", noise((channels, 1, 1, 1)))
    (y,) = builder.add(kinds.Convolution(groups=groups), [x, weight], f"{AROUND}_{at}", origin=AROUND)
    (y,) = builder.add(kinds.Activation("relu6"), [y], f"{AROUND}_{at}_relu6", origin=AROUND)
    return y


def _taken(builder: Builder, name: str) -> str:
    """What the convolution after a map makes of it; what is no map stays as it is."""
    shape = builder.tensors[name].shape
    if len(shape) != 4:
        return name
    weight = builder.constant(f"{AROUND}_weight", noise((shape[1], 1, 1, 1)))
    (y,) = builder.add(kinds.Convolution(groups=shape[1]), [name, weight], AROUND, origin=AROUND)
    return y
