"""Keyboard, screen readers, long texts and writing directions; in a real browser, with axe-core."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

TEXT = "Ana Reis of the University of Porto met Bo Lund."
FOUND = [
    ("Ana Reis", "PER", 0.95),
    ("University of Porto", "ORG", 0.8),
    ("Porto", "GPE", 0.7),
    ("Bo Lund", "PER", 0.6),
]
RIGHT, LEFT, UP, DOWN, END, HOME, ESCAPE, TAB = (
    "\ue014", "\ue012", "\ue013", "\ue015", "\ue010", "\ue011", "\ue00c", "\ue004",
)  # fmt: skip
# Box of the words of the first line from one UTF-16 offset to another.
WORDS_AT = """
const range = document.createRange();
const node = document.createTreeWalker(document.querySelector(".line"), NodeFilter.SHOW_TEXT).nextNode();
range.setStart(node, arguments[0]);
range.setEnd(node, arguments[1]);
return range.getBoundingClientRect().toJSON();
"""
VIOLATIONS = """
const { passes, violations } = await axe.run(document, { rules: { "target-size": { enabled: true } } });
return [passes.length, violations.map(({ id, nodes }) => [id, nodes.map((node) => node.failureSummary)])];
"""


@pytest.fixture(autouse=True)
def found(script):
    script.found = list(FOUND)


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which axe-playwright-python carries."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


def complaints(reader) -> list[list[object]]:
    """What axe finds wrong with the page as it is now; it has to have looked at something."""
    passed, violations = reader.take(VIOLATIONS)
    assert passed > 20
    return violations


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_axe_finds_nothing_to_complain_about(reader, script, axe, dark, width):
    reader.page.open(width=width, dark=dark)
    reader.run(axe)
    assert complaints(reader) == []
    script.limited = True
    reader.read(TEXT, "4 found")
    reader.find("input[value=GPE]").send_keys(" ")
    reader.says("3 found")
    reader.run("document.querySelector('.mark').focus(); document.getAnimations().forEach((one) => one.finish())")
    assert complaints(reader) == []
    script.failures = [(429, "full", {})]
    script.key = "right"
    reader.find("#extract").click()
    reader.tell("This server asks for an API key.")
    assert complaints(reader) == []


def focused(reader) -> str:
    name: str = reader.run("return document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")
    return name


def press(reader, key: str) -> None:
    reader.driver.switch_to.active_element.send_keys(key)


def test_the_keyboard_goes_through_the_entities_and_shows_their_details(reader):
    reader.read(TEXT, "4 found")
    reader.run("document.querySelector('.chip:last-child input').focus()")
    press(reader, TAB)
    assert focused(reader) == "PER: Ana Reis, score 0.950, characters 0 to 8"
    assert reader.find("#details").text == "PER score 0.950 · characters 0–8"
    press(reader, RIGHT)
    assert focused(reader).startswith("ORG: University of Porto, score 0.800, characters 16 to 35")
    assert [part.text for part in reader.driver.find_elements("css selector", "tr.active td")][
        1
    ] == "University of Porto"
    press(reader, END)
    press(reader, DOWN)
    assert focused(reader).startswith("PER: Bo Lund")
    press(reader, UP)
    assert focused(reader).startswith("GPE: Porto")
    press(reader, HOME)
    press(reader, LEFT)
    assert focused(reader).startswith("PER: Ana Reis")
    press(reader, ESCAPE)
    assert not reader.find("#details").is_displayed()
    stops = reader.run("return [...document.querySelectorAll('.mark')].map((mark) => mark.tabIndex)")
    assert stops == [0, -1, -1, -1], "one stop of the Tab key for all entities"


def test_the_pointer_shows_the_details_of_the_innermost_entity_under_it(reader):
    actions = pytest.importorskip("selenium.webdriver").ActionChains
    reader.read(TEXT, "4 found")
    place = reader.run(WORDS_AT, 31, 34)
    chain = actions(reader.driver, duration=0)
    chain.w3c_actions.pointer_action.move_to_location(int(place["left"]) + 4, int(place["top"]) + 6)
    chain.perform()
    reader.until(lambda: reader.find("#details").text == "GPE score 0.700 · characters 30–35")
    assert reader.run("return document.querySelectorAll('.tint.active').length") == 1


def test_names_and_live_regions(reader, script):
    reader.read(TEXT, "4 found")
    assert reader.run("return document.querySelector('.marks').getAttribute('role')") == "listbox"
    assert reader.find("#summary").get_attribute("role") == "status"
    script.found = []
    reader.read(TEXT + "!", "None found")
    assert reader.run("return document.querySelector('.marks').getAttribute('role')") is None


def test_right_to_left_text_and_emoji_have_marks_under_their_words(reader, script):
    arabic = "زارت مها النجار مدينة القاهرة 👩‍👩‍👧 أمس"
    script.found = [("مها النجار", "PER", 0.9), ("القاهرة", "GPE", 0.8), ("👩‍👩‍👧", "MISC", 0.7)]
    reader.read(arabic, "3 found")
    offsets = [[int(row[2]), int(row[3])] for row in reader.rows()]
    assert [arabic[start:end] for start, end in offsets] == ["مها النجار", "القاهرة", "👩‍👩‍👧"]
    for number, (start, end) in enumerate(offsets):
        units = [len(arabic[:place].encode("utf-16-le")) // 2 for place in (start, end)]
        words = reader.run(WORDS_AT, *units)
        bar = reader.run(
            "return document.querySelectorAll('.mark-bar')[arguments[0]].getBoundingClientRect().toJSON()", number
        )
        assert (bar["left"], bar["right"]) == (
            pytest.approx(words["left"], abs=2),
            pytest.approx(words["right"], abs=2),
        )
        assert bar["top"] >= words["bottom"]


LONG = " ".join(f"Name{number} of Town{number} came." for number in range(820))
MOVES = 8
# Moves the slider to and fro where almost all entities show, a frame of the screen for each move.
SLIDE = f"""
const input = document.getElementById("threshold");
for (let move = 0; move < {MOVES}; move += 1) {{
  input.value = move % 2 ? 0.1 : 0.12;
  input.dispatchEvent(new Event("input"));
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
}}
return true;
"""


def work(reader) -> dict[str, float]:
    """What the browser has done so far: seconds of processor time, numbers of layouts."""
    metrics = reader.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


@pytest.mark.parametrize("width", [1200, 360])
def test_twenty_thousand_characters_are_drawn_soon_and_the_slider_stays_quick(reader, script, width):
    assert 20_000 <= len(LONG) <= 21_000
    script.found = [(f"Name{n}", "PER", 0.1 + n % 90 / 100) for n in range(820)]
    script.found += [(f"Name{n} of Town{n}", "ORG", 0.06 + n % 80 / 100) for n in range(820)]
    reader.page.open(width=width)
    reader.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    start = work(reader)
    reader.read(LONG, f"{sum(score > 0.5 for *_, score in script.found):,} found")
    drawn = work(reader)
    assert reader.take(SLIDE) is True
    slid = work(reader)
    reader.driver.execute_cdp_cmd("Performance.disable", {})
    assert drawn["LayoutCount"] - start["LayoutCount"] < 30, "layouts do not grow with the entities"
    assert drawn["TaskDuration"] - start["TaskDuration"] < 3
    assert (slid["LayoutCount"] - drawn["LayoutCount"]) / MOVES <= 3
    assert (slid["TaskDuration"] - drawn["TaskDuration"]) / MOVES < 0.6
    assert reader.run("return document.documentElement.scrollWidth") <= width
    assert reader.find("#more").text.startswith("Show all")
    assert len(reader.run("return [...document.querySelectorAll('#rows tr')].map(() => 1)")) == 100
    reader.find("#more").click()
    assert reader.run("return document.querySelectorAll('#rows tr').length") > 100
