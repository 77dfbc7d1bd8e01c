"""`featherlight search`: the network of a space that is best within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from featherlight.errors import BadInput

if TYPE_CHECKING:
    from featherlight.searching.pipeline import Pipeline
    from featherlight.searching.result import Searched


def search(
    context: typer.Context,
    data: Annotated[str, typer.Argument(help="A folder of classes, or fashion-mnist.", metavar="DATA")],
    out: Annotated[str | None, typer.Option(help="The folder to make.", metavar="DIR")] = None,
    budget: Annotated[str | None, typer.Option(help="Time for one image, such as 1ms.")] = None,
    minutes: Annotated[float, typer.Option(help="Minutes of training in all; timing comes on top.")] = 60.0,
    space: Annotated[
        str, typer.Option(help="light, mnasnet, mobilenet, shufflenet, squeezenet, or your own: a Python file.")
    ] = "light",
    method: Annotated[
        str, typer.Option(help="evolution of networks trained alone, tpe (Optuna's), random, or supernet.")
    ] = "evolution",
    trials: Annotated[int | None, typer.Option(help="Networks to judge (as many as half of the time allows).")] = None,
    images: Annotated[
        int | None, typer.Option(help="That the better networks are trained on (what suits time and pace).")
    ] = None,
    exponent: Annotated[
        float | None,
        typer.Option(help="Of MnasNet's reward, -0.07 there; MobileNet v3-small had -0.15 (none: accuracy alone)."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels (grey 28, else 128).")] = None,
    target: Annotated[
        str | None, typer.Option(help="A latency table of another device: its predictions are the times.")
    ] = None,
    engine: Annotated[str, typer.Option(help="onnxruntime, openvino, native, or auto: whichever is fastest.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads that the network may use when it runs.")] = 1,
    study: Annotated[
        str | None,
        typer.Option(help="Where the trials are kept: a file, sqlite:///... or postgresql://... (a file in DIR)."),
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Help the search whose --study this is, from any machine.")
    ] = False,
    then_shrink: Annotated[
        bool, typer.Option("--then-shrink", help="Search in a looser budget, then NetAdapt down to this one.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the splits, the weights and what is drawn.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search that was begun in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Search for the most accurate network within a time budget, and train it.

    A space says what each stage of a network may be: its kind of block, kernel, width, depth, expansion, gate,
    activation and stride. What networks take is told by a latency table of this machine, or of another device. Those
    that keep the budget are trained a little and the better ones longer; the most promising are timed and trained side
    by side, and the best becomes a folder like those of fit. What is finished is kept: after Ctrl-C or a crash the same
    command with --resume goes on.

    \b
    Examples:
      featherlight search photos/ --budget 1ms --minutes 60 --out found/
      featherlight search photos/ --budget 1ms --space mine.py --target pi.json --out found/
      featherlight search photos/ --budget 1ms --then-shrink --out found/
      featherlight search photos/ --budget 1ms --study sqlite:///study.db --out found/
      featherlight search photos/ --worker --study sqlite:///study.db
    """
    if worker:
        _help(context, data, study)
        return
    if out is None or budget is None:
        raise BadInput("a search needs --budget, such as 1ms, and --out, the folder to make")
    asked: dict[str, Any] = {
        "out": out,
        "space": space,
        "method": method,
        "minutes": minutes,
        "trials": trials,
        "images": images,
        "exponent": exponent,
        "size": size,
        "target": target,
        "engine": engine,
        "threads": threads,
        "study": study,
        "seed": seed,
        "resume": resume,
    }
    run = _search_then_shrink if then_shrink else _search
    run(data, budget, json, asked)


def _help(context: typer.Context, data: str, study: str | None) -> None:
    """Work for the search of another command: all but the images stands in its study."""
    from featherlight.cli.output import note
    from featherlight.searching.study import worker

    if study is None:
        raise BadInput("--worker needs --study, the study of the search that it is to help")
    others = [name for name in context.params if name not in ("data", "study", "worker")]
    sources = {name: context.get_parameter_source(name) for name in others}
    # By its name: some versions of Typer bring a Click of their own.
    if idle := [f"--{name.replace('_', '-')}" for name, of in sources.items() if of and of.name == "COMMANDLINE"]:
        raise BadInput(f"--worker does what its study says, and takes nothing else; leave out {', '.join(idle)}")
    worker(data, study, say=note)


def _search(data: str, budget: str, json: bool, asked: dict[str, Any]) -> None:
    from featherlight.cli.output import note, print_json
    from featherlight.searching.job import search

    searched = search(data, budget, **asked, say=note)
    print_json(searched.to_json()) if json else _print(searched)


def _search_then_shrink(data: str, budget: str, json: bool, asked: dict[str, Any]) -> None:
    from featherlight.cli.output import note, print_json
    from featherlight.searching.pipeline import search_then_shrink

    both = search_then_shrink(data, budget, **asked, say=note)
    print_json({"found": both.found, "shrunk": both.shrunk}) if json else _print_both(both)


def _print(searched: Searched) -> None:
    from featherlight.cli.output import print_table
    from featherlight.searching.architecture import COLUMNS
    from featherlight.timing.budget import show_time

    rows = [["" if value is None else value for value in line.to_json().values()] for line in searched.table]
    print_table(list(COLUMNS), rows)
    took = searched.measurement
    print(
        f"\nnetworks judged: {len(searched.found):,}, on the front of accuracy and time: {len(searched.front)}, "
        f"finalists: {len(searched.finalists)}\n"
        f"{show_time(took.median)}, p90 {show_time(took.p90)}, of {show_time(searched.budget)}: {searched.verdict}"
        f"{f' ({searched.predicted})' if searched.predicted else ''}\n"
        f"test accuracy {searched.test_accuracy:.1%}, validation {searched.validation_accuracy:.1%}, after "
        f"{searched.images:,} images\n"
        f"multiply-adds {searched.multiply_adds:,}, parameters {searched.parameters:,}\nnetwork: {searched.folder}"
    )


def _print_both(both: Pipeline) -> None:
    from featherlight.timing.budget import show_time

    found, shrunk = both.found, both.shrunk
    print(f"found: {show_time(found['time']['median'])}, test accuracy {found['test_accuracy']:.1%}")
    if shrunk is not None:
        print(
            f"shrunk: {show_time(shrunk['after']['median'])}, p90 {show_time(shrunk['after']['p90'])}, test accuracy "
            f"{shrunk['test_accuracy']:.1%}: {shrunk['verdict']}"
        )
    print(f"network: {both.network}")
