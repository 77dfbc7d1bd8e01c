"""Which images to hold out for validation and test: the same ones on every machine."""

from __future__ import annotations

import hashlib

from featherlight.data.folder import Classes, portable


def hold_out(classes: Classes, share: float, parts: int, seed: int) -> list[Classes]:
    """`parts` disjoint splits, each with `share` of every class, followed by what is left for training.

    A class gives at least one image to each part if one is left to train on, else none. The choice hangs on `seed` and
    the images' names alone (by SHA-256, whose answers never change, unlike a random generator's), and each split keeps
    the order of `classes`.
    """
    splits: list[Classes] = [{} for _ in range(parts + 1)]
    for label, names in classes.items():
        ranked = sorted(names, key=lambda name: hashlib.sha256(b"%d:%b" % (seed, portable(name))).digest())
        count = min(max(1, round(share * len(names))), max(0, len(names) - 1) // parts)
        part_of = {name: place // count for place, name in enumerate(ranked[: count * parts])}
        for part, split in enumerate(splits):
            split[label] = [name for name in names if part_of.get(name, parts) == part]
    return splits
