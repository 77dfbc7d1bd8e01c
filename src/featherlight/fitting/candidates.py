"""Which networks are tried, at which widths, for images of which sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from featherlight.layers import Network
from featherlight.models import entry, list_models
from featherlight.spec import Spec, small_images
from featherlight.spec.small_images import LARGEST

SIZE_OF_GREY = 28

# Of photographs, the one first whose times tell most about the others'. MobileNet v1's paper has them all but 96.
SIZES_OF_PHOTOGRAPHS = (160, 96, 128, 192, 224)


@dataclass(frozen=True)
class Candidate:
    """A registered network at one of its widths, for images of `size` pixels."""

    architecture: str
    width: float
    size: int

    @property
    def name(self) -> str:
        """Such as "mobilenet_v2 0.5x at 160": no two candidates share it."""
        return f"{self.architecture} {self.width:g}x at {self.size}"

    @property
    def spec(self) -> Spec:
        """Its table, with the early strides taken out where the images are small, and always with batch norm.

        SqueezeNet has none, and from scratch it diverges or learns nothing in minutes. Batch norm is folded into the
        convolutions before a network runs, and takes no time then.
        """
        spec = entry(self.architecture).build(width=self.width)
        spec = replace(spec, style=replace(spec.style, norm="batch"))
        return small_images(spec) if self.size <= LARGEST else spec

    def network(self, classes: int, channels: int) -> Network:
        """The module, with weights at random."""
        return Network(self.spec, classes, channels, architecture=self.architecture)


Networks = Mapping[str, tuple[Candidate, ...]]
"""The candidates of one size by the network's name, each at its widths, thinnest first."""


def sizes(channels: int, size: int | None) -> tuple[int, ...]:
    """The sizes of images to try, the one to begin with first: the given one, or what suits grey images or photographs.

    Grey images are Fashion-MNIST's, which have 28 pixels; a folder's are photographs.
    """
    if size is not None:
        return (size,)
    return (SIZE_OF_GREY,) if channels == 1 else SIZES_OF_PHOTOGRAPHS


def candidates(size: int) -> Networks:
    """The light-weight networks by name, each at its widths, thinnest first; no baselines, no variants."""
    names = (name for name in list_models() if not entry(name).baseline and not entry(name).variant)
    return {name: tuple(Candidate(name, width, size) for width in entry(name).widths) for name in names}
