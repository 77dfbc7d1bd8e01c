"""Do decoding and augmentation of photographs keep up with the training step, and if not, which one waits?

Prediction: with photographs of 640x480, training at 128 pixels on a CPU never waits: two cores decode more than 400
images a second and augment more than 1,000, and the light-weight networks train on fewer than 300 of them. Decoding
shares the cores with training, so it costs time all the same; that shows in the last table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import sklearn.datasets
import torch
from PIL import Image
from torch import Generator

from featherlight.cli.output import print_table
from featherlight.data import Dataset, Preprocessing, Split, open_dataset, split
from featherlight.files import write_json
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.timing import measure, noise, this_machine
from featherlight.training import Recipe, images_per_second, train_network
from featherlight.training.augment import augment, decoded_size
from featherlight.training.recipe import Policy

Row = dict[str, Any]

BATCH = 64
NETWORKS = (("mobilenet_v2", 0.35), ("shufflenet_v2", 0.5))
POLICIES: tuple[Policy, ...] = ("none", "trivial")
SIZE = 128
WAITS = 0.05  # of its time; the first batch is always waited for
PHOTOGRAPHS = Recipe(crop="resize", batch=BATCH)
AUGMENTATIONS: dict[str, Row] = {
    "crop and mirror": {},
    "+ trivial": {"policy": "trivial"},
    "+ rand": {"policy": "rand"},
    "+ erase 0.25": {"erase": 0.25},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and steps: under a minute")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args()
    cores, threads = this_machine().cores, torch.get_num_threads()
    loudness = noise(1.0)
    print(f"{this_machine().cpu}, {cores} cores, torch {torch.__version__} on {threads} threads, noise {loudness:.2f}")
    rounds, steps = (3, 8) if options.quick else (10, 40)
    # As if there were too many photographs to keep them decoded: each is decoded every time.
    split.KEPT_BYTES = 0
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), 240)
        dataset = open_dataset(folder)
        decoding = list(measure_decoding(dataset.train, cores, rounds))
        print_rows("decoding and resizing of 640x480 JPEGs", decoding)
        augmentation = [row for count in sorted({1, threads}) for row in measure_augmentation(count, rounds)]
        print_rows("augmentation", augmentation)
        cases = product(NETWORKS, POLICIES)
        training = [measure_training(*network, policy, dataset, threads, steps) for network, policy in cases]
    print_rows(f"training at {SIZE} pixels, images/s: the step alone, and from files, decoded a batch ahead", training)
    if options.out:
        about = {"machine": asdict(this_machine()), "torch": torch.__version__, "noise": loudness}
        write_json(options.out, {**about, "decoding": decoding, "augmentation": augmentation, "training": training})


def write_photographs(folder: Path, count: int) -> None:
    """So many JPEGs of 640x480 in two classes: crops of real photographs, of another place and size each time."""
    names = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")
    photographs = [getattr(skimage.data, name)() for name in names] + sklearn.datasets.load_sample_images().images
    random = np.random.default_rng(0)
    for number in range(count):
        whole = Image.fromarray(photographs[number % len(photographs)])
        width = random.uniform(0.6, 1) * min(whole.width, whole.height * 4 / 3)
        left, top = random.uniform(0, 1, 2) * (whole.width - width, whole.height - width * 3 / 4)
        box = (left, top, left + width, top + width * 3 / 4)
        home = folder / f"class_{number % 2}"
        home.mkdir(exist_ok=True)
        whole.resize((640, 480), Image.Resampling.BICUBIC, box).save(home / f"{number}.jpg", quality=90)


def measure_decoding(photographs: Split, cores: int, rounds: int) -> Iterator[Row]:
    """Images a second from files to what `augment` wants for SIZE pixels."""
    size, indices = decoded_size(PHOTOGRAPHS, SIZE), np.arange(BATCH)
    cases = [(count, draft) for count in sorted({1, cores}) for draft in (False, True)]

    def decode(count: int, draft: bool) -> None:
        with on_cores(count):
            photographs.images(indices, size, draft=draft)

    calls = {str(case): partial(decode, *case) for case in cases}
    for (count, draft), rate in zip(cases, rates(calls, rounds), strict=True):
        yield {"cores": count, "draft": draft, "size": size, **rate}


def measure_augmentation(threads: int, rounds: int) -> Iterator[Row]:
    """Images a second from bytes to what a network is fed, before it is normalised."""
    generator = Generator().manual_seed(0)
    cases, calls = [], {}
    for size in (28, SIZE, 224):
        for name, changes in AUGMENTATIONS.items():
            recipe = Recipe(crop="pad" if size == 28 else "resize", **changes)
            side = decoded_size(recipe, size)
            images = torch.randint(0, 256, (BATCH, 3, side, side), dtype=torch.uint8, generator=generator)
            cases.append({"size": size, "augmentation": name, "threads": threads})
            calls[f"{size} {name}"] = partial(augment, images, size, recipe, generator)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        measured = rates(calls, rounds)
    finally:
        torch.set_num_threads(before)
    for case, rate in zip(cases, measured, strict=True):
        yield {**case, **rate}


def measure_training(name: str, width: float, policy: Policy, dataset: Dataset, threads: int, steps: int) -> Row:
    """Images a second of the step alone, then of training from files, and what share of that went into waiting."""
    model = Network(entry(name).build(width=width), num_classes=2)
    alone = images_per_second(model, SIZE, batch=BATCH, threads=threads, seconds=steps / 8)
    preprocessing = Preprocessing(SIZE, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    recipe = Recipe(crop="resize", batch=BATCH, policy=policy, learning_rate=0.01)
    trained = train_network(model, dataset, recipe, preprocessing, steps=steps, threads=threads)
    waiting = trained.waited / trained.seconds
    return {
        "network": f"{name} {width}",
        "policy": policy,
        "threads": threads,
        "step alone": alone,
        "from files": trained.images_per_second,
        "waiting": waiting,
        "who waits": "training" if waiting > WAITS else "decoding",
    }


def rates(calls: Mapping[str, Callable[[], object]], rounds: int) -> list[Row]:
    """Median, 10th and 90th percentile of the images a second of calls that handle a batch, timed in turn."""
    samples = measure(calls, rounds=rounds).values()
    percentiles = [np.percentile(BATCH / np.array(times), (50, 10, 90)).tolist() for times in samples]
    return [dict(zip(("images/s", "p10", "p90"), numbers, strict=True)) for numbers in percentiles]


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """On so many cores: this thread, and those that it starts, where the system can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def print_rows(title: str, rows: list[Row]) -> None:
    print(f"\n{title}")
    print_table(list(rows[0]), [list(row.values()) for row in rows])


if __name__ == "__main__":
    main()
