"""How long does opening a folder of 100,000 photographs take, and how much memory does it keep?

Prediction: under 5 s, and under 100 bytes a file over the characters of its path: a Python string has a header of 49
bytes and two pointers to it take 16, a label takes 8. If not, opening should list lazily.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import tracemalloc
from dataclasses import asdict
from pathlib import Path

from featherlight.cli.output import print_table
from featherlight.data import Dataset, Split, open_dataset
from featherlight.files import write_json
from featherlight.timing import this_machine

RESULT = Path(__file__).parent / "results" / "listing.json"
FILES = 100_000
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--folder", type=Path, help="where to make the files, instead of the temporary folder")
    arguments = parser.parse_args()
    machine = this_machine()
    print(f"{machine.cpu}, {machine.cores} cores\n")
    results = [measure(arguments.files, classes, arguments.folder) for classes in (10, 1_000, 10_000)]
    print_table(tuple(results[0]), [tuple(result.values()) for result in results])
    write_json(RESULT, {"machine": asdict(machine), "results": results})


def measure(files: int, classes: int, place: Path | None) -> dict[str, float]:
    """Seconds to open a folder of so many files, bytes a file over its path, and seconds to look for repeated images.

    The names are in the system's memory. Bytes are those that stay and those of the worst moment. Looking for repeated
    images has the worst case: the files are of few sizes, so that all are read.
    """
    with tempfile.TemporaryDirectory(dir=place) as name:
        fill(Path(name), files, classes)
        seconds = [timed_open(name)[0] for _ in range(ROUNDS)]
        tracemalloc.start()
        _, dataset = timed_open(name)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        characters = sum(
            len(os.fsencode(split.name(i))) - len(name) for split in splits(dataset) for i in range(len(split))
        )
        start = time.perf_counter()
        repeated = len(dataset.repeated)
        looking = time.perf_counter() - start
    return {
        "files": files,
        "classes": classes,
        "open s": statistics.median(seconds),
        "worst s": max(seconds),
        "kept bytes a file": (kept - characters) / files,
        "peak bytes a file": (peak - characters) / files,
        "repeated s": looking,
        "repeated": repeated,
    }


def timed_open(folder: str) -> tuple[float, Dataset]:
    start = time.perf_counter()
    dataset = open_dataset(folder)
    return time.perf_counter() - start, dataset


def splits(dataset: Dataset) -> tuple[Split, ...]:
    return dataset.train, dataset.validation, dataset.test


def fill(folder: Path, files: int, classes: int) -> None:
    """Files of a few bytes, each its own: opening decodes none."""
    for number in range(files):
        home = folder / f"class_{number % classes:05}"
        if number < classes:
            home.mkdir()
        (home / f"photo_{number:07}.jpg").write_bytes(b"%d" % number)


if __name__ == "__main__":
    main()
