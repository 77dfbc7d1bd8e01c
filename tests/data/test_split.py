from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherlight.data import Preprocessing, Split, crop, prepare, read_photo, split
from featherlight.data.pictures import Array, Files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(20):
        noise = np.random.default_rng(number).integers(0, 256, (40 + number, 60, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    return tmp_path


def of_files(folder: Path, count: int = 20) -> Split:
    return Split(Files(folder, [f"{number}.png" for number in range(count)]), np.arange(count), channels=3)


@pytest.mark.parametrize("kept_bytes", [1 << 30, 0])
def test_images_come_in_the_order_asked_for(photos: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int) -> None:
    monkeypatch.setattr(split, "KEPT_BYTES", kept_bytes)
    part = of_files(photos)
    wanted = np.array([7, 3, 3, 19, 0])
    for _ in range(2):  # the second time from memory, where they are kept
        images = part.images(wanted, 16, crop_pct=0.8, interpolation="bicubic")
        assert images.shape == (5, 3, 16, 16)
        assert images.dtype == np.uint8
        for image, index in zip(images, wanted, strict=True):
            alone = crop(read_photo(photos / f"{index}.png"), Preprocessing(16, crop_pct=0.8, interpolation="bicubic"))
            assert np.array_equal(image, alone)


@pytest.mark.parametrize("kept_bytes", [1 << 30, 0])
@pytest.mark.parametrize("preprocessing", [Preprocessing(16), Preprocessing(16, (0.4,), (0.3,), 0.9, "bicubic")])
def test_prepared_images_are_those_of_prediction_in_the_networks_own_channels(
    photos: Path, monkeypatch: pytest.MonkeyPatch, kept_bytes: int, preprocessing: Preprocessing
) -> None:
    monkeypatch.setattr(split, "KEPT_BYTES", kept_bytes)
    part = of_files(photos)
    wanted = np.array([7, 3, 19])
    expected = np.stack([prepare(read_photo(photos / f"{index}.png"), preprocessing) for index in wanted])
    part.images(wanted, 16)  # what is kept for another use of the split is not mistaken for this
    assert np.array_equal(part.prepared(wanted, preprocessing), expected)
    grey = Split(Array("noise", np.full((2, 28, 28), 51, np.uint8)), np.zeros(2, np.int64), channels=1)
    seen = grey.prepared(np.arange(2), preprocessing)
    assert seen.shape == (2, preprocessing.channels, 16, 16)
    assert np.allclose(seen[0, 0], (0.2 - preprocessing.mean[0]) / preprocessing.std[0])


def test_a_kept_image_is_decoded_once_and_another_size_anew(photos: Path) -> None:
    part = of_files(photos)
    first = part.images(np.arange(20), 16)
    for file in photos.iterdir():
        file.unlink()
    assert np.array_equal(part.images(np.arange(20), 16), first)
    assert part.broken == ()
    part.images(np.arange(20), 8)
    assert len(part.broken) == 20


def test_what_is_too_large_is_not_kept(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = of_files(photos)
    assert part.keeps(16)
    monkeypatch.setattr(split, "KEPT_BYTES", 20 * 3 * 16 * 16 - 1)
    assert not part.keeps(16)


def test_a_broken_image_is_black_and_named_and_the_others_are_right(photos: Path) -> None:
    (photos / "5.png").write_bytes(b"no longer an image")
    part = of_files(photos)
    images = part.images(np.arange(20), 16)
    assert not images[5].any()
    assert images[4].any()
    assert part.sound(np.array([4, 5, 6])).tolist() == [True, False, True]
    (sentence,) = part.broken
    assert str(photos / "5.png") in sentence


def test_a_file_that_vanishes_mid_epoch_is_black_and_named_from_then_on(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "KEPT_BYTES", 0)
    part = of_files(photos)
    assert part.images(np.arange(20), 16)[5].any()
    (photos / "5.png").unlink()
    for _ in range(2):
        images = part.images(np.arange(20), 16)
        assert not images[5].any()
        assert images[4].any()
    assert part.broken == (f"'{photos / '5.png'}' does not exist",)
    assert part.sound(np.arange(20)).sum() == 19


def test_changing_what_came_back_does_not_change_what_is_kept(photos: Path) -> None:
    part = of_files(photos)
    part.images(np.array([2]), 8)[:] = 0
    assert part.images(np.array([2]), 8).any()


def test_drafts_are_close_to_the_exact_images(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:600, 0:800]
    smooth = np.stack([rows * 255 / 600, columns * 255 / 800, 127 + 100 * np.sin(columns / 50)], -1)
    Image.fromarray(smooth.astype(np.uint8)).save(tmp_path / "0.jpg", quality=95)
    part = Split(Files(tmp_path, ["0.jpg"]), np.zeros(1, np.int64), channels=3)
    exact, draft = (part.images(np.array([0]), 48, draft=draft).astype(int) for draft in (False, True))
    assert 0 < np.abs(exact - draft).max() < 8


def test_an_array_gives_its_own_pixels_and_other_sizes(photos: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 28, 28), np.uint8)
    part = Split(Array("noise", pixels), np.zeros(9, np.int64), channels=1)
    assert np.array_equal(part.images(np.arange(9), 28)[:, 0], pixels)
    assert part.images(np.arange(9), 64).shape == (9, 1, 64, 64)
    assert part.name(3) == "noise 3"


def test_no_indices_no_images(photos: Path) -> None:
    assert of_files(photos).images(np.array([], np.int64), 8).shape == (0, 3, 8, 8)
