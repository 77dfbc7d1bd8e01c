"""A disk on which there is no room."""

from __future__ import annotations

import errno
import os
from typing import NoReturn


def no_room(*_: object, **__: object) -> NoReturn:
    """What a write raises there."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
