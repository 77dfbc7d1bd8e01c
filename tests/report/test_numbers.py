from __future__ import annotations

import pytest

from featherlight.report.numbers import show_binary, show_bytes, show_count, show_share, show_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 µs"),
        (13.44e-6, "13.4 µs"),
        (99.99e-6, "100 µs"),
        (0.628178e-3, "0.628 ms"),
        (-2e-3, "-2 ms"),
        (1.5, "1.5 s"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert show_time(seconds) == text


def test_counts_and_bytes() -> None:
    assert [show_count(number) for number in (0, 512, 1234, 14.7e6, 52.04e9)] == [
        *("0", "512", "1.23 thousand", "14.7 million", "52 billion"),
    ]
    assert [show_bytes(number) for number in (512, 18_440, 4_169_680, 90e9)] == ["512 B", "18.4 kB", "4.17 MB", "90 GB"]
    assert [show_binary(number) for number in (512, 1 << 18, 3 << 20, 1 << 30)] == [
        "512 B",
        "256 KiB",
        "3 MiB",
        "1 GiB",
    ]


def test_shares() -> None:
    assert show_share(0.12345) == "12.3 %"
    assert show_share(None) == "\N{EN DASH}"
