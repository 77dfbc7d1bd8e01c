"""Convolutions and fully connected layers as steps, with what follows them: function, residual sum, function."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from featherlight.compiler.kernels import depthwise, gemm
from featherlight.compiler.kernels.activation import ElementWise
from featherlight.compiler.kernels.gemm import Gemm, Run, Strides
from featherlight.compiler.kernels.expand_depthwise import ExpandDepthwise
from featherlight.compiler.kernels.lines import Frame
from featherlight.compiler.plan.layout import FLOAT_BYTES, Dense, Map, Piece
from featherlight.compiler.plan.planner import Floats, Planner, element_wise
from featherlight.compiler.plan.step import Buffer, Memory, Place
from featherlight.graph import Op, kinds

PLANAR = 4  # channels of a caller's image up to which the first convolution reads it plane by plane
LARGE = 400_000  # bytes of an expanded map from which on it is not written to memory
RING = 200_000  # bytes of its lines that are kept at once
MOST_PIECES = 12  # that one product reads


@dataclass(frozen=True)
class End:
    """What is computed while results are written: operations, functions, the map that is added, the last name."""

    ops: tuple[Op, ...]
    name: str
    activation: ElementWise | None = None
    residual: Map | None = None
    last: ElementWise | None = None


def convolution(planner: Planner, op: Op) -> bool:
    """A convolution of a map by constant weights."""
    kind, weight, bias = _parts(planner, op)
    if weight is None or not isinstance(kind, kinds.Convolution):
        return False
    channels = planner.graph.tensors[op.inputs[0]].shape[1]
    if kind.groups == channels == len(weight) and channels > 1:
        return _depthwise(planner, op, kind, weight[:, 0], bias)
    given = planner.values.get(op.inputs[0])
    if isinstance(given, Dense) and channels <= PLANAR and kind.groups == 1:
        return _of_planes(planner, op, kind, weight, bias, given)
    x = planner.map_of(op.inputs[0])
    assert x is not None
    return _of_maps(planner, op, kind, weight, bias, x)


def linear(planner: Planner, op: Op) -> bool:
    """A fully connected layer of (N, C), or of maps that were flattened."""
    _, weight, bias = _parts(planner, op)
    if weight is None or len(planner.graph.tensors[op.inputs[0]].shape) != 2:
        return False
    value = planner.values.get(op.inputs[0])
    x = value if isinstance(value, Map) else planner.map_of(op.inputs[0])
    assert x is not None
    if len(x.pieces) > 1 and x.pixels > 1:
        x = planner.single(x)
    by_pixel = weight.reshape(len(weight), x.channels, x.pixels).transpose(0, 2, 1)[:, :, x.order]
    sources = tuple(Strides(0, 0, x.pixels * piece.row) for piece in x.pieces)
    runs = tuple(
        Run(number, 0, piece.count, x.pixels, piece.row) for number, piece in enumerate(x.pieces)
    )
    end = _end(planner, op, (x.images, 1, 1, len(weight)))
    made = planner.new_map(x.images, 1, 1, len(weight), end.residual.order if end.residual else None)
    _product(planner, end, (1, 1, x.images), sources, x.pieces, runs, by_pixel.reshape(len(weight), -1), bias, made)
    planner.values[end.name] = made
    return True


def _parts(planner: Planner, op: Op) -> tuple[kinds.Kind, Floats | None, Floats]:
    """Kind, weight and bias; the weight is None where either is computed."""
    weight = planner.constant(op.inputs[1])
    if weight is None:
        return op.kind, None, np.zeros(0, np.float32)
    if len(op.inputs) == 2:
        return op.kind, weight, np.zeros(len(weight), np.float32)
    bias = planner.constant(op.inputs[2])
    return op.kind, None if bias is None else weight, np.zeros(0, np.float32) if bias is None else bias


def _end(planner: Planner, op: Op, shape: tuple[int, int, int, int] | None, plain: bool = False) -> End:
    """What follows an operation whose result, (images, height, width, channels), nothing else reads.

    A residual is added only where a shape is given; its channels must lie in their order if `plain`.
    """
    end = End((op,), op.outputs[0])
    after = planner.followers(end.name)
    function = element_wise(after)
    if after is not None and function is not None:
        end = End((*end.ops, after), after.outputs[0], function)
        after = planner.followers(end.name)
    residual = _residual(planner, after, end.name, shape)
    if residual is not None and plain and residual.order != tuple(range(residual.channels)):
        residual = None
    if after is not None and residual is not None:
        end = End((*end.ops, after), after.outputs[0], end.activation, residual)
        after = planner.followers(end.name)
        function = element_wise(after)
        if after is not None and function is not None:
            end = End((*end.ops, after), after.outputs[0], end.activation, residual, function)
    for each in end.ops[1:]:
        planner.swallow(each)
    return end


def _residual(planner: Planner, add: Op | None, name: str, shape: tuple[int, int, int, int] | None) -> Map | None:
    """The map that is added to `name`, if it is there already, in one piece and of the same shape."""
    if add is None or shape is None or not isinstance(add.kind, kinds.Add) or add.inputs[0] == add.inputs[1]:
        return None
    (other,) = (each for each in add.inputs if each != name)
    value = planner.values.get(other)
    if not isinstance(value, Map) or len(value.pieces) > 1:
        return None
    return value if (value.images, value.height, value.width, value.channels) == shape else None


def _of_maps(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Map) -> bool:
    """A dense or grouped convolution: a product for each group."""
    taps, padded = weight.shape[2:], any(kind.padding)
    if taps != (1, 1) or padded:
        x = planner.single(x)
        if padded:
            x = _framed(planner, x, kind)
    elif len(x.pieces) > MOST_PIECES:
        x = planner.single(x)
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    outputs, inputs = len(weight) // kind.groups, weight.shape[1]
    end = _end(planner, op, (x.images, height, width, len(weight)), plain=kind.groups > 1)
    if _expand_depthwise(planner, end, kind, weight, bias, x):
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


def _expand_depthwise(
    planner: Planner, end: End, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Map
) -> bool:
    """A pointwise convolution and the depthwise one that alone reads it, as one step where their map is large."""
    after, vectors = planner.followers(end.name), planner.vectors
    if after is None or not isinstance(after.kind, kinds.Convolution) or end.residual is not None:
        return False
    inner, taps, below = _parts(planner, after)
    pointwise = weight.shape[2:] == (1, 1) and kind.stride == (1, 1) and kind.groups == 1 and not any(kind.padding)
    if taps is None or not isinstance(inner, kinds.Convolution) or not pointwise or len(x.pieces) > 1:
        return False
    if inner.groups != len(weight) or len(taps) != len(weight) or inner.dilation != (1, 1):
        return False
    pitch, (piece,) = vectors.padded(len(weight)), x.pieces
    line, ring = FLOAT_BYTES * x.width * pitch, taps.shape[2]
    if line * x.height < LARGE or line * ring > RING or weight.size > x.pixels * 4:
        return False
    planner.swallow(after)
    last = _end(planner, after, None)
    *_, height, width = planner.graph.tensors[after.outputs[0]].shape
    made = planner.new_map(x.images, height, width, len(weight))
    (to,) = made.pieces
    rows = Strides(0, 0, piece.row)
    expand = Gemm(1, 1, x.width, (rows,), (Run(0, 0, piece.count),), pitch // vectors.lanes,
                  Strides(0, 0, FLOAT_BYTES * pitch), None, end.activation)  # fmt: skip
    lines = depthwise.Depthwise(
        x.images, (x.height, x.width), (height, width), pitch // vectors.lanes, (taps.shape[2], taps.shape[3]),
        inner.stride, (inner.padding[0], inner.padding[1]), (1, 1), Strides(0, line, FLOAT_BYTES * pitch),
        Strides(made.pixels * to.row, made.width * to.row, to.row), last.activation, ring,
    )  # fmt: skip
    kernel = ExpandDepthwise(expand, lines, x.pixels * piece.row, x.width * piece.row)
    packed = planner.weights(gemm.pack(weight[:, x.order, 0, 0], bias, vectors, expand.widths))
    planner.step(
        kernel,
        (piece.place, packed, planner.weights(depthwise.pack(taps[:, 0], below, vectors)), to.place),
        (3,),
        (*end.ops, *last.ops),
    )
    planner.values[last.name] = made
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


def _framed(planner: Planner, x: Map, kind: kinds.Convolution) -> Map:
    """The map in a frame of zeros."""
    top, left, bottom, right = kind.padding
    (piece,) = x.pieces
    wide = planner.new_map(x.images, x.height + top + bottom, x.width + left + right, piece.pitch, None)
    frame = Frame(
        *(x.images, x.height, x.width * piece.pitch, top, bottom, left * piece.pitch, right * piece.pitch),
        *(x.pixels * piece.row, x.width * piece.row),
    )
    buffer = wide.pieces[0].buffer
    planner.step(frame, (Place(piece.buffer), Place(buffer)), (1,), ())
    pieces = (Piece(buffer, piece.pitch, piece.offset, piece.count),)
    return Map(x.images, wide.height, wide.width, pieces, x.order)


def _of_planes(
    planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats, x: Dense
) -> bool:
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
    end = _end(planner, op, (images, down, across, len(weight)))
    made = planner.new_map(images, down, across, len(weight), end.residual.order if end.residual else None)
    strides = Strides(channels * high * line, kind.stride[0] * line, kind.stride[1] * FLOAT_BYTES)
    source = Piece(place.buffer, 1, 0, 1)
    _product(planner, end, (images, down, across), (strides,), (source,), runs, weight.reshape(len(weight), -1), bias, made)
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


def _depthwise(planner: Planner, op: Op, kind: kinds.Convolution, weight: Floats, bias: Floats) -> bool:
    """Each channel by itself, in whatever order the channels lie."""
    x = planner.map_of(op.inputs[0])
    assert x is not None
    x = planner.single(x)
    (piece,) = x.pieces
    *_, height, width = planner.graph.tensors[op.outputs[0]].shape
    end = _end(planner, op, None)
    made = planner.new_map(x.images, height, width, x.channels, x.order)
    (to,) = made.pieces
    order = list(x.order)
    kernel = depthwise.Depthwise(
        x.images, (x.height, x.width), (height, width), planner.vectors.padded(x.channels) // planner.vectors.lanes,
        (weight.shape[1], weight.shape[2]), kind.stride, (kind.padding[0], kind.padding[1]), kind.dilation,
        Strides(x.pixels * piece.row, x.width * piece.row, piece.row),
        Strides(made.pixels * to.row, made.width * to.row, to.row), end.activation,
    )  # fmt: skip
    packed = planner.weights(depthwise.pack(weight[order], bias[order], planner.vectors))
    planner.step(kernel, (piece.place, packed, to.place), (2,), end.ops)
    planner.values[end.name] = made
    return True
