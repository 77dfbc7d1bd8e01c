from __future__ import annotations

import html.parser
import json
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

import hand_made_report as made
from featherlight.report.contents import Fact, Step, Table
from featherlight.report.render import as_json, render


class Elements(html.parser.HTMLParser):
    """The tags of a page, and which of them are open at its end."""

    VOID = frozenset(("meta", "link", "img", "br", "path"))

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_every_element_is_closed() -> None:
    for chapters in ([made.chapter()], [made.chapter(), replace(made.chapter(), profile="none", evaluation="none")]):
        assert Elements(render(made.report(*chapters))).open == []


def test_what_each_stage_bought_is_a_table() -> None:
    plain = made.chapter()
    steps = (
        Step("choose", "mobilenet_v2 0.5x at 32", 0.8e-3, 0.9e-3, 0.897, 0.9, 120.0, True, ""),
        Step("search", "", None, None, None, None, 0.0, False, made.HOSTILE),
        Step("shrink", plain.title, 0.9e-3, 1e-3, 0.91, 0.92, 60.0, True, "", ({"name": "rows.1", "before": 24},)),
    )
    page = render(made.report(replace(plain, steps=steps)))
    assert Elements(page).open == []
    assert made.HOSTILE not in page
    assert "What each stage bought" in page
    assert "<td>rows.1</td><td>24</td>" in page
    assert "What each stage bought" not in render(made.report(plain))


def test_tables_of_a_result_stand_on_its_page() -> None:
    tables = (
        Table("Found", "As it is.", ({"input": "8 x 8", "gate": None}, {"input": made.HOSTILE, "gate": 8}), open=True),
        Table("Front", "Each of them.", ({"network": "front 1"},)),
    )
    chapter = replace(made.chapter(), tables=tables)
    page = render(made.report(chapter))
    assert Elements(page).open == []
    assert made.HOSTILE not in page
    assert "<td>8 x 8</td><td></td>" in page
    before, folded = (
        page[: page.index(cell)].rpartition("<details>") for cell in ("<td>8 x 8</td>", "<td>front 1</td>")
    )
    assert "</details>" in before[2]  # it stands in none
    assert "</details>" not in folded[2]
    assert [table["title"] for table in chapter.to_json()["tables"]] == ["Found", "Front"]


def test_what_has_no_spread_shows_none() -> None:
    mark = replace(made.mark("front 1", "the front", 0.5, 0.7), p10=5e-4, p90=5e-4, joined=True, label="a guess")
    page = render(made.report(replace(made.chapter(), marks=(mark,))))
    assert "0.5 ms to 0.5 ms" not in page
    assert "Some times are a guess, without bars." in page


def test_names_from_strangers_make_no_elements() -> None:
    plain, hostile = made.chapter(), made.HOSTILE
    rows = tuple(replace(row, name=hostile, kind=hostile, block=hostile) for row in made.PROFILE.rows)
    strange = replace(
        plain,
        source=hostile,
        title=hostile,
        lead=hostile,
        facts=(Fact(hostile, hostile, hostile),),
        marks=tuple(replace(mark, name=hostile, family=hostile, engine=hostile) for mark in made.MARKS),
        profile=replace(made.PROFILE, name=hostile, rows=rows),
        evaluation=made.evaluation((hostile, hostile + " 2", hostile + " 3")),
        commands=(hostile, hostile),
    )
    page = render(made.report(strange))
    assert Elements(page).tags == Elements(render(made.report(plain))).tags
    assert made.HOSTILE not in page


def test_the_page_asks_for_nothing() -> None:
    page = render(made.report(made.chapter()))
    addresses = re.findall(r"""(?:src|href|action|poster|srcset|xlink:href)=["']([^"']*)""", page)
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"@import|url\((?!#)(?!\\?`?url)[^$#]", page.replace("url(#${clip})", ""))
    assert "default-src &#39;none&#39;" in page


@settings(max_examples=40)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_page_is_the_same_json_and_holds_no_markup(document: object) -> None:
    text = as_json(document)
    assert json.loads(text) == document
    assert not set("<>&") & set(text)


def test_the_document_of_a_report_holds_all_figures() -> None:
    document = json.loads(json.dumps(made.report(made.chapter()).to_json()))
    (chapter,) = document["chapters"]
    assert len(chapter["networks"]) == len(made.MARKS)
    assert len(chapter["profile"]["rows"]) == len(made.PROFILE.rows)
    assert chapter["evaluation"]["top1"] == 0.75
    assert chapter["missing"] == []
    assert document["machine"]["cpu"] == "Made-up CPU"
    bare = made.report(replace(made.chapter(), profile="no engine", evaluation="no images")).to_json()["chapters"][0]
    assert bare["profile"] is None
    assert bare["missing"] == ["no engine", "no images"]
