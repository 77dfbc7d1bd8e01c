"""What a model name stands for: a registered network, a zoo's, or one saved in a folder or on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from featherlight import models
from featherlight.errors import BadInput, unknown
from featherlight.layers.head import GlobalPool
from featherlight.models import entry, no_network
from featherlight.models.registry import FILES
from featherlight.pretrained.catalogue import Weights, catalogue, label_names
from featherlight.pretrained.zoos import twin, zoo_names
from featherlight.spec import Spec, Style


@dataclass(frozen=True)
class Published:
    """A network that can be asked for by name, before it is built.

    architecture   the name it is rebuilt by, and in whose layouts its tensors may come; None where it has none
    weights        those of the catalogue, or a file; None where there are none
    label_names    the class names, in the order of the scores; empty without weights
    preprocessing  what becomes of a photograph, in the fields of timm's ``pretrained_cfg``
    """

    architecture: str | None
    spec: Spec
    weights: Weights | Path | None = None
    num_classes: int = 1000
    in_chans: int = 3
    global_pool: GlobalPool = "avg"
    label_names: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] = field(default_factory=dict)


def find(name: str, arguments: Mapping[str, Any]) -> Published:
    """The network ``architecture`` or ``zoo:name``, its weights those of ``.tag`` where the name ends so.

    Without a tag the weights are the first of the catalogue that fit. Raises BadInput for an unknown name (with the
    nearest ones), argument or tag.
    """
    architecture, _, tag = name.partition(".")
    known = [*models.list_models(), *zoo_names()]
    if architecture not in known or name.endswith(FILES):
        raise no_network(name, known)
    if ":" in architecture:
        if arguments:
            raise BadInput(f"{architecture} has no arguments; got {', '.join(sorted(arguments))}")
        spec = twin(architecture).spec
        fitting = [weights for weights in catalogue() if weights.network == architecture]
    else:
        spec = entry(architecture).build(**arguments)
        fitting = [weights for weights in catalogue() if weights.architecture == architecture and fits(weights, spec)]
    if tag:
        if tag not in [weights.tag for weights in fitting]:
            raise unknown("weights", name, [weights.name for weights in catalogue()])
        fitting = [weights for weights in fitting if weights.tag == tag]
    if not fitting:
        return Published(architecture, spec)
    labels = label_names(fitting[0].label_names)
    return Published(
        architecture, spec, fitting[0], len(labels), label_names=labels, preprocessing=fitting[0].preprocessing
    )


def list_models(pattern: str = "*", pretrained: bool = False) -> list[str]:
    """The registered names that match a wildcard pattern, x2 before x10; of `pretrained` those with public weights."""
    return [name for name in models.list_models(pattern) if not pretrained or find(name, {}).weights is not None]


def fits(weights: Weights, spec: Spec) -> bool:
    """Whether these weights mean the same in a network of this Spec."""
    return _meaning(twin(weights.network).spec) == _meaning(spec)


def _meaning(spec: Spec) -> Spec:
    # Momentum matters in training alone, the divisor when the width changes.
    return replace(spec, style=replace(spec.style, momentum=Style.momentum, divisor=Style.divisor))
