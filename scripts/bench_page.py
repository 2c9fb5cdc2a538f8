"""Measure how fast the page is, compared with a plain table of the same cells, in one run.

`python scripts/bench_page.py RESULTS` measures the page of those results, and pages of 100,000 and
1,000,000 cells made from them: each case is repeated under new names, as if its scenario had one
more axis, and 3% of the copies show what another cell showed. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.model import Case, Observation
from matrix.model.outcome import outcome, verdict
from matrix.reports.grid import display
from matrix.reports.page.html import render_html
from matrix.results.store import ResultSet, StackResults, load_results
from matrix.stacks.catalogue import load_catalogue

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browsing import open_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOISE = 0.03
RUNS = 5
READY = "performance.getEntriesByName('grid-interactive')[0].startTime"
PLAIN_READY = "performance.getEntriesByName('ready')[0].startTime"
FILTER = """async (text) => {
  const box = document.querySelector("#q");
  const start = performance.now();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
TEXTS = ("mode=memory", "mode=ro", "cache=shared", "nothing has this in it", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=Path("results/latest"))
    parser.add_argument("--cells", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--no-plain", action="store_true", help="skip the plain table")
    options = parser.parse_args()
    if any(cells <= 0 for cells in options.cells):
        parser.error("--cells takes positive numbers")
    results = load_results(options.results)
    print("| cells | page | size, kB | made in, s | ready, ms | filter, ms | worst | heap, MB |")
    print("|---|---|---|---|---|---|---|---|")
    with open_browser() as browser, tempfile.TemporaryDirectory() as directory:
        for size in [None, *options.cells]:
            enlarged = results if size is None else enlarge(results, size)
            cells = sum(len(stack.observations) for stack in enlarged.stacks)
            for name in ("grid",) if options.no_plain else ("grid", "plain table"):
                row(browser, Path(directory) / "page.html", enlarged, cells, name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\n{RUNS} loads each; load average {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores;")
    print(f"peak memory of this process, with all results loaded: {peak} MB")


def row(browser: Browser, path: Path, results: ResultSet, cells: int, name: str) -> None:
    start = time.monotonic()
    if name == "grid":
        text = render_html(results, catalogue=load_catalogue())
    else:
        text = "".join(plain_table(results))
    path.write_text(text, "utf-8")
    made = time.monotonic() - start
    runs = 1 if name != "grid" and cells > 500_000 else RUNS
    seen = [measure(browser, path, READY if name == "grid" else PLAIN_READY) for _ in range(runs)]
    ready = statistics.median(each["ready"] for each in seen)
    filters = [ms for each in seen for ms in each["filters"]]
    print(
        f"| {cells:,} | {name} | {path.stat().st_size / 1000:,.0f} | {made:.1f} | {ready:,.0f} | "
        f"{statistics.median(filters):,.0f} | {max(filters):,.0f} | {seen[0]['heap']:,.0f} |",
        flush=True,
    )


def measure(browser: Browser, path: Path, ready: str) -> dict[str, Any]:
    """Load a page once, and filter it several times."""
    page = browser.new_page()
    page.set_default_timeout(180_000)
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector("html[data-ready]", state="attached")
    measured = {"ready": page.evaluate(ready)}
    page.wait_for_timeout(500)
    measured["filters"] = [page.evaluate(FILTER, text) for text in TEXTS]
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    measured["heap"] = metrics["JSHeapUsedSize"] / 1e6
    page.close()
    return measured


def enlarge(results: ResultSet, cells: int) -> ResultSet:
    """Repeat the cases along a new axis until there are about `cells` cells, with some noise."""
    chance = random.Random(0)
    having = sum(len(stack.observations) for stack in results.stacks)
    cases: dict[str, Case] = {}
    observed: dict[str, dict[str, Observation]] = {stack.stack: {} for stack in results.stacks}
    others = [
        observation
        for stack in results.stacks[:3]
        for observation in list(stack.observations.values())[::40]
    ]
    for copy in range(-(-cells // having)):
        for case in results.cases.values():
            name = f"{case.id.removesuffix(']')}{',' if '[' in case.id else '['}copy={copy:03}]"
            target = case.target.replace("db", f"db{copy}").replace("{name}", f"{{name}}{copy}")
            cases[name] = replace(case, id=name, target=target)
            for stack in results.stacks:
                seen = stack.observations.get(case.id)
                if seen is not None:
                    noisy = copy and chance.random() < NOISE
                    observed[stack.stack][name] = replace(
                        chance.choice(others) if noisy else seen, case=name, stack=stack.stack
                    )
    cases = dict(sorted(cases.items()))
    stacks = tuple(
        StackResults(
            stack=stack.stack,
            fingerprint=stack.fingerprint,
            unavailable=stack.unavailable,
            observations=observed[stack.stack],
        )
        for stack in results.stacks
    )
    return cut(ResultSet(scenarios=results.scenarios, cases=cases, stacks=stacks), cells)


def cut(results: ResultSet, cells: int) -> ResultSet:
    """Leave out cases at even intervals, so that about `cells` cells remain."""
    having = sum(len(stack.observations) for stack in results.stacks)
    share = cells / having
    names = list(results.cases)
    kept = {
        n: results.cases[n] for i, n in enumerate(names) if int(i * share) != int((i - 1) * share)
    }
    return ResultSet(
        scenarios=results.scenarios,
        cases=kept,
        stacks=tuple(
            replace(
                stack,
                observations={n: o for n, o in stack.observations.items() if n in kept},
            )
            for stack in results.stacks
        ),
    )


def plain_table(results: ResultSet) -> Iterator[str]:
    """The plainest page that shows every cell: a table, and a filter that hides rows."""
    yield "<!DOCTYPE html><meta charset=utf-8><title>plain</title><input id=q>"
    yield "<table><thead><tr><th>"
    yield "".join(f"<th>{escape(stack.stack)}" for stack in results.stacks)
    yield "<tbody>"
    for name, case in results.cases.items():
        yield f"<tr><th>{escape(display(case.target))}"
        for stack in results.stacks:
            seen = stack.observations.get(name)
            yield "<td>"
            if seen is not None:
                yield f"{outcome(seen).sign}{verdict(seen, case).mark.strip()}"
    script = """
const rows = [...document.querySelectorAll("tbody tr")];
const texts = rows.map((row) => row.firstChild.textContent.toLowerCase());
document.querySelector("#q").addEventListener("input", (event) => {
  rows.forEach((row, i) => { row.hidden = !texts[i].includes(event.target.value); });
});
requestAnimationFrame(() => setTimeout(() => {
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
}));"""
    yield f"</table><script>{script}</script>"


if __name__ == "__main__":
    main()
