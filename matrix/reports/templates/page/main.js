// The page comes to life: from the address to the state, from the state to what is shown.

async function start() {
  age();
  if (!("DecompressionStream" in window) || !byId("grid-data")) return;
  const grid = await loadGrid();
  if (!grid.tables.length) return;
  const app = byId("app");
  const region = h("div.region", { tabindex: -1 });
  const page = { grid, state: parseHash(location.hash) ?? {}, view: null, controls: null, drawer: null, from: null };
  page.controls = makeControls(grid, (change, push) => changed(page, change, push));
  page.drawer = makeDialog(() => closed(page));
  app.append(page.controls.form, region);
  app.hidden = false;
  page.view = makeView(region, {
    cell: (table, row, place) => go(page, { ...withoutCell(page.state), cell: cellAddress(table, row, place) }),
    stacks: (table, group) => openStacks(page, table, group),
  });
  listenForKeys(page.view);
  apply(page);
  window.addEventListener("hashchange", () => arrived(page));
  document.addEventListener("keydown", (event) => shortcuts(page, event));
  for (const link of document.querySelectorAll('a[href="#grid"]')) {
    link.addEventListener("click", () => setTimeout(() => page.controls.search.focus({ preventScroll: true })));
  }
  performance.mark("grid-interactive");
  document.documentElement.dataset.ready = "true";
  if (location.hash && parseHash(location.hash)) byId("grid").scrollIntoView();
  const later = window.requestIdleCallback ?? setTimeout;
  for (const table of grid.tables) later(() => haystacks(table, grid));
}

function apply(page) {
  const { grid, state } = page;
  const matches = grid.tables.map((table) => {
    const places = columnsOf(table, state);
    return { places, rows: places.length ? rowsOf(grid, table, places, state) : [] };
  });
  const linked = state.cell ? findCell(grid, state.cell) : null;
  const table = tableInView(grid, state, matches, linked);
  const { places, rows } = matches[table.number];
  showControls(page.controls, state, table, matches);
  show(page.view, grid, table, rows, foldColumns(table, rows, places, !state.unfolded));
  if (linked && linked.table === table) reveal(page.view, linked.row, linked.place);
  if (state.cell) openCell(page, state.cell);
  else if (page.drawer.dialog.open && !page.stacks) page.drawer.dialog.close();
}

// The table that is asked for, or that of a linked cell; else the first that has something to show.
function tableInView(grid, state, matches, linked) {
  const asked = grid.tables.find((table) => (table.via ?? "none") === state.via);
  return asked ?? linked?.table ?? grid.tables.find((table) => matches[table.number].rows.length) ?? grid.tables[0];
}

function changed(page, change, push) {
  const next = Object.keys(change).length ? { ...withoutCell(page.state), ...change } : {};
  page.state = Object.fromEntries(Object.entries(next).filter(([, value]) => value));
  remember(page, push);
  apply(page);
}

function remember(page, push) {
  const hash = formatHash(page.state);
  const address = hash ? `#${hash}` : location.pathname + location.search;
  if (push) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function go(page, state) {
  page.from = document.activeElement;
  page.state = state;
  remember(page, true);
  openCell(page, state.cell);
}

function arrived(page) {
  const state = parseHash(location.hash);
  if (!state) return;
  const drawn = JSON.stringify(withoutCell(state)) === JSON.stringify(withoutCell(page.state));
  page.state = state;
  if (!drawn) {
    if (page.drawer.dialog.open && !state.cell) page.drawer.dialog.close();
    apply(page);
    if (location.hash && !state.cell) byId("grid").scrollIntoView();
  } else if (state.cell) {
    openCell(page, state.cell);
  } else if (page.drawer.dialog.open) {
    page.drawer.dialog.close();
  }
}

async function openCell(page, address) {
  const { grid } = page;
  const cell = findCell(grid, address);
  page.stacks = false;
  if (!cell) {
    fill(page.drawer, "Not found", [h("p", null, "These results have no cell ", h("code", null, address), ".")]);
    return;
  }
  const details = await loadDetails();
  if (page.state.cell !== address) return;
  const { table, row, place } = cell;
  const rows = (scenario) => changed(page, { in: scenario, q: undefined, via: table.via ?? "none" }, true);
  const go = (next) => {
    page.state = { ...page.state, cell: cellAddress(table, row, next) };
    remember(page, false);
    openCell(page, page.state.cell);
    byId("on-stack")?.focus();
  };
  fill(page.drawer, h("code", null, table.targetOf(row)), cellView(grid, details, table, row, place, { go, rows }));
  performance.mark("cell-open");
}

async function openStacks(page, table, group) {
  page.from = document.activeElement;
  const details = await loadDetails();
  page.stacks = true;
  const parts = group.places.map((place) => stackView(details, table.stacks[place]));
  const note = group.places.length > 1 && h("p", null, "These stacks agree on every row in view, so they share a column.");
  fill(page.drawer, many(group.places.length, "stack"), [note, parts]);
}

function closed(page) {
  page.stacks = false;
  if (page.state.cell) {
    page.state = withoutCell(page.state);
    remember(page, true);
  }
  const back = page.from?.isConnected ? page.from : activeElement(page.view);
  back?.focus({ preventScroll: true });
}

function shortcuts(page, event) {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId("grid").scrollIntoView();
  page.controls.search.focus({ preventScroll: true });
}

// How old the results are: only a browser knows what day it is.
function age() {
  const time = byId("measured");
  if (!time) return;
  const days = Math.floor((Date.now() - Date.parse(time.dateTime)) / 86_400_000);
  if (Number.isNaN(days) || days < 0) return;
  time.after(document.createTextNode(days === 0 ? " (today)" : ` (${many(days, "day")} ago)`));
}

start().catch((error) => {
  byId("app").replaceChildren(h("p.note", null, `The grid could not be drawn: ${error.message}`));
  byId("app").hidden = false;
  throw error;
});
