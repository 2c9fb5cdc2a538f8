"""The page as a reader has it: searched, linked, opened by keyboard, read aloud, with no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from matrix.model import Intent, Storage
from matrix.reports.page.html import render_html
from matrix.reports.recipes import build_recipes
from matrix.results.store import ResultSet
from matrix.stacks.catalogue import load_catalogue
from tests.browsing import open_browser, open_page
from tests.builders import (
    in_memory,
    make_case,
    make_created,
    make_fingerprint,
    make_observation,
    make_results,
    make_scenario,
    make_stack,
    realistic,
    refused,
    stray,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>alert(1)</script></script><!--<img src=x onerror=alert(2)>\"'`&amp;{{ 7*7 }}"
    "\x00\x1b[31m\u2028\u202e\udcff\n"
)
SHOWN = r"""<img src=x onerror=alert(2)>"'`&amp;{{ 7*7 }}\x00\x1b[31m\u2028\u202e\udcff\n"""
ORDER = "memory/order[order=cache-mode]"
WIDTHS = (360, 800, 1280, 1600)


def many_rows() -> ResultSet:
    """Enough rows and versions that neither all rows nor all columns are in view."""
    names = [f"topic/{topic}[number={n:03}]" for topic in ("one", "two") for n in range(200)]
    versions = [f"3.{minor}.1.0" for minor in range(40, 55)]
    cases = [
        make_case(name, target=f"file:n{i}?mode=memory", intent=Intent.PRIVATE_MEMORY)
        for i, name in enumerate(names)
    ]
    stacks = [
        make_stack(
            f"apsw=={version}@3.11",
            [
                (stray if (i + n) % 7 == 0 or n > i % 15 else in_memory)(name)
                for i, name in enumerate(names)
            ],
            fingerprint=make_fingerprint(driver="apsw", sqlite=version[:-2]),
        )
        for n, version in enumerate(versions)
    ]
    return make_results(cases, stacks)


def doubtful() -> ResultSet:
    """A name that was refused, with each thing that a cell can be."""
    case = make_case("topic/one", target="~/x.db", intent=Intent.READ_ONLY)
    unasked = make_observation(case=case.id, storage=Storage.FILE, unasked=("~/x.db",))
    stacks = [
        make_stack("sqlite3@3.11", [replace(refused(case.id), foreign=("~/x.db",))]),
        make_stack("apsw==1@3.11", [unasked]),
    ]
    return make_results([case], stacks)


def hostile() -> ResultSet:
    name = f"topic/one[form={HOSTILE}]"
    case = make_case(
        name,
        target=HOSTILE,
        connect={"vfs": HOSTILE},
        sql=(HOSTILE,),
        setup=({"empty": HOSTILE},),
        intent=Intent.FILE,
    )
    seen = make_observation(
        case=name,
        created=(make_created(HOSTILE, asked=False),),
        passed={"args": [HOSTILE], "kwargs": {"vfs": HOSTILE}},
        opened=HOSTILE,
        warnings=(HOSTILE,),
        pool=HOSTILE,
        journal_mode=HOSTILE,
    )
    stacks = [
        make_stack("sqlite3@3.11", [refused(name, HOSTILE)]),
        make_stack(
            "apsw==1@3.11", [seen], fingerprint=make_fingerprint(compile_options=(HOSTILE,))
        ),
        make_stack("apsw==2@3.11", unavailable=HOSTILE),
    ]
    info = make_scenario(
        "topic/one", title=HOSTILE, question=HOSTILE, references=(HOSTILE,), then=HOSTILE
    )
    return make_results([case], stacks, info)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {
        "realistic": realistic(),
        "many": many_rows(),
        "hostile": hostile(),
        "doubtful": doubtful(),
    }
    paths = {}
    for name, results in made.items():
        paths[name] = tmp_path_factory.mktemp("report") / f"{name}.html"
        recipes = build_recipes(results)
        page = render_html(results, catalogue=load_catalogue(), recipes=recipes)
        paths[name].write_text(page, "utf-8")
    return paths


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not complain, ask anything of anyone, or open a dialog of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: requests.append(request.url))
    yield page
    context.close()
    assert not complaints
    assert all(url.startswith(("file:", "about:")) for url in requests), requests


def rows(page: Page) -> list[str]:
    return page.locator(".cells tbody th[scope=row] > code").all_inner_texts()


def table_in_view(page: Page) -> str:
    return page.locator(".tables [aria-pressed=true]").inner_text().partition(" ")[0]


def test_a_search_leaves_the_rows_that_hold_the_words(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"])
    page.fill("#q", "cache=private")
    assert rows(page) == ["file:db?mode=memory&cache=private"]
    assert page.locator(".found").inner_text() == "1 of 6 strings"
    page.fill("#q", "memory file:///db")
    assert rows(page) == ["file:///db?mode=memory"]
    page.fill("#q", "nothing like it")
    assert rows(page) == []
    assert page.locator(".found").inner_text() == "No string fits, of 6."


def test_a_string_under_another_name_and_a_whole_call_are_found(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"])
    page.fill("#q", "file:my-own-name?mode=memory")
    assert rows(page) == ["file:db?mode=memory"]
    assert "but for the name" in page.locator(".found").inner_text()
    page.fill("#q", 'sqlite3.connect("file:missing.db?mode=ro", uri=True)')
    assert rows(page) == ["file:missing.db?mode=ro"]


def test_a_search_turns_to_the_table_that_has_it(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"])
    page.fill("#q", "sqlite:///")
    assert table_in_view(page) == "sqlalchemy"
    assert rows(page) == [
        "sqlite:///file:db?mode=memory",
        "sqlite:////file:db?mode=memory&uri=true",
    ]


@pytest.mark.parametrize(
    ("flag", "found"),
    [("disagree", 5), ("stray", 3), ("off", 5)],
)
def test_a_switch_leaves_the_rows_of_its_sort(
    page: Page, reports: dict[str, Path], flag: str, found: int
) -> None:
    open_page(page, reports["realistic"])
    page.check(f"#only-{flag}")
    assert len(rows(page)) == found


def test_filters_of_stacks_leave_their_columns(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"])
    assert page.locator(".drivers th span").all_inner_texts() == ["sqlite3", "pysqlite3", "apsw"]
    page.select_option("#by-driver", "apsw")
    page.check("#only-stray")
    assert page.locator(".drivers th span").all_inner_texts() == ["apsw"]
    assert page.locator(".versions strong").all_inner_texts() == ["3.54.1.0"]
    assert len(rows(page)) == 3


def test_a_view_is_in_the_address_and_back_and_forward_go_through_it(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"])
    page.fill("#q", "mode=memory")
    page.select_option("#by-driver", "sqlite3")
    page.check("#only-stray")
    seen, address = rows(page), page.url
    assert unquote(address).endswith("#q=mode=memory&driver=sqlite3&stray=1")
    page.go_back()
    assert not page.is_checked("#only-stray")
    page.go_back()
    assert page.input_value("#by-driver") == ""
    page.go_forward()
    page.go_forward()
    assert rows(page) == seen
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("html[data-ready]", state="attached")
    assert rows(page) == seen
    assert page.input_value("#q") == "mode=memory"
    assert page.is_checked("#only-stray")


def test_a_cell_opens_by_keyboard_and_closes_where_it_was(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"])
    page.keyboard.press("/")
    page.keyboard.type("cache=private")
    page.locator("table.cells [tabindex='0']").focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    here = "document.activeElement.dataset.row + ',' + document.activeElement.dataset.column"
    place = page.evaluate(here)
    page.keyboard.press("Enter")
    page.wait_for_selector(".drawer[open] #script")
    assert "stray file" in page.locator(".drawer .verdict").inner_text()
    assert "cell=memory/without-switch" in page.url
    page.keyboard.press("Escape")
    page.wait_for_selector(".drawer:not([open])", state="attached")
    assert "cell=" not in page.url
    assert page.evaluate(here) == place


def test_every_cell_has_an_address(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"], f"cell={ORDER}@apsw==3.54.1.0@3.11")
    page.wait_for_selector(".drawer[open] #script")
    text = page.locator(".drawer").inner_text()
    assert "apsw==3.54.1.0@3.11" in text
    assert "no second connection saw the data" in text
    assert "pip install" in text or "Seen on Python" in text
    page.go_back()


def test_a_cell_says_why_it_is_judged_as_it_is(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["doubtful"], "cell=topic/one@sqlite3@3.11")
    page.wait_for_selector(".drawer[open] #script")
    noted = page.locator(".drawer .verdict").inner_text()
    assert "Meant as read-only, and only noted: only a shell understands ~/x.db." in noted
    open_page(page, reports["doubtful"], "cell=topic/one@apsw==1@3.11")
    page.wait_for_selector(".drawer[open] #script")
    text = page.locator(".drawer").inner_text()
    assert "unasked file" in text
    assert "an existing file that is not asked for was opened: ~/x.db" in text


def test_the_address_of_a_case_in_older_reports_still_opens_it(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"], "case/read-only/missing")
    page.wait_for_selector(".drawer[open] #script")
    assert "file:missing.db?mode=ro" in page.locator(".drawer h2").inner_text()


def test_an_address_of_nothing_says_so(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"], "cell=no/such[case]@sqlite3@3.11")
    page.wait_for_selector(".drawer[open]")
    assert "have no cell no/such[case]@sqlite3@3.11" in page.locator(".drawer").inner_text()


def test_a_link_to_a_scenario_opens_its_part_of_the_summary(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"], "bare/memory/order")
    assert page.locator("[id='bare/memory/order']").is_visible()


def test_the_history_of_a_cell_is_a_strip_of_versions(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["many"], "cell=topic/one[number=003]@apsw==3.41.1.0@3.11")
    page.wait_for_selector(".drawer[open] .strip")
    runs = page.locator(".strip .when").all_inner_texts()
    assert runs[0].startswith("until 3.4")
    assert all(each.startswith("since 3.") for each in runs[1:])
    assert page.locator(".strip [aria-current]").count() == 1
    assert "which was not run" in page.locator(".strip").inner_text()


def test_the_stack_of_an_open_cell_can_be_changed(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"], f"cell={ORDER}@sqlite3@3.11")
    page.wait_for_selector(".drawer[open] #script")
    page.select_option("#on-stack", index=3)
    page.wait_for_selector(".drawer .not_as_intended")
    assert page.url.endswith("@apsw==3.54.1.0@3.11")


def test_from_a_cell_to_all_rows_of_its_scenario(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["realistic"], f"cell={ORDER}@sqlite3@3.11")
    page.wait_for_selector(".drawer[open] #script")
    page.get_by_role("button", name="All rows of memory/order").click()
    page.wait_for_selector(".drawer:not([open])", state="attached")
    assert len(rows(page)) == 2
    page.get_by_role("button", name="scenario memory/order").click()
    assert len(rows(page)) == 6


def test_only_what_is_in_view_is_in_the_document(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["many"], "unfolded=1")
    assert page.locator("table.cells").get_attribute("aria-rowcount") == "403"
    assert page.locator("table.cells").get_attribute("aria-colcount") == "16"
    assert page.locator("table.cells tr").count() < 60
    page.locator("table.cells [tabindex='0']").focus()
    page.keyboard.press("Control+End")
    assert page.evaluate("document.activeElement.closest('tr').ariaRowIndex") == "403"
    assert page.locator("table.cells tr").count() < 60
    page.keyboard.press("Control+Home")
    assert page.evaluate("document.activeElement.closest('tr').ariaRowIndex") == "3"


def test_stacks_that_agree_in_view_share_a_column(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["many"])
    assert page.locator(".versions button").count() > 5
    page.fill("#q", "n14?")
    folded = page.locator(".versions button").count()
    assert folded == 2
    page.check("#only-unfolded")
    assert page.locator("table.cells").get_attribute("aria-colcount") == "16"


def test_hostile_text_is_text_wherever_it_comes_up(page: Page, reports: dict[str, Path]) -> None:
    open_page(page, reports["hostile"])
    assert SHOWN in page.locator(".cells tbody th[scope=row]").inner_text()
    page.fill("#q", "onerror")
    assert len(rows(page)) == 1
    for column in (1, 2):
        page.locator(f"tbody td[data-column='{column}']").click()
        page.wait_for_selector(".drawer[open] #script")
        assert page.locator(".drawer h2").inner_text().endswith(SHOWN)
        assert r"\u202e" in page.locator("#script").inner_text()
        page.keyboard.press("Escape")
    assert page.locator("img, main script, .drawer script").count() == 0
    text = page.evaluate("document.body.innerText")
    assert not set(text) & set("\x00\x1b\u2028\u202e\udcff")


@pytest.mark.parametrize("name", ["realistic", "many", "hostile"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(
    page: Page, reports: dict[str, Path], name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, reports[name])
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(wide) <= 0
    page.locator("table.cells tbody [data-row]").first.click()
    page.wait_for_selector(".drawer[open] #script")
    assert page.evaluate(wide) <= 0
    assert page.locator(".content").evaluate("(each) => each.scrollWidth <= each.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_in_the_way_of_assistive_technology(
    page: Page, reports: dict[str, Path], scheme: str, width: int
) -> None:
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, reports["realistic"])
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert not violations(page)
    page.locator("tbody td.stray").first.click()
    page.wait_for_selector(".drawer[open] #script")
    assert not violations(page)


def violations(page: Page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def test_colours_may_be_forced_and_every_sign_stays(page: Page, reports: dict[str, Path]) -> None:
    page.emulate_media(forced_colors="active")
    open_page(page, reports["realistic"])
    sign = page.locator("td.stray .sign").first
    assert sign.inner_text() == "!"
    assert sign.evaluate("(each) => getComputedStyle(each).borderTopStyle") == "solid"


def test_without_a_script_the_summary_is_all_there(
    browser: Browser, reports: dict[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reports["realistic"].as_uri())
    assert page.locator("#app").is_hidden()
    assert page.locator("noscript p").is_visible()
    page.locator("summary", has_text="memory").first.click()
    text = page.locator("main").inner_text()
    assert "cells measured" in text
    places = page.locator("[id='bare/memory/without-switch'] .places").text_content() or ""
    assert re.match(r"!\s+stray file ✗, not as intended on sqlite3 \(uri off\); apsw", places)
    assert "apsw==3.54.1.0@3.10" in text
    context.close()


def test_on_paper_the_summary_is_open_and_the_grid_a_note(
    page: Page, reports: dict[str, Path]
) -> None:
    open_page(page, reports["realistic"])
    page.emulate_media(media="print")
    assert page.locator("#app").is_hidden()
    assert page.locator(".printed").is_visible()
    assert page.locator(".bar").is_hidden()
