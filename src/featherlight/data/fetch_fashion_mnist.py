"""Fetch Fashion-MNIST: `python -m featherlight.data.fetch_fashion_mnist`.

Debian's package where apt and root are there, else the data set's own repository, into the cache folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from featherlight.data import fashion_mnist
from featherlight.errors import FeatherlightError
from featherlight.pretrained import download

PACKAGE = "dataset-fashion-mnist"
REPOSITORY = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"

# SHA-256 of the repository's files. They are the ones whose MD5 its README states; Debian's differ in the date and the
# name that gzip noted, and in nothing else.
FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def main() -> int:
    """Fetch what is missing, read it all once, and say where it is; the exit code."""
    try:
        if fashion_mnist.find() is None and not install_debian_package():
            download_files(REPOSITORY, fashion_mnist.download_folder())
        for part in ("train", "t10k"):
            fashion_mnist.read(part)
    except (FeatherlightError, OSError) as error:  # OSError: no room, no permission
        print(error, file=sys.stderr)
        return getattr(error, "exit_code", 1)
    print(f"Fashion-MNIST is in {fashion_mnist.find()}")
    return 0


def install_debian_package() -> bool:
    """Whether apt could install Debian's package; only tried as root where apt is there."""
    if shutil.which("apt-get") is None or os.getuid() != 0:
        return False
    install = ["apt-get", "install", "--yes", "--no-install-recommends", PACKAGE]
    return _runs(install) or (_runs(["apt-get", "update"]) and _runs(install))


def download_files(address: str, folder: Path) -> None:
    """Bring the four files below `address` to `folder`; raises Failure where the network or the contents are at fault.

    What had come before the network failed is kept, and the next call goes on from it.
    """
    for name, digest in FILES.items():
        print(f"fetching {address}{name}", file=sys.stderr)
        download(address + name, folder / name, f"sha256:{digest}")


def _runs(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
