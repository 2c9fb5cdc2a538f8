// The search box and the filters, and the words on how much they leave.

function makeControls(grid, change) {
  const search = h("input", { id: "q", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "file:testdb?mode=memory" });
  const selects = {
    driver: picker("driver", "Driver"), version: picker("version", "Version"), uri: picker("uri", "URI setting"),
    above: picker("above", "Middleware"), intent: picker("intent", "Meant as"), outcome: picker("outcome", "Outcome"),
  };
  const flags = {
    disagree: toggle("disagree", "Stacks differ"), stray: toggle("stray", "Stray file"),
    off: toggle("off", "Not as intended"), unfolded: toggle("unfolded", "Unfold columns"),
  };
  const tables = h("div.tables", { role: "group", "aria-label": "Through" });
  const count = h("p.found", { role: "status" });
  const chips = h("p.chips");
  const clear = h("button.clear", { type: "button", onclick: () => change({}, true) }, "Clear");
  const body = h("div.more", null, Object.values(selects).map((each) => each.label), h("div.flags", null, Object.values(flags).map((each) => each.label)));
  const more = h("details.filters", null, h("summary", null, "Filters"), body);
  const form = h("form", { role: "search", onsubmit: (event) => event.preventDefault() },
    h("div.find", null, h("label", { for: "q" }, "Find a string"), search, h("kbd", { "aria-hidden": "true" }, "/")),
    more, tables, chips, h("div.result", null, count, clear));
  more.open = matchMedia("(min-width: 50rem)").matches;
  const controls = { form, search, selects, flags, tables, count, chips, clear, grid };
  search.addEventListener("input", () => {
    change({ q: search.value || undefined });
    if (form.getBoundingClientRect().bottom > innerHeight * 0.7) form.scrollIntoView();
  });
  for (const [name, { select }] of Object.entries(selects)) {
    select.addEventListener("change", () => change(selected(name, select.value), true));
  }
  for (const [name, { box }] of Object.entries(flags)) {
    box.addEventListener("change", () => change({ [name]: box.checked ? "1" : undefined }, true));
  }
  controls.change = change;
  return controls;
}

function selected(name, value) {
  const asked = { [name]: value || undefined };
  return name === "driver" ? { ...asked, version: undefined } : asked;
}

function picker(name, text) {
  const select = h("select", { id: `by-${name}` });
  return { select, label: h("label.picker", { for: `by-${name}` }, h("span", null, text), select) };
}

function toggle(name, text) {
  const box = h("input", { type: "checkbox", id: `only-${name}` });
  return { box, label: h("label.toggle", { for: `only-${name}` }, box, " ", text) };
}

// Show a state: `matches` has the rows of each table, `table` is the one in view.
function showControls(controls, state, table, matches) {
  const { grid, search, selects, flags, tables, count, chips, clear } = controls;
  if (search.value !== (state.q ?? "")) search.value = state.q ?? "";
  const stacks = table.stacks.filter((stack) => !state.driver || stack.driver === state.driver);
  const versions = unique(stacks.map(versionOf)).sort((a, b) => byVersion(b, a));
  options(selects.driver, unique(table.stacks.map((stack) => stack.driver)), state.driver, "any");
  options(selects.version, versions, state.version, "any");
  options(selects.uri, unique(table.stacks.map((stack) => stack.uri || "as-built")), state.uri, "any");
  options(selects.above, unique(table.stacks.map((stack) => stack.above).filter(Boolean)), state.above, "any version");
  selects.above.label.firstChild.textContent = table.via ?? "Middleware";
  options(selects.intent, grid.intents, state.intent, "anything");
  options(selects.outcome, grid.outcomes.map(({ word }) => word).filter((word) => grid.occurring.has(word)), state.outcome, "any");
  for (const [name, { box }] of Object.entries(flags)) box.checked = Boolean(state[name]);
  showTables(tables, grid, table, matches, controls.change);
  const rows = matches[table.number].rows;
  count.replaceChildren();
  append(count, [wordsOn(table, rows)]);
  chips.replaceChildren(...["in", "claim"].filter((name) => state[name]).map((name) => h("button.chip", {
    type: "button", onclick: () => controls.change({ [name]: undefined }, true),
  }, `${name === "in" ? "scenario" : "claim"} ${state[name]} `, h("span", { "aria-hidden": "true" }, "×"), hidden("remove"))));
  const asked = Object.keys(withoutCell(state)).some((key) => state[key] && key !== "via" && key !== "unfolded");
  clear.hidden = !asked;
}

function wordsOn(table, rows) {
  const total = table.height;
  const shown = rows.length === total ? `${many(total, "string")}` : `${grouped(rows.length)} of ${many(total, "string")}`;
  if (rows.length === 0) return `No string fits, of ${grouped(total)}.`;
  return table.similar ? `${shown}: the same but for the name` : shown;
}

function options({ select, label }, values, chosen, none) {
  const all = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  label.hidden = all.length < 2 && !chosen;
  const key = JSON.stringify([all, chosen]);
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  select.replaceChildren(h("option", { value: "" }, none), ...all.map((value) => h("option", { value, selected: value === chosen }, value)));
}

function showTables(box, grid, table, matches, change) {
  if (box.children.length !== grid.tables.length) {
    box.replaceChildren(...grid.tables.map((each) => h("button", {
      type: "button",
      onclick: () => change({ via: each.via ?? "none", above: undefined }, true),
    }, h("span", null, each.via ?? "driver alone"), " ", h("small"))));
  }
  box.hidden = grid.tables.length < 2;
  grid.tables.forEach((each, i) => {
    box.children[i].setAttribute("aria-pressed", String(each === table));
    box.children[i].lastChild.textContent = grouped(matches[i].rows.length);
    box.children[i].classList.toggle("empty", matches[i].rows.length === 0);
  });
}
