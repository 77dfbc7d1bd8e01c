"""Splitting, joining, shuffling and reshaping: where they only say how a tensor lies, nothing runs."""

from __future__ import annotations

from featherlight.compiler.plan.layout import Dense, Map, joined
from featherlight.compiler.plan.planner import Planner
from featherlight.graph import Op, kinds


def split(planner: Planner, op: Op) -> bool:
    """Parts of a map's channels."""
    x = _channels(planner, op.inputs[0])
    if x is None or not isinstance(op.kind, kinds.Split) or op.kind.axis != 1:
        return False
    return planner.alias(op, *_parts(x, op.kind.sizes))


def slice_(planner: Planner, op: Op) -> bool:
    """Some of a map's channels."""
    x = _channels(planner, op.inputs[0])
    if x is None or not isinstance(op.kind, kinds.Slice) or op.kind.axis != 1:
        return False
    return planner.alias(op, x.taken(tuple(range(op.kind.start, op.kind.stop, op.kind.step))))


def concat(planner: Planner, op: Op) -> bool:
    """Maps side by side along the channels."""
    if not isinstance(op.kind, kinds.Concat) or op.kind.axis != 1:
        return False
    maps = _all_channels(planner, op)
    return maps is not None and planner.alias(op, joined(maps))


def shuffle(planner: Planner, op: Op) -> bool:
    """A map's channels in another order."""
    x = _channels(planner, op.inputs[0])
    if x is None or not isinstance(op.kind, kinds.ChannelShuffle):
        return False
    return planner.alias(op, _shuffled(x, op.kind.groups))


def concat_shuffle_split(planner: Planner, op: Op) -> bool:
    """What stands between two units of ShuffleNet v2."""
    maps = _all_channels(planner, op)
    if maps is None or not isinstance(op.kind, kinds.ConcatShuffleSplit):
        return False
    return planner.alias(op, *_parts(_shuffled(joined(maps), op.kind.groups), op.kind.sizes))


def reshape(planner: Planner, op: Op) -> bool:
    """The same numbers under another shape: a map stays one if it is flattened behind its images, or unflattened."""
    value, shape = planner.values.get(op.inputs[0]), planner.graph.tensors[op.outputs[0]].shape
    if isinstance(value, Map):
        flat = (value.images, value.channels * value.pixels)
        if shape == flat or (value.pixels == 1 and shape == (*flat, 1, 1)):
            return planner.alias(op, value)
    found = planner.dense_of(op.inputs[0])
    return planner.alias(op, Dense(found.buffer, shape))


def identity(planner: Planner, op: Op) -> bool:
    """The input itself."""
    value = planner.values.get(op.inputs[0])
    return planner.alias(op, planner.dense_of(op.inputs[0]) if value is None else value)


def _channels(planner: Planner, name: str) -> Map | None:
    """A tensor of maps; what is dense stays so."""
    value = planner.values.get(name)
    if not isinstance(value, Map) or len(planner.graph.tensors[name].shape) != 4:
        return None
    return value


def _all_channels(planner: Planner, op: Op) -> list[Map] | None:
    maps = [_channels(planner, name) for name in op.inputs]
    found = [each for each in maps if each is not None]
    return found if len(found) == len(maps) else None


def _shuffled(x: Map, groups: int) -> Map:
    """Channel i * groups + g is what channel g * n + i was."""
    size = x.channels // groups
    return x.taken(tuple(group * size + within for within in range(size) for group in range(groups)))


def _parts(x: Map, sizes: tuple[int, ...]) -> list[Map]:
    parts, first = [], 0
    for size in sizes:
        parts.append(x.taken(tuple(range(first, first + size))))
        first += size
    return parts
