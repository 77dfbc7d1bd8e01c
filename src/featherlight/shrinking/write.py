"""The folder that a shrink leaves: the network as others load it, as ONNX, and all figures."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featherlight.cost import count
from featherlight.files import write_json
from featherlight.graph import from_spec
from featherlight.layers import Network
from featherlight.predict import export, load
from featherlight.pretrained import save
from featherlight.shrinking.result import RESULT, Shrunk, paired_difference
from featherlight.shrinking.task import Task
from featherlight.shrinking.times import Times
from featherlight.shrinking.widths import channels_at, widths
from featherlight.training import correct

ONNX = "model.onnx"


def write(
    task: Task, network: Network, times: Times, wanted: float, images: int, steps: Sequence[dict[str, Any]]
) -> Shrunk:
    """Save a network in the task's folder, judge and time it beside the one it came from, and clear up.

    wanted  of the time of the one it came from; `images` that it was trained on, in these `steps` of NetAdapt
    """
    spec, classes = network.spec, task.ends[0]
    seconds = times.first().median
    save(task.folder, network, label_names=task.dataset.label_names, preprocessing=task.preprocessing.to_config(),
         notes=f"Made faster by `featherlight shrink --method {task.asked.method}` from a network of "
         f"{seconds * 1e3:.3g} ms, on {task.dataset.source}. {RESULT} holds all figures.")  # fmt: skip
    written = load(task.folder)
    export(written, task.folder / ONNX, _some(task))
    before, after = (correct(each, task.dataset.test, task.preprocessing) for each in (task.start.model, written.model))
    counts = [count(from_spec(each, (1, *task.image), classes)) for each in (task.spec, spec)]
    first, last, ratio = times.final(spec)
    shrunk = Shrunk(
        folder=task.folder,
        data=task.dataset.source,
        seed=task.asked.seed,
        method=task.asked.method,
        wanted=wanted,
        before=first,
        after=last,
        ratio=ratio,
        predicted="" if task.table is None else task.table.label,
        accuracy_before=float(before.mean()),
        accuracy=float(after.mean()),
        difference=paired_difference(before, after),
        multiply_adds=(counts[0].multiply_adds, counts[1].multiply_adds),
        parameters=(counts[0].parameters, counts[1].parameters),
        images=images,
        widths=tuple((each.name, each.channels, channels_at(spec, each)) for each in widths(task.spec)),
        steps=tuple(steps),
        spec=spec,
    )
    write_json(task.folder / RESULT, shrunk.to_json())
    shutil.rmtree(task.work, ignore_errors=True)
    return shrunk


def _some(task: Task) -> NDArray[np.float32]:
    """Images by which the exported network is held against the module."""
    split = task.dataset.validation
    indices = np.arange(min(64, len(split)))
    return split.prepared(indices, task.preprocessing)[split.sound(indices)]
