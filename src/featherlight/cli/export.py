"""`featherlight export`: a trained network as an ONNX file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer


def export(
    source: Annotated[str, typer.Argument(help="A folder that fit made, or a name.", metavar="DIR")],
    out: Annotated[str, typer.Option(help="The ONNX file to write.", metavar="FILE")],
    images: Annotated[
        str | None, typer.Option(help="Photographs to check it on, instead of the data DIR was trained on.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Export a trained network to ONNX and check that it still says the same.

    The file takes any number of images at once; its metadata holds the preprocessing and the class names. Where it
    disagrees with the trained network, nothing is written and the exit code is 1.

    \b
    Example:
      featherlight export result/ --out net.onnx
      featherlight export result/ --out net.onnx --images photos/
    """
    from featherlight.cli.output import note, print_json
    from featherlight.predict import export

    exported = export(source, out, images)
    if not exported.real:
        note("no photographs were at hand: checked on made-up pictures; name real ones with --images")
    if json:
        print_json(asdict(exported))
        return
    agreement = exported.agreement
    print(
        f"{exported.path}: {exported.bytes:,} bytes, agrees with the trained network on {agreement.images} images "
        f"({exported.images}): scores within {agreement.difference:.1e} of their norm, the same class first on "
        f"{agreement.same_class}"
    )
