from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import brightness
from featherlight.data import open_dataset
from featherlight.report.thumbnails import SIDE, find_thumbnails, thumbnail


def decoded(uri: str) -> Image.Image:
    kind, _, content = uri.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert kind == f"data:image/{str(image.format).lower()}"
    return image


def test_a_photograph_becomes_a_few_kilobytes() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    uri = thumbnail(Image.fromarray(noise))
    assert decoded(uri).size == (SIDE, SIDE * 3 // 4)
    assert len(uri) < 10_000


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_is_small_stays_as_it_is(mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28) if mode == "L" else (28, 28, 3), np.uint8)
    assert np.array_equal(np.asarray(decoded(thumbnail(Image.fromarray(pixels)))), pixels)


def test_images_are_found_by_name(tmp_path: Path) -> None:
    brightness.write_photos(tmp_path, {"bright": [250, 249, 248, 247], "dark": [0, 1, 2, 3]})
    dataset = open_dataset(tmp_path)
    parts = [dataset.train, dataset.test]
    names = [part.name(0) for part in parts]
    Path(names[1]).write_bytes(b"no longer an image")
    first, second, third = find_thumbnails(dataset, [*names, "elsewhere.png"])
    assert decoded(first).size[0] > 0
    assert (second, third) == ("", "")
