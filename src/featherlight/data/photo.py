"""One photograph from a file or its bytes, upright and in RGB, or one sentence that says why not."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from featherlight.errors import BadInput

# The content decides, not the suffix. An allow-list, since Pillow also knows formats that start programs (EPS) or that
# unpack without bound (FITS).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")

# Asked of the header, before anything is decoded: 100 million pixels take 300 MB in RGB.
MAX_PIXELS = 100_000_000

_ORIENTATION = 0x0112  # EXIF's tag; what to do so that its eight values stand upright:
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_photo(path: str | os.PathLike[str], *, enough: int | None = None) -> Image.Image:
    """The photograph in a file: RGB, 8 bits, turned upright by its EXIF orientation.

    Transparent parts are laid on white; an animation gives its first frame; 16 bit grey is scaled to 8 bits; 32 bit
    integers and floats, which have no agreed white, are stretched from their darkest to their brightest value; colour
    profiles are not applied. With `enough` a JPEG may come out at a half, a quarter or an eighth of its size, as long
    as both sides keep `enough` pixels: several times quicker to decode.

    Raises BadInput, one sentence with the file's name, for a file that is missing, not a regular file, empty, not an
    image of the known formats, of more than 100 million pixels, or broken.
    """
    name = repr(os.fspath(path))
    _check_file(Path(path), name)
    return _decode(path, name, enough)


def decode_photo(content: bytes, name: str, *, enough: int | None = None) -> Image.Image:
    """The photograph in a file's bytes, as `read_photo` would give it; `name` is what errors call it."""
    if not content:
        raise BadInput(f"{name} is empty")
    return _decode(io.BytesIO(content), name, enough)


def _decode(source: str | os.PathLike[str] | io.BytesIO, name: str, enough: int | None) -> Image.Image:
    with _silence():
        try:
            with _open(source) as image:
                if enough is not None:
                    image.draft(None, (enough, enough))
                return _in_rgb(_upright(image))
        except UnidentifiedImageError:
            raise BadInput(f"{name} is not an image of a known format ({', '.join(FORMATS)})") from None
        except Image.DecompressionBombError:
            raise BadInput(f"{name} has too many pixels; at most {MAX_PIXELS:,} are read") from None
        except Exception as error:  # Pillow answers broken files with many kinds of error, from OSError to struct.error
            raise BadInput(f"{name} is broken: {error or type(error).__name__}") from error


def _open(source: str | os.PathLike[str] | io.BytesIO) -> Image.Image:
    """An image whose header is sound, and of a PNG all checksums: decoding takes damaged pixels as they come."""
    image = Image.open(source, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise Image.DecompressionBombError
    if image.format != "PNG":
        return image
    with image:
        image.verify()
    return Image.open(source, formats=["PNG"])


def _check_file(path: Path, name: str) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise BadInput(f"{name} does not exist") from None
    except (OSError, ValueError) as error:  # no permission, too long a name, a loop of links, a null character
        raise BadInput(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(status.st_mode):
        raise BadInput(f"{name} is a folder, not a photograph")
    if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for ever
        raise BadInput(f"{name} is not a regular file")
    if status.st_size == 0:
        raise BadInput(f"{name} is empty")


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # unreadable EXIF is no reason to refuse sound pixels
        orientation = None
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255.
        grey = np.asarray(image).astype(np.float32) / 257
        return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image, np.float64)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    image.load()
    return image.convert("RGB")


def _stretched(grey: np.ndarray) -> Image.Image:
    finite = np.isfinite(grey)
    low, high = (grey[finite].min(), grey[finite].max()) if finite.any() else (0.0, 0.0)
    scaled = (np.where(finite, grey, low) - low) * (255 / (high - low) if high > low else 0.0)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


_lock = threading.Lock()
_readers = 0
_outer = warnings.catch_warnings()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Pillow's warnings are off inside.

    The filters of `warnings` are one for all threads: were each thread to save and restore them, the last to leave
    could restore another's silence for good. So the first reader in turns the warnings off, the last one out on.
    """
    global _readers, _outer
    with _lock:
        _readers += 1
        if _readers == 1:
            _outer = warnings.catch_warnings()
            _outer.__enter__()
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _outer.__exit__(None, None, None)
