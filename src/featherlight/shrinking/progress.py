"""How long a shrink will go on: as its iterations and its training did so far."""

from __future__ import annotations

import time
from collections.abc import Callable


class Progress:
    """The time that is left, of NetAdapt's iterations and of the long fine-tune.

    rate  of training, images a second, until some were trained here
    seen  images so far, those that were trained before and read back among them
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seen = 0
        self._rate, self._clock = rate, clock
        self._trained, self._seconds = 0, 0.0  # in training
        self._iterations, self._iterating = 0, 0.0  # of those in which something was trained, and their seconds
        self._mark = self._begun = clock()
        self._trained_then = 0
        self._left, self._each, self._last = 0, 0, 0

    def expect(self, iterations: int, each: int, last: int) -> None:
        """So many iterations are to come, each with so many images, and then the long fine-tune on the `last` ones."""
        now = self._clock()
        if self._trained > self._trained_then:  # what was read back took no time
            self._iterations, self._iterating = self._iterations + 1, self._iterating + now - self._mark
        self._mark, self._trained_then = now, self._trained
        self._left, self._each, self._last = iterations, each, last

    def begin(self) -> None:
        """A piece of training begins."""
        self._begun = self._clock()

    def done(self, images: int, *, trained: bool) -> None:
        """A piece of so many images is done: trained now, or before and read back."""
        self.seen += images
        if trained:
            self._trained += images
            self._seconds += self._clock() - self._begun

    def left(self) -> str:
        """Such as "about 12 min left"."""
        rate = self._trained / max(self._seconds, 1e-9) if self._trained else self._rate
        iteration = self._iterating / self._iterations if self._iterations else self._each / rate
        under_way = min(self._clock() - self._mark, iteration) if self._left else 0.0
        seconds = self._left * iteration - under_way + self._last / rate
        return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"
