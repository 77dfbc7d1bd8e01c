"""What do trained weights give where there are ten images a class?

MobileNet v2 with its ImageNet weights, fine-tuned on ten images of each class of Fashion-MNIST with the default recipe,
against the same network from scratch on the same images, each for several draws of the images. Prediction: the weights
give at least five points.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from featherlight.cli.output import note, print_table
from featherlight.data import Dataset, Split, open_dataset
from featherlight.data.fashion_mnist import LABEL_NAMES, NAME, read
from featherlight.data.pictures import Array
from featherlight.files import write_json
from featherlight.timing import this_machine
from featherlight.training import evaluate, train_network
from featherlight.training.start import start_from

EACH = 10  # images a class
# The same number of images seen; from scratch at the images' own 28 pixels more of them as well.
WAYS: dict[str, dict[str, Any]] = {
    "from ImageNet's weights": {"size": 64, "scratch": False, "epochs": 40},
    "from scratch": {"size": 64, "scratch": True, "epochs": 40},
    "from scratch, as small images": {"size": 28, "scratch": True, "epochs": 100},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "transfer.json")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for way, how in WAYS.items():
        accuracies, seconds = [], []
        for draw in range(asked.draws):
            start = time.perf_counter()
            accuracies.append(accuracy(few(draw), draw, **how))
            seconds.append(time.perf_counter() - start)
            note(f"{way}, draw {draw}: {accuracies[-1]:.1%} in {seconds[-1]:.0f} s")
        rows.append(
            {
                "way": way,
                **how,
                "test": statistics.mean(accuracies),
                "each": accuracies,
                "seconds": statistics.median(seconds),
            }
        )
        write_json(asked.out, {"images a class": EACH, "machine": asdict(this_machine()), "rows": rows})
    print_table(
        ["start", "size", "epochs", "test accuracy", "seconds"],
        [[row["way"], row["size"], row["epochs"], f"{row['test']:.1%}", row["seconds"]] for row in rows],
    )


def few(draw: int) -> Dataset:
    """Fashion-MNIST with ten training and ten validation images a class; all test images."""
    images, labels = read("train")
    order = np.random.default_rng(draw).permutation(len(labels))
    ranked = [order[labels[order] == label] for label in range(10)]

    def split(first: int) -> Split:
        chosen = np.concatenate([each[first : first + EACH] for each in ranked])
        return Split(Array(NAME, images[chosen]), labels[chosen], channels=1)

    whole = open_dataset(NAME)
    return replace(whole, label_names=LABEL_NAMES, train=split(0), validation=split(EACH))


def accuracy(dataset: Dataset, seed: int, *, size: int, scratch: bool, epochs: float) -> float:
    """On the test images, after training by the default recipe."""
    start = start_from("mobilenet_v2", {}, dataset, size=size, scratch=scratch, seed=seed)
    train_network(start.network, dataset, start.recipe, start.preprocessing, epochs=epochs, seed=seed)
    return evaluate(start.network, dataset.test, start.preprocessing)


if __name__ == "__main__":
    main()
