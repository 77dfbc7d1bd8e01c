"""Weights: the public ones and where they are, networks by name, and networks saved in folders."""

from featherlight.files import cache_folder
from featherlight.pretrained.catalogue import Weights, label_names, list_weights
from featherlight.pretrained.checkpoint import read_checkpoint
from featherlight.pretrained.create import LOCAL, create_model, load_published, resolve
from featherlight.pretrained.download import Progress, download
from featherlight.pretrained.fetch import fetch, is_installed
from featherlight.pretrained.folder import read_folder, save
from featherlight.pretrained.published import Published, list_models
from featherlight.pretrained.zoos import convert_state_dict, load_state_dict, twin, zoo_names

__all__ = [
    "LOCAL",
    "Progress",
    "Published",
    "Weights",
    "cache_folder",
    "convert_state_dict",
    "create_model",
    "download",
    "fetch",
    "is_installed",
    "label_names",
    "list_models",
    "list_weights",
    "load_published",
    "load_state_dict",
    "read_checkpoint",
    "read_folder",
    "resolve",
    "save",
    "twin",
    "zoo_names",
]
