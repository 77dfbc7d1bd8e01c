"""Whether an engine's library is installed, asked without loading it."""

from __future__ import annotations

from importlib.util import find_spec


def missing_library(package: str) -> str | None:
    """What to install, in one sentence, where `package` is not installed; None where it is."""
    if find_spec(package) is None:
        return f"the engine {package} is not installed here; install it with: pip install {package}"
    return None
