"""What every test shares: hypothesis without its deadline, since a busy machine is no failure of the code.

In CI it draws the same examples each time, so that a change is judged by itself; elsewhere it goes on exploring.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("featherlight", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("featherlight")


@pytest.fixture(autouse=True)
def float32_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether bfloat16 is faster is measured, and on a busy machine now one is and now the other; bits hang on it."""
    monkeypatch.setattr("featherlight.training.loop.bfloat16_is_faster", lambda *_, **__: False)
