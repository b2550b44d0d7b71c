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
VIOLATIONS = """
const { violations } = await axe.run(document, { rules: { "target-size": { enabled: true } } });
return violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]);
"""


@pytest.fixture(autouse=True)
def found(script):
    script.found = list(FOUND)


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, which axe-playwright-python carries."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_axe_finds_nothing_to_complain_about(reader, script, axe, dark, width):
    reader.page.open(width=width, dark=dark)
    reader.run(axe)
    assert reader.take(VIOLATIONS) == []
    script.limited = True
    reader.read(TEXT, "4 found")
    reader.find("input[value=GPE]").send_keys(" ")
    reader.says("3 found")
    reader.run("document.querySelector('.mark').focus(); document.getAnimations().forEach((one) => one.finish())")
    assert reader.take(VIOLATIONS) == []
    script.failures = [(429, "full", {})]
    script.key = "right"
    reader.find("#extract").click()
    reader.tell("This server asks for an API key.")
    assert reader.take(VIOLATIONS) == []


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
    place = reader.run(
        "const range = document.createRange(); const walker = document.createTreeWalker(document.querySelector('.line'),"
        " NodeFilter.SHOW_TEXT); const node = walker.nextNode(); range.setStart(node, 31); range.setEnd(node, 34);"
        " const { left, top, height } = range.getBoundingClientRect();"
        " window.scrollTo(0, 0); return [left + 4, top + height / 2]"
    )
    chain = actions(reader.driver, duration=0)
    chain.w3c_actions.pointer_action.move_to_location(*map(int, place))
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
        look = reader.run(
            "const [number, start, end] = arguments; const range = document.createRange();"
            "const node = document.createTreeWalker(document.querySelector('.line'), NodeFilter.SHOW_TEXT).nextNode();"
            "range.setStart(node, start); range.setEnd(node, end); const words = range.getBoundingClientRect();"
            "const bar = document.querySelectorAll('.mark-bar')[number].getBoundingClientRect();"
            "return [words.left, words.right, words.bottom, bar.left, bar.right, bar.top]",
            number, *units,
        )  # fmt: skip
        left, right, bottom, bar_left, bar_right, bar_top = look
        assert (bar_left, bar_right) == (pytest.approx(left, abs=2), pytest.approx(right, abs=2))
        assert bar_top >= bottom


LONG = " ".join(f"Name{number} of Town{number} came." for number in range(820))
# Milliseconds from a move of the slider until the new picture has been laid out.
SLIDE = """
const input = document.getElementById("threshold");
const times = [];
for (const value of [0.2, 0.9, 0.4, 0.7, 0.1, 0.6]) {
  const begin = performance.now();
  input.value = value;
  input.dispatchEvent(new Event("input"));
  await new Promise((go) => requestAnimationFrame(go));
  document.body.getBoundingClientRect();
  times.push(performance.now() - begin);
  await new Promise((go) => setTimeout(go, 50));
}
return times.sort((a, b) => a - b);
"""


@pytest.mark.parametrize("width", [1200, 360])
def test_twenty_thousand_characters_are_drawn_soon_and_the_slider_stays_quick(reader, script, width):
    assert 20_000 <= len(LONG) <= 21_000
    script.found = [(f"Name{n}", "PER", 0.1 + n % 90 / 100) for n in range(820)]
    script.found += [(f"Name{n} of Town{n}", "ORG", 0.06 + n % 80 / 100) for n in range(820)]
    reader.page.open(width=width)
    reader.read(LONG, f"{sum(score > 0.5 for *_, score in script.found):,} found")
    times = reader.take(SLIDE)
    print(f"slider at {width} px: {[round(one) for one in times]} ms")
    assert times[len(times) // 2] < 400
    assert reader.run("return document.documentElement.scrollWidth") <= width
    assert reader.find("#more").text.startswith("Show all")
    assert len(reader.run("return [...document.querySelectorAll('#rows tr')].map(() => 1)")) == 100
    reader.find("#more").click()
    assert reader.run("return document.querySelectorAll('#rows tr').length") > 100
