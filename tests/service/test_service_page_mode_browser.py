"""Which mode the page starts with, in a real browser: the model's own, as `/info` tells it, unless one was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.browser

TEXT = "Maya left Lisbon Hospital of Bern"
# The server's facts arrive once the test lets them.
HOLD_INFO = """
const plainFetch = window.fetch;
const released = new Promise((release) => (window.releaseInfo = release));
window.fetch = async (address, ...rest) => {
  if (String(address).endsWith("/info")) await released;
  return plainFetch(address, ...rest);
};
"""


@pytest.fixture(scope="module")
def flat_url(spawn_server) -> str:
    return spawn_server(mode="flat")[1]


@pytest.fixture
def page(page_of, flat_url) -> Iterator[Any]:
    """The page of a server with a flat model."""
    opened = page_of(flat_url)
    opened.open()
    yield opened
    assert opened.console() == []


@pytest.fixture
def early_page(page_of, flat_url) -> Iterator[Any]:
    """The same page, which has not heard from its server; `window.releaseInfo()` ends that."""
    opened = page_of(flat_url)
    added = opened.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HOLD_INFO})
    opened.driver.get(flat_url)
    yield opened
    opened.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    assert opened.console() == []


def chosen(page: Any) -> list[str]:
    return page.run("return [...document.querySelectorAll('input[name=mode]:checked')].map((input) => input.value)")


def hear_from_server(page: Any) -> None:
    page.run("window.releaseInfo()")
    page.until(lambda: page.run("return document.getElementById('served').dataset.ready") == "true")


def extract(page: Any) -> None:
    page.write(TEXT)
    page.find("#extract").click()


def test_the_page_starts_with_the_models_own_mode(page):
    assert chosen(page) == ["flat"]
    extract(page)
    page.says("3 found")
    page.find(".modes label:nth-of-type(1)").click()
    page.says("5 found")
    assert chosen(page) == ["nested"]


@pytest.mark.parametrize("mode", ["nested", ""])
def test_nested_models_and_those_of_an_unknown_mode_start_nested(page_of, spawn_server, mode):
    nested = page_of(spawn_server(mode=mode)[1])
    nested.open()
    assert chosen(nested) == ["nested"]


def test_a_mode_chosen_before_the_server_answers_stays(early_page):
    assert chosen(early_page) == [], "no mode is shown that may change by itself"
    early_page.find(".modes label:nth-of-type(1)").click()
    hear_from_server(early_page)
    assert chosen(early_page) == ["nested"]


def test_a_text_read_before_the_server_told_its_mode_is_shown_once_it_did(early_page):
    extract(early_page)
    assert early_page.find("#extract").text.startswith("Reading")
    assert early_page.find("#summary").text == ""
    assert chosen(early_page) == []
    hear_from_server(early_page)
    early_page.says("3 found")
    assert chosen(early_page) == ["flat"]
