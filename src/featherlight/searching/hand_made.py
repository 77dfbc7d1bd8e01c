"""The registered networks as near as a space has them: where a search begins, since their authors searched too."""

from __future__ import annotations

import heapq
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from featherlight.models import entry, list_models
from featherlight.searching.space import Genes, Space, Stage
from featherlight.spec import (
    Convolution,
    Fire,
    InvertedResidual,
    Pool,
    ShuffleUnit2,
    Spec,
    feature_channels,
    out_channels,
    small_images,
    total_stride,
    walk,
)

CUTS = 8  # ways to cut a network into stages that are tried: the first may have no valid widths, or none thin enough
TRIES = 1000  # combinations of widths, the nearest ones, that may all not fit together
SCALES = tuple(0.9**step for step in range(36))  # of all widths, until the budget is kept

Options = dict[str, Any]


class Block(NamedTuple):
    """A row in the terms of a `Stage`; the stride of a pool before it is its own, unless it has one already."""

    kind: str
    channels: int
    stride: int
    kernel: int
    expansion: float
    squeeze_excite: float
    activation: str
    skip: bool


def hand_made(space: Space, seconds: Callable[[Spec], float], budget: float) -> tuple[Genes, ...]:
    """The genes of all `likes`; no two are the same Spec."""
    found: dict[Spec, Genes] = {}
    for like in likes(space, seconds, budget).values():
        if like is not None:
            found.setdefault(*like)
    return tuple(found.values())


def likes(space: Space, seconds: Callable[[Spec], float], budget: float) -> dict[str, tuple[Spec, Genes] | None]:
    """Of every light-weight network of the registry, by name, its like in the space, as wide as the budget allows.

    None for those whose blocks are of no kind of the space, that halve the image more often, and that do not keep the
    budget at any width.
    """
    names = [name for name in list_models() if not entry(name).baseline and not entry(name).variant]
    return {name: nearest(space, entry(name).build(), lambda spec: seconds(spec) <= budget) for name in names}


def begun_with(known: Mapping[str, object | None]) -> str:
    """A sentence on these `likes`: of which networks there is one, and of which none."""
    having = [name for name, like in known.items() if like is not None]
    lacking = [name for name, like in known.items() if like is None]
    if not having:
        return "no hand-made network has a like in this space within the budget"
    none = f"; in this space, within the budget, there is none of {', '.join(lacking)}" if lacking else ""
    return f"it begins with the likes of {', '.join(having)}{none}"


def nearest(space: Space, spec: Spec, keeps: Callable[[Spec], bool]) -> tuple[Spec, Genes] | None:
    """The network of the space that is most like this one and `keeps` what it has to, and its genes; None without one.

    Its blocks are cut into as many runs as there are stages, where that changes least; if they halve the image less
    often than the space does, the last runs that can do so too. Then all widths are scaled down until it does.
    """
    if total_stride(spec) > space.total_stride:
        spec = small_images(spec)
    blocks, stem, last = list(_blocks(spec)), spec.rows[0], spec.rows[-1]
    if total_stride(spec) > space.total_stride or len(blocks) < len(space.stages) or not isinstance(stem, Convolution):
        return None
    ends: Options = {
        "stem.stride": _number(space.stem_strides, stem.stride)[0],
        "activation": _word(space.activations, [_plain(stem.activation)])[0],
    }
    widths = {
        "stem.channels": (space.stem, stem.channels),
        "last": (space.last, feature_channels(spec) if _is_last(last) else 0),
        "hidden": (space.hidden, spec.head.hidden[0] if spec.head.hidden else 0),
    }
    cuts = [
        _cut(space, blocks, (0, *inner, len(blocks)), space.total_stride // ends["stem.stride"])
        for inner in itertools.combinations(range(1, len(blocks)), len(space.stages) - 1)
    ]
    for off, channels, options in sorted(cuts, key=lambda each: each[0])[:CUTS]:
        if off == math.inf:
            break
        for scale in SCALES:
            thin = {name: _number(each, scale * width)[0] for name, (each, width) in widths.items()}
            like = _valid(space, ends | options | thin, channels, scale)
            if like is None or keeps(like[0]):
                break
        if like is not None and keeps(like[0]):
            return like
    return None


def _valid(
    space: Space, options: Options, channels: Mapping[str, tuple[tuple[int, ...], int]], scale: float
) -> tuple[Spec, Genes] | None:
    """The network with these options and, of the channels that fit together, those nearest to so many times theirs."""
    off = {
        name: {option: _off(option, scale * width) ** 2 for option in each} for name, (each, width) in channels.items()
    }
    for each in itertools.islice(_nearest_first([list(each.items()) for each in off.values()]), TRIES):
        genes = space.genes(options | dict(zip(off, each, strict=True)))
        spec = space.spec(genes)
        if spec is not None:
            return spec, genes
    return None


def _nearest_first(choices: Sequence[Sequence[tuple[int, float]]]) -> Iterator[tuple[int, ...]]:
    """One option of each choice, those first that are off by the least in sum; choices are of (option, how far off).

    One after the other, since a space of many stages has more of them than fit in memory.
    """
    ranked = [sorted(each, key=lambda option: option[1]) for each in choices]

    def off(at: tuple[int, ...]) -> float:
        return sum(each[place][1] for each, place in zip(ranked, at, strict=True))

    first = (0,) * len(ranked)
    coming = [(off(first), first)]
    while coming:
        _, at = heapq.heappop(coming)
        yield tuple(each[place][0] for each, place in zip(ranked, at, strict=True))
        # Each is reached in one way: by steps in a choice, and then in those behind it.
        last = max((number for number, place in enumerate(at) if place), default=0)
        for number in range(last, len(ranked)):
            after = (*at[:number], at[number] + 1, *at[number + 1 :])
            if after[number] < len(ranked[number]):
                heapq.heappush(coming, (off(after), after))


def _cut(
    space: Space, blocks: Sequence[Block], ends: Sequence[int], stride: int
) -> tuple[float, dict[str, tuple[tuple[int, ...], int]], Options]:
    """How far the stages are from these runs of blocks, their widths, and the other options that are nearest.

    The strides of the stages are to multiply to `stride`.
    """
    off, widths, options = 0.0, {}, Options()
    for number, (first, end) in enumerate(itertools.pairwise(ends)):
        stage, run = space.stages[number], blocks[first:end]
        widths[f"stages.{number}.channels"] = stage.channels, run[-1].channels
        off += sum(_off(block.channels, run[-1].channels) for block in run) / len(run)
        for name, (value, distance) in _taken(stage, run).items():
            off += distance
            options[f"stages.{number}.{name}"] = value
        stride //= options[f"stages.{number}.stride"]
    for number, stage in reversed(list(enumerate(space.stages))):
        if stride > 1 and options[f"stages.{number}.stride"] == 1 and 2 in stage.strides:
            options[f"stages.{number}.stride"] = 2
            off, stride = off + 1, stride // 2
    return off, widths, options


def _taken(stage: Stage, run: Sequence[Block]) -> Mapping[str, tuple[Any, float]]:
    """Each option of a stage that is nearest to a run of blocks, and how far it is from it."""
    gate = statistics.median(block.squeeze_excite for block in run)
    gates = [ratio for ratio in stage.squeeze_excite if bool(ratio) == bool(gate)] or stage.squeeze_excite
    kinds = [block.kind for block in run]
    kind, strange = _word(stage.kinds, kinds)
    stride, other = _number(stage.strides, math.prod(block.stride for block in run))
    late = sum(block.stride > 1 for block in run[1:])  # a stage has its stride at its first block
    return {
        "kind": (kind, strange if kind in kinds else math.inf),
        "repeats": _number(stage.repeats, len(run)),
        "stride": (stride, other + late),
        "kernel": _word(stage.kernels, [block.kernel for block in run]),
        "expansion": _number(stage.expansions, statistics.median(block.expansion for block in run)),
        "squeeze_excite": _number(gates, gate),
        "activation": _word(stage.activations, [block.activation for block in run]),
        "skip": _word(stage.skips, [block.skip for block in run]),
    }


def _blocks(spec: Spec) -> Iterator[Block]:
    """The rows but for the stem and the convolution before the pool; some may be of kinds that no stage has."""
    pooled = 1
    for number, row, entering in walk(spec):
        if number == 0 or (row is spec.rows[-1] and _is_last(row)):
            continue
        if isinstance(row, Pool):
            pooled *= row.stride
            continue
        expanded = row.expanded or entering if isinstance(row, InvertedResidual) else entering
        gate = row.squeeze_excite if isinstance(row, InvertedResidual | ShuffleUnit2) else None
        block = Block(
            row.kind,
            out_channels(row, entering),
            row.stride,
            getattr(row, "kernel", 3),
            expanded / entering,
            gate.channels / expanded if gate else 0,
            _plain(getattr(row, "activation", "relu")),
            row.bypass != "none" if isinstance(row, Fire) else getattr(row, "skip", True),
        )
        if block.stride > 1 and pooled > 1:  # as in ShuffleNets: no block of a stage has both strides
            yield block._replace(channels=entering, stride=pooled)
        else:
            block = block._replace(stride=pooled * block.stride)
        yield block
        pooled = 1


def _is_last(row: object) -> bool:
    return isinstance(row, Convolution) and row.kernel == 1


def _plain(activation: str) -> str:
    """ReLU6 as the plain one, which all spaces have."""
    return "relu" if activation == "relu6" else activation


def _off(one: float, other: float) -> float:
    """How far two numbers are from one another: by their ratio, but some are 0."""
    return abs(math.log1p(one) - math.log1p(other))


def _number(options: Iterable[float], value: float) -> tuple[Any, float]:
    """The option nearest to a number, and how far it is."""
    return min(((option, _off(option, value)) for option in options), key=lambda each: each[1])


def _word(options: Sequence[Any], values: Sequence[Any]) -> tuple[Any, float]:
    """The option that most of the values are, and the share of the others."""
    best = max(options, key=values.count)
    return best, 1 - values.count(best) / len(values)
