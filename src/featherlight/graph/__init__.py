"""A network as a list of canonical operations, and what can be asked of it.

`from_torch` and `from_spec` need torch, `from_onnx` and `to_onnx` need onnx; all are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from featherlight.graph import kinds
from featherlight.graph.batch import with_batch
from featherlight.graph.builder import Builder
from featherlight.graph.channels import ChannelGroup, channel_groups
from featherlight.graph.check import check
from featherlight.graph.evaluate import evaluate
from featherlight.graph.ir import Graph, Op, Tensor
from featherlight.graph.kinds import Kind
from featherlight.graph.passes import canonical

if TYPE_CHECKING:
    from featherlight.graph.read_onnx import from_onnx as from_onnx
    from featherlight.graph.read_spec import from_spec as from_spec
    from featherlight.graph.read_torch import from_torch as from_torch
    from featherlight.graph.write_onnx import to_onnx as to_onnx

_LATE = {
    "from_onnx": "featherlight.graph.read_onnx",
    "from_spec": "featherlight.graph.read_spec",
    "from_torch": "featherlight.graph.read_torch",
    "to_onnx": "featherlight.graph.write_onnx",
}

__all__ = [
    "Builder",
    "ChannelGroup",
    "Graph",
    "Kind",
    "Op",
    "Tensor",
    "canonical",
    "channel_groups",
    "check",
    "evaluate",
    "from_onnx",
    "from_spec",
    "from_torch",
    "kinds",
    "to_onnx",
    "with_batch",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'featherlight.graph' has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
