from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

import featherlight
from featherlight.cli import COMMANDS
from featherlight.explain.rank import rank_correlation

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


def test_the_published_comparison_says_what_its_times_say() -> None:
    document = json.loads((ROOT / "docs/measured/compare.json").read_text("utf-8"))
    columns = {"multiply_adds": "infer_gmacs", "parameters": "param_count", "activations": "infer_macts",
               "memory_access": "memory_access"}  # fmt: skip
    for engine, told in document["rank_correlations"].items():
        own = [result for result in document["results"] if result["engine"] == engine]
        times = [result["infer_step_time"] for result in own]
        for count, column in columns.items():
            assert told[count] == pytest.approx(rank_correlation(times, [result[column] for result in own]))


def test_networks_out_of_the_order_of_their_multiply_adds_are_named() -> None:
    def result(model: str, gmacs: float, milliseconds: float) -> dict[str, object]:
        return {"model": model, "infer_gmacs": gmacs, "infer_step_time": milliseconds, "engine": "e", "threads": 1,
                "infer_img_size": 224}  # fmt: skip

    correlations = dict.fromkeys(("multiply_adds", "parameters", "activations", "memory_access"), 0.5)
    results = [result("a", 0.4, 8.0), result("b", 0.3, 8.4), result("c", 0.2, 9.0)]  # a and b tie
    document = {"machine": {"cpu": "c", "cores": 1}, "noise": 0.1, "results": results}
    *_, said = script("write_performance").compare({**document, "rank_correlations": {"e": correlations}})
    more = "has more multiply-adds than c and is quicker"
    assert said == f"On e a {more}; b {more}."
    results[0]["infer_step_time"] = 20.0
    del results[1:]
    *_, said = script("write_performance").compare({**document, "rank_correlations": {"e": correlations}})
    assert said == "On e no network with more multiply-adds than another is quicker."


@pytest.mark.parametrize("name", ["performance", "latency", "compare", "shrinking", "searching", "compile", "training"])
def test_the_tables_of_a_page_are_those_that_were_measured(name: str) -> None:
    page = (ROOT / f"docs/{name}.md").read_text("utf-8")
    assert script("write_performance").with_tables(page) == page
