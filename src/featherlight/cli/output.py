"""What commands print: tables for people, one JSON document for programs, remarks beside both."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output: numbers to the right, whole ones with commas, others with four significant digits."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(line[index]) for line in (list(columns), *cells)) for index in range(len(columns))]
    right = [bool(rows) and all(isinstance(row[index], int | float) for row in rows) for index in range(len(columns))]
    for line in (list(columns), ["-" * width for width in widths], *cells):
        aligned = (text.rjust(w) if r else text.ljust(w) for text, w, r in zip(line, widths, right, strict=True))
        print("  ".join(aligned).rstrip())


def print_csv(records: Sequence[Mapping[str, object]]) -> None:
    """Records of the same fields as CSV on standard output, with a line of names."""
    writer = csv.DictWriter(sys.stdout, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)


def note(text: str) -> None:
    """A remark or a step of progress, on standard error."""
    print(text, file=sys.stderr)


def _text(value: object) -> str:
    match value:
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
    return str(value)
