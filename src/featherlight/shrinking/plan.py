"""How the images of a shrink's training are spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from featherlight.shrinking.asked import MINUTES
from featherlight.shrinking.netadapt import TRAINED
from featherlight.shrinking.task import Task
from featherlight.training import fastest_threads, images_per_second

ITERATING = 0.4  # of the images, for NetAdapt's short fine-tunes; the rest is for the long one
LEAST_LAST = 0.25  # that one's share, where there were more iterations than there should have been
SHORT = 512  # images of a short fine-tune; more, where there are images enough for most iterations
FEWEST, MOST = 4, 24  # iterations


@dataclass(frozen=True)
class Plan:
    """The training of a shrink, in images.

    images      in all; for the long fine-tune at the end what is left of them, and `last` at least
    iterations  of NetAdapt that there are images for, `short` ones for each proposal that is trained
    rate        images a second, with so many threads
    """

    images: int
    last: int
    iterations: int
    short: int
    rate: float
    threads: int


def plan_of(task: Task) -> Plan:
    """How many images there are and what for; how fast the network trains here is measured once."""
    model, asked, preprocessing = task.start.model, task.asked, task.preprocessing
    size, channels = preprocessing.size, preprocessing.channels

    def measured() -> dict[str, Any]:
        threads = fastest_threads(model, size, channels)
        return {"threads": threads, "rate": images_per_second(model, size, channels, threads=threads)}

    event = task.record.once("rate", measured)
    rate, threads = float(event["rate"]), int(event["threads"])
    images = asked.images or max(1, round(rate * 60 * (asked.minutes or MINUTES)))
    if asked.method != "netadapt":
        return Plan(images, images, 0, 0, rate, threads)
    iterating = ITERATING * images / TRAINED
    iterations = min(MOST, max(FEWEST, int(iterating / SHORT)))
    return Plan(images, round(LEAST_LAST * images), iterations, max(1, int(iterating / iterations)), rate, threads)
