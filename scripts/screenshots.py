"""Take the screenshots of the page for the documentation: `python scripts/screenshots.py PAGE`.

PAGE is a report that `sqlite-matrix report html` wrote. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browsing import open_browser, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES = Path(__file__).parent.parent / "docs" / "images"
MOST = 300_000
VIEW = "q=file%3Atestdb%3Fmode%3Dmemory"
CELL = "founding-document/overview[uri=default]@sqlite3[uri=off]@3.11"


class Shot(NamedTuple):
    name: str
    width: int
    height: int
    dark: bool
    fragment: str


SHOTS = (
    Shot("report-desktop", 1280, 900, False, VIEW),
    Shot("report-desktop-dark", 1280, 900, True, VIEW),
    Shot("report-cell", 1280, 900, False, f"cell={CELL}"),
    Shot("report-phone", 390, 844, False, VIEW),
    Shot("report-phone-dark", 390, 844, True, ""),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=IMAGES)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    page = options.page.resolve()
    with open_browser() as browser:
        for shot in SHOTS:
            path = options.output / f"{shot.name}.png"
            take(browser, shot, page, path)
            size = path.stat().st_size
            print(f"{path}: {size // 1000} kB")
            if size > MOST:
                sys.exit(f"{path} is larger than {MOST // 1000} kB")


def take(browser: Browser, shot: Shot, page: Path, path: Path) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.dark else "light",
        reduced_motion="reduce",
    )
    shown = context.new_page()
    open_page(shown, page, shot.fragment)
    if shot.fragment.startswith("cell="):
        shown.wait_for_selector(".drawer[open] #script")
    shown.wait_for_timeout(200)
    shown.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main()
