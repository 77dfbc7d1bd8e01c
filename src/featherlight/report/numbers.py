"""Numbers as people read them."""

from __future__ import annotations

from featherlight.timing import budget


def show_time(seconds: float) -> str:
    """Three digits: "1.5 s", "0.628 ms", "13.4 µs"."""
    return f"{_three(seconds * 1e6)} µs" if abs(seconds) < 1e-4 else budget.show_time(seconds)


def show_share(share: float | None) -> str:
    """A share of one in per cent: "12.3 %"; a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"  # noqa: RUF001


def show_count(number: float) -> str:
    """Three digits and what they count in: "512", "1.23 thousand", "14.7 million"."""
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if abs(number) >= size:
            return _three(number / size) + word
    return _three(number)


def show_bytes(number: float) -> str:
    """Three digits: "512 B", "18.4 kB", "4.17 MB", "1.2 GB"."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(number) >= size:
            return f"{_three(number / size)} {unit}"
    return f"{_three(number)} B"


def show_binary(number: int) -> str:
    """Bytes in powers of 1024, as caches are told: "256 KiB", "2 MiB"."""
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= size:
            return f"{_three(number / size)} {unit}"
    return f"{number} B"


def _three(number: float) -> str:
    return f"{float(f'{number:.3g}'):g}"  # rounded first: "%.3g" alone writes 1000 as 1e+03
