from __future__ import annotations

from featherlight.shrinking.progress import Progress


def test_what_is_left_goes_by_what_was_and_reading_back_took_no_time() -> None:
    now = 0.0
    progress = Progress(rate=10.0, clock=lambda: now)
    progress.expect(4, 100, 300)
    assert progress.left() == "about 70 s left"  # 400 and 300 images, 10 a second
    progress.done(100, trained=False)
    progress.expect(3, 100, 300)
    assert progress.left() == "about 60 s left"
    now += 15.0  # proposals are made and looked at
    progress.begin()
    now += 5.0
    progress.done(100, trained=True)
    progress.expect(2, 100, 300)
    assert progress.left() == "about 55 s left"  # 2 iterations of 20 s, and 300 images at 20 a second
    now += 15.0
    assert progress.left() == "about 40 s left"  # within an iteration
    now += 100.0
    assert progress.left() == "about 35 s left"  # one that takes longer than those before
    progress.expect(0, 100, 6000)
    assert progress.left() == "about 5 min left"
    assert progress.seen == 200
