from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from featherlight.data import fashion_mnist, open_dataset
from featherlight.errors import BadInput

fetched = pytest.mark.skipif(fashion_mnist.find() is None, reason="Fashion-MNIST is not fetched (`make data`)")


@fetched
def test_the_real_data_set_opens_whole_and_balanced() -> None:
    dataset = open_dataset("fashion-mnist")
    assert dataset.channels == 1
    assert dataset.label_names[9] == "Ankle boot"
    assert np.bincount(dataset.train.labels).tolist() == [5500] * 10
    assert np.bincount(dataset.validation.labels).tolist() == [500] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    # The test set's first pictures, as its README shows them: an ankle boot, a pullover, two pairs of trousers.
    assert [dataset.label_names[label] for label in dataset.test.labels[:4]] == [
        "Ankle boot",
        "Pullover",
        "Trouser",
        "Trouser",
    ]
    boot = dataset.test.images(np.array([0]), 28)[0, 0]
    assert not boot[:7].any()
    assert boot[19].mean() > 100


@fetched
def test_the_validation_images_hang_on_the_seed() -> None:
    first, again, other = (open_dataset("fashion-mnist", seed).validation for seed in (0, 0, 1))
    some = np.arange(50)
    assert np.array_equal(first.images(some, 28), again.images(some, 28))
    assert not np.array_equal(first.images(some, 28), other.images(some, 28))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set of the same layout, known by digests of its own, where downloads go."""
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    noise = np.random.default_rng(0)
    for part, count in (("train", 120), ("t10k", 20)):
        images = struct.pack(">4i", 2051, count, 28, 28) + noise.bytes(count * 784)
        labels = struct.pack(">2i", 2049, count) + bytes(number % 10 for number in range(count))
        for name, content in (("images-idx3", images), ("labels-idx1", labels)):
            file = folder / f"{part}-{name}-ubyte.gz"
            file.write_bytes(gzip.compress(content, mtime=0))
            monkeypatch.setitem(fashion_mnist.DIGESTS, file.name, hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("FEATHERLIGHT_DATA", str(tmp_path))
    return folder


def test_it_is_looked_for_where_downloads_go(tiny: Path) -> None:
    assert fashion_mnist.find() == tiny
    dataset = open_dataset("fashion-mnist")
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [110, 10, 20]


def test_datasets_in_the_current_folder_are_found(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERLIGHT_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    tiny.rename(tmp_path / "moved")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "moved").rename(tmp_path / "datasets" / "fashion-mnist")
    assert fashion_mnist.find() == Path("datasets/fashion-mnist")


def test_not_fetched_is_one_sentence_with_the_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERLIGHT_DATA", str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="make data"):
        open_dataset("fashion-mnist")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not hold Fashion-MNIST's"),
        (b"not gzip", "is broken"),
        (gzip.compress(b"something else", mtime=0), "does not hold Fashion-MNIST's"),
        (gzip.compress(b"cut short" * 100, mtime=0)[:-12], "is broken"),
    ],
)
def test_a_file_that_is_not_fashion_mnist_is_refused_by_name(tiny: Path, content: bytes, words: str) -> None:
    (tiny / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        open_dataset("fashion-mnist")
    assert "t10k-labels-idx1-ubyte.gz" in str(caught.value)
