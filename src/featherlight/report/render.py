"""The page: one HTML file with its style, its script and its data inside, that asks the network for nothing.

Names of classes and files are strangers' words. The template escapes all of them, and the page's own policy lets no
script run but the two that it was written with.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from featherlight.report import charts, numbers
from featherlight.report.contents import Chapter, Report, columns
from featherlight.report.findings import broken

# In this order: a file uses what stands in those before it.
SCRIPTS = ("chart.js", "plane.js", "accuracy_time.js", "icicle.js", "roofline.js", "confusion.js", "page.js")


def render(report: Report) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": numbers.show_time,
        "share": numbers.show_share,
        "count": numbers.show_count,
        "bytes": numbers.show_bytes,
        "columns": columns,
    }
    style, theme = _file("page.css"), _file("theme.js")
    script = "".join(map(_file, SCRIPTS))
    return environment.get_template("page.html").render(
        report=report,
        chapters=report.chapters,
        marks=sorted((mark for chapter in report.chapters for mark in chapter.marks), key=lambda mark: mark.median),
        classes=charts.CLASSES,
        zip=zip,
        heading=_heading(report.chapters),
        comparable=_comparable(report.chapters),
        broken=broken,
        work=charts.work,
        whole=charts.whole,
        style=Markup(style),
        theme=Markup(theme),
        script=Markup(script),
        data=Markup(as_json(page_data(report.chapters))),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(theme)} {_hash(script)}",
    )


def page_data(chapters: Sequence[Chapter]) -> dict[str, Any]:
    """What the script draws: the chart of all networks, and three of each chapter, None where there is nothing."""
    return {
        "accuracy_time": charts.accuracy_time(chapters),
        "chapters": [
            {
                "icicle": None if isinstance(chapter.profile, str) else charts.icicle(chapter.profile, chapter.title),
                "roofline": None if isinstance(chapter.profile, str) else charts.roofline(chapter.profile),
                "confusion": None if isinstance(chapter.evaluation, str) else charts.confusion(chapter.evaluation),
            }
            for chapter in chapters
        ],
    }


def as_json(document: Any) -> str:
    """JSON that may stand in a script element whatever the strings in it say: nothing in it ends or opens a tag."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _heading(chapters: Sequence[Chapter]) -> str:
    return chapters[0].title if len(chapters) == 1 else f"{len(chapters)} networks"


def _comparable(chapters: Sequence[Chapter]) -> bool:
    """Whether all accuracies are of the same images."""
    return len({mark.of.partition(",")[0] for chapter in chapters for mark in chapter.marks if mark.of}) < 2


def _file(name: str) -> str:
    return (resources.files("featherlight.report") / "page" / name).read_text("utf-8")


def _hash(text: str) -> str:
    """How a content security policy names a script or style by what it says."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
