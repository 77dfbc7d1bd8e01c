"""The spaces at hand, by name and size of image, and a user's own from a file."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from featherlight.errors import BadInput, unknown
from featherlight.searching.space import Kind, Space, Stage
from featherlight.spec import Style

SMALL = 64  # pixels; up to there images are halved three times and not five, as `spec.small_images` has it
VARIABLE = "SPACE"  # what a file with a space of one's own must define

BLOCK = 8  # channels
HALVED = {"shuffle_unit_2", "fire"}

KINDS: tuple[Kind, ...] = ("inverted_residual", "depthwise_separable", "shuffle_unit_2", "fire", "convolution")


def light(size: int, kinds: tuple[Kind, ...] = KINDS, name: str = "light") -> Space:
    """MnasNet's choices with MobileNet v3's activations and cheap head, and every light-weight block beside theirs.

    Widths go from a quarter of MobileNet v2's to all of it, since the best network of a small budget is thin. Of small
    images the last maps are of 7 and 4 pixels, where width costs little: there they go to three times that, as the
    hand-made networks do. Where a block may have two halves, each is of whole blocks of channels, as engines lay them
    out.
    """
    small, whole = size <= SMALL, 2 * BLOCK if HALVED & set(kinds) else BLOCK
    stages = tuple(
        Stage(
            tuple(each for each in channels if each % whole == 0),
            repeats,
            strides=(1, 2),
            kinds=kinds,
            kernels=(3, 5),
            expansions=(1, 2, 3, 4, 6),
            squeeze_excite=(0, 0.25),
            activations=("relu", "hard_swish"),
        )
        for channels, repeats in (_SMALL_STAGES if small else _STAGES)
    )
    return Space(
        name,
        stem=(8, 16, 24, 32),
        stem_strides=(1, 2) if small else (2,),
        stages=stages,
        last=(0, 128, 256, 512),
        hidden=(0, 128, 256, 512) if small else (0, 256, 640, 1280),
        activations=("relu", "hard_swish"),
        total_stride=8 if small else 32,
        # The public MobileNet v3 weights' constant, as in models/mobilenet_v3.py.
        style=Style(epsilon=1e-3),
    )


# Channels and repeats of each stage.
_STAGES = (
    ((8, 16, 24), (1, 2)),
    ((16, 24, 32), (1, 2, 3)),
    ((24, 32, 48, 64), (1, 2, 3, 4)),
    ((48, 64, 96, 128), (1, 2, 3, 4)),
    ((96, 128, 160, 240, 320), (1, 2, 3)),
)

_SMALL_STAGES = (
    ((8, 16, 24, 32), (1, 2)),
    ((16, 24, 32, 48, 64), (1, 2, 3)),
    ((24, 32, 48, 64, 96, 128), (1, 2, 3, 4)),
    ((48, 64, 96, 128, 192, 256, 384), (1, 2, 3, 4)),
)

SPACES: dict[str, Callable[[int], Space]] = {
    "light": light,
    "mnasnet": lambda size: light(size, ("convolution", "depthwise_separable", "inverted_residual"), "mnasnet"),
    "mobilenet": lambda size: light(size, ("inverted_residual", "depthwise_separable"), "mobilenet"),
    "shufflenet": lambda size: light(size, ("shuffle_unit_2", "convolution"), "shufflenet"),
    "squeezenet": lambda size: light(size, ("fire", "convolution"), "squeezenet"),
}


def read_space(name: str, size: int) -> Space:
    """A space by its name, or of a Python file of the user's own, for images of `size` pixels.

    The file defines SPACE, a Space or a function of the size that gives one; it is run as it is. Raises BadInput where
    it cannot be read or defines none.
    """
    if name in SPACES:
        return SPACES[name](size)
    path = Path(name)
    if path.suffix != ".py":
        raise unknown("space", name, SPACES)
    if not path.is_file():
        raise BadInput(f"{path} is not a file; name a Python file that defines {VARIABLE}, or one of {_known()}")
    try:
        with redirect_stdout(sys.stderr):  # what the file prints is no result
            found = runpy.run_path(str(path)).get(VARIABLE)
            space = found(size) if callable(found) else found
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever a user's file does wrong
        raise BadInput(f"{path} does not run: {type(error).__name__}: {error}") from error
    if not isinstance(space, Space):
        raise BadInput(f"{path} must define {VARIABLE}, a featherlight.searching.Space or a function of the size")
    return replace(space, name=path.stem) if not space.name else space


def _known() -> str:
    return ", ".join(SPACES)
