"""A real browser for tests of the page, and what to install where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def chromium() -> str:
    """The browser to run; none is an error that says what to install."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise RuntimeError(
            "there is no Chromium on the path: install one (`apt-get install chromium`, or "
            "Chrome), or name it in the environment variable CHROMIUM"
        )
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Playwright is imported late: most tests need none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        hint = "`tox -e browser` installs it, `python -m pip install playwright` does too"
        raise RuntimeError(f"there is no Playwright: {hint}") from None
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


def open_page(page: Page, path: Path, fragment: str = "") -> None:
    """Open a report, and wait until its grid can be used."""
    page.goto(path.as_uri() + (f"#{fragment}" if fragment else ""))
    page.wait_for_selector("html[data-ready]", state="attached")
