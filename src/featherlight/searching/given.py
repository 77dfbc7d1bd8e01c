"""What a search is given: images, a space, a latency table, a study, opened and held against what is asked."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import featherlight
from featherlight.data import Dataset, Preprocessing, open_dataset
from featherlight.engines import AUTO, find
from featherlight.errors import BadInput
from featherlight.latency import LatencyTable, read_table
from featherlight.searching.asked import Asked
from featherlight.searching.space import Space
from featherlight.searching.spaces import read_space
from featherlight.timing import this_machine
from featherlight.training import preprocessing_for

SIZE_OF_GREY, SIZE_OF_PHOTOGRAPHS = 28, 128


class Given(NamedTuple):
    """What a search goes by; `table` is of the device that the network is for, if it is another one."""

    dataset: Dataset
    preprocessing: Preprocessing
    space: Space
    table: LatencyTable | None
    study: str | None  # without its password


def given(data: str | os.PathLike[str], target: str | os.PathLike[str] | None, asked: Asked) -> Given:
    """All of it, opened before anything is timed. Raises BadInput for what cannot be read, reached or used together."""
    dataset = open_dataset(data, asked.seed)
    size = asked.size or (SIZE_OF_GREY if dataset.channels == 1 else SIZE_OF_PHOTOGRAPHS)
    space = read_space(asked.space, size)
    if asked.method == "supernet" and size <= space.total_stride:  # batch norm by one image's own statistics
        raise BadInput(
            f"the space {space.name} leaves a single pixel of {size}, and a supernet's batch norm needs more: "
            f"take a --size above its total_stride, {space.total_stride}"
        )
    table = None if target is None else read_table(Path(target))
    if table is not None:
        table.known_sizes([size])
        table.check(None if asked.engine == AUTO else asked.engine, asked.threads)
    elif asked.engine != AUTO:
        find(asked.engine)  # raises where it is not installed
    return Given(dataset, preprocessing_for(dataset, size), space, table, _study(asked))


def same_again(asked: Asked, given: Given) -> dict[str, Any]:
    """What must be the same where a search is gone on with; this machine too, unless the network is for another one."""
    machine = this_machine()
    return {
        "data": os.path.normpath(given.dataset.source),  # "photos/" is "photos"
        "images": given.dataset.digest,
        "budget": asked.budget,
        "space": given.space.digest,
        "method": asked.method,
        "minutes": asked.minutes,
        "trials": asked.trials,
        "images a network": asked.images,
        "exponent": asked.exponent,
        "size": given.preprocessing.size,
        "target": None if given.table is None else given.table.digest,
        "engine": asked.engine,
        "threads": asked.threads,
        "study": given.study,
        "seed": asked.seed,
        "machine": f"{machine.cpu}, {machine.cores} cores" if given.table is None else None,
        "featherlight": featherlight.__version__,
    }


def _study(asked: Asked) -> str | None:
    """Where the study is to be kept, as it may be shown; raises BadInput where that cannot be reached."""
    if asked.study is None:
        return None
    storage = import_module("featherlight.searching.study.storage")  # which takes half a second
    storage.open_storage(asked.study, new=True)
    return str(storage.shown(asked.study))
