"""Functions of each element, pools and means of maps, as steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from featherlight.compiler.kernels.activation import ElementWise
from featherlight.compiler.kernels.element_wise import Combine, Operator, Pixels
from featherlight.compiler.kernels.gemm import Strides
from featherlight.compiler.kernels.pool import MapMean, Pool
from featherlight.compiler.plan.layout import FLOAT_BYTES, Map, Piece
from featherlight.compiler.plan.planner import Planner, element_wise
from featherlight.compiler.plan.step import Place
from featherlight.graph import Op, kinds

OPERATORS: dict[type[kinds.Kind], Operator] = {
    kinds.Add: "add",
    kinds.Subtract: "subtract",
    kinds.Multiply: "multiply",
    kinds.Divide: "divide",
}


def activation(planner: Planner, op: Op) -> bool:
    """A function of each element."""
    x, function = _map(planner, op.inputs[0]), element_wise(op)
    if x is None or function is None:
        return False
    x = _whole_vectors(planner, x)
    made = planner.new_map(x.images, x.height, x.width, x.channels, x.order)
    for piece, place, last in _side_by_side(x, made):
        operand = Pixels(x.pixels * piece.row, piece.row)
        columns = planner.vectors.padded(piece.count) // planner.vectors.lanes
        kernel = Combine(x.images, x.pixels, columns, (operand,), _pixels(made), None, function)
        planner.step(kernel, (piece.place, place), (1,), (op,) if last else ())
    planner.values[op.outputs[0]] = made
    return True


def two_maps(planner: Planner, op: Op) -> bool:
    """A sum, product, difference or quotient of two maps, one of which may have a single pixel, or of a number."""
    shapes = [planner.graph.tensors[name].shape for name in op.inputs]
    result = planner.graph.tensors[op.outputs[0]].shape
    if len(result) != 4 or any(len(shape) != 4 or shape[:2] != result[:2] for shape in shapes):
        return False
    if any(shape[2:] not in (result[2:], (1, 1)) for shape in shapes):
        return False
    maps = [_map(planner, name) for name in op.inputs]
    left, right = maps
    if left is None or right is None:
        return False
    plain = left.order != right.order
    left, right = (planner.single(each, plain) for each in (left, right))
    made = planner.new_map(result[0], result[2], result[3], result[1], left.order)
    name, ops, function = _with_function(planner, op)
    columns = planner.vectors.padded(left.channels) // planner.vectors.lanes
    operands = tuple(_pixels(each, made) for each in (left, right))
    kernel = Combine(made.images, made.pixels, columns, operands, _pixels(made), OPERATORS[type(op.kind)], function)
    places = (left.pieces[0].place, right.pieces[0].place, made.pieces[0].place)
    planner.step(kernel, places, (2,), ops)
    planner.values[name] = made
    return True


def pool(planner: Planner, op: Op) -> bool:
    """The largest or the mean of each window: of each piece by itself where pieces are whole vectors."""
    x, kind = _map(planner, op.inputs[0]), op.kind
    if x is None or not isinstance(kind, kinds.MaxPool | kinds.AveragePool):
        return False
    _, _, height, width = planner.graph.tensors[op.outputs[0]].shape
    lanes, x = planner.vectors.lanes, _whole_vectors(planner, x)
    name, ops, function = _with_function(planner, op)
    made = planner.new_map(x.images, height, width, x.channels, x.order, name)
    (to,) = made.pieces
    for piece, place, last in _side_by_side(x, made):
        kernel = Pool(
            isinstance(kind, kinds.MaxPool), x.images, (x.height, x.width), (height, width),
            -(-piece.count // lanes), kind.kernel, kind.stride, (kind.padding[0], kind.padding[1]),
            kind.dilation if isinstance(kind, kinds.MaxPool) else (1, 1), _strides(x, piece), _strides(made, to),
            kind.kernel[0] * kind.kernel[1] if isinstance(kind, kinds.AveragePool) and kind.count_padding else None,
            function,
        )  # fmt: skip
        planner.step(kernel, (piece.place, place), (1,), ops if last else ())
    planner.values[name] = made
    return True


def mean(planner: Planner, op: Op) -> bool:
    """The mean over a whole map."""
    x, kind = _map(planner, op.inputs[0]), op.kind
    if x is None or not isinstance(kind, kinds.Mean) or sorted(axis % 4 for axis in kind.axes) != [2, 3]:
        return False
    lanes, x = planner.vectors.lanes, _whole_vectors(planner, x)
    made = planner.new_map(x.images, 1, 1, x.channels, x.order)
    (to,) = made.pieces
    for piece, place, last in _side_by_side(x, made):
        kernel = MapMean(x.images, x.pixels, -(-piece.count // lanes), _strides(x, piece), to.row)
        planner.step(kernel, (piece.place, place), (1,), (op,) if last else ())
    planner.values[op.outputs[0]] = made
    return True


def _map(planner: Planner, name: str) -> Map | None:
    """A tensor of maps; a constant of one pixel is laid out like one, any other tensor stays as it is."""
    shape = planner.graph.tensors[name].shape
    value = planner.values.get(name)
    if isinstance(value, Map) and len(shape) == 4:
        return value
    constant = planner.constant(name)
    if constant is not None and len(shape) == 4 and shape[0] == 1 and shape[2:] == (1, 1):
        pitch = planner.vectors.padded(shape[1])
        place = planner.weights(np.pad(constant.reshape(-1), (0, pitch - shape[1])))
        return Map(1, 1, 1, (Piece(place.buffer, pitch, 0, shape[1]),), tuple(range(shape[1])))
    return None


def _with_function(planner: Planner, op: Op) -> tuple[str, tuple[Op, ...], ElementWise | None]:
    """The tensor that an operation gives with the function after it, if nothing else reads what it gives without."""
    after = planner.followers(op.outputs[0])
    function = element_wise(after)
    if after is None or function is None:
        return op.outputs[0], (op,), None
    planner.swallow(after)
    return after.outputs[0], (op, after), function


def _whole_vectors(planner: Planner, x: Map) -> Map:
    """The map, in one piece if a piece before the last ends within a vector."""
    whole = all(piece.count % planner.vectors.lanes == 0 for piece in x.pieces[:-1])
    return x if whole else planner.single(x)


def _side_by_side(x: Map, made: Map) -> Iterator[tuple[Piece, Place, bool]]:
    """Each piece of a map, the place in a map of one piece for what is made of it, and whether it is the last."""
    first, (to,) = 0, made.pieces
    for number, piece in enumerate(x.pieces, 1):
        yield piece, Place(to.buffer, FLOAT_BYTES * (to.offset + first)), number == len(x.pieces)
        first += piece.count


def _pixels(x: Map, of: Map | None = None) -> Pixels:
    """Strides of a map as operand for the pixels of another."""
    (piece,) = x.pieces
    alone = of is not None and x.pixels == 1 and of.pixels > 1
    single = of is not None and x.images == 1 and of.images > 1
    return Pixels(0 if single else x.pixels * piece.row, 0 if alone else piece.row)


def _strides(x: Map, piece: Piece) -> Strides:
    return Strides(x.pixels * piece.row, x.width * piece.row, piece.row)
