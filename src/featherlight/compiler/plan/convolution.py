"""Convolutions and fully connected layers as steps."""

from __future__ import annotations

from dataclasses import replace

from featherlight.compiler.kernels import gemm
from featherlight.compiler.kernels.gemm import Gemm, Run, Strides
from featherlight.compiler.kernels.lines import Frame
from featherlight.compiler.plan.block import depthwise_block, expanded
from featherlight.compiler.plan.ending import End, end_of, parts
from featherlight.compiler.plan.layout import FLOAT_BYTES, Dense, Map, Piece
from featherlight.compiler.plan.planner import Floats, Planner
from featherlight.compiler.plan.step import Place
from featherlight.compiler.plan.winograd import framed, winograd
from featherlight.graph import Op, kinds

PLANAR = 4  # channels of a caller's image up to which the first convolution reads it plane by plane
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
    _product(planner, end, (1, 1, x.images), sources, x.pieces, runs, by_pixel.reshape(len(weight), -1), bias, made)
    planner.values[end.name] = made
    return True


def _of_maps(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Map) -> bool:
    """A dense or grouped convolution: a product for each group."""
    taps, padded = weight.shape[2:], any(kind.padding)
    if winograd(planner, op, kind, weight, bias, x):
        return True
    if taps != (1, 1) or padded:
        x = planner.single(x)
        if padded:
            x = framed(planner, x, kind.padding)
    elif len(x.pieces) > MOST_PIECES:
        x = planner.single(x)
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    outputs, inputs = len(weight) // kind.groups, weight.shape[1]
    end = end_of(planner, op, (x.images, height, width, len(weight)), plain=kind.groups > 1)
    if kind.groups == 1 and taps == (1, 1) and expanded(planner, end, weight[:, :, 0, 0], bias, x, kind.stride):
        return True
    made = planner.new_map(x.images, height, width, len(weight), end.residual.order if end.residual else None)
    if (kind.groups - 1) * outputs + planner.vectors.padded(outputs) > made.pieces[0].pitch:
        made = _wider(planner, made, (kind.groups - 1) * outputs + planner.vectors.padded(outputs))
    for group in range(kind.groups):
        part = x.taken(tuple(range(group * inputs, (group + 1) * inputs))) if kind.groups > 1 else x
        rows, runs = _windows(kind, part, taps, (height, width))
        sources = tuple(_strides(part, piece, kind, rows) for piece in part.pieces)
        mine = slice(group * outputs, (group + 1) * outputs)
        lines = weight[mine][:, part.order].transpose(0, 2, 3, 1).reshape(outputs, -1)
        if taps == (1, 1):
            lines = weight[mine][:, part.order, 0, 0]
        to, of_group = made, end
        if kind.groups > 1:
            to = _some(made, group * outputs, outputs)
            residual = None if end.residual is None else _some(end.residual, group * outputs, outputs)
            of_group = replace(end, residual=residual, ops=end.ops if group + 1 == kind.groups else ())
        _product(planner, of_group, rows, sources, part.pieces, runs, lines, bias[mine], to)
    planner.values[end.name] = made
    return True


def _some(x: Map, first: int, count: int) -> Map:
    """Some of the channels of a map in one piece and in order."""
    (piece,) = x.pieces
    some = Piece(piece.buffer, piece.pitch, piece.offset + first, count)
    return Map(x.images, x.height, x.width, (some,), tuple(range(count)))


def _windows(
    kind: kinds.Convolution, x: Map, taps: tuple[int, int], size: tuple[int, int]
) -> tuple[tuple[int, int, int], tuple[Run, ...]]:
    """(images, lines, rows) of the product, and the runs of each row."""
    if taps == (1, 1):
        runs = tuple(Run(number, 0, piece.count) for number, piece in enumerate(x.pieces))
        if kind.stride == (1, 1):
            return (1, 1, x.images * x.pixels), runs
        return (x.images, *size), runs
    runs = ()
    for number, piece in enumerate(x.pieces):
        line, across = x.width * piece.row, kind.dilation[1] * piece.row
        for row in range(taps[0]):
            runs += (Run(number, row * kind.dilation[0] * line, piece.count, taps[1], across),)
    return (x.images, *size), runs


def _strides(x: Map, piece: Piece, kind: kinds.Convolution, rows: tuple[int, int, int]) -> Strides:
    if rows[:2] == (1, 1) and kind.stride == (1, 1):
        return Strides(0, 0, piece.row)
    down, across = kind.stride
    return Strides(x.pixels * piece.row, down * x.width * piece.row, across * piece.row)


def _of_planes(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Dense) -> bool:
    """A convolution of a caller's image, read plane by plane: nothing has to be laid out for it but a frame."""
    images, channels, height, width = x.shape
    top, left, bottom, right = kind.padding
    place, high, wide = x.place, height + top + bottom, width + left + right
    if any(kind.padding):
        place = Place(planner.room(images * channels * high * wide))
        frame = Frame(images * channels, height, width, top, bottom, left, right,
                      FLOAT_BYTES * height * width, FLOAT_BYTES * width)  # fmt: skip
        planner.step(frame, (x.place, place), (1,), ())
    line, rows, taps = FLOAT_BYTES * wide, weight.shape[2], weight.shape[3]
    runs: tuple[Run, ...] = ()
    for channel in range(channels):
        offset = channel * high * line
        if kind.dilation[1] == 1:
            runs += (Run(0, offset, taps, rows, kind.dilation[0] * line),)
        else:
            runs += tuple(
                Run(0, offset + row * kind.dilation[0] * line, 1, taps, FLOAT_BYTES * kind.dilation[1])
                for row in range(rows)
            )
    *_, down, across = planner.graph.tensors[op.outputs[0]].shape
    end = end_of(planner, op, (images, down, across, len(weight)))
    made = planner.new_map(images, down, across, len(weight), end.residual.order if end.residual else None)
    strides = Strides(channels * high * line, kind.stride[0] * line, kind.stride[1] * FLOAT_BYTES)
    source = Piece(place.buffer, 1, 0, 1)
    _product(
        planner, end, (images, down, across), (strides,), (source,), runs, weight.reshape(len(weight), -1), bias, made
    )
    planner.values[end.name] = made
    return True


def _product(
    planner: Planner,
    end: End,
    rows: tuple[int, int, int],
    strides: tuple[Strides, ...],
    pieces: tuple[Piece, ...],
    runs: tuple[Run, ...],
    weights: Floats,
    bias: Floats,
    made: Map,
) -> None:
    """The step of one product; its outputs are put into the order of `made`."""
    vectors, order = planner.vectors, list(made.order)
    result = _rows_of(made, rows)
    kernel = Gemm(
        *rows, strides, runs, vectors.padded(len(bias)) // vectors.lanes, result,
        None if end.residual is None else _rows_of(end.residual, rows), end.activation, end.last,
    )  # fmt: skip
    packed = planner.weights(gemm.pack(weights[order], bias[order], vectors, kernel.widths))
    places = [*(piece.place for piece in pieces), packed, made.pieces[0].place]
    written = len(places) - 1
    if end.residual is not None:
        places.append(end.residual.pieces[0].place)
    planner.step(kernel, tuple(places), (written,), end.ops)


def _rows_of(made: Map, rows: tuple[int, int, int]) -> Strides:
    (piece,) = made.pieces
    if rows[:2] == (1, 1):
        return Strides(0, 0, piece.row if made.images * made.pixels == rows[2] else made.pixels * piece.row)
    return Strides(made.pixels * piece.row, made.width * piece.row, piece.row)


def _wider(planner: Planner, made: Map, floats: int) -> Map:
    (piece,) = made.pieces
    pitch = planner.vectors.padded(floats)
    buffer = planner.room(made.images * made.pixels * pitch)
    return Map(made.images, made.height, made.width, (Piece(buffer, pitch, 0, piece.count),), made.order)
