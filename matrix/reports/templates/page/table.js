// The grid as a table of which only the rows and columns in view exist.

const OVER = 6;

// How a cell looks, and how wide it is in rem: sign and word in a line, one over the other, a sign.
const SIZES = [["wide", 8.75, 11.5], ["stacked", 5.25, 8.75], ["compact", 3.25, 5.25]];

function makeView(region, open) {
  const head = h("thead");
  const body = h("tbody");
  const columns = h("colgroup");
  const element = h("table.cells", { role: "grid", "aria-label": "Every string on every stack" }, columns, head, body);
  region.replaceChildren(element);
  const view = {
    region, element, head, body, columns, open,
    grid: null, table: null, items: [], groups: [],
    active: { row: 0, column: 0 }, drawn: null, size: null,
  };
  let asked = 0;
  region.addEventListener("scroll", () => {
    asked ||= requestAnimationFrame(() => { asked = 0; draw(view); });
  }, { passive: true });
  new ResizeObserver(() => { if (view.table && measure(view)) redraw(view); }).observe(region);
  body.addEventListener("click", (event) => clicked(view, event));
  return view;
}

function show(view, grid, table, rows, groups) {
  view.grid = grid;
  view.table = table;
  view.groups = groups;
  view.items = withHeadings(table, rows);
  view.region.scrollTop = 0;
  view.active = { row: Math.min(1, view.items.length - 1), column: 0 };
  measure(view);
  redraw(view);
}

// Rows by their number; before those of one scenario its own, as a negative one.
function withHeadings(table, rows) {
  const items = [];
  let scenario = -1;
  for (const row of rows) {
    if (table.scenario[row] !== scenario) {
      scenario = table.scenario[row];
      items.push(-1 - scenario);
    }
    items.push(row);
  }
  return items;
}

function measure(view) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = view.region.clientWidth;
  const narrow = width < 38 * rem;
  const least = narrow ? Math.min(12 * rem, width * 0.5) : Math.min(24 * rem, width * 0.42);
  const count = view.groups.length;
  const room = (width - least) / Math.max(count, 1);
  const [mode, thin, thick] = SIZES.find(([, each]) => room >= each * rem) ?? (count <= 3 ? SIZES[1] : SIZES[2]);
  const cell = Math.floor(Math.max(thin * rem, Math.min(room, thick * rem)));
  const first = Math.max(least, width - count * cell);
  const size = { first, cell, mode, row: (narrow ? 4.25 : 3.25) * rem };
  const changed = JSON.stringify(size) !== JSON.stringify(view.size);
  view.size = size;
  for (const [name] of SIZES) view.element.classList.toggle(name, name === mode);
  view.region.style.setProperty("--row", `${size.row}px`);
  view.region.style.setProperty("--first", `${size.first}px`);
  view.element.style.width = `${size.first + size.cell * count}px`;
  return changed;
}

function windowOf(view) {
  const { region, size, items, groups, head } = view;
  const above = head.offsetHeight;
  const top = Math.max(0, Math.floor((region.scrollTop) / size.row) - OVER);
  const shown = Math.ceil((region.clientHeight - above) / size.row) + 2 * OVER;
  const left = Math.max(0, Math.floor(region.scrollLeft / size.cell) - 2);
  const across = Math.ceil((region.clientWidth - size.first) / size.cell) + 4;
  return {
    top: Math.min(top, items.length), bottom: Math.min(items.length, top + shown),
    left: Math.min(left, groups.length), right: Math.min(groups.length, left + across),
  };
}

function redraw(view) {
  view.drawn = null;
  draw(view);
}

// No taller than its rows, so that a short answer ends where they do.
function fit({ region, head, items, size }) {
  const bars = region.offsetHeight - region.clientHeight;
  region.style.maxHeight = `${head.offsetHeight + items.length * size.row + bars}px`;
}

function draw(view) {
  fit(view);
  const next = windowOf(view);
  const last = view.drawn;
  if (last && same(last, next)) return;
  const focused = view.element.contains(document.activeElement);
  if (!last || last.left !== next.left || last.right !== next.right) {
    drawHead(view, next);
    const { top, bottom, left, right } = next.bottom ? next : { ...next, top: 0, bottom: 0 };
    view.body.replaceChildren(spacer(view), ...range(top, bottom).map((at) => rowOf(view, at, left, right)), spacer(view));
  } else {
    moveRows(view, last, next);
  }
  const spacers = view.body.querySelectorAll(":scope > .spacer");
  setHeight(spacers[0], next.top * view.size.row);
  setHeight(spacers[1], (view.items.length - next.bottom) * view.size.row);
  view.element.setAttribute("aria-rowcount", view.items.length + 1);
  view.element.setAttribute("aria-colcount", view.groups.length + 1);
  view.drawn = next;
  fit(view);
  markActive(view);
  if (focused && !view.element.contains(document.activeElement)) {
    (activeElement(view) ?? view.region).focus({ preventScroll: true });
  }
}

function same(one, other) {
  return ["top", "bottom", "left", "right"].every((side) => one[side] === other[side]);
}

function moveRows(view, last, next) {
  const { body } = view;
  const make = (at) => rowOf(view, at, next.left, next.right);
  if (next.top >= last.bottom || next.bottom <= last.top) {
    while (body.children.length > 2) body.children[1].remove();
    body.lastChild.before(...range(next.top, next.bottom).map(make));
    return;
  }
  for (let at = last.top; at < next.top; at++) body.children[1].remove();
  for (let at = next.bottom; at < last.bottom; at++) body.lastChild.previousSibling.remove();
  body.firstChild.after(...range(next.top, last.top).map(make));
  body.lastChild.before(...range(last.bottom, next.bottom).map(make));
}

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function spacer(view) {
  return h("tr.spacer", { "aria-hidden": "true" }, h("td", { colspan: view.groups.length + 3 }));
}

function setHeight(row, height) {
  row.firstChild.style.height = `${height}px`;
  row.hidden = height === 0;
}

function drawHead(view, { left, right }) {
  const { groups, size } = view;
  const shown = groups.slice(left, right);
  const widths = [size.first, left * size.cell, ...shown.map(() => size.cell), (groups.length - right) * size.cell];
  view.columns.replaceChildren(...widths.map((width) => {
    const column = h("col");
    column.style.width = `${width}px`;
    return column;
  }));
  const drivers = [];
  shown.forEach((group) => {
    const last = drivers[drivers.length - 1];
    if (last && last.driver === group.driver) last.span += 1;
    else drivers.push({ driver: group.driver, span: 1 });
  });
  view.head.replaceChildren(
    h("tr.drivers", { "aria-rowindex": 1 },
      h("th.corner", { scope: "col", rowspan: 2, "aria-colindex": 1 }, "String"),
      h("td.gap", { "aria-hidden": "true", rowspan: 2 }),
      drivers.map(({ driver, span }) => h("th", { scope: "colgroup", colspan: span }, h("span", null, driver))),
      h("td.gap", { "aria-hidden": "true", rowspan: 2 })),
    h("tr.versions", { "aria-rowindex": 1 }, shown.map((group, i) => heading(view, group, left + i))),
  );
}

function heading(view, group, column) {
  const lines = headingOf(view.table, group, view.size.mode !== "wide");
  const count = group.places.length;
  const title = group.places.map((place) => view.table.stacks[place].id).join("\n");
  return h("th", { scope: "col", "aria-colindex": column + 2 },
    h("button", {
      type: "button", tabindex: -1, title, "data-row": -1, "data-column": column + 1,
      onclick: () => view.open.stacks(view.table, group),
    },
    lines.map((line, i) => h(i ? "small" : "strong", null, line, " ")),
    count > 1 && view.size.mode !== "compact" && h("small", null, many(count, "stack"))));
}

function rowOf(view, at, left, right) {
  const { table, grid, items, groups } = view;
  const row = items[at];
  const position = { "aria-rowindex": at + 2 };
  if (row < 0) return scenarioRow(grid.scenarios[-1 - row], groups.length, position);
  const options = table.optionsOf(row);
  const statements = table.statementsOf(row);
  const variant = table.variant[row].replace(/^\[|\]$/g, "");
  const cells = [];
  for (let column = left; column < right; column++) {
    cells.push(cellOf(view, row, at, column, groups[column]));
  }
  return h("tr", position,
    h("th", { scope: "row", "aria-colindex": 1, "data-row": at, "data-column": 0, tabindex: -1 },
      h("code", { title: table.targetOf(row) }, table.targetOf(row)),
      h("small", null, options && h("code", null, options), " ", statements ? h("code", { title: statements }, statements) : variant)),
    h("td.gap", { "aria-hidden": "true" }),
    cells,
    h("td.gap", { "aria-hidden": "true" }));
}

function scenarioRow([id, title], count, position) {
  return h("tr.scenario", position,
    h("th", { scope: "rowgroup", colspan: count + 3, "aria-colindex": 1 },
      h("span", null, h("strong", null, title), " ", h("small", null, id))));
}

function cellOf(view, row, at, column, group) {
  const { table } = view;
  const cell = table.cellOf(row, runIn(table, row, group));
  const attributes = { "aria-colindex": column + 2, "data-row": at, "data-column": column + 1, tabindex: -1 };
  if (!cell) return h("td.none", attributes, hidden("not run"));
  const { outcome, verdict } = cell;
  return h(`td.${outcome.tone}`, { ...attributes, title: `${outcome.word}, ${verdict.word}` }, badge(outcome), " ", verdictMark(verdict));
}

// The first stack of a column that ran the row.
function runIn(table, row, group) {
  return group.places.find((place) => table.cells[row * table.width + place]) ?? group.places[0];
}

function clicked(view, event) {
  const cell = event.target.closest("[data-row]");
  if (!cell) return;
  view.active = { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  markActive(view);
  openActive(view);
}

function openActive(view) {
  const { row: at, column } = view.active;
  const row = view.items[at];
  if (row === undefined || row < 0) return;
  const { table, groups } = view;
  const place = column ? runIn(table, row, groups[column - 1]) : firstRun(table, row);
  view.open.cell(table, row, place);
}
