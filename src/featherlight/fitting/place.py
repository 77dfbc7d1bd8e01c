"""One network put where another one is: all the files of its folder, so that no crash leaves two networks mixed.

Files can be replaced one at a time only. So the new ones are written beside the old ones first, and are on the disk;
then config.json goes, without which a folder is no network; the others are renamed; and config.json comes back as the
new network's, with the figures after it. Killed in between, the folder holds no network, and never weights of one with
the table of another; going on finishes it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from featherlight.files import replacing
from featherlight.fitting.effort import StageName
from featherlight.fitting.judge import ONNX
from featherlight.fitting.result import PICTURE, RESULT, Fitted, card_notes, write_figures
from featherlight.fitting.task import Task
from featherlight.predict import load
from featherlight.pretrained import save
from featherlight.pretrained.folder import CARD
from featherlight.pretrained.repository import CONFIG, SAFETENSORS
from featherlight.report import add_to_fit

STAGES = "stages"  # the folder, in that of the fit, of the stages after the first
FOLDERS: Mapping[StageName, str] = {"shrink": "shrunk", "search": "found", "shrink what was found": "found_shrunk"}
NEXT = "next"  # where a network waits to be put in its place

FILES = (SAFETENSORS, ONNX, CARD, PICTURE, CONFIG, RESULT)  # in this order they are replaced


def settle(task: Task, fitted: Fitted) -> None:
    """Bring the folder up to the last stage, once: its figures, and its network where that was kept.

    The journal holds what the stage decided before anything is replaced, and afterwards that all was: whatever happens
    in between is finished when the fit goes on.
    """
    stage = fitted.stages[-1]
    if task.record.find("placed", name=stage.name):
        return
    if len(fitted.stages) == 1 or not stage.kept:
        write_figures(fitted, task.folder)
    else:
        waiting = task.folder / STAGES / NEXT
        shutil.rmtree(waiting, ignore_errors=True)
        home = waiting / task.folder.resolve().name  # the card's title is the folder's name
        _prepare(task, fitted, task.folder / STAGES / FOLDERS[stage.name], home)
        replace_network(home, task.folder)
        shutil.rmtree(waiting, ignore_errors=True)
    task.record.add("placed", name=stage.name)
    add_to_fit(task.folder, task.dataset, task.say)


def replace_network(source: Path, folder: Path) -> None:
    """Put the network in the folder `source`, with its figures, in the place of the one in `folder`.

    Killed at any moment, `folder` has the old network, or none, or the new one; fit.json tells of the new one last.
    """
    with ExitStack() as stack:
        for name in reversed(FILES):  # what is entered last is replaced first
            temporary = stack.enter_context(replacing(folder / name))
            shutil.copyfile(source / name, temporary)
            _on_disk(temporary)  # a disk that is full is noticed now
        (folder / CONFIG).unlink(missing_ok=True)


def _prepare(task: Task, fitted: Fitted, source: Path, home: Path) -> None:
    """The files of a stage's network, in the folder `home`, as they are to stand in the fit's."""
    classifier, judged = load(source), fitted.network
    entrant = judged.entrant
    save(
        home,
        classifier.model,
        label_names=classifier.label_names,
        preprocessing=classifier.preprocessing.to_config(),
        notes=card_notes(
            task,
            fitted.effort,
            entrant.name,
            entrant.size,
            judged.measurement,
            judged.validation_accuracy,
            entrant.weights,
        ),
    )
    shutil.copyfile(source / ONNX, home / ONNX)
    write_figures(fitted, home)


def _on_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
