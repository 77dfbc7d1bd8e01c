"""`featherlight profile`: where a network's time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.explain import Profile

FINDINGS = 10  # that are printed; --json has all
MUCH = 0.2  # of a call in no step, from which on it is worth a word


def profile(
    model: Annotated[
        str,
        typer.Argument(
            help="A name (its weights are not needed), an ONNX file, a folder that fit made, or hf-hub:org/repo.",
            metavar="MODEL",
        ),
    ],
    photo: Annotated[
        str | None,
        typer.Argument(help="An image file: what reading, decoding and resizing it take as well.", metavar="PHOTO"),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Pixels a side; up to 64 a name means the network for small images.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="torch, onnxruntime, openvino or native; auto is the fastest of them here.")
    ] = "auto",
    threads: Annotated[int, typer.Option(help="Threads that the network may use.")] = 1,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Mend what most time is spent on, and time it beside what is there.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say where a network's time goes, step by step, and why.

    A line is what the engine runs as one, timed by its own profiler: a convolution with the batch norm, activation or
    sum that it takes along (steps of several operations say how many). Beside it stand what it costs, the least time
    that this machine's arithmetic and memory allow, and which of ShuffleNet v2's guidelines G1 to G4 it breaks. Nothing
    is scaled: what a call takes beyond its steps is a line of its own.

    \b
    Example:
      featherlight profile mobilenet_v2 cat.jpg
      featherlight profile net.onnx --engine openvino --what-if
    """
    from featherlight.cli.output import note, print_json
    from featherlight.explain.profiling import profile

    made = profile(model, engine=engine, threads=threads, size=size, photo=photo, what_if=what_if, progress=note)
    if json:
        print_json(made.to_json())
        return
    _print_head(made)
    _print_steps(made)
    _print_findings(made)
    for change in made.what_if:
        print(f"- {change}")


def _print_head(made: Profile) -> None:
    time, target = made.measurement, made.measurement.target
    shape = "x".join(str(side) for side in made.input_shape)
    threads = f"{target.threads} thread{'s' if target.threads > 1 else ''}"
    print(f"{made.name} for images {shape}, {target.engine} {target.version}, {threads} of {target.machine.cpu}")
    noisy = " (noisy)" if time.noisy else ""
    print(f"{_ms(time.median)} ms a call, 10th to 90th percentile {_ms(time.p10)} to {_ms(time.p90)} ms{noisy}\n")


def _print_steps(made: Profile) -> None:
    from featherlight.cli.output import print_table

    median = made.measurement.median
    columns = ["step", "what", "ms", "share", "multiply-adds", "bytes moved", "least ms", "limit", "breaks"]
    lines: list[list[object]] = [
        [
            row.name,
            f"{row.kind} +{row.operations - 1}" if row.operations > 1 else row.kind,
            *_time(row.seconds, median),
            row.multiply_adds,
            row.bytes_moved,
            _aligned(row.bound),
            row.limit or "",
            " ".join(dict.fromkeys(finding.guideline for finding in row.findings)),
        ]
        for row in made.rows
    ]
    work = [sum(row.multiply_adds for row in made.rows), sum(row.bytes_moved for row in made.rows)]
    lines.append(["in no step", "", *_time(made.remainder, median), 0, 0, "", "", ""])
    lines.append(["a call", "", *_time(median, median), *work, _aligned(made.bound), "", ""])
    print_table(columns, lines)
    if made.remainder > MUCH * median:
        print("\nMuch is in no step: the engine's own bookkeeping, or a busy machine (featherlight doctor tells).")
    if made.ceilings and made.ceilings.noisy:
        print("\nThe least times are too long: the machine was busy when its arithmetic and memory were measured.")
    if made.preparing:
        before = made.preparing
        print(f"\nBefore the network, for the photograph: reading {_ms(before.reading)} ms, ", end="")
        print(f"decoding {_ms(before.decoding)} ms, resizing {_ms(before.resizing)} ms")


def _print_findings(made: Profile) -> None:
    if not made.findings:
        print("\nNo guideline of ShuffleNet v2's paper is broken.")
        return
    print("\nGuidelines broken, by the share of the time that is spent there:")
    for finding in made.findings[:FINDINGS]:
        print(f"- {made.share(finding):.1%} {finding}")
    if (more := len(made.findings) - FINDINGS) > 0:
        print(f"- {more} more, each with less (--json has them)")
    if made.what_if:
        print("\nMended and timed, each layer or block on its own:")


def _time(seconds: float, whole: float) -> tuple[str, str]:
    return _aligned(seconds), f"{seconds / whole:6.1%}"


def _aligned(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e3 * seconds:8.3f}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3f}"
