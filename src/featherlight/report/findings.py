"""Where a network breaks the four guidelines, as the page tells it: by guideline, the costliest place first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from featherlight.explain import Guideline
from featherlight.report.charts import whole

if TYPE_CHECKING:
    from featherlight.explain.profile import Profile

# Ma et al. 2018 (ShuffleNet v2), section 2, in plain words.
TOLD: dict[Guideline, tuple[str, str]] = {
    "G1": ("Unequal channels", "A pointwise convolution moves least memory where it has as many channels in as out."),
    "G2": ("Groups", "Convolution in groups moves more memory for the same multiply-adds."),
    "G3": ("Fragments", "Many small operations keep a processor from working on one large one."),
    "G4": ("Element-wise work", "Activations, sums and depthwise convolutions move much memory and multiply little."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A layer or block that breaks a guideline; `time` is the share of the measured time that is spent there."""

    origin: str
    what: str
    time: float
    memory_access: float


@dataclass(frozen=True, slots=True)
class Broken:
    """A guideline and where it is broken; `time` is the share that its places take together, none counted twice."""

    guideline: Guideline
    title: str
    why: str
    time: float
    places: tuple[Place, ...]


def broken(profile: Profile) -> tuple[Broken, ...]:
    """All four guidelines, in their order; one that is kept everywhere has no places."""
    total = whole(profile) or 1.0
    told = []
    for guideline, (title, why) in TOLD.items():
        own = [finding for finding in profile.findings if finding.guideline == guideline]
        places = [
            Place(
                finding.origin,
                what(finding.guideline, finding.figure),
                sum(row.seconds for row in profile.rows if finding in row.findings) / total,
                finding.share,
            )
            for finding in own
        ]
        touched = sum(row.seconds for row in profile.rows if any(finding in own for finding in row.findings))
        told.append(
            Broken(guideline, title, why, touched / total, tuple(sorted(places, key=lambda place: -place.time)))
        )
    return tuple(told)


def what(guideline: Guideline, figure: float) -> str:
    """What is found at a place, in a few words."""
    return {
        "G1": f"channels 1 to {figure:.3g}",
        "G2": f"{figure:.0f} groups",
        "G3": f"{figure:.0f} convolutions and poolings",
        "G4": f"{100 * figure:.0f} % of its memory access",
    }[guideline]
