// The page comes to life: from the address to the state, from the state to what is shown.

async function start() {
  age();
  if (!("DecompressionStream" in window) || !byId("grid-data")) return;
  const grid = await loadGrid();
  if (!grid.kinds.length) return;
  grid.occurring = occurring(grid);
  const app = byId("app");
  const region = h("div.region", { tabindex: -1 });
  const page = { grid, state: parseHash(location.hash) ?? emptyState(), view: null, controls: null, drawer: null, from: null };
  page.controls = makeControls(grid, (change, push) => changed(page, change, push));
  page.drawer = makeDialog(() => closed(page));
  app.append(page.controls.form, region);
  app.hidden = false;
  page.view = makeTable(region, {
    cell: (kind, row, place) => go(page, { ...withoutCell(page.state), cell: cellAddress(kind, row, place) }),
    stacks: (kind, group) => openStacks(page, kind, group),
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
  for (const kind of grid.kinds) later(() => haystacks(kind, grid));
}

function occurring(grid) {
  const seen = new Uint8Array(256);
  for (const kind of grid.kinds) for (const codes of kind.codes) for (let i = 0; i < codes.length; i++) seen[codes.charCodeAt(i)] = 1;
  return new Set(grid.outcomes.filter((_, i) => [0, 1, 2].some((v) => seen[48 + i * 3 + v])).map(([, word]) => word));
}

function apply(page) {
  const { grid, state } = page;
  const found = grid.kinds.map((kind) => {
    const places = columnsOf(kind, state);
    return { places, rows: places.length ? rowsOf(grid, kind, places, state) : [] };
  });
  const linked = state.cell ? findCell(grid, state.cell) : null;
  const kind = kindInView(grid, state, found, linked);
  const { places, rows } = found[kind.number];
  showControls(page.controls, state, kind, found);
  show(page.view, grid, kind, rows, foldColumns(kind, rows, places, !state.unfolded));
  if (linked && linked.kind === kind) reveal(page.view, linked.row, linked.place);
  if (state.cell) openCell(page, state.cell);
  else if (page.drawer.dialog.open && !page.stacks) page.drawer.dialog.close();
}

// The kind that is asked for, or that of a linked cell; else the first that has something to show.
function kindInView(grid, state, found, linked) {
  const asked = grid.kinds.find((kind) => (kind.via ?? "none") === state.via);
  return asked ?? linked?.kind ?? grid.kinds.find((kind) => found[kind.number].rows.length) ?? grid.kinds[0];
}

function changed(page, change, push) {
  const next = Object.keys(change).length ? { ...withoutCell(page.state), ...change } : emptyState();
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
  const found = findCell(grid, address);
  page.stacks = false;
  if (!found) {
    fill(page.drawer, "Not here", [h("p", null, "These results hold no cell ", h("code", null, address), ".")]);
    return;
  }
  const details = await loadDetails();
  if (page.state.cell !== address) return;
  const { kind, row, place } = found;
  const rows = (scenario) => changed(page, { in: scenario, q: undefined, via: kind.via ?? "none" }, true);
  const go = (next) => {
    page.state = { ...page.state, cell: cellAddress(kind, row, next) };
    remember(page, false);
    openCell(page, page.state.cell);
    byId("on-stack")?.focus();
  };
  fill(page.drawer, h("code", null, kind.targetOf(row)), cellView(grid, details, kind, row, place, { go, rows }));
  performance.mark("cell-open");
}

async function openStacks(page, kind, group) {
  page.from = document.activeElement;
  const details = await loadDetails();
  page.stacks = true;
  const parts = group.places.map((place) => stackView(details, kind.stacks[place]));
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
