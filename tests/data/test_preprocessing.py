from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from featherlight.data import Preprocessing, crop, normalise, prepare
from featherlight.errors import BadInput

RAMP = Image.fromarray(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))).convert("RGB")


def test_the_record_speaks_timms_names_and_survives_json() -> None:
    grey = Preprocessing(28, (0.5,), (0.25,), 1.0, "bicubic")
    config = json.loads(json.dumps(grey.to_config()))
    assert config == {
        "input_size": [1, 28, 28],
        "mean": [0.5],
        "std": [0.25],
        "crop_pct": 1.0,
        "crop_mode": "center",
        "interpolation": "bicubic",
    }
    assert Preprocessing.from_config(config) == grey


def test_a_config_of_timm_is_read_whatever_else_it_holds() -> None:
    config = {"url": "", "num_classes": 1000, "input_size": (3, 240, 240), "pool_size": (7, 7), "crop_pct": 0.9}
    assert Preprocessing.from_config(config) == Preprocessing(240, crop_pct=0.9)
    assert Preprocessing.from_config({}) == Preprocessing()


@pytest.mark.parametrize(
    "config",
    [
        {"input_size": [3, 224, 200]},
        {"input_size": [2, 224, 224]},
        {"input_size": 224},
        {"input_size": [3, 0, 0]},
        {"mean": [0.5]},
        {"mean": "grey"},
        {"std": [0.5, 0.5, 0.0]},
        {"std": [0.5, 0.5, float("nan")]},
        {"mean": [0.5, 0.5, float("inf")]},
        {"crop_pct": 0},
        {"crop_pct": 1.5},
        {"crop_pct": "all"},
        {"crop_mode": "squash"},
        {"interpolation": "random"},
        {"interpolation": ["bilinear"]},
    ],
)
def test_a_config_that_cannot_be_followed_is_refused_by_field(config: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(config))} must be"):
        Preprocessing.from_config(config)


def test_the_centre_of_the_shorter_side_is_kept() -> None:
    # 224 of 256 pixels: at 300 x 400 the square spans 262.5 source pixels round the middle of the longer side.
    row = crop(RAMP, Preprocessing()).astype(int)[0, 112]
    centre, half = 199.5, 262.5 / 2
    expected = np.array([centre - half, centre + half]) * 255 / 399
    assert np.abs(row[[0, -1]] - expected).max() <= 1.5
    assert crop(RAMP, Preprocessing()).shape == (3, 224, 224)


def test_an_image_of_the_right_size_is_not_touched() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(crop(Image.fromarray(noise), Preprocessing(28, (0.0,), (1.0,), 1.0))[0], noise)


def test_the_odd_pixel_is_cut_away_on_the_right_and_below() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (31, 35), np.uint8)
    image = Image.fromarray(noise)
    assert np.array_equal(crop(image, Preprocessing(28, (0.0,), (1.0,), 28 / 31))[0], noise[1:29, 3:31])


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (256, 128)))
    grey = crop(stripes, Preprocessing(32, (0.0,), (1.0,), 1.0))
    assert np.abs(grey.astype(int) - 127.5).max() < 8


def test_a_colour_photo_becomes_grey_for_one_channel_and_a_grey_one_rgb_for_three() -> None:
    assert crop(RAMP, Preprocessing(8, (0.5,), (0.5,))).shape == (1, 8, 8)
    three = crop(RAMP.convert("L"), Preprocessing(8))
    assert np.array_equal(three[0], three[2])


@given(
    st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 64), st.sampled_from([1.0, 0.95, 0.9, 0.875, 0.7, 0.4])
)
def test_every_shape_of_photo_fills_the_square(width: int, height: int, size: int, crop_pct: float) -> None:
    white = Image.new("L", (width, height), 255)
    assert (crop(white, Preprocessing(size, (0.5,), (0.5,), crop_pct)) == 255).all()


def test_a_strip_does_not_take_gigabytes() -> None:
    assert crop(Image.new("RGB", (1, 100_000), "red"), Preprocessing())[:, 0, 0].tolist() == [255, 0, 0]


def test_normalise_is_minus_mean_over_std_for_one_image_or_many() -> None:
    preprocessing = Preprocessing(2, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    batch = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 2), np.uint8)
    expected = (batch / 255 - np.reshape([0.1, 0.2, 0.3], (3, 1, 1))) / np.reshape([0.4, 0.5, 0.6], (3, 1, 1))
    got = normalise(batch, preprocessing)
    assert got.dtype == np.float32
    assert np.allclose(got, expected, atol=1e-6)
    assert np.array_equal(normalise(batch[0], preprocessing), got[0])


def test_prepare_is_crop_then_normalise() -> None:
    preprocessing = Preprocessing(16)
    assert np.array_equal(prepare(RAMP, preprocessing), normalise(crop(RAMP, preprocessing), preprocessing))


def test_the_record_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Preprocessing().size = 3  # type: ignore[misc]
