from __future__ import annotations

from types import SimpleNamespace

import pytest

from featherlight import now_and_then as telling


def test_it_is_told_every_ten_seconds_and_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=lambda: now[0]))
    told: list[int] = []
    tell = telling.now_and_then(told.append)
    for second in range(25):
        now[0] = 100 + second
        tell(second)
    assert told == [10, 20]


def test_each_has_its_own_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "EVERY", 0.0)
    told: list[str] = []
    one, other = telling.now_and_then(told.append), telling.now_and_then(told.append)
    one("one")
    other("other")
    one("one again")
    assert told == ["one", "other", "one again"]
