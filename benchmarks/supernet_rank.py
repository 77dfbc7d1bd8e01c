"""Does a supernet put networks in the order that they have when each is trained alone?

The same networks of the space `light`, of one pattern and drawn at random within a budget, are judged twice on
Fashion-MNIST: with the weights of a supernet that was trained on others of the same pattern and budget, and after each
was trained by itself, with two seeds. The budget is of multiply-adds, so that the networks are the same on every
machine. Prediction: Spearman's rank correlation with the mean of both seeds is 0.6 or more, of all networks, and 0.3 or
more among the better half, who differ by little more than two seeds of one network do: between the seeds themselves it
is about 0.8 and 0.5.

What came of it: -0.25 of all and -0.26 of the better half, after 200,000 images for the supernet and 20,000 for each
network by itself. As a plain alternative each network is also trained briefly by itself, with a third seed: on 5,000
images each, 60,000 in all, they come in that order by 0.86 and 0.66.

    python benchmarks/supernet_rank.py --folder /tmp/supernet-rank --out docs/measured/supernet_rank.json

What is finished stays in the folder: the same command goes on where it was stopped or killed.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from featherlight.cli.output import note, print_table
from featherlight.data import Dataset, open_dataset
from featherlight.explain.rank import rank_correlation
from featherlight.files import write_json
from featherlight.journal import Journal, Record
from featherlight.layers import Network
from featherlight.layers.shapes import row_shapes
from featherlight.searching import Supernet, judge, network_of, networks_within, read_space
from featherlight.spec import Spec, to_json, walk
from featherlight.timing import this_machine
from featherlight.training import preprocessing_for, recipe_for, train_network
from featherlight.training.kept import trained_once

DATA, SPACE, SIZE = "fashion-mnist", "light", 28
POOL = 400  # networks that the supernet is trained on
SEEDS, BRIEF_SEED = (0, 1), 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=12, help="that are judged both ways")
    parser.add_argument("--multiply-adds", type=float, default=3e6, help="of a network, at most")
    parser.add_argument("--alone", type=int, default=40_000, help="images that each network sees by itself")
    parser.add_argument("--shared", type=int, default=480_000, help="images that the supernet sees")
    parser.add_argument("--brief", type=int, default=5_000, help="images that each network sees in a short training")
    parser.add_argument("--folder", type=Path, default=Path("supernet-rank"), help="where work under way is kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "supernet_rank.json")
    asked = parser.parse_args()
    work = Work(asked.folder)
    work.record.begin({name: value for name, value in vars(asked).items() if name not in ("folder", "out")})
    result = compare(work, asked.networks, asked.multiply_adds, asked.alone, asked.shared, asked.brief)
    write_json(asked.out, {"data": DATA, "space": SPACE, "images alone": asked.alone, "images shared": asked.shared,
                           "images brief": asked.brief, "machine": asdict(this_machine()), **result})  # fmt: skip
    columns = ["million multiply-adds", "shared", "briefly", *(f"alone, seed {seed}" for seed in SEEDS)]
    print_table(
        columns,
        [[row["multiply_adds"] / 1e6, row["shared"], row["brief"], *row["alone"]] for row in result["networks"]],
    )
    print_table(
        ["of", *(f"{by}: {how}" for by in ("supernet", "brief", "seeds") for how in ("Spearman", "Kendall"))],
        [[name, *(value for by in each.values() for value in by.values())]
         for name, each in result["correlations"].items()],
    )  # fmt: skip


class Work:
    """Trainings that are done once, for the same command to go on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder, Record(Journal(folder / "journal.jsonl"))
        self.dataset: Dataset = open_dataset(DATA)
        self.preprocessing, self.recipe = preprocessing_for(self.dataset, SIZE), recipe_for(SIZE)

    def trained(self, key: str, network: nn.Module, images: int, seed: int) -> float:
        """The validation accuracy of the network after that training, which leaves it with its weights."""
        weights, accuracy = trained_once(
            self.record,
            self.folder,
            key,
            network,
            lambda checkpoints: train_network(
                network,
                self.dataset,
                self.recipe,
                self.preprocessing,
                steps=math.ceil(images / self.recipe.batch),
                threads=1,
                seed=seed,
                checkpoints=checkpoints,
            ),
            note,
        )
        network.load_state_dict(weights)
        return accuracy


def compare(work: Work, networks: int, budget: float, alone: int, shared: int, brief: int) -> dict[str, Any]:
    """Each network's accuracies, and how well one puts them in the order of the other."""
    whole, generator = read_space(SPACE, SIZE), np.random.default_rng(0)
    [pattern] = networks_within(whole, multiply_adds, budget, 1, generator)
    space = whole.narrowed(pattern)
    judged = networks_within(space, multiply_adds, budget, networks, generator)
    pool = networks_within(space, multiply_adds, budget, POOL, generator)
    supernet = Supernet(space, [genes for genes in pool if genes not in judged], 10, 1)
    note(f"the supernet, {shared:,} images")
    work.trained("supernet", supernet, shared, seed=0)
    rows: list[dict[str, Any]] = []
    for number, genes in enumerate(judged):
        spec, by_itself = network_of(space, genes), []
        for seed in SEEDS:
            note(f"network {number + 1} of {len(judged)}, seed {seed}")
            torch.manual_seed(seed)
            by_itself.append(work.trained(f"network-{number}-{seed}", Network(spec, 10, 1), alone, seed))
        torch.manual_seed(BRIEF_SEED)
        briefly = work.trained(f"brief-{number}", Network(spec, 10, 1), brief, BRIEF_SEED)
        accuracy = judge(supernet, genes, work.dataset, work.preprocessing, len(work.dataset.validation))
        rows.append({"spec": to_json(spec), "multiply_adds": multiply_adds(spec), "shared": accuracy,
                     "brief": briefly, "alone": by_itself})  # fmt: skip
    rows.sort(key=lambda row: float(np.mean(row["alone"])), reverse=True)
    better = rows[: -(-len(rows) // 2)]
    return {"networks": rows, "correlations": {"all": correlations(rows), "the better half": correlations(better)}}


def correlations(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Of the supernet's order with that alone, of a short training's, and of one seed's with the other's."""
    shared, alone = [row["shared"] for row in rows], [sum(row["alone"]) for row in rows]
    pairs = {
        "supernet": (shared, alone),
        "brief": ([row["brief"] for row in rows], alone),
        "seeds": ([row["alone"][0] for row in rows], [row["alone"][1] for row in rows]),
    }
    return {name: {"spearman": rank_correlation(*pair), "kendall": kendall(*pair)} for name, pair in pairs.items()}


def kendall(one: Sequence[float], other: Sequence[float]) -> float:
    """Kendall's tau: of all pairs, the share in the same order less the share in the opposite one."""
    pairs = list(itertools.combinations(zip(one, other, strict=True), 2))
    return float(np.mean([np.sign((a - b) * (c - d)) for (a, c), (b, d) in pairs]))


def multiply_adds(spec: Spec) -> float:
    """Of the rows' convolutions, from their shapes: tracing each network that is drawn would take longer than training.

    What comes before a stride is counted behind it, and squeeze-excite as if it were convolved: near enough to draw by.
    """
    side, total = SIZE, 0.0
    for _, row, entering in walk(spec):
        side = -(-side // row.stride)
        shapes = row_shapes(row, entering or 1, spec.style).values()
        total += side**2 * sum(math.prod(shape) for shape in shapes if len(shape) == 4)
    return total


if __name__ == "__main__":
    main()
