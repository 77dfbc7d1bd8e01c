"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): 70,000 grey 28x28 pictures of clothes in ten classes, read from disk.

`python -m featherlight.data.fetch_fashion_mnist` puts the files where `find` looks.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featherlight.errors import BadInput
from featherlight.files import cache_folder

NAME = "fashion-mnist"
LABEL_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# SHA-256 of the contents, unzipped: the same in Debian's package and in the data set's own repository.
DIGESTS = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # package dataset-fashion-mnist


def download_folder() -> Path:
    """Where a download goes: $FEATHERLIGHT_DATA/fashion-mnist, or else our folder among the platform's caches."""
    if given := os.environ.get("FEATHERLIGHT_DATA"):
        return Path(given) / NAME
    return cache_folder() / "datasets" / NAME


def find() -> Path | None:
    """The first folder that holds the four files: the download folder, datasets/ in the current folder, Debian's."""
    places = (download_folder(), Path("datasets") / NAME, DEBIAN)
    return next((place for place in places if all((place / name).is_file() for name in DIGESTS)), None)


def read(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (N, 28, 28), and labels, int64 (N,), of "train" (60,000) or "t10k" (10,000), the test set.

    Raises BadInput if the files are nowhere or their contents are not Fashion-MNIST's.
    """
    folder = find()
    if folder is None:
        raise BadInput("Fashion-MNIST is not on this machine; fetch it with `make data`")
    images, labels = (_unzip(folder / name) for name in DIGESTS if name.startswith(part))
    # An idx file is a header of 4 bytes and 4 for each dimension, then the numbers; the digest vouches for both.
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
    )


def _unzip(path: Path) -> bytes:
    mend = "remove it and fetch it again with `make data`"
    try:
        with gzip.open(path) as file:
            contents = file.read(1 << 26)  # the largest has 47 MB
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{str(path)!r} is broken ({error}); {mend}") from error
    if hashlib.sha256(contents).hexdigest() != DIGESTS[path.name]:
        raise BadInput(f"{str(path)!r} does not hold Fashion-MNIST's images or labels; {mend}")
    return contents
