"""One file a family, its paper's table; importing this package registers them all."""

from featherlight.models import (
    alexnet,
    mnasnet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    resnet,
    shufflenet_v1,
    shufflenet_v2,
    squeezenet,
)
from featherlight.models.registry import Counts, Entry, counts, entry, list_models, no_network, register

__all__ = [
    "Counts",
    "Entry",
    "alexnet",
    "counts",
    "entry",
    "list_models",
    "mnasnet",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3",
    "no_network",
    "register",
    "resnet",
    "shufflenet_v1",
    "shufflenet_v2",
    "squeezenet",
]
