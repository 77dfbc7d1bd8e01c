"""Depthwise convolutions as steps: alone, or with the expansion before and the projection after them as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featherlight.compiler.kernels import depthwise, gemm
from featherlight.compiler.kernels.block import Block
from featherlight.compiler.kernels.depthwise import Depthwise
from featherlight.compiler.kernels.gemm import Gemm, Part, Run, Strides
from featherlight.compiler.plan.ending import End, end_of, parts
from featherlight.compiler.plan.layout import FLOAT_BYTES, Map, Piece, runs
from featherlight.compiler.plan.planner import Floats, Planner
from featherlight.compiler.plan.step import Place
from featherlight.graph import Op, kinds

LARGE = 400_000  # bytes of a wide map from which on it is not written to memory
RING = 200_000  # bytes of its lines that are kept at once
PROJECTION = 100_000  # bytes of a projection's weights, which each line reads anew


@dataclass(frozen=True)
class _Pointwise:
    """A pointwise convolution as part of a block: weights (outputs, inputs), bias, what follows."""

    weight: Floats
    bias: Floats
    end: End


def expanded(planner: Planner, end: End, weight: Floats, bias: Floats, x: Map, stride: tuple[int, int]) -> bool:
    """A pointwise convolution and the depthwise one that alone reads it, as one step where their map is large."""
    after = planner.followers(end.name)
    if after is None or end.residual is not None or stride != (1, 1) or len(x.pieces) > 1:
        return False
    kind, taps, below = parts(planner, after)
    if taps is None or not _is_depthwise(kind, taps, len(weight)) or kind.dilation != (1, 1):  # type: ignore[union-attr]
        return False
    line = FLOAT_BYTES * x.width * planner.vectors.padded(len(weight))
    if line * x.height < LARGE or line * taps.shape[2] > RING or weight.nbytes > PROJECTION:
        return False
    planner.swallow(after)
    assert isinstance(kind, kinds.Convolution)
    _block(planner, after, kind, taps[:, 0], below, x, _Pointwise(weight[:, x.order], bias, end))
    return True


def depthwise_block(planner: Planner, op: Op, kind: kinds.Convolution, taps: Floats, bias: Floats) -> bool:
    """Each channel by itself, in whatever order the channels lie."""
    x = planner.map_of(op.inputs[0])
    assert x is not None
    _block(planner, op, kind, taps, bias, x if _one_pitch(x) else planner.single(x), None)
    return True


def _one_pitch(x: Map) -> bool:
    """Whether the pieces are most of the channels of one buffer: then gaps between them are channels as well."""
    first = x.pieces[0]
    same = all(piece.buffer is first.buffer and piece.pitch == first.pitch for piece in x.pieces)
    spots = {piece.offset + index for piece in x.pieces for index in range(piece.count)}
    return len(x.pieces) > 1 and same and len(spots) == x.channels and 4 * x.channels > 3 * first.pitch


def _is_depthwise(kind: kinds.Kind, taps: Floats, channels: int) -> bool:
    return isinstance(kind, kinds.Convolution) and kind.groups == channels == len(taps)


def _block(
    planner: Planner, op: Op, kind: kinds.Convolution, taps: Floats, bias: Floats, x: Map, expand: _Pointwise | None
) -> None:
    """The step of a depthwise convolution, of what was expanded before it, and of the projection if it joins in."""
    vectors, source = planner.vectors, x.pieces[0]
    spots = [piece.offset + index for piece in x.pieces for index in range(piece.count)]
    if len(x.pieces) == 1 or expand:
        spots = list(range(len(taps)))
    floats, order = vectors.padded(max(spots) + 1), tuple(range(len(taps))) if expand else x.order
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    end = end_of(planner, op, None)
    pitch = FLOAT_BYTES * floats
    large = pitch * height * width >= LARGE or expand is not None
    project = _projection(planner, end, (x.images, height, width)) if large else None
    last = project.end if project else end
    if project:
        order_of = last.residual.order if last.residual else None
        made = planner.new_map(x.images, height, width, len(project.weight), order_of, last.name)
    else:
        made = _alike(planner, planner.new_map(x.images, height, width, floats), spots, order)
    to = made.pieces[0]
    entering = Strides(x.pixels * source.row, x.width * source.row, source.row)
    leaving = Strides(made.pixels * to.row, made.width * to.row, to.row)
    lines = Depthwise(
        x.images, (x.height, x.width), (height, width), floats // vectors.lanes,
        (taps.shape[1], taps.shape[2]), kind.stride, (kind.padding[0], kind.padding[1]), kind.dilation,
        Strides(0, x.width * pitch, pitch) if expand else entering,
        Strides(0, 0, pitch) if project else leaving, end.activation, taps.shape[1] if expand else 0,
    )  # fmt: skip
    packed = planner.weights(_packed(planner, taps[list(order)], bias[list(order)], spots, floats))
    begin = Place(source.buffer, 0 if len(x.pieces) > 1 else FLOAT_BYTES * source.offset)
    if expand is None and project is None:
        planner.step(lines, (begin, packed, Place(to.buffer)), (2,), end.ops)
        planner.values[end.name] = made
        return
    places, ops = [begin], end.ops
    widen = narrow = None
    if expand:
        widen = _product(floats // vectors.lanes, x.width, [(0, x.channels)], source.row, pitch, expand.end)
        places.append(planner.weights(gemm.pack(expand.weight, expand.bias, vectors, widen.panels[0])))
        ops = (*expand.end.ops, *ops)
    places.append(packed)
    if project:
        columns = vectors.padded(len(project.weight)) // vectors.lanes
        narrow = _product(columns, width, runs(spots), pitch, to.row, project.end)
        weight, by = project.weight[list(made.order)][:, list(order)], project.bias[list(made.order)]
        places.append(planner.weights(gemm.pack(weight, by, vectors, narrow.panels[0])))
        ops = (*ops, *project.end.ops)
    places.append(to.place)
    written, residual = len(places) - 1, None
    if last.residual is not None:
        (piece,) = last.residual.pieces
        residual = Strides(made.pixels * piece.row, made.width * piece.row, piece.row)
        places.append(piece.place)
    planner.step(Block(lines, entering, leaving, widen, narrow, residual), tuple(places), (written,), ops)
    planner.values[last.name] = made


def _alike(planner: Planner, made: Map, spots: list[int], order: tuple[int, ...]) -> Map:
    """A map whose channels lie at the same places of a pixel as those it is made of."""
    (to,) = made.pieces
    pieces = tuple(Piece(to.buffer, to.pitch, low, high - low) for low, high in runs(spots))
    return Map(made.images, made.height, made.width, pieces, order)


def _packed(planner: Planner, taps: Floats, bias: Floats, spots: list[int], floats: int) -> Floats:
    """Packed weights for channels that lie at `spots` of a pixel of so many floats."""
    wide, biases = np.zeros((floats, *taps.shape[1:]), np.float32), np.zeros(floats, np.float32)
    wide[spots], biases[spots] = taps, bias
    return depthwise.pack(wide, biases, planner.vectors)


def _product(columns: int, width: int, inputs: list[tuple[int, int]], row: int, to: int, end: End) -> Gemm:
    """The product of one line of a map, whose inputs stand from one float of a pixel to another."""
    residual = None if end.residual is None else Strides(0, 0, end.residual.pieces[0].row)
    by = (Strides(0, 0, row),)
    part = Part(tuple(Run(0, FLOAT_BYTES * low, high - low) for low, high in inputs), columns)
    return Gemm(1, 1, width, by, (part,), Strides(0, 0, to), residual, end.activation, end.last)


def _projection(planner: Planner, end: End, size: tuple[int, int, int]) -> _Pointwise | None:
    """The pointwise convolution that alone reads what the depthwise one gives, if its weights are few."""
    after = planner.followers(end.name)
    if after is None:
        return None
    kind, weight, bias = parts(planner, after)
    if weight is None or not isinstance(kind, kinds.Convolution) or weight.ndim != 4:
        return None
    plain = weight.shape[2:] == (1, 1) and kind.stride == (1, 1) and kind.groups == 1 and not any(kind.padding)
    if not plain or weight.nbytes > PROJECTION:
        return None
    planner.swallow(after)
    return _Pointwise(weight[:, :, 0, 0], bias, end_of(planner, after, (*size, len(weight))))
