"""`featherlight doctor`: this machine looked over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherlight.cost import Ceilings
    from featherlight.explain.doctor import Checkup


def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what arithmetic and memory can do.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look this machine over: what it is, which engines run on it, whether its times can be trusted now.

    The ceilings (what arithmetic and memory can do) are measured in a few seconds and kept for the next time.

    \b
    Example:
      featherlight doctor --quick
    """
    from featherlight.cli.output import note, print_json, print_table
    from featherlight.explain import check_up

    checkup = check_up(quick=quick, progress=note)
    if json:
        print_json(checkup.to_json())
        return
    print_table(["what", "here"], _rows(checkup))
    if checkup.hints:
        print("\nWhat could be better")
    for hint in checkup.hints:
        print(f"- {hint}")


def _rows(checkup: Checkup) -> list[tuple[str, str]]:
    machine = checkup.machine
    cores = f"{machine.cores}" if machine.cores == checkup.all_cores else f"{machine.cores} of {checkup.all_cores}"
    rows = [
        ("CPU", machine.cpu),
        ("cores", cores),
        ("instruction sets", " ".join(machine.instruction_sets) or "unknown"),
        ("memory", "unknown" if checkup.memory is None else f"{checkup.memory / 2**30:.1f} GiB"),
        ("GPU", ", ".join(checkup.gpus) or "none that torch sees"),
        ("system", machine.system),
        ("Python", checkup.python),
        ("featherlight", checkup.featherlight),
        *((name, number or "not installed") for name, number in checkup.libraries.items()),
        *((f"engine {each.name}", each.version or each.reason or "") for each in checkup.engines),
        ("noise", f"{checkup.noise:.2f}, {checkup.verdict}"),
        *(() if checkup.load is None else (("load", f"{checkup.load:.1f} of {checkup.all_cores} cores"),)),
    ]
    if checkup.ceilings:
        rows += _ceilings(checkup.ceilings)
    return [*rows, ("cache", f"{checkup.cache} ({checkup.cache_bytes / 1e6:,.1f} MB)")]


def _ceilings(ceilings: Ceilings) -> list[tuple[str, str]]:
    busy = " (measured on a busy machine: too low)" if ceilings.noisy else ""
    near, far = ceilings.bandwidths[0], ceilings.bandwidths[-1]
    return [
        ("arithmetic", f"{ceilings.multiply_adds_per_second / 1e9:.1f} G multiply-adds/s on one thread{busy}"),
        ("nearest cache", f"{near.bytes_per_second / 1e9:.1f} GB/s on one thread{busy}"),
        ("memory's speed", f"{far.bytes_per_second / 1e9:.1f} GB/s on one thread{busy}"),
    ]
