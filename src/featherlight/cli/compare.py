"""`featherlight compare`: networks and engines side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.explain.comparison import Line, Standings
    from featherlight.timing import Comparison


def compare(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names with * for anything, folders that fit made, ONNX files (every light-weight network).",
            metavar="PATTERN",
            show_default=False,
        ),
    ] = None,
    engines: Annotated[
        str | None,
        typer.Option(
            help="Separated by commas: torch, onnxruntime, openvino, native, torch-compile, torch-cuda (the first "
            "four, where they are)."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads that a network may use.")] = 1,
    size: Annotated[
        int | None, typer.Option(help="Side of the images in pixels (what each network was published for).")
    ] = None,
    width: Annotated[float | None, typer.Option(help="Width multiplier, for networks that have one.")] = None,
    seconds: Annotated[float, typer.Option(help="Seconds of timing for each network on each engine.")] = 1.0,
    target: Annotated[
        str | None, typer.Option(help="The latency table of another device; nothing is timed here then.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with the columns of timm's benchmark first.")] = False,
) -> None:
    """Compare what networks take on engines, on this machine.

    Each network on each engine runs in a process of its own, all in the same rounds, so that they share the noise; each
    line says whether it can be told apart from the quicker one above it. Below, whether the counts foretold the times:
    rank correlations, 1 for the same order and 0 for none. Accuracies are the papers', on ImageNet.

    \b
    Example:
      featherlight compare "mobilenet*" "shufflenet_v2" --engines onnxruntime,openvino --threads 2
      featherlight compare result/ net.onnx --csv
      featherlight compare "mobilenet*" --target pi.json
    """
    from featherlight.cli.output import note, print_csv, print_json
    from featherlight.cli.progress import show_stages
    from featherlight.errors import BadInput
    from featherlight.explain.comparison import compare as run

    if json and csv:
        raise BadInput("choose one of --json and --csv")
    names = [name.strip() for name in engines.split(",")] if engines is not None else []
    standings = run(
        patterns or (),
        engines=names,
        threads=threads,
        size=size,
        width=width,
        seconds=seconds,
        target=target,
        progress=show_stages(),
        say=note,
    )
    if json:
        print_json(standings.to_json())
    elif csv:
        print_csv([line.record() for line in standings.lines])
    else:
        _print(standings)


def _print(standings: Standings) -> None:
    from featherlight.cli.output import print_table
    from featherlight.timing import NOISY

    target = standings.lines[0].timed.measurement.target
    threads = f"{target.threads} thread{'s' if target.threads > 1 else ''}"
    print(f"{standings.label or standings.machine.cpu}, {threads}, one image at a time\n")
    of_times = ("90 %", "pieces not timed") if standings.label else ("95 %", "than above")
    print_table(
        ["network", "engine", "ms", *of_times, "multiply-adds", "parameters", "memory access", "top-1"],
        [_cells(line) for line in standings.lines],
    )
    print("\nRank correlation of the times with")
    correlations = standings.rank_correlations()
    columns = list(next(iter(correlations.values())))
    print_table(
        ["engine", *(column.replace("_", " ") for column in columns)],
        [[engine, *(_or_dash(told[column], ".2f") for column in columns)] for engine, told in correlations.items()],
    )
    if standings.noise > NOISY and not standings.label:
        spread = f"{standings.noise:.2g} times their median"
        print(f"\nThis machine is busy: the times of equal work spread over {spread}. Trust no near times.")


def _cells(line: Line) -> list[object]:
    time, counts = line.timed.measurement, line.counts
    bounds = time.interval if time.runs else (time.p10, time.p90)
    interval = "-" if bounds is None else f"{1e3 * bounds[0]:.3g} to {1e3 * bounds[1]:.3g}"
    above = line.missing if not time.runs else "" if line.than_quicker is None else _told(line.than_quicker)
    numbers = ("", "", "") if counts is None else (counts.multiply_adds, counts.parameters, counts.memory_access)
    return [
        line.network.name,
        line.engine,
        1e3 * time.median,
        interval,
        above,
        *numbers,
        _or_dash(line.network.accuracy, ".1%"),
    ]


def _told(ratio: Comparison) -> str:
    return "cannot tell" if ratio.verdict == "cannot tell" else f"{ratio.ratio:.2f} times"


def _or_dash(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)
