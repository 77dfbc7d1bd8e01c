"""Which of many networks are worth having: the reward of a search, and the front of accuracy and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from featherlight.searching.space import Genes

MNASNET, MOBILENET_V3_SMALL = -0.07, -0.15
"""The exponent w of Tan et al. 2019 (section 3, "soft"), and of Howard et al. 2019 (section 4.1) for small networks."""


@dataclass(frozen=True)
class Found:
    """A network that a search has judged.

    accuracy  on validation images, as this search estimates it: with shared weights, or after a short training
    seconds   for an image, as the latency table predicts it
    at        seconds since the search began
    """

    genes: Genes
    accuracy: float
    seconds: float
    at: float

    def to_json(self) -> dict[str, Any]:
        """As it stands in a journal."""
        return {"genes": list(self.genes), "accuracy": self.accuracy, "seconds": self.seconds, "at": self.at}


def reward(accuracy: float, seconds: float, budget: float, exponent: float = MNASNET) -> float:
    """MnasNet's reward: ACC x (LAT / T)^w, which pays a little for time saved and takes a little for time wasted.

    A network twice as slow needs 5 % (of its accuracy, at w = -0.07) more to be worth as much.
    """
    return float(accuracy * (seconds / budget) ** exponent)


def front(found: Iterable[Found]) -> tuple[Found, ...]:
    """Those that no other one beats in both accuracy and time, quickest first."""
    best: list[Found] = []
    for each in sorted(found, key=lambda each: (each.seconds, -each.accuracy)):
        if not best or each.accuracy > best[-1].accuracy:
            best.append(each)
    return tuple(best)
