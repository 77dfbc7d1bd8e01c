"""How far the training of a shrink is, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable


class Progress:
    """The images of training that are left, and their time: as long as those so far took, with all that went between.

    images  that are to come, as far as is known
    rate    of training, images a second, until some were trained here
    seen    images so far, those that were trained before and read back among them
    """

    def __init__(self, images: int, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seen = 0
        self._images, self._rate, self._clock = images, rate, clock
        self._trained = 0
        self._began: float | None = None

    def expect(self, images: int) -> None:
        """So many are to come, as is known better now."""
        self._images = images

    def begin(self) -> None:
        """A piece of training begins; reading back those before took no time."""
        if self._began is None:
            self._began = self._clock()

    def done(self, images: int, *, trained: bool) -> None:
        """A piece of so many is done: trained now, or before and read back."""
        self.seen += images
        self._images = max(0, self._images - images)
        self._trained += images if trained else 0

    def left(self, under_way: int = 0, seconds: float = 0.0) -> str:
        """Such as "about 12 min left"; of these the piece `under_way`, of so many images, will take `seconds`."""
        rate = self._rate
        if self._began is not None and self._trained:
            rate = self._trained / max(self._clock() - self._began, 1e-9)
        seconds += max(0, self._images - under_way) / rate
        return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"
