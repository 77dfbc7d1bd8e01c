from __future__ import annotations

import json

import pytest

from featherlight.cli.output import note, print_json, print_table


def test_a_table_sets_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "parameters", "share"), [("thin", 900, 0.25), ("a wide one", 3_504_872, 1 / 3)])
    assert capsys.readouterr().out == (
        "name        parameters   share\n"
        "----------  ----------  ------\n"
        "thin               900    0.25\n"
        "a wide one   3,504,872  0.3333\n"
    )


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [])
    assert capsys.readouterr().out == "name\n----\n"


def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    note("reading")
    print_json({"name": "é", "time": 0.5})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"name": "é", "time": 0.5}
    assert err == "reading\n"


def test_json_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"time": float("nan")})
