"""A network in a folder, in the form of the Hugging Face hub: model.safetensors, config.json, README.md."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

import safetensors.torch

from featherlight.errors import BadInput, must_be, unknown
from featherlight.files import replacing
from featherlight.layers import Network
from featherlight.layers.head import GlobalPool
from featherlight.models import entry, list_models
from featherlight.pretrained.card import model_card
from featherlight.pretrained.catalogue import label_names as known_labels
from featherlight.pretrained.published import Published
from featherlight.pretrained.repository import CONFIG, PICKLED, SAFETENSORS
from featherlight.pretrained.zoos import twin, zoo_names
from featherlight.spec import Spec, from_json, to_json

CARD = "README.md"

_CUSTOM = "custom"  # the architecture of a network without a name of its own: all of it stands in model_args
_MOST = 1 << 22  # bytes of a configuration; the names of 20,000 classes take a tenth


def save(
    folder: str | Path,
    model: Network,
    *,
    label_names: Sequence[str],
    preprocessing: Mapping[str, Any],
    tag: str | None = None,
    license: str | None = None,
    notes: str = "",
) -> None:
    """Write `model` into `folder`, from where `create_model("local-dir:...")` rebuilds it whatever its Spec.

    `label_names` are the class names in the order of the scores, `preprocessing` the fields of timm's `pretrained_cfg`
    (input_size, mean, std, crop_pct, interpolation). `notes` is Markdown for the model card. Files that are there are
    replaced, config.json last: it stands for the whole.
    """
    if model.head is None or model.num_classes == 0:
        raise BadInput("a network to be saved must have a classifier")
    if len(label_names) != model.num_classes:
        raise must_be("label_names", f"{model.num_classes} names, one a class", len(label_names))
    config = _config(model, label_names, preprocessing, tag, license)
    card = model_card(Path(folder).resolve().name, config, license, notes)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    home = Path(folder)
    with (
        replacing(home / CONFIG) as config_file,
        replacing(home / CARD) as card_file,
        replacing(home / SAFETENSORS) as weights_file,
    ):
        config_file.write_text(json.dumps(config, indent=2, allow_nan=False) + "\n", "utf-8")
        card_file.write_text(card, "utf-8")
        safetensors.torch.save_file(tensors, weights_file, metadata={"format": "pt"})


def _config(
    model: Network, labels: Sequence[str], preprocessing: Mapping[str, Any], tag: str | None, license: str | None
) -> dict[str, Any]:
    """The configuration in timm's layout; timm keeps the last three fields of `pretrained_cfg` even when null."""
    rebuilt = _named_spec(model.architecture) if model.architecture else None
    pretrained_cfg = {
        **({"tag": tag} if tag else {}),
        **preprocessing,
        **({"license": license} if license else {}),
        "num_classes": model.num_classes,
        "pool_size": None,
        "first_conv": "rows.0.conv",
        "classifier": "head.classifier",
    }
    return {
        "architecture": model.architecture or _CUSTOM,
        "num_classes": model.num_classes,
        "num_features": model.num_features,
        "global_pool": model.global_pool,
        "in_chans": model.in_chans,
        "label_names": list(labels),
        "model_args": {} if rebuilt == model.spec else {"spec": to_json(model.spec)},
        "pretrained_cfg": pretrained_cfg,
    }


def read_folder(folder: Path) -> Published:
    """What a folder holds, as its config.json says: ours, or one of timm's networks as timm saves it.

    No file is read but config.json; the weights are a file of the folder, whatever the configuration says. Raises
    BadInput, naming file and field, for whatever is missing, malformed or unknown.
    """
    path = folder / CONFIG
    if not os.path.isdir(folder):
        raise BadInput(f"{folder} is not a folder")
    config = _read_json(path)
    weights = next((folder / name for name in (SAFETENSORS, PICKLED) if (folder / name).exists()), None)
    try:
        return _published(config, weights)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _published(config: Mapping[str, Any], weights: Path | None) -> Published:
    preprocessing = _mapping(config, "pretrained_cfg")
    size = preprocessing.get("input_size")
    channels = size[0] if isinstance(size, list) and size else 3
    num_classes = _whole("num_classes", config.get("num_classes", preprocessing.get("num_classes", 1000)), least=1)
    global_pool = config.get("global_pool", "avg")
    if global_pool not in get_args(GlobalPool):
        raise must_be("global_pool", "one of 'avg', 'max', ''", global_pool)
    architecture, spec = _network(config.get("architecture"), _mapping(config, "model_args"))
    return Published(
        architecture=architecture,
        spec=spec,
        weights=weights,
        num_classes=num_classes,
        in_chans=_whole("in_chans", config.get("in_chans", channels), least=1),
        global_pool=cast("GlobalPool", global_pool),
        label_names=_label_names(config.get("label_names"), num_classes, preprocessing.get("tag")),
        preprocessing=preprocessing,
    )


def _network(architecture: object, arguments: Mapping[str, Any]) -> tuple[str | None, Spec]:
    if not isinstance(architecture, str):
        raise must_be("architecture", "a name", architecture)
    if strange := sorted(set(arguments) - {"spec"}):
        raise BadInput(f"model_args must hold nothing but a spec; got {', '.join(strange)}")
    # A plain name that is not ours may be timm's, which saves its networks so.
    name = next((name for name in (architecture, f"timm:{architecture}") if _named_spec(name)), None)
    if "spec" in arguments:
        return name, from_json(_mapping(arguments, "spec"))
    if name is None:
        raise unknown("architecture", architecture, [*list_models(), *zoo_names()])
    return name, cast("Spec", _named_spec(name))


def _named_spec(name: str) -> Spec | None:
    """The Spec that a registered name or a zoo's stands for, None where it is neither."""
    if name in list_models():
        return entry(name).build()
    return twin(name).spec if name in zoo_names() else None


def _label_names(names: object, num_classes: int, tag: object) -> tuple[str, ...]:
    if names is None:
        # timm leaves out the names of ImageNet's classes; its tags say what a network was trained on.
        imagenet = num_classes == 1000 and "in1k" in str(tag).split("_")
        return known_labels("imagenet-1k") if imagenet else tuple(map(str, range(num_classes)))
    if isinstance(names, Mapping):
        names = [names.get(str(index)) for index in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise must_be("label_names", "a list of names", type(names).__name__)
    if len(names) != num_classes:
        raise must_be("label_names", f"{num_classes} names, one a class", len(names))
    return tuple(names)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MOST:
            raise BadInput(f"{path} must have at most {_MOST:,} bytes; got {path.stat().st_size:,}")
        document = json.loads(path.read_bytes(), parse_constant=_refuse)
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist: the folder does not hold a saved network") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path} must hold a JSON object; got a {type(document).__name__}")
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def _mapping(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = {} if config.get(name) is None else config[name]
    if not isinstance(value, Mapping):
        raise must_be(name, "an object", value)
    return value


def _whole(name: str, value: object, least: int) -> int:
    if type(value) is not int or value < least:
        raise must_be(name, f"a whole number of at least {least}", value)
    return value
