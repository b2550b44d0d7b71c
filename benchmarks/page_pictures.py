"""Takes the pictures of the service's page in docs/images: a wide window, a phone, and the dark.

    python -m benchmarks.page_pictures runs/demo/model

Serves the model, opens the page in a headless Chromium and photographs what it shows. What the model finds is what the
pictures show; the texts are the project's own sentences.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["FOLDER", "SHOTS", "Shot", "main", "take"]

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"

_COMPANY = (
    "Lightwave (Toronto) Ltd. paid $2.4 million for the Nova 12 Pro, said its chief executive officer, Jonas Weber."
)
_HOSPITAL = "北京大学第三医院院长林晓雯于2024年5月3日在上海会见了王芳教授。"
_UNIVERSITY = "Professor Mara Lindqvist left the University of Lisbon on 3 May 2024."
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
_WAIT_S = 60
_QUALITY = 80


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        name: Of its file, without the ending.
        width: Of the window in pixels.
        text: What is read.
        dark: Whether the system asks for dark colours.
        focus: Position of the entity whose details show; None for no details.
    """

    name: str
    width: int
    text: str
    dark: bool = False
    focus: int | None = None


SHOTS = (
    Shot("page", 880, _COMPANY, focus=1),
    Shot("page_dark", 880, _HOSPITAL, dark=True),
    Shot("page_phone", 360, _UNIVERSITY),
)


def main(arguments: list[str] | None = None) -> int:
    """Takes all pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="model to serve: a folder or a hub name")
    model = parser.parse_args(arguments).model
    FOLDER.mkdir(exist_ok=True)
    with _served(model) as url, _browser() as browser:
        for shot in SHOTS:
            picture = take(browser, url, shot)
            target = FOLDER / f"{shot.name}.webp"
            target.write_bytes(picture)
            print(f"{target.name}: {len(picture) / 1024:.0f} KiB")
    return 0


def take(browser: Chrome, url: str, shot: Shot) -> bytes:
    """A picture of the whole page as WebP, after it has read the text of the shot."""
    phone = shot.width < 500
    size = {"width": shot.width, "height": 400, "deviceScaleFactor": 1.5, "mobile": phone}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if shot.dark else "light"}
    stillness = {"name": "prefers-reduced-motion", "value": "reduce"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, stillness]})
    browser.get(url)
    _wait(browser, "return document.getElementById('served').dataset.ready === 'true'")
    browser.execute_script(
        "const box = document.getElementById('text'); box.value = arguments[0];"
        "box.dispatchEvent(new Event('input')); document.getElementById('extract').click()",
        shot.text,
    )
    _wait(browser, "return document.getElementById('summary').textContent.includes('found')")
    if shot.focus is not None:
        browser.execute_script("document.querySelectorAll('.mark')[arguments[0]].focus()", shot.focus)
    height = browser.execute_script(
        "return document.querySelector('main').offsetTop + document.querySelector('main').offsetHeight"
    )
    clip = {"x": 0, "y": 0, "width": shot.width, "height": height, "scale": 1}
    wanted = {"format": "webp", "quality": _QUALITY, "clip": clip, "captureBeyondViewport": True}
    return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", wanted)["data"])


def _wait(browser: Chrome, condition: str) -> None:
    WebDriverWait(browser, _WAIT_S, 0.05).until(lambda _: browser.execute_script(condition))


@contextmanager
def _served(model: str) -> Iterator[str]:
    program = "import sys; from globalner.cli import main; sys.exit(main())"
    words = [
        sys.executable,
        "-c",
        program,
        "serve",
        model,
        "--port",
        "0",
        "--served-model-name",
        Path(model).parent.name or model,
    ]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        told = []
        for line in server.stdout:
            told.append(line)
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is not None:
                yield address
                return
        raise SystemExit("the server did not start:\n" + "".join(told))
    finally:
        server.terminate()
        server.communicate()


@contextmanager
def _browser() -> Iterator[Chrome]:
    program = shutil.which("chromedriver")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None or chromium is None:
        raise SystemExit("this needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = Chrome(options=options, service=ChromeService(program))
        try:
            yield browser
        finally:
            browser.quit()


if __name__ == "__main__":
    raise SystemExit(main())
