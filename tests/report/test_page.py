"""The page in a real browser."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, FloatRect, Locator, Page, sync_playwright

import hand_made_report as made
from featherlight.report.contents import Table
from featherlight.report.render import render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WIDTHS = (320, 768, 1920)
CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine to show the page in")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of one network."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(made.report(made.chapter())), "utf-8")
    return path


@pytest.fixture(scope="module")
def tab(browser: Browser, path: Path) -> Iterator[Page]:
    """That page, open for all tests; what it complains of, or asks the network for, fails the last one."""
    with opened(browser, path) as page:
        yield page


@pytest.fixture
def page(tab: Page, path: Path) -> Page:
    """That page as it is when it is opened."""
    tab.mouse.move(0, 0)
    tab.goto(path.as_uri())
    return tab


class opened:
    """A page in the browser for as long as the block; its complaints fail it."""

    def __init__(self, browser: Browser, path: Path, width: int = 1280) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 1400})
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.set_default_timeout(5000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._check(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.page.close()
        assert self.complaints == []

    def _check(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.complaints.append(f"asks for {url}")


def things(page: Page, figure: str) -> Locator:
    return page.locator(f"#{figure} [data-at]")


def box(thing: Locator) -> FloatRect:
    """Where a thing is; a chart that is drawn anew just then (its window took its size) is asked again."""
    for _ in range(50):
        if found := thing.bounding_box():
            return found
        thing.page.wait_for_timeout(20)
    raise AssertionError("is not there")


def tip(page: Page) -> str:
    return page.locator("#tip").inner_text()


def test_every_datum_is_there(page: Page) -> None:
    assert things(page, "accuracy").count() == len(made.MARKS)
    # the network, its three blocks, its operations, the remainder
    assert things(page, "network-0-icicle").count() == 1 + 3 + len(made.PROFILE.rows) + 1
    assert things(page, "network-0-roofline").count() == sum(row.multiply_adds > 0 for row in made.PROFILE.rows)
    assert things(page, "network-0-confusion").count() == 9
    assert page.locator("#accuracy tbody tr").count() == len(made.MARKS)
    assert page.locator(".budget").count() == 1
    assert page.locator(".ring").count() == 1


def test_a_width_is_a_time(page: Page) -> None:
    network, stem = (box(things(page, "network-0-icicle").nth(at).locator("rect"))["width"] for at in (0, 1))
    assert stem / network == pytest.approx(0.10, abs=0.01)


def test_a_point_is_at_its_time_and_accuracy(page: Page) -> None:
    def centre(name: str) -> tuple[float, float]:
        place = box(page.locator(f'#accuracy [aria-label^="{name}"] .reach'))
        return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2

    best, heat = centre("mobilenet_v2 0.5x"), centre("shufflenet_v2 0.5x")
    assert heat[0] < best[0]  # quicker
    assert heat[1] > best[1]  # less accurate
    assert best[0] < box(page.locator(".budget"))["x"] < centre("mobilenet_v2 1x")[0]


def test_a_pointer_shows_figures(page: Page) -> None:
    assert page.locator("#tip").is_hidden()
    things(page, "accuracy").first.locator(".mark").hover()
    assert tip(page).splitlines() == [
        "squeezenet_1_1",
        "not trained",
        "0.3 ms an image, 80 % within 0.285 ms to 0.33 ms",
        "onnxruntime, 1 thread; fits",
    ]
    page.mouse.move(2, 2)
    assert page.locator("#tip").is_hidden()


@pytest.mark.parametrize("figure", ["accuracy", "network-0-icicle", "network-0-roofline", "network-0-confusion"])
def test_the_keyboard_reaches_every_thing(page: Page, figure: str) -> None:
    chart = page.locator(f"#{figure} svg[role=group]")
    assert chart.locator('[tabindex="0"]').count() == 1  # one stop on the way through the page
    page.locator(f"#{figure}").evaluate("figure => figure.querySelector('[data-at][tabindex=\"0\"]').focus()")
    told = {tip(page)}
    for key in ["ArrowUp", "ArrowUp", "Home", *[*["ArrowRight"] * 6, "Home", "ArrowDown"] * 3]:
        page.keyboard.press(key)
        told.add(tip(page))
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label == tip(page).replace("\n", ". ")
    assert len(told) >= things(page, figure).count() - 1  # the remainder has no block below which it would stand


def test_tab_comes_to_a_chart(page: Page) -> None:
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#accuracy svg') !== null"):
            break
    assert tip(page).startswith("mobilenet_v2 0.5x (chosen)")


@pytest.mark.parametrize("how", ["button", "wheel", "drag", "key"])
def test_a_plane_zooms_and_comes_back(page: Page, how: str) -> None:
    points = things(page, "accuracy")
    before = box(points.first.locator(".spread"))
    x, y = before["x"] + before["width"] / 2, before["y"]
    if how == "button":
        page.get_by_role("button", name="Zoom in").first.click()
    elif how == "key":
        points.first.focus()
        page.keyboard.press("+")
    elif how == "wheel":
        page.mouse.move(x, y)
        page.mouse.wheel(0, -120)
        page.wait_for_timeout(50)
        assert points.count() == len(made.MARKS)  # before the chart is clicked the wheel scrolls the page
        page.locator("#accuracy svg[role=group]").scroll_into_view_if_needed()
        now = box(points.first.locator(".spread"))
        page.mouse.click(now["x"], now["y"])
        page.mouse.wheel(0, -480)
    else:
        page.mouse.move(x - 60, y - 15)
        page.mouse.down()
        page.mouse.move(x + 60, y + 15, steps=4)
        page.mouse.up()
    reset = page.locator("#accuracy [data-zoom=home]")
    reset.click()  # waits until it can be clicked: only what is zoomed can come back
    assert points.count() == len(made.MARKS)
    assert box(points.first.locator(".spread"))["width"] == pytest.approx(before["width"])
    assert reset.is_disabled()


def test_zooming_spreads_the_points(page: Page) -> None:
    def distance() -> float:
        first, second = (box(things(page, "accuracy").nth(at).locator(".reach"))["x"] for at in (1, 2))
        return second - first

    before = distance()
    page.get_by_role("button", name="Zoom in").first.click()
    page.wait_for_function("document.querySelectorAll('#accuracy [data-at]').length < 4")
    page.get_by_role("button", name="Zoom out").first.click()
    assert distance() == pytest.approx(before)


def test_whatever_is_in_view_the_keyboard_finds_a_way_in(page: Page) -> None:
    stop = page.locator('#accuracy [data-at][tabindex="0"]')
    for _ in range(8):  # nothing but the middle is left, perhaps no point
        page.get_by_role("button", name="Zoom in").first.click()
    assert stop.count() == min(1, things(page, "accuracy").count())
    page.locator("#accuracy [data-zoom=home]").click()
    assert stop.count() == 1
    page.locator('#network-0-icicle [aria-label^="head. "]').first.click()
    page.get_by_role("button", name="Switch").focus()
    assert page.locator('#network-0-icicle [data-at][tabindex="0"]').count() == 1


def test_a_click_widens_a_block(page: Page) -> None:
    block = page.locator('#network-0-icicle [aria-label^="rows.1. "]').first
    whole = box(things(page, "network-0-icicle").first.locator("rect"))["width"]
    assert box(block.locator("rect"))["width"] < 0.7 * whole
    block.click()
    assert box(block.locator("rect"))["width"] == pytest.approx(whole, rel=0.01)
    assert page.locator('#network-0-icicle [aria-label^="stem.conv"]').count() == 0
    page.keyboard.press("Escape")
    assert page.locator('#network-0-icicle [aria-label^="stem.conv"]').count() == 1
    page.keyboard.press("Enter")
    assert page.locator('#network-0-icicle [aria-label^="stem.conv"]').count() == 0
    page.locator("#network-0-icicle [data-zoom=home]").click()
    assert page.locator('#network-0-icicle [aria-label^="stem.conv"]').count() == 1


def test_it_fits_the_window_and_can_be_read(browser: Browser, path: Path) -> None:
    with opened(browser, path) as page:
        for summary in page.locator("summary").all():
            summary.click()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            chart = box(page.locator("#accuracy svg[role=group]"))
            assert 0.7 * min(width, 76 * 16) < chart["width"] <= width
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="light" if theme == "light" else "dark")
            faint = page.evaluate(CONTRAST)
            assert not faint, f"text against what is behind it, where 4.5 is asked for: {faint}"
            colours = page.evaluate("""() => [...document.querySelectorAll(".legend .mark")].map((mark) =>
              [getComputedStyle(mark).fill, getComputedStyle(mark.closest("figure")).backgroundColor])""")
            assert len(colours) >= 6
            for mark, ground in colours:
                assert ratio(mark, ground) >= 3  # WCAG 2 asks 3 of what is no text


def ratio(*colours: str) -> float:
    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(channel) / 255 for channel in re.findall(r"\d+", colour)[:3])
    ]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_theme_is_the_systems_until_one_is_chosen(browser: Browser, path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, path) as page:
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate(ground)
        page.emulate_media(color_scheme="light")
        light = page.evaluate(ground)
        assert luminance(dark) < 0.05 < 0.9 < luminance(light)
        button = page.locator("#theme")
        assert button.inner_text() == "Dark"
        button.click()
        assert page.evaluate(ground) == dark
        assert button.inner_text() == "Light"
        page.reload()
        for _ in range(4):  # a busy Chromium loses what a fresh profile stores first, on any page
            if page.evaluate(ground) == light:
                button.click()
                page.reload()
        assert page.evaluate(ground) == dark
        page.emulate_media(media="print")  # paper is white
        assert page.evaluate(ground) == light
        assert button.is_hidden()


def test_nothing_moves_and_it_is_there_at_once(browser: Browser, path: Path) -> None:
    page = browser.new_page()
    page.add_init_script("""
      window.moved = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.moved += entry.value; })
        .observe({ type: "layout-shift", buffered: true });
    """)
    start = time.perf_counter()
    page.goto(path.as_uri())
    took = time.perf_counter() - start
    page.wait_for_timeout(300)
    print(f"{path.stat().st_size / 1000:.0f} kB, loaded in {1000 * took:.0f} ms")
    assert page.evaluate("window.moved") < 0.02
    assert path.stat().st_size < 5_000_000
    assert took < 5  # on a busy machine; on a quiet one below a second
    page.close()


def test_names_from_strangers_stay_names(page: Page) -> None:
    assert page.title().startswith("mobilenet_v2 0.5x at 32")
    assert page.locator("img[onerror]").count() == 0
    assert page.locator("script").count() == 3  # theme, data, charts
    assert page.get_by_text(made.HOSTILE, exact=True).count() > 0


def test_the_policy_stops_what_slips_in(browser: Browser, path: Path) -> None:
    page = browser.new_page()
    page.goto(path.as_uri())
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'broken'";
      document.body.append(script);
    }""")
    assert "broken" not in page.title()
    with pytest.raises(Error):
        page.evaluate("fetch('data:text/plain,x').then((answer) => answer.text())")
    page.close()


def test_a_reader_of_the_screen_is_told_what_a_chart_is(page: Page) -> None:
    for chart in page.locator("svg[role=group]").all():
        for attribute in ("aria-labelledby", "aria-describedby"):
            identifier = chart.get_attribute(attribute)
            assert page.locator(f"[id='{identifier}']").inner_text()
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((each) => +each.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert (
        page.evaluate("new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size")
        == page.locator("[id]").count()
    )


def test_a_line_joins_the_front_of_a_search(browser: Browser, tmp_path: Path) -> None:
    front = [replace(made.mark(f"front {at}", "the front", 0.3 * at, 0.6 + at / 20), joined=True) for at in range(1, 4)]
    architecture = Table("Found", "As it is.", ({"input": "8 x 8 x 3", "operator": made.HOSTILE},), open=True)
    chapter = replace(made.chapter(), marks=(*made.MARKS, *front), tables=(architecture,))
    path = tmp_path / "page.html"
    path.write_text(render(made.report(chapter)), "utf-8")
    with opened(browser, path, width=320) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        points = [page.locator(f'#accuracy [aria-label^="front {at}"] .reach') for at in range(1, 4)]
        places = [f"{point.get_attribute('cx')},{point.get_attribute('cy')}" for point in points]
        assert page.locator(".front").get_attribute("d") == f"M{'L'.join(places)}"
        assert page.get_by_role("cell", name="8 x 8 x 3").is_visible()


def test_several_networks_share_the_first_chart(browser: Browser, tmp_path: Path) -> None:
    bare = replace(
        made.chapter("other"),
        title="other",
        marks=(made.mark("other", "resnet", 3.0),),
        profile=replace(made.PROFILE, ceilings=None, remainder=-1e-4, findings=()),
        evaluation="What it takes for what is not known: no images were named (--data).",
        pictures=(),
    )
    untimed = replace(bare, title="untimed", marks=(), profile="openvino is not installed")
    path = tmp_path / "several.html"
    path.write_text(render(made.report(made.chapter(), bare, untimed)), "utf-8")
    with opened(browser, path, width=320) as page:
        assert page.locator("h1").inner_text() == "3 networks"
        assert things(page, "accuracy").count() == len(made.MARKS) + 1
        assert page.locator("figure").count() == 1 + 3 + 1
        assert page.locator(".missing").all_inner_texts() == [
            "The roofline is not here: what this machine's arithmetic and memory can do was not measured.",
            "What it takes for what is not known: no images were named (--data).",
            "openvino is not installed",
            "What it takes for what is not known: no images were named (--data).",
        ]
        assert "The profiler itself takes time" in page.locator("#network-1-icicle-text").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_many_classes_and_operations_stay_small_and_quick(browser: Browser, tmp_path: Path) -> None:
    labels = tuple(f"class number {number}" for number in range(1000))
    rows = tuple(
        made.row(f"rows.{at}.conv", "pointwise convolution 1x1", f"rows.{at}", 1e-5 * (1 + at % 7)) for at in range(400)
    )
    large = replace(
        made.chapter(),
        marks=tuple(made.mark(f"network {at}", f"family {at % 9}", 0.1 + 0.01 * at) for at in range(300)),
        profile=replace(made.PROFILE, rows=rows),
        evaluation=made.evaluation(labels),
        pictures=("",) * len(labels),
    )
    path = tmp_path / "large.html"
    path.write_text(render(made.report(large)), "utf-8")
    assert path.stat().st_size < 5_000_000
    with opened(browser, path) as page:
        assert things(page, "network-0-confusion").count() == 24 * 24
        assert things(page, "accuracy").count() == 300
