"""The walk over a graph that turns operations into steps."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from featherlight.compiler.code import Vectors
from featherlight.compiler.kernels import dense
from featherlight.compiler.kernels.activation import FUNCTIONS, ElementWise
from featherlight.compiler.kernels.collect import Collect, Run
from featherlight.compiler.kernels.lines import Strided
from featherlight.compiler.plan.layout import FLOAT_BYTES, Dense, Map, Piece
from featherlight.compiler.plan.step import Buffer, Kernel, Memory, Place, Plan, Step
from featherlight.graph import Graph, Op, kinds

Floats = NDArray[np.float32]
Handler = Callable[["Planner", Op], bool]
ALIASING, ASIDE = 1024, 16  # bytes between pixels that are better avoided, and floats more that avoid them
SLACK = 64  # bytes after each buffer that a whole vector may read or write beyond the last channel


class Planner:
    """What is known while steps are made: where each tensor lies, and what the operations to come ask of it."""

    def __init__(self, graph: Graph, vectors: Vectors, fuse: bool) -> None:
        self.graph, self.vectors, self.fuse = graph, vectors, fuse
        self.steps: list[Step] = []
        self.values: dict[str, Map | Dense] = {}
        self.readers = Counter(name for op in graph.ops for name in op.inputs) + Counter(graph.outputs)
        self.done: set[int] = set()
        self._after: dict[str, list[int]] = {}
        for number, op in enumerate(graph.ops):
            for name in op.inputs:
                self._after.setdefault(name, []).append(number)
        self._joined: dict[str, Buffer] = {}  # by a concatenation's output
        self._free: list[Op] = []  # operations that are arithmetic on layouts: they are told with the next step
        for number, name in enumerate(graph.inputs):
            shape = graph.tensors[name].shape
            size = FLOAT_BYTES * graph.tensors[name].elements
            self.values[name] = Dense(Buffer(Memory.INPUT, size, None, number), shape)

    def plan(self, handlers: Mapping[type[kinds.Kind], Handler]) -> Plan:
        """The steps of the whole graph; an operation that no handler takes on runs on dense tensors."""
        for number, op in enumerate(self.graph.ops):
            if number in self.done or all(name in self.values for name in op.outputs):
                continue
            handler = handlers.get(type(op.kind))
            if handler is None or not handler(self, op):
                self._general(op)
        for number, name in enumerate(self.graph.outputs):
            self._give(number, name)
        inputs, outputs = (
            tuple(self.graph.tensors[name].shape for name in names) for names in (self.graph.inputs, self.graph.outputs)
        )
        return Plan(tuple(self.steps), self.vectors, inputs, outputs)

    def step(self, kernel: Kernel, places: tuple[Place, ...], written: tuple[int, ...], ops: tuple[Op, ...]) -> None:
        """Put a step after those that are there."""
        self.steps.append(Step(kernel, places, written, (*self._free, *ops)))
        self._free.clear()

    def alias(self, op: Op, *values: Map | Dense) -> bool:
        """Say that an operation's outputs lie there already."""
        self.values.update(zip(op.outputs, values, strict=True))
        self._free.append(op)
        return True

    def constant(self, name: str) -> Floats | None:
        """A weight's numbers; None where the tensor is computed."""
        found = self.graph.constants.get(name)
        return None if found is None else np.asarray(found, np.float32)

    def room(self, floats: int) -> Buffer:
        """A new buffer for results."""
        return Buffer(Memory.ARENA, FLOAT_BYTES * floats + SLACK)

    def weights(self, content: Floats) -> Place:
        """Where weights stand."""
        content = np.ascontiguousarray(content, np.float32)
        return Place(Buffer(Memory.WEIGHTS, content.nbytes, content))

    def new_map(
        self, images: int, height: int, width: int, channels: int, order: tuple[int, ...] | None = None, name: str = ""
    ) -> Map:
        """Room for a map in one piece, whole vectors a pixel; for tensor `name` where a concatenation will want it.

        Pixels a power of two apart would all want the same few places of the first cache.
        """
        order = tuple(range(channels)) if order is None else order
        piece = self._beside(name, images * height * width, channels)
        if piece is None:
            pitch = self._pitch(channels, height * width)
            piece = Piece(self.room(images * height * width * pitch), pitch, 0, channels)
        return Map(images, height, width, (piece,), order)

    def _pitch(self, channels: int, pixels: int) -> int:
        pitch = self.vectors.padded(channels)
        return pitch + self.vectors.padded(ASIDE) if pixels > 1 and FLOAT_BYTES * pitch % ALIASING == 0 else pitch

    def _beside(self, name: str, pixels: int, channels: int) -> Piece | None:
        """The channels of a joined map that a tensor is, if a concatenation alone reads it and vectors stay whole."""
        join = self.followers(name) if name else None
        if join is None or not isinstance(join.kind, kinds.Concat) or join.kind.axis != 1:
            return None
        shapes = [self.graph.tensors[each].shape for each in join.inputs]
        counts = [shape[1] for shape in shapes if len(shape) == 4]
        if len(counts) < len(shapes) or any(count % self.vectors.lanes for count in counts[:-1]):
            return None
        pitch = self._pitch(sum(counts), pixels)
        buffer = self._joined.setdefault(join.outputs[0], self.room(pixels * pitch))
        return Piece(buffer, pitch, sum(counts[: join.inputs.index(name)]), channels)

    def map_of(self, name: str) -> Map | None:
        """The tensor as a map: (N, C, H, W), or (N, C) as maps of one pixel; None where it has another rank."""
        shape = self.graph.tensors[name].shape
        if len(shape) not in (2, 4) or 0 in shape:
            return None
        height, width = shape[2:] or (1, 1)
        value = self.values.get(name)
        if isinstance(value, Map) and (value.height, value.width) == (height, width):
            return value
        if name in self.graph.constants:
            return None
        images, channels = shape[:2]
        dense_value, made = self.dense_of(name), self.new_map(images, height, width, channels)
        (piece,) = made.pieces
        pixel = piece.row
        self.step(
            Strided(
                (images, height, width, channels),
                tuple(FLOAT_BYTES * size for size in (channels * height * width, width, 1, height * width)),  # type: ignore[arg-type]
                (height * width * pixel, width * pixel, pixel, FLOAT_BYTES),
            ),
            (dense_value.place, piece.place),
            (1,),
            (),
        )
        self.values[name] = made
        return made

    def single(self, value: Map, plain: bool = False) -> Map:
        """The map in one piece, in the order of its channels if `plain`: copied where it is not."""
        if len(value.pieces) == 1 and (not plain or value.order == tuple(range(value.channels))):
            return value
        made = self.new_map(value.images, value.height, value.width, value.channels, None if plain else value.order)
        (to,), order = made.pieces, value.order if plain else tuple(range(value.channels))
        self._collect(value, order, to.place, (value.pixels * to.row, to.row, FLOAT_BYTES))
        return made

    def dense_of(self, name: str) -> Dense:
        """The tensor's numbers in the graph's order."""
        value, tensor = self.values.get(name), self.graph.tensors[name]
        if isinstance(value, Dense):
            return replace(value, shape=tensor.shape)
        if value is None:
            return Dense(self.weights(np.asarray(self.constant(name))).buffer, tensor.shape)
        made = Dense(self.room(tensor.elements), tensor.shape)
        self._to_dense(value, made.place)
        return made

    def followers(self, name: str) -> Op | None:
        """The one operation that reads a tensor; None where there are more, or a caller gets it."""
        if not self.fuse or self.readers[name] != 1 or not self._after.get(name):
            return None
        return self.graph.ops[self._after[name][0]]

    def swallow(self, op: Op) -> None:
        """Say that a step computes this operation beside its own."""
        self.done.add(next(number for number in self._after[op.inputs[0]] if self.graph.ops[number] is op))

    def _general(self, op: Op) -> None:
        given = [self.dense_of(name) for name in op.inputs]
        made = [Dense(self.room(self.graph.tensors[n].elements), self.graph.tensors[n].shape) for n in op.outputs]
        kernel = dense.kernel(op.kind, tuple(d.shape for d in given), tuple(d.shape for d in made))
        places = tuple(value.place for value in (*given, *made))
        self.step(kernel, places, tuple(range(len(given), len(places))), (op,))
        self.values.update(zip(op.outputs, made, strict=True))

    def _to_dense(self, value: Map, to: Place) -> None:
        """A step that writes a map's numbers in the graph's order."""
        plane = FLOAT_BYTES * value.pixels
        self._collect(value, value.order, to, (plane * value.channels, FLOAT_BYTES, plane))

    def _collect(self, value: Map, order: tuple[int, ...], to: Place, strides: tuple[int, int, int]) -> None:
        """A step that puts the i-th channel of each pixel where channel `order[i]` belongs.

        Images, pixels and channels are so many bytes apart there.
        """
        rows = tuple(piece.row for piece in value.pieces)
        kernel = Collect(value.images, value.pixels, rows, _runs(value.pieces, order), *strides)
        self.step(kernel, (*(piece.place for piece in value.pieces), to), (len(rows),), ())

    def _give(self, number: int, name: str) -> None:
        """A step that writes an output where the caller gets it."""
        tensor = self.graph.tensors[name]
        to = Place(Buffer(Memory.OUTPUT, FLOAT_BYTES * tensor.elements, None, number))
        value = self.values.get(name)
        if isinstance(value, Map):
            self._to_dense(value, to)
            return
        found, size = self.dense_of(name), FLOAT_BYTES * tensor.elements
        kernel = Strided((1, 1, 1, tensor.elements), (0, 0, 0, FLOAT_BYTES), (0, 0, 0, FLOAT_BYTES))
        self.step(kernel, (found.place, to), (1,), ())
        assert to.buffer.bytes == size


def _runs(pieces: tuple[Piece, ...], order: tuple[int, ...]) -> tuple[Run, ...]:
    """Stretches of each piece whose channels are evenly apart, as those that were shuffled are."""
    found, channels = list[Run](), iter(order)
    for number, piece in enumerate(pieces):
        last: Run | None = None
        for place, channel in enumerate(itertools.islice(channels, piece.count)):
            if last and last.length == 1:
                last = last._replace(length=2, step=channel - last.channel)
            elif last and channel == last.channel + last.length * last.step:
                last = last._replace(length=last.length + 1)
            else:
                last = Run(number, place, 1, channel, 1)
                found.append(last)
            found[-1] = last
    return tuple(found)


def element_wise(op: Op | None) -> ElementWise | None:
    """The function of each element that an operation is, if it is one that can stand in a kernel's end."""
    if op is not None and isinstance(op.kind, kinds.Clip):
        return op.kind
    if op is not None and isinstance(op.kind, kinds.Activation) and op.kind.function in FUNCTIONS:
        return op.kind
    return None
