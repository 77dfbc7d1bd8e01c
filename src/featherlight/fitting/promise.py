"""How wrong each candidate will be when the time is up: from what is known before training, then from what is seen.

An error is taken to fall with the images seen, towards a floor that is each candidate's own. What lies above the floor
is alike for all that start from scratch: capacity says where a curve ends and not how fast it falls, so a network that
is better in the end and trains slowly is no better choice for a few minutes. What is known gives each floor a height
beside the others'; each validation after a heat says where the curve really is. The two are weighed by how far either
is usually off, so a heat of few images moves little, and one that comes close to the end decides.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from featherlight.fitting.candidates import Candidate
from featherlight.models import entry

C = TypeVar("C", bound=Hashable)

# Width and size: what the papers' own tables show. MobileNet v1 0.25 to 1.0 errs 49.4 to 29.4 %, ShuffleNet v2 0.5x to
# 2x 39.7 to 25.1 %; MobileNet v1 at 128 to 224 pixels 35.6 to 29.4 %. Both come to multiply-adds to the power -0.17 to
# -0.2, which go with the square of either.
WIDTH_POWER = -0.36
SIZE_POWER = -0.34

# Images: error = floor + GAP (HALF / images) ^ FALL, so after HALF of them a network whose floor is GAP errs twice as
# often as in the end. Measured on Fashion-MNIST, of two whose floors are near it (0.73 and 0.81): MobileNet v3-small
# 0.75x went from 16.5 to 9.7 % between 10,000 and 60,000 images (a factor of 1.70), ShuffleNet v2 0.5x by 1.77 between
# the same, and from 11.4 to 7.9 % between 54,000 and 624,000 (1.44). The law gives 1.74 and 1.44. A law without a
# floor, a power of images, would promise fast trainers too much of a long time.
HALF = 27_000
FALL = 0.6
GAP = 0.77

# What trained weights are worth before anything is seen: a guess, so that those who have them are among the starters;
# the first heat says more.
PRETRAINED = 0.5

# How far, as a share of the error, each source is usually off. What is known: MobileNet v3-small and ShuffleNet v2 were
# that far from their papers' order on Fashion-MNIST. A heat: what a second run differs by. The law: by so much, as a
# share of the fall that it foretells, two candidates' falls differ, and the falls on two data sets.
KNOWN_SPREAD = 0.2
HEAT_SPREAD = 0.05
FALL_SPREAD = 0.2
DATA_SPREAD = 0.5

CHANCES = 2  # an accuracy below this many times chance tells nothing


@dataclass(frozen=True)
class Seen:
    """The validation accuracy (0 to 1) at the end of a heat, after as many images in all."""

    images: float
    accuracy: float


@dataclass(frozen=True)
class Judge:
    """What an accuracy means here: the number of classes, and of the validation images that it was measured on."""

    classes: int
    validation: int

    def tells(self, seen: Seen) -> bool:
        """Whether it is far enough above chance to tell anything."""
        return seen.accuracy >= min(CHANCES / self.classes, (1 + 1 / self.classes) / 2)

    def log_error(self, seen: Seen) -> float:
        """The logarithm of the error; none at all counts as half an image."""
        return math.log(max(1 - seen.accuracy, 0.5 / self.validation))

    def variance(self, seen: Seen) -> float:
        """Of that logarithm, by the chance of which images are in the validation split."""
        error = math.exp(self.log_error(seen))
        return (1 - error) / (error * self.validation)


@dataclass(frozen=True)
class Law:
    """How an error falls with the images seen: `floor` in the end, `gap` above it after HALF of them.

    Both rank, whatever the data set; neither is an error rate.
    """

    floor: float
    gap: float

    def log_error(self, images: float) -> float:
        """The logarithm of the error after `images`."""
        return math.log(self.floor + self.gap * (HALF / max(images, 1.0)) ** FALL)

    def fall(self, fewer: float, more: float) -> float:
        """The logarithm of how many times smaller the error is after `more` images than after `fewer`."""
        return self.log_error(fewer) - self.log_error(more)


def law(candidate: Candidate, pretrained: bool = False) -> Law:
    """What is known of a candidate before it is trained.

    Its floor is the paper's error at width 1 and its published size, made larger for a thinner network and smaller
    images. One that starts from trained weights knows what the others have to learn first: all of its curve is lower,
    and as its own floor is.
    """
    known = entry(candidate.architecture)
    capacity = candidate.width**WIDTH_POWER * (candidate.size / known.size) ** SIZE_POWER
    floor = float((1 - known.accuracy) * capacity)
    return Law(PRETRAINED * floor, PRETRAINED * floor) if pretrained else Law(floor, GAP)


def expected_error(candidate: Candidate, images: float, pretrained: bool = False) -> float:
    """How wrong a candidate is expected to be after training on `images`: a number to rank by, not an error rate.

    The images are those that its training rate leaves time for: a slow trainer sees fewer of them.
    """
    return math.exp(law(candidate, pretrained).log_error(images))


def pooled_fall(laws: Mapping[C, Law], seen: Mapping[C, Sequence[Seen]], judge: Judge) -> float:
    """How many times as far as the laws say errors fell from heat to heat, over all candidates; 1 where none is seen.

    Least squares through every pair of a candidate's heats in a row, with the law as one more observation of the weight
    that its own spread gives it; never below zero.
    """
    weight = 2 * HEAT_SPREAD**2 / DATA_SPREAD**2
    over, under = weight, weight
    for candidate, heats in seen.items():
        for before, after in pairwise(heat for heat in heats if judge.tells(heat)):
            lawful = laws[candidate].fall(before.images, after.images)
            over += lawful * (judge.log_error(before) - judge.log_error(after))
            under += lawful**2
    return max(over / under, 0.0)


def predicted_errors(
    laws: Mapping[C, Law], seen: Mapping[C, Sequence[Seen]], ends: Mapping[C, float], judge: Judge
) -> dict[C, float]:
    """How wrong each candidate will be after `ends` images, by its law and by what was seen of it.

    Where anything was seen at all, the level of the laws is taken from there. Where nothing was, the errors rank and no
    more.
    """
    fall = pooled_fall(laws, seen, judge)
    expected = {c: math.log(each.floor) + fall * each.fall(ends[c], math.inf) for c, each in laws.items()}
    told = {
        candidate: _at_end(heats[-1], laws[candidate], ends[candidate], fall, judge)
        for candidate, heats in seen.items()
        if heats and judge.tells(heats[-1])
    }
    level = sum(error - expected[c] for c, (error, _) in told.items()) / len(told) if told else 0.0
    return {c: math.exp(_weighed(known + level, told.get(c))) for c, known in expected.items()}


def _at_end(last: Seen, known: Law, end: float, fall: float, judge: Judge) -> tuple[float, float]:
    """The logarithm of the error that the last heat foretells, and its variance."""
    lawful = max(0.0, known.fall(last.images, end))
    variance = HEAT_SPREAD**2 + (FALL_SPREAD * lawful) ** 2 + judge.variance(last)
    return judge.log_error(last) - fall * lawful, variance


def _weighed(known: float, told: tuple[float, float] | None) -> float:
    if told is None:
        return known
    error, variance = told
    share = KNOWN_SPREAD**2 / (KNOWN_SPREAD**2 + variance)
    return share * error + (1 - share) * known
