"""Whether the colours of the page can be told apart, by eyes that lack a colour too."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

CSS = (resources.files("featherlight.report") / "page" / "page.css").read_text("utf-8")

# What eyes without one kind of cone see, of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
EYES = {
    "all cones": np.eye(3),
    "no long": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no medium": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no short": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def palette(letter: str, theme: int) -> list[str]:
    """The colours --c0, --c1, ... of a theme (0 light, 1 dark)."""
    return [pair[theme] for pair in re.findall(rf"--{letter}\d: light-dark\((#\w{{6}}), (#\w{{6}})\)", CSS)]


def seen(colour: str, eye: str) -> NDArray[np.float64]:
    """A colour in CIE L*a*b* as such an eye sees it."""
    rgb = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(EYES[eye] @ linear, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(shown[None, None])[0, 0])


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """CIEDE2000."""
    return float(deltaE_ciede2000(one, other))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(("letter", "count"), [("c", 8), ("t", 6)])
def test_no_two_colours_look_alike(letter: str, count: int, theme: int, eye: str) -> None:
    colours = palette(letter, theme)
    assert len(colours) == count
    nearest = min(distance(seen(one, eye), seen(other, eye)) for one, other in combinations(colours, 2))
    assert nearest > (15 if eye == "all cones" else 6)  # 2 can just be seen side by side
