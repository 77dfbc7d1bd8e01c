"""Networks of other zoos by their names there: ``timm:mobilenetv2_100``."""

from __future__ import annotations

from featherlight.errors import unknown
from featherlight.pretrained.zoos.pytorchcv import PYTORCHCV
from featherlight.pretrained.zoos.timm import TIMM
from featherlight.pretrained.zoos.torchvision import TORCHVISION
from featherlight.pretrained.zoos.zoo import Twin, Zoo

ZOOS: dict[str, Zoo] = {"torchvision": TORCHVISION, "timm": TIMM, "pytorchcv": PYTORCHCV}


def zoo_names() -> list[str]:
    """Every name ``zoo:name`` that is known, zoo by zoo."""
    return [f"{zoo}:{name}" for zoo in ZOOS for name in ZOOS[zoo].twins]


def twin(name: str) -> Twin:
    """Our network equal to the zoo's of that name, such as ``timm:mobilenetv2_100``.

    Equal in its tables, padding, channel rounding and batch-norm constants: the zoo's weights mean the same in it.
    Raises BadInput with the nearest names where there is none.
    """
    zoo, _, short = name.partition(":")
    if zoo not in ZOOS or short not in ZOOS[zoo].twins:
        raise unknown("model", name, zoo_names())
    return ZOOS[zoo].twins[short]
