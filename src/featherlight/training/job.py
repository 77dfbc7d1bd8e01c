"""A training run in a folder: from a network's name and a data set's to a hub folder, resumable all the way."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from torch import nn

import featherlight
from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput, must_be
from featherlight.files import write_json
from featherlight.journal import keeping, reading
from featherlight.layers import Network
from featherlight.now_and_then import now_and_then
from featherlight.pretrained import save
from featherlight.training import loop
from featherlight.training.checkpoints import EVERY, Checkpoints
from featherlight.training.evaluate import evaluate
from featherlight.training.loop import Check, Trained
from featherlight.training.papers import RECIPES, find_recipe
from featherlight.training.plan import Plan, differences
from featherlight.training.recipe import Recipe
from featherlight.training.start import Start, start_from
from featherlight.training.teacher import load_teacher

RESULT = "train.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"

TAUGHT = 0.5  # of the loss is a teacher's, where the recipe has no opinion
MINUTES = 10.0  # where neither minutes nor epochs are named

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
    teacher      a network whose answers are learned as well, as half of the loss unless the recipe says `distil`
    threads      for PyTorch; by default whichever of one and all is faster now
    save_every   seconds of work that a crash may cost
    tensorboard  write loss and accuracy for TensorBoard as well
    arguments    what the network's paper varies: ``width=0.5``

    The best network so far is in `out` after each check. Raises BadInput for whatever cannot be used, and where `out`
    holds something else; Failure where the loss is no longer finite, the best network so far staying in `out`; DiskFull
    where there is no room for it, the last checkpoint staying.
    """
    folder = Path(out)
    main = PartialState(cpu=not _has_gpu()).is_main_process
    say = say if main else _silent
    _check_numbers(minutes, epochs, save_every)
    minutes = MINUTES if minutes is None and epochs is None else minutes
    asked = {
        "model": model,
        "arguments": arguments,
        "data": _named(data),
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
    [finished] = broadcast_object_list([main and _is_finished(folder, asked, resume)])
    if finished:
        say(f"the run in {folder} has ended already")
        return TrainingRun.read(folder)
    chosen = _recipe(recipe)
    if tensorboard:
        _check_tensorboard()
    dataset = open_dataset(_named(data), seed)
    if teacher is not None and not (chosen and chosen.distil):
        changes = [f"distil={TAUGHT}", *changes]
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
    _report("images to validate or test on are in an earlier split as well", dataset.repeated, say)
    taught_by = None if teacher is None else load_teacher(teacher, dataset, start.preprocessing)
    keeper = _Keeper(folder, asked, start, dataset, say, main=main, tensorboard=tensorboard)
    with keeping(folder), contextlib.closing(keeper):
        try:
            trained = loop.train_network(
                start.network,
                dataset,
                start.recipe,
                start.preprocessing,
                epochs=epochs,
                seconds=None if minutes is None else 60 * minutes,
                threads=threads,
                seed=seed,
                teacher=taught_by,
                checkpoints=Checkpoints(folder / CHECKPOINTS, save_every, say),
                planned=keeper.planned,
                progress=keeper.progress,
                checked=keeper.checked,
            )
        except KeyboardInterrupt:
            say(f"stopped; the same command with --resume goes on from {folder}")
            raise
        if main:
            keeper.save()  # a disk that was full may have room again
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
        # Killed at its very beginning, a run leaves its plan and perhaps a half-written file.
        if folder.exists() and not (folder.is_dir() and all(_is_ours(path) for path in folder.iterdir())):
            raise BadInput(f"{folder} exists and is not an empty folder; name a new one with --out")
        return False
    with reading(path):
        document = json.loads(path.read_bytes())
        finished, before = bool(document["finished"]), document["asked"]
    if not resume:
        state = "a finished run;" if finished else "a run that did not end; go on with it with --resume, or"
        raise BadInput(f"{folder} holds {state} name another folder with --out")
    if found := list(differences(before, json.loads(json.dumps(asked)))):
        raise BadInput(f"the run in {folder} was asked for something else: {'; '.join(found)}")
    return finished


def _is_ours(path: Path) -> bool:
    return path.name == CHECKPOINTS or path.match(".*.part")


def _named(data: str | os.PathLike[str]) -> str:
    """A source as it is compared: "photos/" is "photos"."""
    name = os.fspath(data)
    return os.path.normpath(name) if os.path.isdir(name) else name


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
    if "plan" in document:  # train.json: the recipe that was used
        document = document["plan"]["recipe"]
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
    """Keeps the folder of a run up to date, and tells of the run: in sentences, and to TensorBoard if asked to."""

    def __init__(
        self,
        folder: Path,
        asked: Mapping[str, Any],
        start: Start,
        dataset: Dataset,
        say: Say,
        *,
        main: bool,
        tensorboard: bool,
    ) -> None:
        self._folder, self._asked, self._start, self._dataset, self._say = folder, asked, start, dataset, say
        self._main, self._tensorboard = main, tensorboard and main
        self._board: Any = None
        self._tell = now_and_then(self._told)

    def planned(self, plan: Plan) -> None:
        """From here on there is a run: nothing was written before, for nothing that was asked could be refused."""
        recipe = plan.recipe
        self._say(
            f"{plan.steps:,} steps of {recipe.batch} images, {plan.threads} thread{'s' if plan.threads > 1 else ''}"
            f"{', bfloat16' if plan.bfloat16 else ''}, {recipe.optimiser} at {recipe.learning_rate:g}"
        )
        if not self._main:
            return
        for orphan in self._folder.glob(".*.part"):  # of a process that was killed while it wrote
            orphan.unlink(missing_ok=True)
        unfinished = {"finished": False, "asked": self._asked, "data": self._dataset.source, "seed": self._dataset.seed}
        write_json(self._folder / RESULT, unfinished)
        if self._tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self._folder / TENSORBOARD))

    def progress(self, step: int, steps: int, loss: float, left: float) -> None:
        """A word every few seconds."""
        if self._board is not None:
            self._board.add_scalar("loss/training", loss, step)
        self._tell(step, steps, loss, left)

    def checked(self, check: Check, network: nn.Module, best: bool) -> None:
        """The best network so far goes into the folder. A disk that is full does not end the run."""
        mark = " *" if best else ""
        self._say(f"step {check.step}: loss {check.loss:.3f}, validation accuracy {check.accuracy:.1%}{mark}")
        if self._board is not None:
            self._board.add_scalar("accuracy/validation", check.accuracy, check.step)
        if best and self._main:
            try:
                self._save(network)
            except (OSError, SafetensorError) as error:
                self._say(f"the best network so far could not be written: {error}")

    def save(self) -> None:
        """The network that training left, which is its best one."""
        self._save(self._start.network)

    def close(self) -> None:
        """Let go of TensorBoard's file."""
        if self._board is not None:
            self._board.close()

    def _told(self, step: int, steps: int, loss: float, left: float) -> None:
        self._say(f"step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")

    def _save(self, network: nn.Module) -> None:
        assert isinstance(network, Network)
        origin = f"the weights {self._start.weights}" if self._start.weights else "scratch"
        save(
            self._folder,
            network,
            label_names=self._dataset.label_names,
            preprocessing=self._start.preprocessing.to_config(),
            notes=f"Trained by `featherlight train` on {self._dataset.source}, from {origin}. Its licence hangs on "
            f"that of what it was trained from and on. {RESULT} holds all figures.",
        )


def _check_tensorboard() -> None:
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise BadInput("--tensorboard needs TensorBoard; pip install featherlight[tensorboard] brings it") from None


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
