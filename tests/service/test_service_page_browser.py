"""The page in a real browser: Debian's chromium and chromium-driver, headless."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ENTER = "\ue007"
TEXT = "Maya left Lisbon Hospital of Bern"
LONG = f"{TEXT}, then {TEXT} again.\n🎉 北京大学在北京，Maya 也在北京大学。\n\nMaya والمدينة Bern"

# Every bar: the entity it belongs to, its box, and whether it or a label lies on any of the drawn text.
LOOK = """
const drawing = document.getElementById("drawing");
const walker = document.createTreeWalker(drawing.querySelector(".lines"), NodeFilter.SHOW_TEXT);
const range = document.createRange();
const text = [];
while (walker.nextNode()) {
  range.selectNodeContents(walker.currentNode);
  text.push(...[...range.getClientRects()].filter((rect) => rect.width > 1));
}
const box = (part) => {
  const { left, right, top, bottom } = part.getBoundingClientRect();
  const on = (rect) => rect.left < right - 1 && left < rect.right - 1 && rect.top < bottom - 1 && top < rect.bottom - 1;
  const entity = Number(part.dataset.entity);
  return { entity, left, right, top, bottom, onText: text.some(on), text: part.textContent };
};
return {
  bars: [...drawing.querySelectorAll(".mark-bar")].map(box),
  labels: [...drawing.querySelectorAll(".mark-label")].map(box),
  drawn: [...drawing.querySelectorAll(".line")].map((line) => line.textContent),
};
"""
# Boxes of the words from one UTF-16 offset of a line to another.
WORDS = """
const line = document.querySelectorAll(".line")[arguments[0]];
const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
const range = document.createRange();
let before = 0;
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const inside = (offset) => offset >= before && offset <= before + node.length;
  if (inside(arguments[1])) range.setStart(node, arguments[1] - before);
  if (inside(arguments[2])) { range.setEnd(node, arguments[2] - before); break; }
  before += node.length;
}
return [...range.getClientRects()].map(({ left, right, top, bottom }) => ({ left, right, top, bottom }));
"""


@pytest.fixture(scope="module")
def url(spawn_server) -> str:
    return spawn_server()[1]


@pytest.fixture
def page(page_of, url) -> Iterator[Any]:
    opened = page_of(url)
    opened.open()
    yield opened
    assert opened.console() == []
    foreign = [address for address in opened.requests() if not address.startswith(url)]
    assert foreign == []


def test_server_and_empty_page(page):
    assert page.find("#served").text == "fake · 4 labels"
    assert "entities appear here" in page.find("#empty").text
    assert not page.find("#drawing").is_displayed()
    assert not page.find("#copy").is_displayed()


def test_nested_and_crossing_entities_are_drawn_in_lanes_under_their_words(page):
    page.find("#text").send_keys(TEXT)
    assert page.find("#count").text == f"{len(TEXT)} characters"
    page.find("#extract").click()
    page.says("5 found")
    look = page.run(LOOK)
    assert look["drawn"] == [TEXT]
    assert sorted(label["text"] for label in look["labels"]) == [
        "GPE 0.90",
        "GPE 0.99",
        "ORG 0.55",
        "ORG 0.97",
        "PER 0.80",
    ]
    assert page.rows()[1] == ["ORG", "Lisbon Hospital", "10", "25", "0.970"]
    for bar, (_, words, start, end, _) in zip(look["bars"], page.rows(), strict=True):
        (place,) = page.run(WORDS, 0, int(start), int(end))
        assert bar["left"] == pytest.approx(place["left"], abs=2), words
        assert bar["right"] == pytest.approx(place["right"], abs=2), words
        assert bar["top"] > place["bottom"]
    for number, one in enumerate(look["bars"]):
        for other in look["bars"][number + 1 :]:
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or abs(one["top"] - other["top"]) > 10
    inner, outer = (next(bar for bar in look["bars"] if bar["entity"] == number) for number in (2, 1))
    assert inner["top"] < outer["top"], "the entity inside lies nearer to the words"


def test_flat_and_back(page):
    page.write(TEXT)
    page.find("#text").send_keys("\ue009" + ENTER)
    page.says("5 found")
    page.find(".modes label:nth-of-type(2)").click()
    page.says("3 found")
    assert [row[1] for row in page.rows()] == ["Maya", "Lisbon", "Bern"]
    assert len(page.run(LOOK)["bars"]) == 3
    page.find(".modes label:nth-of-type(1)").click()
    page.says("5 found")


def test_offsets_are_code_points_and_marks_stand_under_their_words(page):
    page.write("🎉🎉 北京大学")
    page.find("#extract").click()
    page.says("4 found")
    assert page.find("#count").text == "7 characters"
    assert [row[:4] for row in page.rows()] == [
        ["MISC", "🎉", "0", "1"],
        ["MISC", "🎉", "1", "2"],
        ["ORG", "北京大学", "3", "7"],
        ["GPE", "北京", "3", "5"],
    ]
    (place,) = page.run(WORDS, 0, 5, 9)
    bar = page.run(LOOK)["bars"][2]
    assert (bar["left"], bar["right"]) == (pytest.approx(place["left"], abs=2), pytest.approx(place["right"], abs=2))


@pytest.mark.parametrize("width", [1200, 700, 360])
def test_marks_never_lie_on_text_and_nothing_scrolls_sideways(page, width):
    page.open(width=width)
    page.write(LONG)
    page.find("#extract").click()
    page.says("19 found")
    look = page.run(LOOK)
    assert look["drawn"] == LONG.splitlines()
    assert not [part for part in [*look["bars"], *look["labels"]] if part["onText"]]
    assert all(part["left"] >= 0 and part["right"] <= width for part in [*look["bars"], *look["labels"]])
    labels = look["labels"]
    for number, one in enumerate(labels):
        for other in labels[number + 1 :]:
            aside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
            assert aside or one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.open()


def test_marks_move_along_when_the_window_gets_narrow(page):
    page.write(LONG)
    page.find("#extract").click()
    page.says("19 found")
    wide = len(page.run(LOOK)["bars"])
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.until(lambda: len(page.run(LOOK)["bars"]) > wide)
    assert not [bar for bar in page.run(LOOK)["bars"] if bar["onText"]]


def test_text_without_entities_and_no_text(page):
    page.write("nothing here")
    page.find("#extract").click()
    page.says("None found")
    assert page.find("#drawing").text == "nothing here"
    assert not page.find("#list").is_displayed()
    page.write("   ")
    page.find("#extract").click()
    page.until(lambda: page.find("#empty").is_displayed())
    assert not page.find("#drawing").is_displayed()


def test_refusal_of_the_server_is_shown_and_goes_away(page):
    page.write("x" * 100_001)
    assert page.find("#count").text == "100,001 of 100,000 characters"
    page.find("#extract").click()
    page.until(lambda: page.find("#error").text != "")
    notice = "The text has 100001 characters, over the limit of 100000 (server flag --max-text-chars)."
    assert page.find("#error[role=alert]").text == notice
    (logged,) = page.console()
    assert "413" in logged
    page.write("Bern")
    page.find("#extract").click()
    page.says("1 found")
    assert page.find("#error").text == ""


def test_examples_and_modes_work_from_the_keyboard(page):
    page.run("document.querySelector('#examples button').focus()")
    page.driver.switch_to.active_element.send_keys(ENTER)
    page.until(lambda: page.find("#drawing").is_displayed())
    assert page.find("#drawing .lines").text == page.find("#text").get_attribute("value")
    page.write(TEXT)
    page.find("#text").send_keys("\ue009" + ENTER)
    page.says("5 found")
    page.find("input[value=nested]").send_keys("\ue014")
    page.says("3 found")


def test_markup_in_a_text_stays_text(page):
    text = '<img src=x onerror="document.title=1"> Bern <b>Maya</b> &amp;'
    page.write(text)
    page.find("#extract").click()
    page.says("2 found")
    assert page.find("#drawing .lines").text == text
    assert page.run("return document.querySelectorAll('#results img').length") == 0


def test_dark_mode(page):
    def brightness() -> int:
        colour = page.run("return getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    light = brightness()
    page.open(dark=True)
    assert brightness() < 150 < light
    page.open()


def test_reference_page_fits_a_phone(page, url):
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    page.driver.get(f"{url}/docs")
    assert "/v1/extract" in page.find("main").text
    assert page.run("return document.documentElement.scrollWidth") <= 360
    page.open()
