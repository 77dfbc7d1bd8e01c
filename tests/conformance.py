"""What compiled networks are held against and takes too long for the tests, all of it, with its counts.

`python tests/conformance.py` writes docs/measured/native_conformance.json in minutes; `make tables` then writes the
table. One part alone, `suite` or `implementations`, can be named.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch

import compiled_here
from featherlight.compiler.instruction_set import host
from featherlight.files import write_json
from featherlight.graph import evaluate
from goldens import counts
from implementations import distances
from onnx_suite import GROUPS, Case, Compute, cases, outcome

RESULT = Path(__file__).parents[1] / "docs" / "measured" / "native_conformance.json"


def suite() -> list[dict[str, Any]]:
    """What became of each group's cases, by the reference executor and compiled."""
    rows = []
    for group in GROUPS:
        given = tuple(cases(group))
        reference, native = _counts(given, evaluate), _counts(given, compiled_here.run)
        rows.append({"group": group, "reference": reference, "native": native})
        print(rows[-1], flush=True)
    return rows


def implementations() -> list[dict[str, Any]]:
    """How far each public implementation's twin, compiled, is from it and from torch."""
    rows = []
    for name in counts():
        rows.append({"name": name, **distances(name)._asdict()})
        print(rows[-1], flush=True)
    return rows


def _counts(given: tuple[Case, ...], compute: Compute) -> dict[str, int]:
    return dict(Counter(outcome(case, compute)[0] for case in given))


PARTS = {"suite": suite, "implementations": implementations}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" or ".join(PARTS))
    torch.set_num_threads(1)
    found = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    for part in parser.parse_args().parts or PARTS:
        found[part] = PARTS[part]()
        write_json(RESULT, {**found, "instructions": host().name})


if __name__ == "__main__":
    main()
