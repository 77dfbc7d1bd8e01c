"""A piece of training in a larger job: done once, its weights in a file and its accuracy in the journal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor, nn

from featherlight.errors import Failure
from featherlight.files import replacing, sha256
from featherlight.journal import Record
from featherlight.training.checkpoints import Checkpoints
from featherlight.training.loop import Trained

TRAINED = "trained"  # the event


def trained_once(
    record: Record,
    folder: Path,
    key: str,
    network: nn.Module,
    train: Callable[[Checkpoints], Trained],
    say: Callable[[str], None],
) -> tuple[dict[str, Tensor], float]:
    """The weights and the validation accuracy that `train` leaves `network` with, or left it with before.

    `folder` holds the weights by `key`, and the checkpoints from which a training that was cut short goes on. One that
    diverges has the accuracy 0: in a race it cannot win, and the others go on. Raises Failure where the file of
    finished weights is missing or damaged.
    """

    def work() -> dict[str, Any]:
        checkpoints = Checkpoints(folder / key, say=say)
        images, accuracy = 0, 0.0
        try:
            trained = train(checkpoints)
            images, accuracy = trained.images, trained.accuracy
        except Failure as failure:
            say(f"{key}: {failure}")
        path = folder / f"{key}.safetensors"
        with replacing(path) as temporary:
            tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
            safetensors.torch.save_file(tensors, temporary, metadata={"format": "pt"})
        shutil.rmtree(checkpoints.folder, ignore_errors=True)
        return {"images": images, "accuracy": accuracy, "weights": path.name, "sha256": sha256(path)}

    event = record.once(TRAINED, work, key=key)
    path = folder / event["weights"]
    if not path.exists() or sha256(path) != event["sha256"]:
        raise Failure(f"{path} is missing or damaged, and the job cannot go on from it; begin in another folder")
    return safetensors.torch.load_file(path), float(event["accuracy"])
