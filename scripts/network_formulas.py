"""What each family's formula saves, computed for layers of its own: the tables of docs/networks/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from featherlight.cost import formulas
from featherlight.models import counts
from featherlight.models.mobilenet_v1 import TABLE


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown, a line a row."""
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def alexnet() -> list[str]:
    """Where the weights are and where the work is."""
    convolutions = ((11, 3, 64, 55), (5, 64, 192, 27), (3, 192, 384, 13), (3, 384, 256, 13), (3, 256, 256, 13))
    layers = ((256 * 36, 4096), (4096, 4096), (4096, 1000))
    parts = {
        "five convolutions": (
            sum(formulas.convolution(k, c1, c2, 1) for k, c1, c2, _ in convolutions),
            sum(formulas.convolution(k, c1, c2, side**2) for k, c1, c2, side in convolutions),
        ),
        "three fully connected layers": (sum(i * o for i, o in layers), sum(i * o for i, o in layers)),
    }
    whole = [sum(part[index] for part in parts.values()) for index in (0, 1)]
    return table(
        ["part", "weights", "of all", "multiply-adds", "of all"],
        [
            [name, f"{weights:,}", f"{weights / whole[0]:.0%}", f"{work:,}", f"{work / whole[1]:.0%}"]
            for name, (weights, work) in parts.items()
        ],
    )


def resnet() -> list[str]:
    """The bottleneck against two 3x3 convolutions: half the side and twice the channels cost the same again."""
    middle, wide, hw = 64, 256, 56 * 56
    thin = formulas.convolution(3, middle, middle, 1)
    blocks = {
        "1x1, 3x3, 1x1 (ResNet-50)": (wide, 2 * formulas.pointwise(wide, middle, 1) + thin),
        "two 3x3 (ResNet-18)": (middle, 2 * thin),
        "two 3x3 on the bottleneck's channels": (wide, 2 * formulas.convolution(3, wide, wide, 1)),
    }
    return table(
        ["block on a 56x56 map", "channels in and out", "weights", "multiply-adds"],
        [[name, f"{channels}", f"{weights:,}", f"{weights * hw:,}"] for name, (channels, weights) in blocks.items()],
    )


def squeezenet() -> list[str]:
    """Fire modules against 3x3 convolutions."""
    fires = (("fire2", 96, 16, 64), ("fire4", 128, 32, 128), ("fire6", 256, 48, 192), ("fire9", 512, 64, 256))
    rows = []
    for name, c1, squeeze, expand in fires:
        plain, saving = formulas.convolution(3, c1, 2 * expand, 1), formulas.fire_saving(c1, squeeze, expand, expand)
        rows.append([name, f"{c1} to {2 * expand}", f"{squeeze}", f"{plain:,}", f"{plain / saving:,.0f}",
                     f"{saving:.1f}"])  # fmt: skip
    return [
        *table(["module", "channels", "squeeze", "weights of a 3x3", "of the module", "times fewer"], rows),
        "",
        "All weights in float32, by the squeeze ratio: "
        + ", ".join(f"{ratio:g} {4 * _squeezenet_weights(ratio) / 1e6:.1f} MB" for ratio in (0.125, 0.25, 0.5, 0.75, 1))
        + ".",
    ]


def _squeezenet_weights(squeeze_ratio: float) -> float:
    """Of SqueezeNet 1.0 without its biases: the stem, eight Fire modules, the classifier."""
    weights: float = formulas.convolution(7, 3, 96, 1) + formulas.pointwise(512, 1000, 1)
    c1 = 96
    for at in range(8):
        filters = 128 + 128 * (at // 2)
        squeeze = round(squeeze_ratio * filters)
        plain = formulas.convolution(3, c1, filters, 1)
        weights += plain / formulas.fire_saving(c1, squeeze, filters // 2, filters // 2)
        c1 = filters
    return weights


def mobilenet_v1() -> list[str]:
    """Depthwise separable against standard."""
    rows = []
    for c1, c2, side in ((32, 64, 112), (128, 128, 56), (256, 256, 28), (512, 512, 14), (1024, 1024, 7)):
        standard = formulas.convolution(3, c1, c2, side**2)
        parts = formulas.depthwise(3, c1, side**2), formulas.pointwise(c1, c2, side**2)
        rows.append([f"{side}x{side}", f"{c1} to {c2}", f"{standard:,}", f"{sum(parts):,}",
                     f"{1 / formulas.separable_ratio(3, c2):.2f}", f"{parts[1] / sum(parts):.0%}"])  # fmt: skip
    light, whole = counts("mobilenet_v1").multiply_adds, _with_standard_convolutions()
    return [
        *table(["map", "channels", "3x3", "depthwise and pointwise", "times fewer", "of it pointwise"], rows),
        "",
        f"With standard convolutions in their place the network has {whole:,} multiply-adds, "
        f"{whole / light:.1f} times as many.",
    ]


def _with_standard_convolutions() -> int:
    """MobileNet v1's multiply-adds at 224x224, had each pair been one 3x3 convolution."""
    work, c1, side = counts("mobilenet_v1").multiply_adds, 32, 112
    for line in TABLE:
        for repeat in range(line.repeats):
            side //= line.stride if repeat == 0 else 1
            c2 = line.channels
            work += formulas.convolution(3, c1, c2, side**2)
            work -= formulas.depthwise(3, c1, side**2) + formulas.pointwise(c1, c2, side**2)
            c1 = c2
    return work


def mobilenet_v2() -> list[str]:
    """Inverted residuals: what a block computes, and what passes between blocks."""
    rows = []
    for channels, side in ((24, 56), (32, 28), (64, 14), (96, 14), (160, 7)):
        inside, hw = 6 * channels, side**2
        block_ = 2 * formulas.pointwise(channels, inside, hw) + formulas.depthwise(3, inside, hw)
        wide = formulas.convolution(3, inside, inside, hw)
        rows.append([f"{side}x{side}", f"{channels}, {inside} inside", f"{block_:,}", f"{wide / block_:.0f}",
                     f"{channels * hw:,}", f"{inside * hw:,}"])  # fmt: skip
    columns = ["map", "channels", "multiply-adds", "times fewer than a 3x3 inside", "kept between blocks", "inside"]
    return table(columns, rows)


def mobilenet_v3() -> list[str]:
    """The last layers before and behind the pool."""
    rows = []
    for name, last, hidden in (("large", 960, 1280), ("small", 576, 1024)):
        before, behind = formulas.pointwise(last, hidden, 49), formulas.pointwise(last, hidden, 1)
        whole = counts(f"mobilenet_v3_{name}").multiply_adds
        rows.append([name, f"{last} to {hidden}", f"{before:,}", f"{behind:,}", f"{(before - behind) / whole:.0%}"])
    return table(["network", "layer", "on the 7x7 map", "behind the pool", "saved, of the whole network's"], rows)


def shufflenet_v1() -> list[str]:
    """The unit against ResNet's and ResNeXt's at the same channels."""
    rows = []
    for groups, channels in ((1, 144), (2, 200), (3, 240), (4, 272), (8, 384)):
        middle, hw = channels // 4, 28 * 28
        resnet_ = 2 * formulas.pointwise(channels, middle, hw) + formulas.convolution(3, middle, middle, hw)
        unit = formulas.shuffle_unit(channels, middle, hw, groups)
        rows.append([f"{groups}", f"{channels}", f"{unit:,}", f"{resnet_:,}", f"{resnet_ / unit:.1f}"])
    return table(["groups", "channels", "ShuffleNet's unit", "ResNet's bottleneck", "times fewer"], rows)


def shufflenet_v2() -> list[str]:
    """Memory access of pointwise convolutions on a 28x28 map, against the least for their multiply-adds."""
    layers = (
        ("ShuffleNet v2", 58, 58, 1),
        ("MobileNet v1", 256, 256, 1),
        ("MobileNet v2", 32, 192, 1),
        ("ShuffleNet v1, 3 groups", 240, 60, 3),
        ("SqueezeNet's squeeze", 256, 32, 1),
    )
    rows = []
    for name, c1, c2, groups in layers:
        work = formulas.grouped_convolution(1, c1, c2, 784, groups)
        access, least = formulas.memory_access(c1, c2, 784, groups), formulas.least_memory_access(work, 784)
        rows.append([name, f"{c1} to {c2}", f"{work:,}", f"{access:,}", f"{least:,.0f}", f"{access / least:.2f}"])
    columns = ["pointwise convolution of", "channels", "multiply-adds", "memory access", "the least for them", "ratio"]
    return table(columns, rows)


def mnasnet() -> list[str]:
    """One separable 5x5 against two separable 3x3, and what the objective gives for latency."""
    rows = []
    for channels in (4, 7, 16, 40, 120, 480):
        five = formulas.depthwise(5, channels, 196) + formulas.pointwise(channels, channels, 196)
        threes = 2 * (formulas.depthwise(3, channels, 196) + formulas.pointwise(channels, channels, 196))
        rows.append([f"{channels}", f"{five:,}", f"{threes:,}", f"{five / threes:.2f}"])
    prices = ", ".join(f"{times:g} times the target: {times**-0.07 - 1:+.1%}" for times in (0.5, 1.5, 2.0, 4.0))
    lines = table(["channels", "one separable 5x5", "two separable 3x3", "ratio"], rows)
    return [*lines, "", f"What (LAT/T)^-0.07 makes of an accuracy: {prices}."]


FORMULAS: dict[str, Callable[[], list[str]]] = {
    "alexnet": alexnet,
    "resnet": resnet,
    "squeezenet": squeezenet,
    "mobilenet_v1": mobilenet_v1,
    "shufflenet_v1": shufflenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "shufflenet_v2": shufflenet_v2,
    "mnasnet": mnasnet,
    "mobilenet_v3": mobilenet_v3,
}
