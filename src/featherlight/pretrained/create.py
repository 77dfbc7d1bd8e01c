"""Networks by name, fresh or with their public weights."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from featherlight.errors import BadInput, must_be
from featherlight.layers import Network
from featherlight.layers.head import GlobalPool
from featherlight.models import entry, list_models
from featherlight.pretrained.adapt import adapt
from featherlight.pretrained.catalogue import Weights, catalogue
from featherlight.pretrained.checkpoint import read_checkpoint
from featherlight.pretrained.download import Progress
from featherlight.pretrained.fetch import fetch
from featherlight.pretrained.folder import read_folder
from featherlight.pretrained.published import Published, find
from featherlight.pretrained.repository import SAFETENSORS, fetch_folder
from featherlight.pretrained.zoos import convert_state_dict
from featherlight.spec import Spec, small_images
from featherlight.spec.small_images import LARGEST

LOCAL, HUB = "local-dir:", "hf-hub:"


def create_model(
    name: str,
    pretrained: bool = False,
    *,
    num_classes: int | None = None,
    in_chans: int | None = None,
    drop_rate: float | None = None,
    global_pool: GlobalPool | None = None,
    features_only: bool | None = None,
    out_indices: Sequence[int] | None = None,
    size: int | None = None,
    cache_dir: str | Path | None = None,
    **arguments: Any,
) -> Network:
    """The network of that name: an ordinary module, `model.spec` its table.

    name         ``mobilenet_v2`` (`list_models` has them all), ``mobilenet_v2.tv_in1k`` (`list_weights`),
                 ``timm:mobilenetv2_100`` (the same network as another zoo's), ``local-dir:path`` or
                 ``hf-hub:org/repo@revision`` (a saved one)
    pretrained   with weights: those of the tag, else the first of the catalogue that fit, else the saved ones
    num_classes  1000, or what was saved; another number leaves the classifier fresh
    in_chans     3, or what was saved; another number adapts the first kernels
    size         pixels a side of the images; up to 64 the early strides become 1 (`small_images`)
    cache_dir    where downloads are kept, instead of the cache folder
    arguments    what the paper varies: ``width=0.75``; None counts as not given, here and above

    Raises BadInput for names and arguments that do not exist, and for weights that are not known or do not fit.
    """
    if not isinstance(pretrained, bool | None):
        raise must_be("pretrained", f'True or False (a tag belongs to the name: "{name}.tag")', pretrained)
    if size is not None and (not isinstance(size, int) or size < 1):
        raise must_be("size", "a whole number of at least 1", size)
    _check_arguments(name, arguments)
    published = resolve(name, cache_dir, **arguments)
    spec = small_images(published.spec) if size is not None and size <= LARGEST else published.spec
    state = _pretrained_state(published, name, spec, cache_dir) if pretrained else None
    model = Network(
        spec,
        published.num_classes if num_classes is None else num_classes,
        published.in_chans if in_chans is None else in_chans,
        drop_rate or 0.0,
        published.global_pool if global_pool is None else global_pool,
        bool(features_only),
        out_indices,
        published.architecture,
    )
    if state is not None:
        model.load_state_dict(adapt(state, model))
    return model


def _check_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise BadInput for an argument that `create_model` does not have for this network, with all that it has."""
    architecture = name.partition(".")[0]
    own = entry(architecture).arguments if architecture in list_models() else ()
    known = [*own, *(each for each in inspect.signature(create_model).parameters if each not in ("name", "arguments"))]
    strange = [each for each, value in arguments.items() if value is not None and each not in own]
    if strange:
        near = difflib.get_close_matches(strange[0], known)
        nearest = f" (nearest: {', '.join(near)})" if near else ""
        raise BadInput(f"{name} has no argument {', '.join(strange)}{nearest}; it has {', '.join(known)}")


def load_published(
    name: str, cache_dir: str | Path | None = None, progress: Progress | None = None
) -> tuple[Network, Published]:
    """The network of that name with its weights, and what is known of it: class names, preprocessing.

    Names and errors are those of `create_model`; `progress` is told of bytes that are downloaded.
    """
    published = resolve(name, cache_dir)
    state = _pretrained_state(published, name, published.spec, cache_dir, progress)
    model = Network(
        published.spec,
        published.num_classes,
        published.in_chans,
        global_pool=published.global_pool,
        architecture=published.architecture,
    )
    model.load_state_dict(adapt(state, model))
    return model, published


def resolve(name: str, cache_dir: str | Path | None = None, **arguments: Any) -> Published:
    """What `create_model` would build for that name and these arguments, and the weights that there are for it."""
    arguments = {key: value for key, value in arguments.items() if value is not None}
    if not name.startswith((LOCAL, HUB)):
        return find(name, arguments)
    if arguments:
        raise BadInput(f"a saved network has no arguments; got {', '.join(sorted(arguments))}")
    if name.startswith(LOCAL):
        return read_folder(Path(name.removeprefix(LOCAL)))
    return read_folder(fetch_folder(name.removeprefix(HUB), cache_dir))


def _pretrained_state(
    published: Published,
    name: str,
    spec: Spec,
    cache_dir: str | Path | None,
    progress: Progress | None = None,
) -> Mapping[str, Tensor]:
    """The weights of a published network in our layout, checked to fit `spec`; raises BadInput where they do not."""
    weights, architecture = published.weights, published.architecture
    if weights is None:
        raise _no_weights(name, published)
    if isinstance(weights, Weights):
        path, architecture = fetch(weights, cache_dir, progress), weights.network
    else:
        path = weights
    tensors = read_checkpoint(path)
    try:
        # On the meta device nothing is allocated, however large the numbers in a configuration are.
        with torch.device("meta"):
            whole = Network(spec, published.num_classes, published.in_chans, architecture=architecture)
        state = convert_state_dict(tensors, whole)
    except (BadInput, RuntimeError, OverflowError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} does not fit: {error}") from error
    _warn_unless_finite(path, state)
    return state


def _no_weights(name: str, published: Published) -> BadInput:
    if name.startswith((LOCAL, HUB)):
        return BadInput(f"{name} has no weights: its folder must hold {SAFETENSORS}")
    architecture = published.architecture
    if ":" in name:
        return BadInput(f"no public weights are known for {name}; `featherlight.list_weights()` has all that are")
    known = [weights.name for weights in catalogue() if weights.architecture == architecture]
    there = f"there are: {', '.join(known)}" if known else "there are none for any width of it"
    return BadInput(f"no public weights are known for {name} with these arguments; {there}")


def _warn_unless_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    strange = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if strange:
        shown = ", ".join(strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
        warnings.warn(f"{path} holds weights that are not finite, in {shown}", stacklevel=3)
