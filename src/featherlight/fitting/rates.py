"""How fast candidates train here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from featherlight.fitting.candidates import Candidate
from featherlight.fitting.task import Task
from featherlight.layers import Network
from featherlight.training import fastest_threads, images_per_second

SECONDS = 0.3  # for measuring how fast one candidate trains
PIXELS = 64 * 28 * 28  # in a batch of it

# A training rate falls with the width, as memory traffic grows and less than multiply-adds, which go with the square:
# on two AVX2 cores MobileNet v2 trained on 210 images a second at 0.35x and 66 at 1x. And it falls with the pixels.
_WIDTH_POWER = -1.1
_SIZE_POWER = -2.0


class Rates:
    """The images a second that candidates train on, with `threads`, whichever of one and all is faster now.

    Measured once for each network, when first asked for: on the one of `judges` that is of it.
    """

    def __init__(self, task: Task, judges: Iterable[Candidate]) -> None:
        self.task = task
        self._judges = {judge.architecture: judge for judge in judges}

    def __call__(self, candidate: Candidate) -> float:
        """The rate that was measured for the candidate's network, scaled by width and pixels."""
        judge = self._judges.setdefault(candidate.architecture, candidate)
        width, size = candidate.width / judge.width, candidate.size / judge.size
        return float(self._measured(judge) * width**_WIDTH_POWER * size**_SIZE_POWER)

    @cached_property
    def threads(self) -> int:
        """With which training is faster now, by the first network asked about."""
        judge = next(iter(self._judges.values()))
        channels = self.task.dataset.channels
        event = self.task.record.once(
            "threads",
            lambda: {"threads": fastest_threads(self._network(judge), judge.size, channels, SECONDS)},
        )
        return int(event["threads"])

    def _measured(self, judge: Candidate) -> float:
        def rate() -> dict[str, float]:
            batch, channels = max(2, PIXELS // judge.size**2), self.task.dataset.channels
            network, threads = self._network(judge), self.threads
            found = images_per_second(network, judge.size, channels, batch=batch, threads=threads, seconds=SECONDS)
            return {"images_per_second": found}

        return float(self.task.record.once("rate", rate, name=judge.name)["images_per_second"])

    def _network(self, judge: Candidate) -> Network:
        return judge.network(self.task.classes, self.task.dataset.channels)
