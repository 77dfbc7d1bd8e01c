"""What every command has from `main`: exit codes, one sentence, no traceback."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

from featherlight import __version__
from featherlight.cli import COMMANDS, app, main
from featherlight.errors import BadInput, Failure


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["featherlight", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A list; the command `fails`, which stands in for them all, raises what is put in it."""
    raised: list[BaseException] = []

    def fails() -> None:
        raise raised[0]

    module = ModuleType("featherlight.cli.fails")
    module.fails = fails  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "featherlight.cli.fails", module)
    monkeypatch.setattr(app, "COMMANDS", ("fails", "models"))
    monkeypatch.setenv("FEATHERLIGHT_DEBUG", "0")
    return raised


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (BadInput("width must be above 0; got -1"), 2, "Error: width must be above 0; got -1\n"),
        (Failure("the export disagrees"), 1, "Error: the export disagrees\n"),
        (OSError(28, "No space left\non device"), 1, "Error: OSError: [Errno 28] No space left on device"),
        (ZeroDivisionError("division by zero"), 1, "Error: ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_goes_wrong_is_one_sentence_and_an_exit_code(
    failing: list[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    failing.append(error)
    assert run(monkeypatch, "fails") == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") <= 1


@pytest.mark.parametrize("how", ["option", "environment"])
def test_debug_shows_the_traceback(failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    failing.append(BadInput("no"))
    monkeypatch.setenv("FEATHERLIGHT_DEBUG", "1" if how == "environment" else "0")
    monkeypatch.setattr(sys, "argv", ["featherlight", *(["--debug"] if how == "option" else []), "fails"])
    with pytest.raises(BadInput, match="no"):
        main()


@pytest.mark.parametrize("arguments", [["modles"], ["--no-such-option"], ["models", "--no-such-option"]])
def test_wrong_usage_exits_2_and_names_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err
    assert arguments[-1] in err


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_names_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--help") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example_and_has_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    text = capsys.readouterr().out
    assert f"\n    featherlight {command}" in text
    assert "--json" in text


def test_a_reader_that_stops_early_meets_no_traceback() -> None:
    shell = f"{sys.executable} -c 'from featherlight.cli import main; main()' --help | head -n 0"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""
