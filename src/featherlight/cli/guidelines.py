"""`featherlight guidelines`: ShuffleNet v2's four experiments on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.explain.experiments import Outcome


def guidelines(
    device: Annotated[str, typer.Option(help="Where the networks run: cpu.")] = "cpu",
    engine: Annotated[
        list[str] | None,
        typer.Option(help="torch, onnxruntime or openvino; may be given more than once (all that are installed)."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads that a network may use; the paper took one.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two blocks and two rounds: to see that it runs, not for its figures.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Try the four guidelines of ShuffleNet v2's paper on this machine.

    Networks of equal multiply-adds should take equal time, and do not: unequal channels (G1), groups (G2), fragments
    (G3) and element-wise work (G4) cost extra. Each of the paper's tables 1 to 4 is timed here, beside the paper's
    figures, and a line an engine says whether the order is the same. Channels that fill no whole vectors, such as 22 or
    45, cost some engines more than memory access does.

    \b
    Example:
      featherlight guidelines --engine onnxruntime --engine torch
    """
    from featherlight.cli.output import note, print_json
    from featherlight.explain import run

    study = run(engine or (), device=device, threads=threads, quick=quick, progress=note)
    if json:
        print_json(study.to_json())
        return
    threads_ = f"{study.threads} thread{'s' if study.threads > 1 else ''}"
    print(f"ShuffleNet v2's experiments on {study.machine.cpu}, {threads_}, one image at a time")
    if study.quick:
        print("quick: networks and times too short for their order to mean anything")
    for outcome in study.outcomes:
        _print(outcome)


def _print(outcome: Outcome) -> None:
    from featherlight.cli.output import print_table
    from featherlight.explain.experiments import COLUMN

    print(f"\n{outcome.guideline}: {outcome.claim} (the paper's table {outcome.table}: {COLUMN})")
    engines = list(outcome.orders)
    print_table(
        ["network", "multiply-adds", "memory access", "paper", *engines],
        [
            [line.name, line.multiply_adds, line.memory_access, line.paper]
            + [1 / line.times[engine].median for engine in engines]
            for line in outcome.lines
        ],
    )
    for engine, order in outcome.orders.items():
        noisy = " (noisy times)" if any(line.times[engine].noisy for line in outcome.lines) else ""
        print(f"{engine} {order}{noisy}")
