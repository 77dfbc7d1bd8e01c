"""A training run in a folder: from a network's name and a data set's to a hub folder, resumable all the way."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from torch import nn

import featherlight
from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput, must_be
from featherlight.files import write_json
from featherlight.layers import Network
from featherlight.pretrained import save
from featherlight.training import loop
from featherlight.training.checkpoints import EVERY, Checkpoints
from featherlight.training.evaluate import evaluate
from featherlight.training.loop import Check, Trained
from featherlight.training.papers import RECIPES, find_recipe
from featherlight.training.plan import differences
from featherlight.training.recipe import Recipe
from featherlight.training.start import Start, start_from
from featherlight.training.teacher import load_teacher

RESULT = "train.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"

MINUTES = 10.0  # where neither minutes nor epochs are named
SAY_EVERY = 10.0  # seconds of training between two words on its progress

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainingRun:
    """What a finished run left in its folder, as train.json keeps it.

    weights              whose weights it started from; None from scratch
    validation_accuracy  of the weights that are in the folder, the best of all checks
    test_accuracy        of the same weights; the test images were used for this figure alone
    waited               share of the training time that went into waiting for images
    broken_images        a sentence for each image that could not be read
    repeated_images      a sentence for each image to validate or test on that is also one to train on
    """

    folder: Path
    asked: Mapping[str, Any]
    data: str
    seed: int
    weights: str | None
    plan: Mapping[str, Any]
    images: int
    seconds: float
    waited: float
    checks: tuple[Check, ...]
    validation_accuracy: float
    test_accuracy: float
    broken_images: tuple[str, ...]
    repeated_images: tuple[str, ...]

    @property
    def images_per_second(self) -> float:
        """Training images a second over the whole run, checks included."""
        return self.images / self.seconds

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for train.json."""
        document = {name: value for name, value in asdict(self).items() if name != "folder"}
        return {"featherlight": featherlight.__version__, "finished": True} | document

    @classmethod
    def read(cls, folder: Path) -> TrainingRun:
        """The run that train.json in `folder` tells of."""
        document = json.loads((folder / RESULT).read_bytes())
        fields = {name: document[name] for name in cls.__dataclass_fields__ if name != "folder"}
        fields["checks"] = tuple(Check(**check) for check in fields["checks"])
        for name in ("broken_images", "repeated_images"):
            fields[name] = tuple(fields[name])
        return cls(folder=folder, **fields)


def train(
    model: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    recipe: str | Recipe | None = None,
    batch: int | None = None,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    epochs: float | None = None,
    scratch: bool = False,
    resume: bool = False,
    size: int | None = None,
    teacher: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    save_every: float = EVERY,
    tensorboard: bool = False,
    say: Say = lambda _: None,
    **arguments: Any,
) -> TrainingRun:
    """Train a network on the images in `data` and leave it in the folder `out`, ready for `fl.load`.

    model        as in `create_model`: "mobilenet_v2", "timm:mobilenetv2_100", "local-dir:other/", ...
    data         a folder of classes, or any other source that `open_dataset` knows
    recipe       a `Recipe`, the name of one, or a JSON file; by default "fine-tune" where there are weights to start
                 from, else "small-images" or "photographs"
    batch        images a step instead of the recipe's, and the learning rate in proportion
    changes      of the recipe's fields, each as "learning_rate=0.1"
    minutes      of training, 10 by default, turned into a number of steps at the start; or else `epochs`
    scratch      start from random weights although there are trained ones
    resume       go on where a run in `out` stopped, to the same bits; starts one where there is none
    size         pixels a side: those of the weights (64 for grey images), else 28 for grey images and 128
    teacher      a network whose answers are learned as well, as half of the loss where `changes` do not say otherwise
    threads      for PyTorch; by default whichever of one and all is faster now
    save_every   seconds of work that a crash may cost
    tensorboard  write loss, learning rate and accuracy for TensorBoard as well
    arguments    what the network's paper varies: ``width=0.5``

    The best network so far is in `out` after each check. Raises BadInput for whatever cannot be used, and where `out`
    holds something else; Failure where the loss is no longer finite, the best network so far staying in `out`.
    """
    folder = Path(out)
    main = PartialState(cpu=not _has_gpu()).is_main_process
    say = say if main else _silent
    _check_numbers(minutes, epochs, save_every)
    minutes = MINUTES if minutes is None and epochs is None else minutes
    asked = {
        "model": model,
        "arguments": arguments,
        "data": os.fspath(data),
        "recipe": recipe.to_json() if isinstance(recipe, Recipe) else recipe,
        "batch": batch,
        "changes": list(changes),
        "minutes": minutes,
        "epochs": epochs,
        "scratch": scratch,
        "size": size,
        "teacher": teacher,
        "threads": threads,
        "seed": seed,
    }
    if main and _is_finished(folder, asked, resume):
        say(f"the run in {folder} has ended already")
        return TrainingRun.read(folder)
    chosen = _recipe(recipe)
    dataset = open_dataset(data, seed)
    changes = [*(["distil=0.5"] if teacher else []), *changes]
    start = start_from(
        model,
        arguments,
        dataset,
        recipe=chosen,
        batch=batch,
        changes=changes,
        size=size,
        scratch=scratch,
        seed=seed,
        say=say,
    )
    say(_introduction(model, start, dataset))
    _report("images to validate or test on stand among those before them", dataset.repeated, say)
    if main:
        write_json(folder / RESULT, {"finished": False, "asked": asked, "data": dataset.source, "seed": seed})
    with _board(folder if tensorboard and main else None) as board:
        trained = loop.train_network(
            start.network,
            dataset,
            start.recipe,
            start.preprocessing,
            epochs=epochs,
            seconds=None if minutes is None else 60 * minutes,
            threads=threads,
            seed=seed,
            teacher=None if teacher is None else load_teacher(teacher, dataset, start.preprocessing),
            checkpoints=Checkpoints(folder / CHECKPOINTS, save_every, say),
            progress=_Progress(say, board),
            checked=_Keeper(folder if main else None, start, dataset, say, board),
        )
    return _finish(folder, asked, start, dataset, trained, say, main)


def _finish(
    folder: Path, asked: Mapping[str, Any], start: Start, dataset: Dataset, trained: Trained, say: Say, main: bool
) -> TrainingRun:
    # One process looks, and tells the others.
    [test] = broadcast_object_list([evaluate(start.network, dataset.test, start.preprocessing) if main else 0.0])
    run = TrainingRun(
        folder=folder,
        asked=asked,
        data=dataset.source,
        seed=dataset.seed,
        weights=start.weights,
        plan=trained.plan.to_json(),
        images=trained.images,
        seconds=trained.seconds,
        waited=trained.waited / trained.seconds,
        checks=trained.checks,
        validation_accuracy=trained.accuracy,
        test_accuracy=test,
        broken_images=dataset.broken,
        repeated_images=dataset.repeated,
    )
    if main:
        write_json(folder / RESULT, run.to_json())
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        _report(f"images could not be read and were left out, see {folder / RESULT}", run.broken_images, say)
    return run


def _report(what: str, problems: Sequence[str], say: Say) -> None:
    """How many there are, and the first ones."""
    if problems:
        say(f"{len(problems):,} {what}: {'; '.join(problems[:3])}{'; ...' if len(problems) > 3 else ''}")


def _is_finished(folder: Path, asked: Mapping[str, Any], resume: bool) -> bool:
    """Whether the run that is asked for is in `folder` already, and has ended; BadInput where something else is."""
    path = folder / RESULT
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder} exists and is not an empty folder; name a new one with --out")
        return False
    try:
        document = json.loads(path.read_bytes())
        finished, before = bool(document["finished"]), document["asked"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is damaged ({error}); name another folder") from error
    if not resume:
        state = "a finished run" if finished else "a run that did not end; --resume goes on with it"
        raise BadInput(f"{folder} holds {state}; name another folder with --out to start anew")
    if found := list(differences(before, json.loads(json.dumps(asked)))):
        raise BadInput(f"the run in {folder} was asked for something else: {'; '.join(found)}")
    return finished


def _recipe(recipe: str | Recipe | None) -> Recipe | None:
    if recipe is None or isinstance(recipe, Recipe):
        return recipe
    if recipe in RECIPES or not recipe.endswith(".json"):
        return find_recipe(recipe)
    try:
        document = json.loads(Path(recipe).read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"the recipe {recipe!r} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise must_be("a recipe's file", "a JSON object", document)
    return Recipe.from_json(document)


def _introduction(model: str, start: Start, dataset: Dataset) -> str:
    source = f"from the weights {start.weights}" if start.weights else "from scratch"
    size = start.preprocessing.size
    return (
        f"training {model} {source} on {len(dataset.train):,} images of {dataset.source} at {size} x {size} pixels: "
        f"{len(dataset.label_names)} classes, {len(dataset.validation):,} images to validate on, "
        f"{len(dataset.test):,} to test on"
    )


class _Keeper:
    """Keeps the best network so far in the folder, and says how each check went."""

    def __init__(self, folder: Path | None, start: Start, dataset: Dataset, say: Say, board: Any) -> None:
        self._folder, self._start, self._dataset, self._say, self._board = folder, start, dataset, say, board

    def __call__(self, check: Check, network: nn.Module, best: bool) -> None:
        self._say(
            f"step {check.step}: loss {check.loss:.3f}, validation accuracy {check.accuracy:.1%}{' *' if best else ''}"
        )
        if self._board is not None:
            self._board.add_scalar("accuracy/validation", check.accuracy, check.step)
        if best and self._folder is not None:
            assert isinstance(network, Network)
            save(
                self._folder,
                network,
                label_names=self._dataset.label_names,
                preprocessing=self._start.preprocessing.to_config(),
                notes=f"Trained by `featherlight train` on {self._dataset.source}; {RESULT} holds all figures. Its "
                "licence hangs on that of the images.",
            )


class _Progress:
    """Says every few seconds how far training is and how long it will take, and tells TensorBoard of each step."""

    def __init__(self, say: Say, board: Any) -> None:
        self._say, self._board, self._said = say, board, time.perf_counter()

    def __call__(self, step: int, steps: int, loss: float, left: float) -> None:
        if self._board is not None:
            self._board.add_scalar("loss/training", loss, step)
        if time.perf_counter() - self._said >= SAY_EVERY:
            self._said = time.perf_counter()
            self._say(f"step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")


@contextlib.contextmanager
def _board(folder: Path | None) -> Iterator[Any]:
    """A TensorBoard writer below `folder`; None without one."""
    if folder is None:
        yield None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BadInput("--tensorboard needs TensorBoard; pip install featherlight[tensorboard] brings it") from None
    writer = SummaryWriter(str(folder / TENSORBOARD))
    try:
        yield writer
    finally:
        writer.close()


def _check_numbers(minutes: float | None, epochs: float | None, save_every: float) -> None:
    if minutes is not None and epochs is not None:
        raise BadInput("name either minutes or epochs, not both")
    for name, number in (("minutes", minutes), ("epochs", epochs), ("save_every", save_every)):
        if number is not None and not 0 < number < math.inf:
            raise must_be(name, "a number above 0", number)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _silent(_: str) -> None:
    pass
