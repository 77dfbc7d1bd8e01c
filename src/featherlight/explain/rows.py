"""An engine's steps beside what they cost and which findings they stand behind: no clock, no engine."""

from __future__ import annotations

from collections.abc import Sequence

from featherlight.cost import Ceilings, OpCost, count, lower_bound
from featherlight.cost.memory import VIEWS
from featherlight.engines.trace import Step
from featherlight.explain.guidelines import ELEMENT_WISE, POOLINGS, Finding, block
from featherlight.explain.profile import Row
from featherlight.graph import Graph, Op, kinds
from featherlight.graph.kinds import label
from featherlight.graph.rules.bytes import TRAFFIC, as_written

BYTES = 4  # an element of float32


def rows(graph: Graph, steps: Sequence[Step], found: Sequence[Finding], ceilings: Ceilings | None) -> tuple[Row, ...]:
    """A row a step, in the order in which they run."""
    costs = {id(cost.op): cost for cost in count(graph).rows}
    made: list[Row] = []
    for step in steps:
        cost = _of_step(graph, [costs[id(op)] for op in step.ops])
        bound = lower_bound(cost, ceilings) if cost and ceilings else None
        before = made[-1].block if made else ""
        made.append(
            Row(
                name=(cost.op.origin or cost.op.outputs[0]) if cost else step.name,
                kind=describe(graph, cost.op) if cost else step.kind,
                block=block(cost.op.origin) if cost else before,
                operations=len(step.ops),
                seconds=step.seconds,
                parameters=cost.parameters if cost else 0,
                multiply_adds=cost.multiply_adds if cost else 0,
                memory_access=cost.memory_access if cost else 0,
                bytes_moved=cost.bytes_moved if cost else 0,
                bound=bound.seconds if bound else None if ceilings is None else 0.0,
                limit=bound.limit if bound else None,
                findings=tuple(finding for finding in found if _stands_behind(graph, step, finding)),
            )
        )
    return tuple(made)


def describe(graph: Graph, op: Op) -> str:
    """What an operation is, in words: "depthwise convolution 3x3", "grouped pointwise convolution", "hard swish"."""
    if not isinstance(op.kind, kinds.Convolution):
        return label(op.kind)
    kernel = graph.tensors[op.inputs[1]].shape[2:]
    if depthwise(graph, op):
        name = "depthwise convolution"
    else:
        pointwise = "pointwise " if kernel == (1, 1) else ""
        name = f"{'grouped ' if op.kind.groups > 1 else ''}{pointwise}convolution"
    return name if kernel == (1, 1) else f"{name} {kernel[0]}x{kernel[1]}"


def depthwise(graph: Graph, op: Op) -> bool:
    """Whether an operation is a convolution in which no channel sees another."""
    return isinstance(op.kind, kinds.Convolution) and op.kind.groups > 1 and graph.tensors[op.inputs[1]].shape[1] == 1


def _of_step(graph: Graph, costs: Sequence[OpCost]) -> OpCost | None:
    """What operations cost that run as one, under the one that matters most; None where there is none."""
    if not costs:
        return None
    read, written = _crossing(graph, [cost.op for cost in costs])
    return OpCost(
        op=max(costs, key=lambda cost: (cost.multiply_adds, cost.memory_access)).op,
        parameters=sum(cost.parameters for cost in costs),
        multiply_adds=sum(cost.multiply_adds for cost in costs),
        memory_access=read + written,
        bytes_read=read * BYTES,
        bytes_written=written * BYTES,
        activations=sum(cost.activations for cost in costs),
    )


def _crossing(graph: Graph, ops: Sequence[Op]) -> tuple[int, int]:
    """Elements read from outside of `ops`, weights included, and elements written that are read outside of them.

    A view moves nothing: whoever reads it reads what it looks at.
    """
    looks_at: dict[str, str] = {}
    for op in graph.ops:
        if isinstance(op.kind, VIEWS):
            looks_at[op.outputs[0]] = looks_at.get(op.inputs[0], op.inputs[0])
    computing = [op for op in ops if not isinstance(op.kind, VIEWS)]
    inside = {id(op) for op in computing}
    made = {name for op in computing for name in op.outputs}
    read: dict[str, int] = {}
    for op in computing:
        for name in (looks_at.get(name, name) for name in op.inputs):
            if name not in made:
                elements = graph.tensors[name].elements
                if TRAFFIC[type(op.kind)] is as_written:
                    elements = sum(tensor.elements for tensor in graph.tensors_out(op))
                read[name] = max(read.get(name, 0), elements)
    wanted = {looks_at.get(name, name) for name in graph.outputs}
    for op in graph.ops:
        if id(op) not in inside and not isinstance(op.kind, VIEWS):
            wanted.update(looks_at.get(name, name) for name in op.inputs)
    return sum(read.values()), sum(graph.tensors[name].elements for name in made & wanted)


def _stands_behind(graph: Graph, step: Step, finding: Finding) -> bool:
    """Whether a step's time is spent on what a finding is about.

    Element-wise work (G4) only where the step does nothing else: what a convolution does in passing costs no step.
    """
    here = [op for op in step.ops if finding.origin in (op.origin, block(op.origin))]
    match finding.guideline:
        case "G1" | "G2":
            return any(op.origin == finding.origin and isinstance(op.kind, kinds.Convolution) for op in here)
        case "G3":
            return any(isinstance(op.kind, (kinds.Convolution, *POOLINGS)) for op in here)
        case "G4":
            light = (*ELEMENT_WISE, *VIEWS)
            return bool(here) and all(isinstance(op.kind, light) or depthwise(graph, op) for op in step.ops)
