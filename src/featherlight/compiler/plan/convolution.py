"""Convolutions and fully connected layers as steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from featherlight.compiler.kernels import gemm
from featherlight.compiler.kernels.gemm import Gemm, Part, Run, Strides
from featherlight.compiler.kernels.lines import Frame
from featherlight.compiler.kernels.stem import Stem
from featherlight.compiler.plan.block import depthwise_block, expanded
from featherlight.compiler.plan.ending import End, end_of, parts
from featherlight.compiler.plan.layout import FLOAT_BYTES, Dense, Map, Piece
from featherlight.compiler.plan.planner import Floats, Planner
from featherlight.compiler.plan.step import Place
from featherlight.compiler.plan.winograd import framed, winograd
from featherlight.graph import Op, kinds

PLANAR = 4  # channels of a caller's image up to which the first convolution reads it plane by plane
FEW_LINES = 3  # of a first kernel up to which padding is put around lines and not around planes
MOST_PIECES = 12  # that one product reads


def convolution(planner: Planner, op: Op) -> bool:
    """A convolution of a map by constant weights."""
    kind, weight, bias = parts(planner, op)
    if weight is None or not isinstance(kind, kinds.Convolution):
        return False
    channels = planner.graph.tensors[op.inputs[0]].shape[1]
    if kind.groups == channels == len(weight) and channels > 1:
        return depthwise_block(planner, op, kind, weight[:, 0], bias)
    given = planner.values.get(op.inputs[0])
    if isinstance(given, Dense) and channels <= PLANAR and kind.groups == 1:
        return _of_planes(planner, op, kind, weight, bias, given)
    x = planner.map_of(op.inputs[0])
    assert x is not None
    return _of_maps(planner, op, kind, weight, bias, x)


def linear(planner: Planner, op: Op) -> bool:
    """A fully connected layer of (N, C), or of maps that were flattened."""
    _, weight, bias = parts(planner, op)
    if weight is None or len(planner.graph.tensors[op.inputs[0]].shape) != 2:
        return False
    value = planner.values.get(op.inputs[0])
    x = value if isinstance(value, Map) else planner.map_of(op.inputs[0])
    assert x is not None
    if len(x.pieces) > 1 and x.pixels > 1:
        x = planner.single(x)
    by_pixel = weight.reshape(len(weight), x.channels, x.pixels).transpose(0, 2, 1)[:, :, x.order]
    sources = tuple(Strides(0, 0, x.pixels * piece.row) for piece in x.pieces)
    runs = tuple(Run(number, 0, piece.count, x.pixels, piece.row) for number, piece in enumerate(x.pieces))
    end = end_of(planner, op, (x.images, 1, 1, len(weight)))
    made = planner.new_map(x.images, 1, 1, len(weight), end.residual.order if end.residual else None)
    order = list(made.order)
    columns = _Columns(runs, by_pixel.reshape(len(weight), -1)[order], bias[order])
    _product(planner, end, (1, 1, x.images), sources, x.pieces, (columns,), made)
    planner.values[end.name] = made
    return True


def _of_maps(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Map) -> bool:
    """A dense or grouped convolution: a product for each group."""
    taps, padded = weight.shape[2:], any(kind.padding)
    if winograd(planner, op, kind, weight, bias, x):
        return True
    if taps != (1, 1) or padded:
        x = planner.single(x, plain=kind.groups > 1)  # a group's taps are one run, so its channels lie side by side
        if padded:
            x = framed(planner, x, kind.padding)
    elif len(x.pieces) > MOST_PIECES:
        x = planner.single(x)
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    outputs, inputs = len(weight) // kind.groups, weight.shape[1]
    end = end_of(planner, op, (x.images, height, width, len(weight)), plain=kind.groups > 1)
    if kind.groups == 1 and taps == (1, 1) and expanded(planner, end, weight[:, :, 0, 0], bias, x, kind.stride):
        return True
    made = _room_for(planner, kind.groups, outputs, (x.images, height, width), end)
    rows, sources = _rows(kind, x, taps, (height, width)), x.pieces
    columns = []
    for group in range(kind.groups):
        mine = slice(group * outputs, (group + 1) * outputs)
        part = x.taken(tuple(range(group * inputs, (group + 1) * inputs))) if kind.groups > 1 else x
        order = list(made.order) if kind.groups == 1 else list(range(outputs))
        lines = weight[mine][order][:, list(part.order)].transpose(0, 2, 3, 1).reshape(outputs, -1)
        offset = FLOAT_BYTES * group * (planner.vectors.padded(outputs) if len(made.pieces) > 1 else outputs)
        columns.append(_Columns(_runs(kind, x, part, taps), lines, bias[mine][order], offset, FLOAT_BYTES * mine.start))
    strides = tuple(_strides(x, piece, kind, rows) for piece in sources)
    _product(planner, end, rows, strides, sources, columns, made)
    planner.values[end.name] = made
    return True


@dataclass(frozen=True)
class _Columns:
    """Results with the same inputs: runs, weights (outputs, inputs), biases, and bytes of a row before them."""

    runs: tuple[Run, ...]
    weights: Floats
    bias: Floats
    result: int = 0
    residual: int = 0


def _room_for(planner: Planner, groups: int, outputs: int, size: tuple[int, int, int], end: End) -> Map:
    """Room for the results of some groups of channels, each group whole vectors of a pixel."""
    if groups == 1 or outputs % planner.vectors.lanes == 0:
        order = end.residual.order if end.residual else None
        return planner.new_map(*size, groups * outputs, order, end.name)
    apart = planner.vectors.padded(outputs)
    made = planner.new_map(*size, groups * apart)
    (piece,) = made.pieces
    pieces = tuple(replace(piece, offset=group * apart, count=outputs) for group in range(groups))
    return replace(made, pieces=pieces, order=tuple(range(groups * outputs)))


def _rows(kind: kinds.Convolution, x: Map, taps: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int]:
    """Images, lines and rows of the product."""
    if taps == (1, 1) and kind.stride == (1, 1):
        return 1, 1, x.images * x.pixels
    return (x.images, *size)


def _runs(kind: kinds.Convolution, x: Map, part: Map, taps: tuple[int, int]) -> tuple[Run, ...]:
    """Where a row of the product finds its inputs, some channels of the map `x`."""
    runs: tuple[Run, ...] = ()
    for piece in part.pieces:
        number, held = next((i, of) for i, of in enumerate(x.pieces) if _within(piece, of))
        first, line = FLOAT_BYTES * (piece.offset - held.offset), x.width * piece.row
        for row in range(taps[0]):
            down = row * kind.dilation[0] * line
            runs += (Run(number, first + down, piece.count, taps[1], kind.dilation[1] * piece.row),)
    return runs


def _within(piece: Piece, other: Piece) -> bool:
    return piece.buffer is other.buffer and other.offset <= piece.offset < other.offset + other.count


def _strides(x: Map, piece: Piece, kind: kinds.Convolution, rows: tuple[int, int, int]) -> Strides:
    if rows[:2] == (1, 1) and kind.stride == (1, 1):
        return Strides(0, 0, piece.row)
    down, across = kind.stride
    return Strides(x.pixels * piece.row, down * x.width * piece.row, across * piece.row)


def _of_planes(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Dense) -> bool:
    """A convolution of a caller's image, read plane by plane: nothing has to be laid out for it but a frame."""
    images, channels, height, width = x.shape
    top, left, bottom, right = kind.padding
    *_, down, across = planner.graph.tensors[op.outputs[0]].shape
    end = end_of(planner, op, (images, down, across, len(weight)))
    order_of = end.residual.order if end.residual else None
    made = planner.new_map(images, down, across, len(weight), order_of, end.name)
    wide, rows, order = FLOAT_BYTES * (left + width + right), weight.shape[2], list(made.order)
    by_lines = any(kind.padding) and rows <= FEW_LINES and kind.dilation == (1, 1) and end.residual is None
    high = rows if by_lines else height + top + bottom
    columns = _Columns(_planes(kind, weight, high, wide), weight.reshape(len(weight), -1)[order], bias[order])
    strides = Strides(channels * high * wide, kind.stride[0] * wide, kind.stride[1] * FLOAT_BYTES)
    if by_lines:
        vectors, (piece,) = planner.vectors, made.pieces
        part = Part(columns.runs, vectors.padded(len(bias)) // vectors.lanes)
        product = Gemm(1, 1, across, (replace(strides, image=0, line=0),), (part,), Strides(0, 0, piece.row), None,
                       end.activation)  # fmt: skip
        packed = planner.weights(gemm.pack(columns.weights, columns.bias, vectors, product.panels[0]))
        leaving = Strides(made.pixels * piece.row, across * piece.row, piece.row)
        kernel = Stem(images, (channels, height, width), down, rows, kind.stride[0], top, left, right, product, leaving)
        planner.step(kernel, (x.place, packed, piece.place), (2,), end.ops)
    else:
        place = x.place
        if any(kind.padding):
            place = Place(planner.room(images * channels * high * (wide // FLOAT_BYTES)))
            frame = Frame(images * channels, height, width, top, bottom, left, right,
                          FLOAT_BYTES * height * width, FLOAT_BYTES * width)  # fmt: skip
            planner.step(frame, (x.place, place), (1,), ())
        source = Piece(place.buffer, 1, 0, 1)
        _product(planner, end, (images, down, across), (strides,), (source,), (columns,), made)
    planner.values[end.name] = made
    return True


def _planes(kind: kinds.Convolution, weight: Floats, high: int, wide: int) -> tuple[Run, ...]:
    """Where a row of the product finds its inputs in planes of so many lines of so many bytes."""
    _, channels, rows, taps = weight.shape
    (down, across), runs = kind.dilation, []
    for channel in range(channels):
        offset = channel * high * wide
        if across == 1:
            runs.append(Run(0, offset, taps, rows, down * wide))
        else:
            runs += [Run(0, offset + row * down * wide, 1, taps, FLOAT_BYTES * across) for row in range(rows)]
    return tuple(runs)


def _product(
    planner: Planner,
    end: End,
    rows: tuple[int, int, int],
    strides: tuple[Strides, ...],
    pieces: tuple[Piece, ...],
    columns: Sequence[_Columns],
    made: Map,
) -> None:
    """The step of one product."""
    vectors, residual = planner.vectors, None if end.residual is None else _rows_of(end.residual, rows)
    each_part = tuple(
        Part(each.runs, vectors.padded(len(each.bias)) // vectors.lanes, each.result, each.residual) for each in columns
    )
    kernel = Gemm(*rows, strides, each_part, _rows_of(made, rows), residual, end.activation, end.last)
    packed = [
        gemm.pack(each.weights, each.bias, vectors, panels) for each, panels in zip(columns, kernel.panels, strict=True)
    ]
    places = [*(piece.place for piece in pieces), planner.weights(np.concatenate(packed)), made.pieces[0].place]
    written = len(places) - 1
    if end.residual is not None:
        places.append(end.residual.pieces[0].place)
    planner.step(kernel, tuple(places), (written,), end.ops)


def _rows_of(made: Map, rows: tuple[int, int, int]) -> Strides:
    piece = made.pieces[0]
    if rows[:2] == (1, 1):
        return Strides(0, 0, piece.row if made.images * made.pixels == rows[2] else made.pixels * piece.row)
    return Strides(made.pixels * piece.row, made.width * piece.row, piece.row)
