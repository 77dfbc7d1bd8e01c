"""State dicts of other zoos turned into ours, and ours into theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Size, Tensor

from featherlight.errors import BadInput, unknown
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.pretrained.zoos.names import ZOOS, twin
from featherlight.pretrained.zoos.unwrap import unwrap
from featherlight.pretrained.zoos.zoo import Layout

_OURS = "featherlight"
_SAME = Layout((), ())  # our own layout: nothing is called anything else

# Batch norm's count of batches: old checkpoints lack it, and no network here reads it.
_OPTIONAL = ".num_batches_tracked"


def convert_state_dict(
    state_dict: Mapping[str, Any], model: Network, *, to: str | None = None, classifier: bool = True
) -> dict[str, Tensor]:
    """The tensors of `state_dict` under the names and in the shapes of `model`, or of the zoo `to`.

    state_dict  in our layout or that of any zoo that has the model's architecture, found by its names; a checkpoint
                around one will do. It is left as it is, and the result shares its memory.
    to          "torchvision", "timm" or "pytorchcv"; None for our own layout
    classifier  False leaves the classifier's tensors out

    Tensors that a model without its classifier, or with `features_only`, does not hold are left out. Raises BadInput
    with every tensor that is missing, unexpected or of another shape.
    """
    layouts = _layouts(model)
    if to is not None and to not in layouts:
        raise _no_layout(to, model)
    tensors = unwrap(state_dict)
    held = model.state_dict()

    def known(zoo: str) -> int:
        paths = _inverse(layouts[zoo].paths(model.spec))
        return sum(_renamed(key, paths) in held for key in tensors)

    zoo = max(layouts, key=known)
    converted = _fitted(tensors, zoo, layouts[zoo], model, classifier)
    return converted if to is None else _written(converted, layouts[to], model)


def load_state_dict(model: Network, state_dict: Mapping[str, Any], *, classifier: bool = True) -> None:
    """Load weights in any layout that `convert_state_dict` reads: all of them or, with BadInput, none.

    `classifier=False` leaves the model's classifier as it is, for weights that know other classes.
    """
    # strict=False: convert_state_dict has been as strict already, and may have left out the classifier.
    model.load_state_dict(convert_state_dict(state_dict, model, classifier=classifier), strict=False)


def _layouts(model: Network) -> dict[str, Layout]:
    """The layouts in which the model's weights may come, by zoo; our own is the first, and wins where all fit alike."""
    layouts = {_OURS: _SAME}
    if model.architecture is not None:
        architecture = twin(model.architecture).architecture if ":" in model.architecture else model.architecture
        name = entry(architecture).name
        known = {zoo: ZOOS[zoo].layouts[name] for zoo in ZOOS if name in ZOOS[zoo].layouts}
        layouts.update({zoo: layout for zoo, layout in known.items() if layout.paths(model.spec)})
    return layouts


def _fitted(
    tensors: Mapping[str, Tensor], zoo: str, layout: Layout, model: Network, classifier: bool
) -> dict[str, Tensor]:
    """The tensors of a zoo's layout under our names and in our shapes; BadInput where anything does not fit."""
    theirs = layout.paths(model.spec)
    ours = _inverse(theirs)
    left_out = _left_out(model, classifier)
    shapes = {name: held.shape for name, held in model.state_dict().items() if not name.startswith(left_out)}
    fitted: dict[str, Tensor] = {}
    unexpected: list[str] = []
    misshapen: dict[str, str] = {}
    for key, tensor in tensors.items():
        name = _renamed(key, ours)
        if name.startswith(left_out):
            continue
        if name not in shapes or name in fitted:
            unexpected.append(key)
        elif _core(tensor.shape) == _core(shapes[name]):
            fitted[name] = tensor.reshape(shapes[name])
        else:
            misshapen[name] = f"{key} {list(tensor.shape)} where the model has {list(shapes[name])}"
    missing = [
        _renamed(name, theirs)
        for name in shapes
        if not (name in fitted or name in misshapen or name.endswith(_OPTIONAL))
    ]
    problems = {"missing": missing, "unexpected": unexpected, "of another shape": list(misshapen.values())}
    if any(problems.values()):
        raise _misfit(problems, zoo, model)
    return fitted


def _written(tensors: Mapping[str, Tensor], layout: Layout, model: Network) -> dict[str, Tensor]:
    """Tensors in our layout under a zoo's names and in its shapes."""
    theirs = layout.paths(model.spec)
    convolutions = {f"{path}.weight" for path in layout.pointwise}
    written = {_renamed(name, theirs): tensor for name, tensor in tensors.items()}
    return {key: tensor[:, :, None, None] if key in convolutions else tensor for key, tensor in written.items()}


def _left_out(model: Network, classifier: bool) -> tuple[str, ...]:
    """How the names begin of tensors that a whole network has and this one does not take."""
    if model.head is None:
        return "head.", *(f"rows.{index}." for index in range(len(model.rows), len(model.spec.rows)))
    return () if classifier and model.num_classes else ("head.classifier.",)


def _renamed(key: str, paths: Mapping[str, str]) -> str:
    path, _, tensor = key.rpartition(".")
    return f"{paths[path]}.{tensor}" if path in paths else key


def _inverse(paths: Mapping[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in paths.items()}


def _core(shape: Size) -> Size:
    """The shape without the 1x1 that a convolution has and a fully connected layer has not."""
    return shape[:2] if shape[2:] == (1, 1) else shape


def _misfit(problems: Mapping[str, list[str]], zoo: str, model: Network) -> BadInput:
    lists = "; ".join(f"{len(names)} {problem}: {', '.join(names)}" for problem, names in problems.items() if names)
    hint = "" if model.architecture else " (a network without an architecture takes no other)"
    return BadInput(f"state dict must fit {model.architecture or 'the network'} in {zoo}'s layout{hint}; {lists}")


def _no_layout(zoo: str, model: Network) -> BadInput:
    if zoo not in ZOOS:
        return unknown("layout", zoo, ZOOS)
    if model.architecture is None:
        return BadInput(f"a network without an architecture has no layout in {zoo}")
    return BadInput(f"{zoo} has no network with the rows of this {model.architecture}, and so no layout for it")
