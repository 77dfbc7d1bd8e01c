"""Do the papers' claims show on a small data set? Each that a switch can show, on thin networks and Fashion-MNIST.

Two networks that differ in one thing are trained from scratch alike (same recipe, same seeds), and timed side by side
on one thread by the engine that runs them fastest. Every variant is a Spec made from its family's by a function.
Prediction: what decides whether channels meet at all (the shuffle, the 3x3 kernels, the expansion) shows; what gives a
point on ImageNet (hard swish, squeeze-excite, linear bottlenecks) drowns in the difference between two seeds.

    python benchmarks/ablations.py --folder /tmp/ablations --out docs/measured/ablations.json

What is finished stays in the folder, a file a row: the same command goes on where it was stopped or killed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch

from featherlight.cli.output import note, print_table
from featherlight.cost import count
from featherlight.data import Dataset, open_dataset
from featherlight.engines import ModuleSource, available, measure
from featherlight.files import write_json
from featherlight.layers import Network
from featherlight.models.mobilenet_v1 import mobilenet_v1
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.models.shufflenet_v1 import shufflenet_v1
from featherlight.models.squeezenet import squeezenet
from featherlight.spec import (
    Activation,
    Convolution,
    DepthwiseSeparable,
    InvertedResidual,
    Residual,
    Row,
    Spec,
    Style,
    small_images,
)
from featherlight.timing import this_machine
from featherlight.training import Recipe, evaluate, train_network
from featherlight.training.normalisation import preprocessing_for

SIZE, SEEDS = 28, (0, 1)
CHECKED = 1000  # validation images: they pick no more than which epoch's weights are kept


@dataclass(frozen=True)
class Variant:
    """A network, and the side of the images that it sees."""

    spec: Spec
    size: int = SIZE


@dataclass(frozen=True)
class Comparison:
    """What a paper claims of `one` beside `other`, two variants of a family that differ in one thing.

    `claimed` is what it says of the accuracy of `one`.
    """

    family: str
    one: str
    other: str
    claimed: Literal["higher", "as high", "lower"]
    paper: str
    claim: str


def with_activation(spec: Spec, activation: Activation) -> Spec:
    """`spec` with another activation wherever it has one."""

    def changed(row: Row) -> Row:
        return cast("Row", replace(cast("Convolution", row), activation=activation)) if has(row) else row

    def has(row: Row) -> bool:
        return hasattr(row, "activation")

    return replace(every(changed, spec), head=replace(spec.head, activation=activation))


def every(change: Callable[[Row], Row], spec: Spec) -> Spec:
    """`spec` with `change` applied to each of its rows."""
    return replace(spec, rows=tuple(map(change, spec.rows)))


def ungated(row: Row) -> Row:
    """Without squeeze-excite."""
    return replace(row, squeeze_excite=None) if isinstance(row, InvertedResidual) else row


def dense(row: Row) -> Row:
    """A standard convolution in place of a depthwise separable one."""
    if not isinstance(row, DepthwiseSeparable):
        return row
    return Convolution(row.channels, row.kernel, row.stride, row.activation)


def bottleneck(row: Row) -> Row:
    """ResNet's block, wide outside and narrow inside; 1.5 times v2's thin ends make about its multiply-adds."""
    if not isinstance(row, InvertedResidual):
        return row
    middle = row.channels * 3 // 4
    return Residual(4 * middle, middle, row.stride, bottleneck=True)


fire = partial(squeezenet, stem_channels=24, base=32, increment=32)
v3 = partial(mobilenet_v3, "small", 0.2)

FAMILIES: Mapping[str, Mapping[str, Variant]] = {
    "ShuffleNet v1 0.125x, 8 groups": {
        "shuffle": Variant(shufflenet_v1(0.125, groups=8)),
        "no shuffle": Variant(shufflenet_v1(0.125, groups=8, shuffle=False)),
    },
    "MobileNet v1 0.125x": {
        "depthwise separable": Variant(mobilenet_v1(0.125)),
        "standard convolution": Variant(every(dense, mobilenet_v1(0.125))),
        "20 pixels": Variant(mobilenet_v1(0.125), size=20),
        "fewer channels": Variant(mobilenet_v1(0.085, style=Style(divisor=2))),
    },
    "MobileNet v2 0.15x": {
        "linear, expansion 6": Variant(mobilenet_v2(0.15)),
        "ReLU6 after the projection": Variant(mobilenet_v2(0.15, linear=False)),
        "expansion 1": Variant(mobilenet_v2(0.15, expansion=1)),
        "ResNet's bottleneck": Variant(every(bottleneck, mobilenet_v2(0.15))),
    },
    "MobileNet v3-small 0.2x": {
        "as published": Variant(v3()),
        "ReLU": Variant(with_activation(v3(), "relu")),
        "no squeeze-excite": Variant(every(ungated, v3())),
        "v2's head": Variant(v3(cheap_head=False)),
    },
    "SqueezeNet, 32 to 128 channels": {
        "late, half 3x3, squeeze 1/8": Variant(fire()),
        "early downsampling": Variant(fire(downsampling="early")),
        "an eighth 3x3": Variant(fire(share_3x3=0.125)),
        "all but an eighth 3x3": Variant(fire(share_3x3=0.875)),
        "squeeze 3/4": Variant(fire(squeeze_ratio=0.75)),
    },
}

COMPARISONS = (
    Comparison("ShuffleNet v1 0.125x, 8 groups", "shuffle", "no shuffle", "higher",
               "ShuffleNet v1, section 4.1.2", "without the shuffle no group learns from another"),
    Comparison("MobileNet v1 0.125x", "depthwise separable", "standard convolution", "lower",
               "MobileNet v1, section 4.1", "a point less accurate for an eighth to a ninth of the work"),
    Comparison("MobileNet v1 0.125x", "fewer channels", "20 pixels", "as high",
               "MobileNet v1, section 4.2", "width and resolution buy accuracy alike at equal work"),
    Comparison("MobileNet v2 0.15x", "linear, expansion 6", "ReLU6 after the projection", "higher",
               "MobileNet v2, sections 3.2 and 6", "an activation on few channels destroys information"),
    Comparison("MobileNet v2 0.15x", "linear, expansion 6", "expansion 1", "higher",
               "MobileNet v2, section 3.3", "the expansion is what a block can express"),
    Comparison("MobileNet v2 0.15x", "linear, expansion 6", "ResNet's bottleneck", "higher",
               "MobileNet v2, sections 3.3 and 6", "shortcuts belong between the thin ends"),
    Comparison("MobileNet v3-small 0.2x", "as published", "ReLU", "higher",
               "MobileNet v3, section 5.2", "hard swish is worth its time"),
    Comparison("MobileNet v3-small 0.2x", "as published", "no squeeze-excite", "higher",
               "MobileNet v3, section 5.3", "squeeze-excite raises accuracy for little time"),
    Comparison("MobileNet v3-small 0.2x", "as published", "v2's head", "as high",
               "MobileNet v3, section 5.1", "the last layer behind the pool costs no accuracy"),
    Comparison("SqueezeNet, 32 to 128 channels", "late, half 3x3, squeeze 1/8", "early downsampling", "higher",
               "SqueezeNet, section 3.1, strategy 3", "large maps for longer are more accurate"),
    Comparison("SqueezeNet, 32 to 128 channels", "late, half 3x3, squeeze 1/8", "an eighth 3x3", "higher",
               "SqueezeNet, section 5.3", "accuracy grows with the 3x3 filters up to a half of all"),
    Comparison("SqueezeNet, 32 to 128 channels", "late, half 3x3, squeeze 1/8", "all but an eighth 3x3", "as high",
               "SqueezeNet, section 5.3", "and beyond a half it grows no more"),
    Comparison("SqueezeNet, 32 to 128 channels", "late, half 3x3, squeeze 1/8", "squeeze 3/4", "lower",
               "SqueezeNet, section 5.2", "a wider squeeze is more accurate, and larger"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("ablations"), help="where finished rows are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "ablations.json")
    parser.add_argument("--epochs", type=float, default=2.0, help="2; a part of one where there is less time")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    dataset = open_dataset("fashion-mnist", 0)
    for family, variants in FAMILIES.items():
        if not (timed := asked.folder / f"{_slug(family)}.times.json").exists():
            write_json(timed, times(variants))
        for name, variant in variants.items():
            for seed in SEEDS:
                done = asked.folder / f"{_slug(family)}.{_slug(name)}.{seed}.json"
                if not done.exists():
                    note(f"{family}, {name}, seed {seed}")
                    write_json(done, trained(variant, dataset, asked.epochs, seed))
                    write_json(asked.out, summary(asked.folder, asked.epochs))  # stopped, it has its figures so far
    document = summary(asked.folder, asked.epochs)
    write_json(asked.out, document)
    print_table(list(document["rows"][0]), [list(row.values()) for row in document["rows"]])


def times(variants: Mapping[str, Variant]) -> dict[str, Any]:
    """Of each variant: its counts, and its time on the engine that runs it fastest, all timed in the same rounds."""
    sources = {name: ModuleSource(network(each, 0), (1, each.size, each.size)) for name, each in variants.items()}
    rivals = {(name, engine.name): engine for name in sources for engine in available()}
    running = {" on ".join(pair): engine.build(sources[pair[0]], threads=1) for pair, engine in rivals.items()}
    measured = measure(running, seconds=0.5 * len(running))
    rows = {}
    for name, source in sources.items():
        mine = {engine: measured[" on ".join(pair)] for pair in rivals if pair[0] == name for engine in pair[1:]}
        fastest = min(mine, key=lambda engine: mine[engine].median)
        cost = count(source.graph)
        rows[name] = {
            "parameters": cost.parameters,
            "multiply-adds": cost.multiply_adds,
            "engine": fastest,
            "ms": mine[fastest].median * 1e3,
            "p90 ms": mine[fastest].p90 * 1e3,
        }
    return rows


def trained(variant: Variant, dataset: Dataset, epochs: float, seed: int) -> dict[str, Any]:
    """The test accuracy after training from scratch."""
    module, preprocessing = network(variant, seed), preprocessing_for(dataset, variant.size)
    done = train_network(
        module, dataset, Recipe(), preprocessing, epochs=epochs, threads=1, seed=seed, validated=CHECKED
    )
    return {"seed": seed, "images": done.images, "test": evaluate(module, dataset.test, preprocessing)}


def network(variant: Variant, seed: int) -> Network:
    """The variant for small images; SqueezeNet too with batch norm, without which it learns nothing in minutes."""
    spec = replace(variant.spec, style=replace(variant.spec.style, norm="batch"))
    torch.manual_seed(seed)
    return Network(small_images(spec), 10, 1)


def summary(folder: Path, epochs: float) -> dict[str, Any]:
    """What stands in the folder so far: a row a variant, and the comparisons that the rows are for."""
    rows = []
    for family, variants in FAMILIES.items():
        timed = folder / f"{_slug(family)}.times.json"
        counts = json.loads(timed.read_bytes()) if timed.exists() else {}
        for name in variants:
            paths = [folder / f"{_slug(family)}.{_slug(name)}.{seed}.json" for seed in SEEDS]
            runs = [json.loads(path.read_bytes()) for path in paths if path.exists()]
            if runs and name in counts:
                rows.append({"family": family, "variant": name, **counts[name], "test": [run["test"] for run in runs]})
    return {
        "epochs": epochs,
        "machine": asdict(this_machine()),
        "torch": str(torch.__version__),
        "rows": rows,
        "comparisons": [asdict(each) for each in COMPARISONS],
    }


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())


if __name__ == "__main__":
    main()
