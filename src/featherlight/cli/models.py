"""`featherlight models`: the networks there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer


def models(
    pattern: Annotated[
        str, typer.Argument(help="Only names that match, * standing for anything.", metavar="PATTERN")
    ] = "*",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the networks and what they cost.

    Parameters and multiply-adds (one counts as one) are for the published image size and 1000 classes.

    \b
    Example:
      featherlight models "mobilenet*"
    """
    from featherlight.cli.output import print_json, print_table
    from featherlight.models import counts, entry, list_models, no_network

    names = list_models(pattern)
    if not names:
        raise no_network(pattern, list_models())
    rows = [
        {"name": name, "family": entry(name).family, "paper": entry(name).paper, **asdict(counts(name))}
        for name in names
    ]
    if json:
        print_json(rows)
    else:
        print_table([column.replace("_", "-") for column in rows[0]], [list(row.values()) for row in rows])
