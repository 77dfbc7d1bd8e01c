"""`featherlight report`: one page on one or several networks."""

from __future__ import annotations

from typing import Annotated

import typer


def report(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders that fit, train, search or shrink made, ONNX files, or names of networks.",
            metavar="DIR|MODEL",
        ),
    ],
    out: Annotated[str, typer.Option(help="The page to write.", metavar="FILE")] = "report.html",
    engine: Annotated[
        str | None,
        typer.Option(help="That runs the networks: torch, onnxruntime, openvino, native (what DIR was timed with)."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Images to evaluate on: a folder of classes, ... (what DIR was trained on, if it is here)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a page that shows where a network stands and why.

    Accuracy against time with the budget, time by operation, the roofline, the four guidelines, what is taken for what,
    the surest mistakes, the machine. One file, with nothing to fetch: open it in any browser, send it to anyone. `fit`
    writes the same page as report.html in its folder.

    \b
    Examples:
      featherlight report result/
      featherlight report result/ --data photos/ --out page.html
      featherlight report found/ shrunk/ --out both.html
      featherlight report mobilenet_v2 shufflenet_v2 --out two.html
    """
    from pathlib import Path

    from featherlight.cli.output import note, print_json
    from featherlight.report import write_report

    written = write_report(sources, out, engine=engine, data=data, say=note)
    if json:
        print_json(written.to_json() | {"page": out})
        return
    for chapter in written.chapters:
        for missing in (each for each in (chapter.profile, chapter.evaluation) if isinstance(each, str)):
            note(f"{chapter.source}: {missing}")
    print(f"{out}: {Path(out).stat().st_size / 1000:,.0f} kB; open it in a browser")
