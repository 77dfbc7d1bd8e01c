from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

import featherlight
from featherlight.cli import COMMANDS

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readmes_figures_are_those_that_were_measured() -> None:
    measured = json.loads((ROOT / "docs/measured/fit.json").read_text("utf-8"))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert script("write_measured").with_table(readme, measured) == readme
    assert measured["network"] in readme


def test_the_readme_names_only_commands_and_functions_that_are_there() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r"^    featherlight (\w+)", readme, re.MULTILINE)) <= set(COMMANDS)
    assert set(re.findall(r"\bfl\.(\w+)\(", readme)) <= set(featherlight.__all__)


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize("name", ["performance", "latency"])
def test_the_tables_of_a_page_are_those_that_were_measured(name: str) -> None:
    page = (ROOT / f"docs/{name}.md").read_text("utf-8")
    assert script("write_performance").with_tables(page) == page
