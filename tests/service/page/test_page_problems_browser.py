"""Errors of the server in plain words, with what helps; in a real browser."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

TEXT = "Ana Reis"


@pytest.fixture(autouse=True)
def found(script):
    script.found = [("Ana Reis", "PER", 0.95)]


def test_a_key_is_asked_for_and_sent_from_then_on(reader, script):
    script.key = "right"
    reader.driver.get(reader.url)
    reader.tell("This server asks for an API key.")
    assert reader.find("#served").text == "An API key is needed"
    assert reader.run("return document.activeElement.id") == "key"
    reader.find("#key").send_keys("wrong\ue007")
    reader.until(lambda: reader.find("#key-form").is_displayed() and reader.error() != "")
    reader.write(TEXT)
    reader.find("#key").clear()
    reader.find("#key").send_keys("right\ue007")
    reader.says("1 found")
    assert reader.error() == ""
    assert not reader.find("#key-form").is_displayed()
    assert reader.find("#served").text == "scripted · 4 labels"
    stored = "return [document.cookie, localStorage.length, sessionStorage.length, location.href.includes('right')]"
    assert reader.run(stored) == ["", 0, 0, False]


def test_a_full_server_is_asked_again_when_it_says(reader, script):
    script.failures = [(429, "the queue is full", {"Retry-After": "1"})] * 2
    reader.write(TEXT)
    reader.find("#extract").click()
    reader.tell("The server has too much to do right now. It says: The queue is full. Trying again in 1 second.")
    reader.says("1 found")
    assert reader.error() == ""
    assert len(script.asked) == 3


def test_after_a_few_tries_the_page_waits_for_somebody(reader, script):
    script.failures = [(429, "full", {"Retry-After": "0"})] * 4
    reader.write(TEXT)
    reader.find("#extract").click()
    reader.until(lambda: len(script.asked) == 4 and "Trying again" not in reader.error())
    reader.tell("The server has too much to do right now.")
    reader.find("#error button").click()
    reader.says("1 found")


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (503, "the model is loading", "The server takes no work right now. It says: The model is loading."),
        (504, "no answer within 30 s", "The server did not answer in time. It says: No answer within 30 s."),
    ],
)
def test_a_server_that_is_not_ready_is_asked_again_by_hand(reader, script, status, message, words):
    script.failures = [(status, message, {})]
    reader.write(TEXT)
    reader.find("#extract").click()
    reader.tell(words)
    reader.find("#error button").click()
    reader.says("1 found")


def test_errors_that_another_try_will_not_help_offer_none(reader, script):
    script.failures = [(413, "texts[0] has 9 characters, over the limit of 8 (server flag --max-text-chars)", {})]
    reader.write(TEXT)
    reader.find("#extract").click()
    reader.tell("The text has 9 characters, over the limit of 8 (server flag --max-text-chars).")
    assert not reader.driver.find_elements("css selector", "#error button")


def test_a_server_that_is_gone_and_answers_that_are_no_json(reader):
    reader.write(TEXT)
    reader.run("window.fetch = async () => { throw new TypeError('gone'); }")
    reader.find("#extract").click()
    reader.tell("The server cannot be reached; is it still running?")
    reader.run("window.fetch = async () => new Response('<html>', { status: 502 })")
    reader.find("#error button").click()
    reader.tell("The server is away right now.")
    reader.run("window.fetch = async () => new Response('<html>', { status: 200 })")
    reader.find("#error button").click()
    reader.tell("The server's answer could not be read.")


def test_a_key_in_the_address_opens_the_page_and_its_requests(reader_of, spawn_server):
    key = "a-key-of-this-test"
    url = spawn_server(keys=(key,))[1]
    reader = reader_of(url.replace("http://", f"http://somebody:{key}@"))
    reader.page.open()
    assert reader.find("#served").text == "fake · 4 labels"
    reader.read("Maya left Bern", "2 found")
