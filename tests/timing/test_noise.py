from __future__ import annotations

from featherlight.timing import noise


def test_noise_is_a_share() -> None:
    assert 0 <= noise(0.05) < 100
