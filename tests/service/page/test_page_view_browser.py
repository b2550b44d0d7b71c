"""One answer in many ways: threshold, labels, nested and flat, links, files; in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

TEXT = "Ana Reis of the University of Porto met Bo Lund."
FOUND = [
    ("Ana Reis", "PER", 0.95),
    ("Ana Reis of the University", "ORG", 0.2),
    ("University of Porto", "ORG", 0.8),
    ("Porto", "GPE", 0.7),
    ("Bo Lund", "PER", 0.4),
]
COPIED = """
window.copied = null;
navigator.clipboard.writeText = async (content) => { window.copied = content; };
"""


@pytest.fixture(autouse=True)
def found(script):
    script.found = list(FOUND)


def test_the_page_asks_once_with_a_low_floor_and_then_answers_itself(reader, script):
    reader.read(TEXT, "3 found")
    assert reader.shown() == ["Ana Reis", "University of Porto", "Porto"]
    assert reader.run("return document.getElementById('threshold-value').textContent") == "0.50"
    reader.slide(0.1)
    reader.says("5 found")
    reader.slide(0.75)
    reader.says("2 found")
    reader.find("#threshold-reset").click()
    reader.says("3 found")
    reader.find(".modes label:nth-of-type(2)").click()
    reader.says("2 found")
    assert reader.shown() == ["Ana Reis", "University of Porto"]
    reader.slide(0.99)
    reader.says("None found; 5 below the threshold or switched off")
    (asked,) = script.asked
    assert (asked["mode"], asked["threshold"], asked["texts"]) == ("nested", 0.05, [TEXT])


def test_the_models_own_thresholds_count_by_label_until_the_slider_moves(reader, script):
    script.thresholds = {"GPE": 0.9, "MISC": 0.5, "ORG": 0.02, "PER": 0.3}
    reader.page.open()
    assert reader.find("#threshold-value").text == "0.02–0.90 by label"
    reader.read(TEXT, "4 found")
    assert script.asked[0]["threshold"] == 0.02
    assert "Porto" not in reader.shown()
    assert "Bo Lund" in reader.shown()
    reader.slide(0.5)
    reader.says("3 found")


def test_labels_are_switched_off_and_on_and_free_the_place_in_flat_mode(reader):
    reader.read(TEXT, "3 found")
    reader.find(".modes label:nth-of-type(2)").click()
    reader.says("2 found")
    assert [chip.text for chip in reader.driver.find_elements("css selector", ".chip")] == ["GPE 0", "ORG 1", "PER 1"]
    reader.find("input[value=ORG]").send_keys(" ")
    reader.until(lambda: reader.shown() == ["Ana Reis", "Porto"])
    assert [chip.text for chip in reader.driver.find_elements("css selector", ".chip")] == ["GPE 1", "ORG off", "PER 1"]
    assert reader.run("return document.activeElement.value") == "ORG", "the switch keeps the focus"
    reader.find("input[value=ORG]").send_keys(" ")
    reader.until(lambda: reader.shown() == ["Ana Reis", "University of Porto"])


def test_a_limited_answer_is_said(reader, script):
    script.limited = True
    reader.read(TEXT, "3 found")
    notice = reader.find("#limited[role=status]").text
    assert notice.startswith("The server sent only the 5 entities with the highest scores.")
    assert notice.endswith("Of those that score 0.200 or less, some are missing.")
    script.limited = False
    reader.read(TEXT + " ", "3 found")
    assert not reader.find("#limited").is_displayed()


def test_copied_json_holds_what_is_shown(reader):
    reader.run(COPIED)
    reader.read(TEXT, "3 found")
    reader.slide(0.75)
    reader.says("2 found")
    reader.find("#copy").click()
    reader.until(lambda: reader.run("return window.copied") is not None)
    copied = json.loads(reader.run("return window.copied"))
    assert [entity["text"] for entity in copied["entities"]] == ["Ana Reis", "University of Porto"]
    assert (copied["text"], copied["mode"], copied["threshold"], copied["limited"]) == (TEXT, "nested", 0.75, False)
    assert reader.find("#copy").text == "Copied"


@pytest.mark.parametrize("with_text", [False, True])
def test_a_link_brings_the_view_back_and_the_text_only_on_demand(reader, script, with_text):
    text = f"{TEXT} 🎉 北京 \u0627\u0644\n"
    reader.run(COPIED)
    reader.read(text, "3 found")
    reader.slide(0.3)
    reader.find("input[value=GPE]").send_keys(" ")
    reader.find(".modes label:nth-of-type(2)").click()
    reader.until(lambda: reader.shown() == ["Ana Reis", "University of Porto", "Bo Lund"])
    reader.until(lambda: "hide=GPE" in reader.driver.current_url and "mode=flat" in reader.driver.current_url)
    assert "text=" not in reader.driver.current_url
    if with_text:
        reader.find("#with-text").click()
    reader.find("#copy-link").click()
    reader.until(lambda: reader.run("return window.copied") is not None)
    link = reader.run("return window.copied")
    reader.driver.get("about:blank")
    reader.driver.get(link)
    reader.until(lambda: reader.find("#served").text.startswith("scripted"))
    if not with_text:
        assert "Porto" not in link
        assert reader.find("#text").get_attribute("value") == ""
        reader.read(text, "3 found")
    reader.until(lambda: reader.shown() == ["Ana Reis", "University of Porto", "Bo Lund"])
    assert reader.run("return document.getElementById('text').value") == text
    assert reader.find("#threshold-value").text == "0.30"
    assert [body["texts"] for body in script.asked] == [[text], [text]]


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        ("mode=round", "it names the mode “round”"),
        ("threshold=2", "its threshold is not between 0 and 1"),
        ("text=%C3%A4", "the text in it is damaged or cut off"),
        ("text=AAAA", "the text in it is damaged or cut off"),
    ],
)
def test_a_broken_link_is_told(reader, fragment, message):
    reader.run(f"location.hash = {json.dumps(fragment)}")
    reader.tell("This link cannot be followed")
    assert reader.error() == f"This link cannot be followed: {message}."
    reader.read(TEXT, "3 found")
    assert reader.error() == ""


def test_a_file_is_opened_and_read(reader, tmp_path: Path):
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    (tmp_path / "latin.txt").write_bytes("Malmö".encode("latin-1"))
    reader.find("#file").send_keys(str(tmp_path / "text.txt"))
    reader.says("3 found")
    assert reader.find("#text").get_attribute("value") == TEXT
    reader.find("#file").send_keys(str(tmp_path / "latin.txt"))
    reader.tell("“latin.txt” is no text in UTF-8.")
    assert reader.find("#text").get_attribute("value") == TEXT, "what was there stays"


def test_files_are_dropped_on_the_form(reader):
    drop = """
    const carrier = new DataTransfer();
    for (const [name, content] of arguments[0]) carrier.items.add(new File([content], name));
    const event = (kind) => new DragEvent(kind, { dataTransfer: carrier, bubbles: true, cancelable: true });
    const box = document.getElementById("text");
    const taken = !box.dispatchEvent(event("dragover"));
    box.dispatchEvent(event("drop"));
    return taken;
    """
    assert reader.run(drop, [["one.txt", TEXT]])
    reader.says("3 found")
    reader.run(drop, [["one.txt", TEXT], ["two.txt", TEXT]])
    reader.tell("One file at a time, please; these are 2.")
    reader.run(drop, [["large.txt", "x" * 400_001]])
    reader.tell("“large.txt” has 400,001 bytes; the server takes at most 100,000 characters.")
