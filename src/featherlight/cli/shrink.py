"""`featherlight shrink`: a trained network made faster, losing as little accuracy as it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.shrinking import Shrunk


def shrink(
    source: Annotated[str, typer.Argument(help="A folder that fit or train wrote, or a name.", metavar="DIR")],
    data: Annotated[str, typer.Argument(help="The images that it was trained on.", metavar="DATA")],
    out: Annotated[str, typer.Option(help="The folder to make.", metavar="DIR2")],
    budget: Annotated[str | None, typer.Option(help="Time for one image, such as 1.5ms.")] = None,
    faster: Annotated[str | None, typer.Option(help="How much faster instead, such as 30%: 1.3 times as fast.")] = None,
    method: Annotated[
        str, typer.Option(help="netadapt, or what it has to beat: uniform (a width) or magnitude (smallest filters).")
    ] = "netadapt",
    target: Annotated[
        str | None, typer.Option(help="A latency table of another device: its predictions are the times.")
    ] = None,
    choice: Annotated[
        str, typer.Option(help="Of NetAdapt: the best ratio of accuracy lost to time gained, or the best accuracy.")
    ] = "ratio",
    minutes: Annotated[
        float | None, typer.Option(help="Minutes of training in all, 10 unless images are named; timing comes on top.")
    ] = None,
    images: Annotated[int | None, typer.Option(help="Images to train on in all, instead of minutes.")] = None,
    engine: Annotated[str, typer.Option(help="onnxruntime, openvino, native, or auto: whichever is fastest.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads that the network may use when it runs.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the splits and the order of the images.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the shrink that was begun in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Make a trained network faster by NetAdapt.

    Step by step, the channels whose loss costs the least accuracy for the time they give back are cut away, in
    whichever layer they are; between the steps the network is trained a little, and at the end for longer. Channels
    that a sum, a gate or a shuffle ties together go together. It becomes a folder like the one it came from. What is
    finished is kept: after Ctrl-C or a crash the same command with --resume goes on.

    \b
    Examples:
      featherlight shrink result/ photos/ --faster 30% --out faster/
      featherlight shrink result/ photos/ --budget 1.5ms --minutes 60 --out faster/
      featherlight shrink result/ photos/ --faster 30% --method uniform --out uniform/
    """
    from featherlight.cli.output import note, print_json
    from featherlight.timing.budget import parse_budget

    if budget is not None:
        parse_budget(budget)  # refused before torch is loaded for it

    from featherlight.shrinking import shrink as run

    shrunk = run(
        source,
        data,
        out=out,
        budget=budget,
        faster=faster,
        method=method,  # type: ignore[arg-type]  # checked there
        choice=choice,  # type: ignore[arg-type]
        target=target,
        minutes=minutes,
        images=images,
        engine=engine,
        threads=threads,
        seed=seed,
        resume=resume,
        say=note,
    )
    if json:
        print_json(shrunk.to_json())
    else:
        _print(shrunk)


def _print(shrunk: Shrunk) -> None:
    from featherlight.cli.output import print_table
    from featherlight.timing.budget import show_time

    changed = [[name, before, after] for name, before, after in shrunk.widths if before != after]
    print_table(["width", "before", "after"], changed)
    mean, low, high = (100 * each for each in shrunk.difference)
    predicted = f" ({shrunk.predicted})" if shrunk.predicted else ""
    print(
        f"\n{show_time(shrunk.before.median)} to {show_time(shrunk.after.median)} (p90 {show_time(shrunk.after.p90)}), "
        f"{shrunk.faster:.2f} times as fast, {1 / shrunk.wanted:.2f} wanted: {shrunk.verdict}{predicted}\n"
        f"test accuracy {shrunk.accuracy_before:.1%} to {shrunk.accuracy:.1%}: {mean:+.2f} points, 95 % of paired "
        f"resamples between {low:+.2f} and {high:+.2f}\n"
        f"multiply-adds {shrunk.multiply_adds[0]:,} to {shrunk.multiply_adds[1]:,}, parameters "
        f"{shrunk.parameters[0]:,} to {shrunk.parameters[1]:,}\nnetwork: {shrunk.folder}"
    )
