from __future__ import annotations

import contextlib
import os
import socket
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from featherlight.data import read_photo
from featherlight.data.photo import decode_photo
from featherlight.errors import BadInput

# Four quarters of different brightness: no turn or flip leaves them as they are.
QUARTERS = np.kron(np.array([[0, 85], [170, 255]], np.uint8), np.ones((16, 24), np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


MODES = {
    "png": ["1", "L", "P", "LA", "RGB", "RGBA"],
    "jpg": ["L", "RGB", "CMYK"],
    "bmp": ["1", "L", "P", "RGB", "RGBA"],
    "tif": ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK"],
    "gif": ["1", "L", "P", "RGB", "RGBA"],
    "webp": ["L", "RGB", "RGBA"],
}


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in MODES.items() for mode in modes])
def test_every_mode_that_a_format_can_hold_becomes_rgb(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(QUARTERS).convert("RGB").convert("RGBA" if mode == "LA" else mode).convert(mode).save(path)
    photo = read_photo(path)
    assert photo.mode == "RGB"
    assert photo.size == (48, 32)
    dark, bright = pixels(photo)[4, 4], pixels(photo)[28, 44]
    assert dark.max() < 16
    assert bright.min() > 239


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(QUARTERS.astype(np.uint16) * 257).save(tmp_path / f"grey.{suffix}")
    assert np.array_equal(pixels(read_photo(tmp_path / f"grey.{suffix}"))[..., 0], QUARTERS)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_without_an_agreed_white_are_stretched(tmp_path: Path, dtype: type) -> None:
    Image.fromarray((QUARTERS.astype(np.float64) * 1000 - 7).astype(dtype)).save(tmp_path / "hdr.tif")
    assert np.array_equal(pixels(read_photo(tmp_path / "hdr.tif"))[..., 0], QUARTERS)


def test_numbers_that_are_not_finite_do_not_spoil_the_rest(tmp_path: Path) -> None:
    hdr = QUARTERS.astype(np.float32)
    hdr[0, :2] = np.nan, np.inf
    Image.fromarray(hdr).save(tmp_path / "hdr.tif")
    assert np.array_equal(pixels(read_photo(tmp_path / "hdr.tif"))[1:, :, 0], QUARTERS[1:])


def test_a_transparent_part_is_laid_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    image.putpixel((0, 0), (200, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.save(tmp_path / "logo.png")
    photo = pixels(read_photo(tmp_path / "logo.png"))
    assert photo[0, 0].tolist() == [200, 0, 0]
    assert photo[0, 1].tolist() == [127, 127, 127]
    assert photo[3, 3].tolist() == [255, 255, 255]


def test_a_palette_with_a_transparent_colour_is_laid_on_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "palette.png", transparency=0)
    assert pixels(read_photo(tmp_path / "palette.png")).tolist() == [[[255] * 3, [40, 50, 60]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_stands_upright(tmp_path: Path, orientation: int) -> None:
    # How a camera that was held so would have stored the quarters, from EXIF's definition of row 0 and column 0.
    rows, columns = tuple(["tl", "tr", "br", "bl", "lt", "rt", "rb", "lb"][orientation - 1])
    stored = QUARTERS if rows in "tb" else QUARTERS.T
    if "b" in (rows, columns):
        stored = np.flip(stored, 0 if rows == "b" else 1)
    if "r" in (rows, columns):
        stored = np.flip(stored, 0 if rows == "r" else 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(pixels(read_photo(tmp_path / "turned.png"))[..., 0], QUARTERS)


def test_broken_exif_does_not_spoil_sound_pixels(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "photo.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert read_photo(tmp_path / "photo.jpg").size == (48, 32)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / f"film.{suffix}", save_all=True, append_images=frames[1:])
    red, _, blue = pixels(read_photo(tmp_path / f"film.{suffix}"))[4, 4]
    assert red > 200 > 50 > blue


@pytest.mark.parametrize(("suffix", "kind"), [("jpg", "PNG"), ("png", "TIFF"), ("gif", "BMP")])
def test_the_content_decides_not_the_suffix(tmp_path: Path, suffix: str, kind: str) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / f"a.{suffix}", format=kind)
    assert np.array_equal(pixels(read_photo(tmp_path / f"a.{suffix}"))[..., 0], QUARTERS)


def test_bytes_give_the_photo_that_their_file_gives(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).resize((1600, 800)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    for enough in (None, 200):
        assert decode_photo(content, "a", enough=enough) == read_photo(tmp_path / "a.jpg", enough=enough)
    for broken, words in (
        (b"", "here is empty"),
        (b"text", "here is not an image"),
        (content[:2000], "here is broken"),
    ):
        with pytest.raises(BadInput, match=words):
            decode_photo(broken, "here")


def test_a_jpeg_in_ycck_keeps_its_colours(tmp_path: Path) -> None:
    # Adobe's marker says how to read four channels; Pillow writes CMYK, inverted. Told to be YCCK, the same bytes are
    # luma, two chromas (128 being none) and black.
    luma = Image.fromarray(255 - QUARTERS)
    none, no_black = (Image.new("L", luma.size, value) for value in (127, 0))
    Image.merge("CMYK", (luma, none, none, no_black)).save(tmp_path / "ycck.jpg", quality=100)
    content = bytearray((tmp_path / "ycck.jpg").read_bytes())
    content[content.index(b"Adobe") + 11] = 2
    (tmp_path / "ycck.jpg").write_bytes(content)
    assert np.abs(pixels(read_photo(tmp_path / "ycck.jpg")) - (255 - QUARTERS)[..., None]).max() < 8


def test_a_colour_profile_is_not_applied(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, icc in (("sound.png", profile), ("broken.png", b"no profile")):
        Image.fromarray(QUARTERS).save(tmp_path / name, icc_profile=icc)
        assert np.array_equal(pixels(read_photo(tmp_path / name))[..., 0], QUARTERS)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 10_000), (10_000, 1)])
def test_the_smallest_and_the_narrowest_photos_are_read(tmp_path: Path, width: int, height: int) -> None:
    Image.new("RGB", (width, height), "red").save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").size == (width, height)


@pytest.mark.parametrize("damage", ["IHDR's checksum", "IDAT's pixels"])
def test_a_damaged_png_is_refused(tmp_path: Path, damage: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[29 if damage.startswith("IHDR") else content.index(b"IDAT") + 4000] ^= 255
    (tmp_path / "a.png").write_bytes(content)
    refuse(tmp_path / "a.png", "is broken|is not an image")


def test_a_file_or_folder_without_permission_is_refused(as_nobody: Path) -> None:
    (as_nobody / "folder").mkdir()
    for path in (as_nobody / "a.png", as_nobody / "folder" / "b.png"):
        Image.fromarray(QUARTERS).save(path)
    (as_nobody / "a.png").chmod(0)
    (as_nobody / "folder").chmod(0)
    refuse(as_nobody / "a.png", "Permission denied")
    refuse(as_nobody / "folder" / "b.png", "cannot be read: Permission denied")


def test_enough_decodes_a_large_jpeg_smaller_but_never_too_small(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).resize((1600, 800)).save(tmp_path / "large.jpg")
    assert read_photo(tmp_path / "large.jpg").size == (1600, 800)
    assert read_photo(tmp_path / "large.jpg", enough=200).size == (400, 200)
    assert read_photo(tmp_path / "large.jpg", enough=201).size == (800, 400)


def refuse(path: Path, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_photo(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_a_photo_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not an image at all")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # the address of a socket may have about 100 characters
    listener.bind("socket.jpg")
    listener.close()
    Image.fromarray(QUARTERS).save(tmp_path / "print.png", format="EPS")
    refuse(tmp_path / "missing.jpg", "does not exist")
    refuse(tmp_path / "empty.jpg", "is empty")
    refuse(tmp_path / "text.jpg", "is not an image")
    refuse(tmp_path / "folder.jpg", "is a folder")
    refuse(tmp_path / "pipe.jpg", "is not a regular file")
    refuse(tmp_path / "socket.jpg", "is not a regular file")
    refuse(tmp_path / "loop.jpg", "cannot be read")
    refuse(tmp_path / "print.png", "is not an image")
    refuse(tmp_path / ("n" * 300), "cannot be read")


@pytest.mark.parametrize(
    "name",
    [
        "-x.png",
        "\u00e9t\u00e9 😀.png",
        "e\u0301te\u0301.png",
        "two\nlines.png",
        os.fsdecode(b"\xff.png"),
        "n" * 251 + ".png",
    ],
)
def test_a_strange_name_is_read_and_can_be_printed_in_an_error(tmp_path: Path, name: str) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / name)
    assert read_photo(tmp_path / name).size == (48, 32)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(BadInput) as caught:
        read_photo(tmp_path / name)
    str(caught.value).encode()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (14_000, 14_000), (30_000, 30_000), (2**31 - 1, 1)])
def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    Image.new("L", (1, 1)).save(tmp_path / "huge.png")
    small = (tmp_path / "huge.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", width, height) + small[24:29]  # no such pixels follow it
    (tmp_path / "huge.png").write_bytes(small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:])
    refuse(tmp_path / "huge.png", "too many pixels; at most 100,000,000")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp", "tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.98, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refuse(path, "is broken|is not an image")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["png", "jpeg", "gif", "webp", "bmp", "tiff"]), st.data())
def test_flipped_bytes_give_a_photo_or_a_sentence(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = tmp_path / "flipped"
    Image.fromarray(QUARTERS).convert("RGB").save(path, format=kind)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(BadInput):
        assert read_photo(path).mode == "RGB"


def test_warnings_stay_inside_and_outer_filters_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (32, 32)).save(tmp_path / "warns.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow warns from here on, and refuses from twice as much
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        sizes = {photo.size for photo in pool.map(read_photo, [tmp_path / "warns.png"] * 200)}
    assert sizes == {(32, 32)}
    assert list(warnings.filters) == before
