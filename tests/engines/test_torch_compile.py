"""What of torch.compile is not in the contract: when it cannot be used, and that nobody meets it unasked."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from featherlight.engines import ENGINES, ModuleSource, available
from featherlight.errors import BadInput

COMPILED = ENGINES["torch-compile"]


class Undecided(nn.Module):
    """What it does depends on what it sees: there is no one program to compile."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) if images.sum() > 0 else images.amax((2, 3))


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert COMPILED.missing() == (
        "the engine torch-compile needs a C++ compiler, and there is no no-such-compiler here; install it, or name one "
        "in CXX"
    )


def test_missing_headers_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "true")  # any program will do
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert str(COMPILED.missing()).startswith("the engine torch-compile needs Python's headers")


def test_it_is_never_tried_unasked() -> None:
    assert COMPILED not in available()


@pytest.mark.skipif(COMPILED.missing() is not None, reason="no C++ compiler here")
def test_what_cannot_be_compiled_is_refused_in_one_line() -> None:
    with pytest.raises(BadInput, match=r"^torch\.compile cannot compile the torch module: [^\n]+$"):
        COMPILED.build(ModuleSource(Undecided(), (3, 8, 8)), threads=1)


@pytest.mark.parametrize("name", ["torch-compile", "torch-cuda"])
def test_torch_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "featherlight.engines.library.find_spec", lambda package: None if package == "torch" else real(package)
    )
    assert ENGINES[name].missing() == "the engine torch is not installed here; install it with: pip install torch"
