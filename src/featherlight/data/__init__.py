"""Labelled images: photographs from files, folders of classes, Fashion-MNIST, and what a network sees of them."""

from featherlight.data.dataset import Dataset, open_dataset
from featherlight.data.photo import read_photo
from featherlight.data.preprocessing import Preprocessing, crop, normalise, prepare
from featherlight.data.split import Split

__all__ = ["Dataset", "Preprocessing", "Split", "crop", "normalise", "open_dataset", "prepare", "read_photo"]
