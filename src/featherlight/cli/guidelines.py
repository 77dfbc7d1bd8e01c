"""`featherlight guidelines`: ShuffleNet v2's four experiments and its figure 2 on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.explain.experiments import Outcome
    from featherlight.explain.time_split import Split


def guidelines(
    device: Annotated[str, typer.Option(help="Where the networks run: cpu or cuda.")] = "cpu",
    engine: Annotated[
        list[str] | None,
        typer.Option(help="torch, onnxruntime, openvino or native; may be given more than once (all that are here)."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads that a network may use; the paper took one.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two blocks and two rounds: to see that it runs, not for its figures.")
    ] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw all of it to this PNG as well.", metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Try the four guidelines of ShuffleNet v2's paper on this machine.

    Networks of equal multiply-adds should take equal time, and do not: unequal channels (G1), groups (G2), fragments
    (G3) and element-wise work (G4) cost extra. Each of the paper's tables 1 to 4 is timed here, beside the paper's
    figures, and a line an engine says whether the order is the same. Channels that fill no whole vectors, such as 22 or
    45, cost some engines more than memory access does.

    Then the paper's figure 2: which part of the time of whole networks is convolutions, and which goes to element-wise
    work, to moving data and to shuffles, as each engine's own profiler tells it.

    \b
    Example:
      featherlight guidelines --engine onnxruntime --engine torch --picture guidelines.png
    """
    from featherlight.cli.output import note, print_json
    from featherlight.explain import run
    from featherlight.files import check_no_folder

    if picture:
        check_no_folder(picture, "picture")
    study = run(engine or (), device=device, threads=threads, quick=quick, progress=note)
    if picture:
        from featherlight.report.guidelines import draw

        draw(study, picture)
    if json:
        print_json(study.to_json())
        return
    threads_ = f"{study.threads} thread{'s' if study.threads > 1 else ''}"
    print(f"ShuffleNet v2's experiments on {study.machine.cpu}, {threads_}, one image at a time")
    if study.quick:
        print("quick: networks and times too short for their order to mean anything")
    for outcome in study.outcomes:
        _print(outcome, study.column, judged=not study.quick)
    if study.splits:
        _print_splits(study.splits)


def _print(outcome: Outcome, column: str, *, judged: bool) -> None:
    from featherlight.cli.output import print_table

    print(f"\n{outcome.guideline}: {outcome.claim} (the paper's table {outcome.table}: {column})")
    engines = list(outcome.orders)
    print_table(
        ["network", "multiply-adds", "memory access", "paper", *engines],
        [
            [line.name, line.multiply_adds, line.memory_access, line.paper]
            + [1 / line.times[engine].median for engine in engines]
            for line in outcome.lines
        ],
    )
    for engine, order in outcome.orders.items() if judged else ():
        noisy = " (noisy times)" if any(line.times[engine].noisy for line in outcome.lines) else ""
        print(f"{engine} {order}{noisy}")


def _print_splits(splits: Sequence[Split]) -> None:
    from featherlight.cli.output import print_table
    from featherlight.explain.time_split import IN_THE_PAPER, PAPER, PARTS

    print(f"\nWhere the time of whole networks goes; of {' and '.join(IN_THE_PAPER)} the paper says: {PAPER}")
    print_table(
        ["network", "engine", "steps, ms", *PARTS, "beside the paper"],
        [
            [
                split.network,
                split.engine,
                split.total * 1e3,
                *(f"{split.share(part):4.0%}" for part in PARTS),
                split.verdict if split.network in IN_THE_PAPER else "not in it",
            ]
            for split in splits
        ],
    )
    print(
        "What an engine computes while it writes a convolution's result, activations and sums, counts as convolution."
    )
