// One cell in full: what was asked, what happened on the way, and how to see it again.

const WORDS = {
  second_connection: { sees: "saw the data", does_not_see: "did not see the data", refused: "was refused" },
  reopened: { sees: "the data was there", does_not_see: "the data was gone", refused: "it was refused" },
  storage: { memory: "in memory", file: "in a file", temporary: "in a temporary file without a name", none: "nowhere to be seen" },
};
const THINGS = {
  database: "database", journal: "journal", wal: "write-ahead log", shm: "shared-memory index",
  temporary: "temporary file", lock: "lock", other: "file",
};
const TOLD = ["result", "error", "storage", "created", "passed", "opened"];
const LISTS = { there: "There before", tried: "Tried to create", conflicts: "Witnesses disagree", modified: "Modified", removed: "Removed", warnings: "Warnings" };

function observationOf(details, kind, row, place) {
  const group = groupOf(kind.patternOf(row)[place]);
  if (!group) return null;
  return details.observations[details.seen[details.kinds[kind.number].seen[row]][group - 1]];
}

function caseOf(details, kind, row) {
  const told = JSON.parse(details.asked[details.kinds[kind.number].asked[row]]);
  const usual = { target_type: "str", setup: [], sql: [], write: true, write_to: "main" };
  return { ...usual, ...told, target: kind.target[row], via: kind.via, connect: kind.connectOf(row), intent: kind.intentOf(row) };
}

function reasonOf(details, kind, row, place) {
  const group = groupOf(kind.patternOf(row)[place]);
  const number = details.seen[details.kinds[kind.number].seen[row]][group - 1];
  const text = details.reasons[kind.intentOf(row)]?.[number];
  return text === undefined ? null : details.texts[text];
}

// `act`: what a reader can do from here, `go` to another stack or to all `rows` of a scenario.
function cellView(grid, details, kind, row, place, act) {
  const asked = caseOf(details, kind, row);
  const stack = kind.stacks[place];
  const seen = observationOf(details, kind, row, place);
  const mark = grid.marks[kind.cells[row * kind.width + place]];
  const parts = [
    h("p.on", null, h("label", { for: "on-stack" }, "On "), stackPicker(grid, kind, row, place, act.go)),
  ];
  if (!seen) return [...parts, h("p", null, "This case did not run on this stack.")];
  const why = reasonOf(details, kind, row, place);
  parts.push(
    h("div.verdict", null,
      h("p.sum", null, badge(mark), " ", h("span", null, mark.explanation), "."),
      h("p", null, verdictMark(mark), mark.told && " ",
        mark.told ? `Meant as ${asked.intent}: ${mark.off ? why ?? "not as intended" : "as intended"}.` : "Nobody says what it should do: it is noted.")),
    pathView(asked, stack, seen),
    factsView(seen),
    historyView(grid, details, kind, row, place),
    scriptView(asked, stack, details.stacks[stack.index], seen, cellAddress(kind, row, place)),
    scenarioView(grid, details, kind, row, act.rows),
    stackView(details, stack),
  );
  return parts;
}

function stackPicker(grid, kind, row, place, go) {
  const select = h("select", { id: "on-stack", onchange: () => go(Number(select.value)) },
    kind.stacks.map((stack, i) => {
      const mark = grid.marks[kind.cells[row * kind.width + i]];
      return mark && h("option", { value: i, selected: i === place }, `${stack.id}  ${mark.sign}${mark.told ? mark.mark : ""} ${mark.word}`);
    }));
  return select;
}

// The way of the string, a step each, and what is on the disk at the end of it.
function pathView(asked, stack, seen) {
  const steps = [["You ask", h("code", null, askedText(asked, stack))]];
  if (asked.sql.length) steps.push(["Then", asked.sql.map((sql) => h("code.line", null, named(sql)))]);
  if (seen.passed) {
    steps.push([asked.via ? `${asked.via} hands to ${stack.driver}` : `${stack.driver} is handed`, h("code", null, passedText(seen.passed))]);
  }
  if (seen.error) steps.push([`Error at ${seen.error.phase.replaceAll("_", " ")}`, [
      h("code.error", null, `${seen.error.type}: ${named(seen.error.message)}`),
      seen.error.statement && h("code.line", null, named(seen.error.statement)),
    ]]);
  if (seen.opened !== undefined) {
    steps.push(["SQLite opened", seen.opened ? h("code", null, named(seen.opened)) : "no file name"]);
  }
  if (seen.result === "opened") steps.push(["The data is", WORDS.storage[seen.storage]]);
  const setup = asked.setup.length ? [["Before", asked.setup.map((step) => h("code.line", null, setupText(step)))]] : [];
  return h("section", null, h("h3", null, "The way of the string"),
    h("dl.way", null, [...setup, ...steps].map(([term, text]) => [h("dt", null, term), h("dd", null, text)])),
    filesView(seen));
}

function askedText(asked, stack) {
  const names = { sqlalchemy: "create_engine", "sqlalchemy-asyncio": "create_async_engine", aiosqlite: "aiosqlite.connect" };
  const call = asked.via ? names[asked.via] : `${stack.driver === "apsw" ? "apsw.Connection" : `${stack.driver}.connect`}`;
  const options = optionsText(asked.connect);
  const target = pythonTarget(asked.target, asked.target_type);
  return call ? `${call}(${target}${options ? `, ${options}` : ""})` : `${asked.via}: ${display(asked.target)}${options ? `, ${options}` : ""}`;
}

function setupText(step) {
  if ("db" in step) return `a database ${step.db}${step.keep_wal ? ", its log kept" : ""}: ${(step.sql ?? []).join("; ")}`;
  return Object.entries(step).map(([key, value]) => `${key} ${value}`).join(" ");
}

function filesView(seen) {
  const created = seen.created ?? [];
  if (!created.length) return h("p.none", null, "No file appeared, at no time.");
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Files that appeared" },
    h("table.files", null,
      h("thead", null, h("tr", null, ["On the disk", "What", "Appeared at", "At the end"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", null, created.map((each) => {
        const stray = each.kind === "database" && !each.asked;
        return h("tr", stray ? { class: "stray" } : null,
          h("th", { scope: "row" }, h("code", null, named(each.path))),
          h("td", null, stray ? h("strong", null, "stray file") : THINGS[each.kind] ?? each.kind),
          h("td", null, each.stage.replaceAll("_", " ")),
          h("td", null, each.kept ? (each.size === null ? "there" : `there, ${grouped(each.size)} bytes`) : "gone"));
      }))));
}

function factsView(seen) {
  const facts = [];
  if (seen.second_connection) {
    const reused = seen.reused?.includes("second_connection") ? " (it was the first one again)" : "";
    facts.push(["A second connection", WORDS.second_connection[seen.second_connection] + reused]);
  }
  if (seen.reopened) facts.push(["Opened once more, when all was closed", WORDS.reopened[seen.reopened]]);
  if (seen.journal_mode) facts.push(["Journal mode", seen.journal_mode]);
  if (seen.pool) facts.push(["Pool", h("code", null, seen.pool)]);
  for (const [name, words] of Object.entries(LISTS)) {
    if (seen[name]) facts.push([words, seen[name].map((text) => h("code.line", null, named(text)))]);
  }
  const known = [...TOLD, ...Object.keys(LISTS), "second_connection", "reopened", "reused", "journal_mode", "pool"];
  for (const [name, value] of Object.entries(seen)) {
    if (!known.includes(name)) facts.push([name.replaceAll("_", " "), h("code", null, JSON.stringify(value))]);
  }
  if (!facts.length) return null;
  return h("section", null, h("h3", null, "What else was seen"), listOf(facts));
}

function listOf(facts) {
  return h("dl.facts", null, facts.map(([term, text]) => [h("dt", null, term), h("dd", null, text)]));
}

function historyView(grid, details, kind, row, place) {
  const strips = stripsOf(details, kind, row, place);
  return strips.length ? h("section", null, h("h3", null, "Along the versions"),
    strips.map((strip) => stripView(grid, details, kind, row, place, strip))) : null;
}

function scriptView(asked, stack, print, seen, address) {
  const { language, text, note } = reproduction(asked, stack, print);
  const outside = (seen.created ?? []).filter((each) => each.kept && /^(\/|\{dir\}\/\.\.)/.test(each.path));
  const pre = h("pre", { tabindex: 0, id: "script", "data-language": language, "data-cell": address, "aria-label": "Script" });
  pre.textContent = text;
  const button = h("button", { type: "button", onclick: () => copy(text, button) }, "Copy");
  return h("section", null, h("h3", null, "See it yourself"),
    note && h("p", null, note),
    outside.length > 0 && h("p.careful", null, "Careful: it leaves ", h("code", null, named(outside[0].path)), ", outside the directory."),
    h("div.script", null, button, pre));
}

function scenarioView(grid, details, kind, row, rows) {
  const number = kind.scenario[row];
  const [id, title] = grid.scenarios[number];
  const [question, references, then] = details.scenarios[number];
  return h("section", null, h("h3", null, "Why it is asked"),
    h("p", null, h("strong", null, title), question && [". ", ticked(question)]),
    then && h("p", null, "Reported: ", ticked(then)),
    references.length > 0 && h("ul.references", null, references.map((each) => h("li", null, referenceOf(each)))),
    h("p", null, h("button", { type: "button", onclick: () => rows(id) }, "All rows of ", h("code", null, id))));
}

function referenceOf(text) {
  if (!/^https:\/\/[\x21-\x7e]+$/.test(text)) return text;
  return h("a", { href: text, rel: "noreferrer" }, text.slice("https://".length));
}

function stackView(details, stack) {
  const print = details.stacks[stack.index];
  if (!print) return null;
  const observer = details.observers[stack.index];
  const facts = [
    ["Driver", `${print.driver} ${print.driver_version}${print.distribution ? `, from ${print.distribution}` : ""}`],
    ["SQLite", [print.sqlite, " ", h("small", null, print.source_id)]],
    ["URIs by default", `${yesNo(print.uri_default)} (${print.uri_setting})`],
    ["Shared cache", yesNo(print.shared_cache)],
    ["Temporary files", yesNo(print.temp_files)],
    ["Python", `${print.implementation} ${print.python}, ${print.platform}`],
    ["Build", h("details", null, h("summary", null, many(print.compile_options.length, "option")), h("code", null, print.compile_options.join(", ")))],
  ];
  if (print.middleware) facts.splice(1, 0, ["On top", `${print.middleware} ${print.middleware_version}${print.shim ? `, through our ${print.shim}` : ""}`]);
  if (observer) facts.push(["Observed by", `${observer[0]}; ${observer[1] ? "nothing short-lived could be missed" : "what was short-lived may be missed"}`]);
  return h("section", null, h("h3", null, "The stack ", h("code", null, stack.id)), listOf(facts));
}
