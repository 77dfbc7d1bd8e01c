"""Networks of torchvision, timm and pytorchcv: their names, and where each zoo keeps its weights."""

from featherlight.pretrained.zoos.convert import convert_state_dict, load_state_dict
from featherlight.pretrained.zoos.names import ZOOS, twin, zoo_names
from featherlight.pretrained.zoos.zoo import Layers, Layout, Twin, Zoo

__all__ = [
    "ZOOS",
    "Layers",
    "Layout",
    "Twin",
    "Zoo",
    "convert_state_dict",
    "load_state_dict",
    "twin",
    "zoo_names",
]
