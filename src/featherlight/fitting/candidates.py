"""Which networks are tried, and what is expected of them before they are trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from featherlight.models import entry, list_models
from featherlight.spec import Spec, small_images
from featherlight.spec.small_images import LARGEST


@dataclass(frozen=True)
class Candidate:
    """A registered network at one of its widths, for images of `size` pixels."""

    architecture: str
    width: float
    size: int

    @property
    def name(self) -> str:
        """Such as "mobilenet_v2 0.5x"."""
        return f"{self.architecture} {self.width:g}x"

    @property
    def spec(self) -> Spec:
        """Its table, with the early strides taken out where the images are small, and always with batch norm.

        SqueezeNet has none, and from scratch it diverges or learns nothing in minutes. Batch norm is folded into the
        convolutions before a network runs, and takes no time then.
        """
        spec = entry(self.architecture).build(width=self.width)
        spec = replace(spec, style=replace(spec.style, norm="batch"))
        return small_images(spec) if self.size <= LARGEST else spec


def candidates(size: int) -> dict[str, tuple[Candidate, ...]]:
    """The light-weight networks by name, each at its widths, thinnest first; no baselines, no variants."""
    names = (name for name in list_models() if not entry(name).baseline and not entry(name).variant)
    return {name: tuple(Candidate(name, width, size) for width in entry(name).widths) for name in names}


# How an error falls with width and with images seen. The first is what the papers' own widths show (MobileNet v1 0.25
# to 1.0: 49.4 to 29.4 %; ShuffleNet v2 0.5x to 2x: 39.7 to 25.1 %: multiply-adds to the power -0.17 to -0.2, and they
# go with the square of the width). The second was measured on Fashion-MNIST between 10,000 and 60,000 images
# (MobileNet v3-small 0.75x: 16.5 to 9.7 %, a power of -0.46; ShuffleNet v2 0.5x: -0.32).
_WIDTH_POWER = -0.36
_IMAGES_POWER = -0.4


def expected_error(candidate: Candidate, images: float) -> float:
    """How wrong a candidate is expected to be after training on `images`: a number to rank by, not an error rate.

    From the paper's accuracy at width 1, the width, and the images that its training rate leaves time for: a slow
    trainer sees fewer of them.
    """
    paper = 1 - entry(candidate.architecture).accuracy
    return float(paper * candidate.width**_WIDTH_POWER * max(images, 1.0) ** _IMAGES_POWER)
