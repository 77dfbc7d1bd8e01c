"""What NetAdapt begins with: a network wider than the budget allows, trained like the one that was chosen.

Cut down to the budget, channel by channel where it costs least, it is better than one that was thin everywhere from
the start: that is what NetAdapt and MobileNet v3 found, and what the validation images decide here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate, candidates
from featherlight.fitting.heats import CANDIDATES
from featherlight.fitting.select import WIDTH_POWER
from featherlight.fitting.task import Task
from featherlight.fitting.time_candidates import Timed
from featherlight.fitting.weights import start_of
from featherlight.now_and_then import now_and_then
from featherlight.pretrained import save
from featherlight.shrinking import legal, widths
from featherlight.timing.budget import show_time
from featherlight.training import Checkpoints, Trained, train_network
from featherlight.training.kept import trained_once

WIDER = "wider"  # the key of its training in the journal
TIMES = 1.5  # the budget is what a widened network should take,
MOST = 2.0  # and so many times as wide it may be


def wider(winner: Candidate, timed: Sequence[Timed], budget: float, median: Callable[[Candidate], float]) -> Candidate:
    """The next width of the winner's network above the budget; where there is none, the widest that keeps it, widened.

    `median` times a candidate, in seconds. Raises BadInput where all of them keep the budget.
    """
    alike = [each for each in timed if _is_like(each.candidate, winner) and each.verdict == "fits"]
    widest = max(alike, key=lambda each: each.candidate.width)
    share = TIMES * budget / widest.measurement.median
    widened = replace(winner, width=round(widest.candidate.width * min(share ** (1 / WIDTH_POWER), MOST), 2))
    known = candidates(winner.size)[winner.architecture]
    for wide in [*(each for each in known if each.width > widest.candidate.width), widened]:
        if median(wide) > budget:
            return wide
    raise BadInput(
        f"{widened.name} keeps {show_time(budget)} too, so there is nothing to shrink; a smaller budget would need it"
    )


def train_wider(task: Task, wide: Candidate, seconds: float, threads: int, folder: Path) -> str | None:
    """Train it, once, and write it to `folder`; which public weights it started from, None for scratch.

    Raises BadInput where nothing can be cut from such a network, before any training, and where it learns nothing.
    """
    if not any(legal(wide.spec, width, task.classes, task.dataset.channels) for width in widths(wide.spec)):
        raise BadInput(f"{wide.architecture} has no channels that can be cut by themselves")
    start = start_of(task, wide)

    def train(checkpoints: Checkpoints) -> Trained:
        return train_network(
            start.network,
            task.dataset,
            start.recipe,
            start.preprocessing,
            seconds=seconds,
            threads=threads,
            seed=task.seed,
            checkpoints=checkpoints,
            progress=_telling(task, wide),
        )

    task.say(f"training {wide.name}, which does not keep the budget yet")
    weights, accuracy = trained_once(task.record, task.folder / CANDIDATES, WIDER, start.network, train, task.say)
    if accuracy == 0:
        raise BadInput(f"{wide.name} learned nothing")
    task.say(f"trained {wide.name}: validation accuracy {accuracy:.1%}")
    start.network.load_state_dict(weights)
    save(folder, start.network.eval(), label_names=task.dataset.label_names,
         preprocessing=start.preprocessing.to_config(),
         notes=f"A network wider than a budget of {show_time(task.budget)}, to be shrunk to it.")  # fmt: skip
    return start.weights


def _is_like(one: Candidate, other: Candidate) -> bool:
    return (one.architecture, one.size) == (other.architecture, other.size)


def _telling(task: Task, wide: Candidate) -> Callable[[int, int, float, float], None]:
    def tell(step: int, steps: int, loss: float, left: float) -> None:
        task.say(f"training {wide.name}: step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")

    return now_and_then(tell)
