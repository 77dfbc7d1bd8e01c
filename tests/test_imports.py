"""The architecture as a test: which room may import which, and what an import may load."""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import featherlight
import featherlight_runtime

SOURCE = Path(featherlight.__file__).parent
RUNTIME = Path(featherlight_runtime.__file__).parent

# In the order in which data passes: a room imports the ones before it and none after it (docs/architecture.md).
ROOMS = (
    *("errors", "files", "journal", "now_and_then"),
    *("spec", "models", "layers", "pretrained", "graph", "cost", "compiler", "timing"),
    *("data", "engines", "latency", "training", "predict", "compiling", "explain", "report", "shrinking", "searching"),
    *("fitting", "cli", "__main__"),
)
HEAVY = {"torch", "llvmlite", "onnx", "onnxruntime", "openvino", "PIL", "matplotlib", "kornia"}
ENGINES = HEAVY - {"PIL", "matplotlib"}
LIGHT_ROOMS = (
    *("errors", "files", "journal", "now_and_then"),
    *("spec", "models", "graph", "timing", "data", "engines", "cli"),
)


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    """Every file but `featherlight/__init__.py`, whose table of public names names rooms and imports none."""
    return sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The rooms that a file imports anywhere in it, functions and type checking as well, and the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import; name the room"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == "featherlight" and len(parts) > 1 and parts[1] in ROOMS:
                yield parts[1], node.lineno


def fresh(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    code = f"import contextlib, io, json, sys\nout = sys.stdout\n{code}\nprint(json.dumps(list(sys.modules)), file=out)"
    return {name.partition(".")[0] for name in json.loads(fresh(code))}


def command(*arguments: str) -> str:
    """Code that runs a command and throws away what it prints."""
    return f"""
sys.argv = ["featherlight", *{arguments!r}]
from featherlight.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
"""


def test_every_room_stands_in_the_table() -> None:
    assert {room(path) for path in files()} <= set(ROOMS)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_point_upwards(path: Path) -> None:
    allowed = ROOMS[: ROOMS.index(room(path)) + 1]
    wrong = [f"line {line} imports {name}" for name, line in imported(path) if name not in allowed]
    assert not wrong, f"{path.relative_to(SOURCE)} may import {', '.join(allowed)}"


@pytest.mark.parametrize("path", sorted(RUNTIME.glob("*.py")), ids=lambda path: path.name)
def test_the_runtime_imports_numpy_and_the_standard_library_alone(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "featherlight_runtime"}
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= allowed


def test_importing_featherlight_loads_nothing_heavy() -> None:
    assert not loaded("import featherlight") & HEAVY


@pytest.mark.parametrize("name", LIGHT_ROOMS)
def test_importing_a_light_room_loads_no_engine(name: str) -> None:
    assert not loaded(f"import featherlight.{name}") & ENGINES


@pytest.mark.parametrize("arguments", [("fit", "x", "--budget", "5", "--out", "y"),
                                       ("shrink", "x", "y", "--budget", "5", "--out", "z")])  # fmt: skip
def test_a_budget_that_is_none_is_refused_before_torch_is_loaded(arguments: tuple[str, ...]) -> None:
    assert "torch" not in loaded(command(*arguments))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("models",), ("models", "--json")])
def test_commands_that_need_no_engine_load_none(arguments: tuple[str, ...]) -> None:
    assert not loaded(command(*arguments)) & HEAVY


def test_the_help_of_every_command_loads_no_engine() -> None:
    from featherlight.cli import COMMANDS

    assert not loaded("".join(command(name, "--help") for name in COMMANDS)) & ENGINES


def test_no_room_takes_the_place_of_a_public_name() -> None:
    assert not set(featherlight.__all__) & set(ROOMS)


def test_every_public_name_is_there() -> None:
    for name in featherlight.__all__:
        assert getattr(featherlight, name) is not None
    assert set(featherlight.__all__) <= set(dir(featherlight))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = featherlight.no_such_name


def test_importing_featherlight_is_quick() -> None:
    code = "import time, numpy; t = time.process_time(); import featherlight; print(time.process_time() - t)"
    assert statistics.median(float(fresh(code)) for _ in range(5)) < 0.2


def test_help_is_quick() -> None:
    run = [sys.executable, "-c", "from featherlight.cli import main; main()", "--help"]
    times = []
    for _ in range(5):
        start = _used_by_children()
        subprocess.run(run, capture_output=True, check=True)
        times.append(_used_by_children() - start)
    assert statistics.median(times) < 0.5


def _used_by_children() -> float:
    """Seconds of processor time: what the clock tells hangs on what else the machine is doing."""
    used = os.times()
    return used.children_user + used.children_system
