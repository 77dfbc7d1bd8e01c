"""How long any network of a Spec takes, as a latency table tells it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from featherlight.latency import LatencyTable
from featherlight.shrinking.clock import table_clock
from featherlight.spec import Spec


def clock_by(
    table: LatencyTable, image: tuple[int, int, int], num_classes: int, factor: float | None
) -> Callable[[Spec], float]:
    """The seconds of a Spec by a table: so many times its prediction, or that one's upper end where that is None.

    `image` is channels, height and width.
    """
    if factor is None:

        @lru_cache(maxsize=4096)
        def upper(spec: Spec) -> float:
            return table.predict(table.cut_spec(spec, (1, *image), num_classes)).high

        return upper
    seconds = table_clock(table, image, num_classes)
    return lambda spec: factor * seconds(spec)
