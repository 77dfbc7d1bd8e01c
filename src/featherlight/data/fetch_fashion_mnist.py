"""Fetch Fashion-MNIST: `python -m featherlight.data.fetch_fashion_mnist`.

Debian's package where apt and root are there, else the data set's own repository into the cache folder. A download that
was cut off goes on where it stopped; what does not have the known SHA-256 is not kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from featherlight import files
from featherlight.data import fashion_mnist
from featherlight.errors import BadInput, Failure, FeatherlightError

REPOSITORY = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
PACKAGE = "dataset-fashion-mnist"


def main() -> int:
    """Fetch what is missing and say where it is; the exit code."""
    try:
        if fashion_mnist.find() is None and not install_debian_package():
            download(REPOSITORY, fashion_mnist.download_folder())
        for part in ("train", "t10k"):
            fashion_mnist.read(part)
    except (FeatherlightError, OSError) as error:  # OSError: no room, no permission
        print(error, file=sys.stderr)
        return getattr(error, "exit_code", 1)
    print(f"Fashion-MNIST is in {fashion_mnist.find()}")
    return 0


def install_debian_package() -> bool:
    """Whether apt could install Debian's package: only tried as root where apt is there."""
    if shutil.which("apt-get") is None or os.getuid() != 0:
        return False
    install = ["apt-get", "install", "--yes", "--no-install-recommends", PACKAGE]
    return _runs(install) or (_runs(["apt-get", "update"]) and _runs(install))


def download(address: str, folder: Path) -> None:
    """Fetch the four files below `address` into `folder`, those that are not there yet.

    Raises Failure if the network fails; what had come by then is kept beside, and the next call goes on from it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in fashion_mnist.DIGESTS:
        if not (folder / name).exists():
            _download(address + name, folder / name)


def _download(address: str, path: Path) -> None:
    partial = path.with_name(f"{path.name}.partial")
    print(f"fetching {address}", file=sys.stderr)
    try:
        _append(address, partial)
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        raise Failure(f"{address} could not be fetched ({error}); try again, it goes on where it stopped") from error
    try:
        fashion_mnist.unzip(partial, path.name)
    except BadInput as error:
        partial.unlink()
        raise Failure(f"what {address} sent is not Fashion-MNIST; nothing of it was kept") from error
    with files.replacing(path) as temporary:
        os.replace(partial, temporary)


def _append(address: str, partial: Path) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            # 206: the rest follows. A server that knows no ranges answers 200 and sends all of it again.
            with partial.open("ab" if answer.status == 206 else "wb") as file:
                shutil.copyfileobj(answer, file)
            if answer.length:  # what was announced and did not come
                raise ConnectionError(f"{answer.length} bytes are missing")
    except HTTPError as error:
        if error.code != 416:  # 416: there is nothing beyond what came the last time
            raise


def _runs(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
