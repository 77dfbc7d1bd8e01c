from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["torch", "onnx", "onnxruntime"])
def test_graph_and_cost_load_without(name: str) -> None:
    program = f"import sys, featherlight.graph, featherlight.cost; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_public_name_is_there() -> None:
    import featherlight.cost
    import featherlight.graph

    for room in (featherlight.graph, featherlight.cost):
        assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = featherlight.graph.nothing
