"""A public zoo as data: its networks by their names there, and where it keeps the weights of each architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from featherlight.models import entry
from featherlight.spec import InvertedResidual, Pool, Row, Spec

Layers: TypeAlias = Mapping[str, tuple[str, ...]]
"""A layer inside one of our rows (the row itself is "") and the zoo's names for its parts: convolution and norm, of
squeeze-excite its two convolutions."""

_PARTS = ("conv", "norm")
_SQUEEZE_EXCITE_PARTS = ("reduce", "expand")


@dataclass(frozen=True)
class Twin:
    """Our network equal to one of a zoo's: the registered architecture it varies, and its Spec."""

    architecture: str
    spec: Spec

    @property
    def family(self) -> str:
        """The family it belongs to."""
        return entry(self.architecture).family


@dataclass(frozen=True)
class Layout:
    """Where a zoo keeps the weights of one architecture.

    rows       a path for each row that holds weights (pools hold none), and the layers found there; a function where
               those depend on the row
    head       the paths of the head's layers, the classifier last
    pointwise  those of them that are 1x1 convolutions there, while ours are fully connected
    """

    rows: tuple[tuple[str, Layers | Callable[[Row], Layers]], ...]
    head: tuple[str, ...]
    pointwise: tuple[str, ...] = ()

    def paths(self, spec: Spec) -> dict[str, str]:
        """Our module paths and the zoo's; empty where `spec` has other rows than the zoo's network."""
        weighted = [(index, row) for index, row in enumerate(spec.rows) if not isinstance(row, Pool)]
        head = [*(f"head.hidden.{index}" for index in range(len(spec.head.hidden))), "head.classifier"]
        if len(weighted) != len(self.rows) or len(head) != len(self.head):
            return {}
        paths = dict(zip(head, self.head, strict=True))
        for (index, row), (place, layers) in zip(weighted, self.rows, strict=True):
            for layer, names in (layers(row) if callable(layers) else layers).items():
                parts = _SQUEEZE_EXCITE_PARTS if layer == "squeeze_excite" else _PARTS
                for part, name in zip(parts, names, strict=False):  # without a norm there is one part
                    paths[_join(f"rows.{index}", layer, part)] = _join(place, name)
        return paths


@dataclass(frozen=True)
class Zoo:
    """A zoo's networks by their names there, and its layouts by our registered names."""

    twins: Mapping[str, Twin]
    layouts: Mapping[str, Layout]


def staged(form: str, repeats: Sequence[int], *, stage: int, block: int) -> Iterator[str]:
    """A path for each block of a network in stages: `form` with the two numbers, which count from `stage` and `block`.

    ``staged("blocks.{}.{}", (1, 2), stage=0, block=0)`` gives blocks.0.0, blocks.1.0, blocks.1.1.
    """
    for number, count in enumerate(repeats, start=stage):
        for index in range(block, block + count):
            yield form.format(number, index)


def expands(row: Row) -> bool:
    """Whether the row is an inverted residual with a 1x1 convolution up."""
    return isinstance(row, InvertedResidual) and row.expanded is not None


def gated(row: Row) -> bool:
    """Whether the row is an inverted residual with squeeze-excite."""
    return isinstance(row, InvertedResidual) and row.squeeze_excite is not None


def _join(*names: str) -> str:
    return ".".join(name for name in names if name)
