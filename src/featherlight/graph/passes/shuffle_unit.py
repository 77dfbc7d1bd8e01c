"""What joins two units of ShuffleNet v2, as one operation."""

from __future__ import annotations

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import ChannelShuffle, Concat, ConcatShuffleSplit, Split
from featherlight.graph.passes.rewriting import makers, read_once, rebuilt


def shuffle_unit(graph: Graph) -> Graph:
    """The graph with concat, channel shuffle and split of the channels as one ConcatShuffleSplit.

        left ---- concat -- channel shuffle -- split -- passed         left --- concat-shuffle-split -- passed
        right ---'                                  `-- seen           right --'                    `-- seen

    Ma et al. 2018, section 3, count the three as one element-wise operation. The shuffle must be one ChannelShuffle
    already. Does not apply where something else reads the joined or the shuffled map, such as an output of the network
    after each unit, nor at the end of a stage, where the next unit reads the whole map and nothing is split.
    """
    made, once = makers(graph), read_once(graph)
    return rebuilt(graph, [_recognised(made, once, op) or op for op in graph.ops])


def _recognised(made: dict[str, Op], once: set[str], op: Op) -> Op | None:
    if not isinstance(op.kind, Split) or op.kind.axis != 1 or op.inputs[0] not in once:
        return None
    shuffle = made.get(op.inputs[0])
    if shuffle is None or not isinstance(shuffle.kind, ChannelShuffle) or shuffle.inputs[0] not in once:
        return None
    joined = made.get(shuffle.inputs[0])
    if joined is None or joined.kind != Concat(1):
        return None
    return Op(ConcatShuffleSplit(shuffle.kind.groups, op.kind.sizes), joined.inputs, op.outputs, shuffle.origin)
