"""`featherlight classify`: what photographs show."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer


def classify(
    photos: Annotated[list[str], typer.Argument(help="Image files.", metavar="PHOTO")],
    model: Annotated[
        str,
        typer.Option(
            help="A folder that fit made, a flight file, a name (with its public weights), or hf-hub:org/repo."
        ),
    ] = "mobilenet_v2",
    top: Annotated[int, typer.Option(help="How many classes to name.", min=1)] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Name what photographs show.

    A photograph that cannot be read gets a sentence, and the others are still named; the exit code is then 2.

    \b
    Example:
      featherlight classify cat.jpg dog.png --top 3
      featherlight classify shoe.png --model result/
    """
    from featherlight.cli.output import note, print_json, print_table
    from featherlight.cli.progress import show_download
    from featherlight.errors import BadInput
    from featherlight.predict.loading import load

    classifier = load(model, progress=show_download)
    answers: list[dict[str, Any]] = []
    for photo in photos:
        try:
            answers.append({"photo": photo, "predictions": [asdict(best) for best in classifier.predict(photo, top)]})
        except BadInput as error:
            answers.append({"photo": photo, "error": str(error)})
            note(f"Error: {error}")
    if json:
        print_json(answers)
    else:
        rows = [
            [answer["photo"] if place == 0 else "", best["label"], round(best["probability"], 3)]
            for answer in answers
            for place, best in enumerate(answer.get("predictions", []))
        ]
        if rows:
            print_table(["photo", "class", "probability"], rows)
    if any("error" in answer for answer in answers):
        raise typer.Exit(BadInput.exit_code)
