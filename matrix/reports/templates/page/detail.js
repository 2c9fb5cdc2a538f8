// One cell in full: what was asked, what happened on the way, and how to see it again.

// The fields of an observation that are lists of texts, in words.
const LISTS = { there: "There before", unasked: "Opened, not asked for", foreign: "Not for this system", tried: "Tried to create", conflicts: "Observers disagree", modified: "Modified", removed: "Removed", warnings: "Warnings" };
// Those that have a place of their own; what is neither is shown under its name.
const SHOWN = ["result", "error", "storage", "created", "passed", "opened", "second_connection", "reopened", "reused", "rivals", "journal_mode", "pool"];

// The number of what the stack showed; undefined where the case did not run.
function numberOf(details, table, row, place) {
  return details.seen[details.tables[table.number].seen[row]][table.groupOf(row, place) - 1];
}

function observationOf(details, table, row, place) {
  return details.observations[numberOf(details, table, row, place)];
}

function caseOf(details, table, row) {
  const asked = JSON.parse(details.asked[details.tables[table.number].asked[row]]);
  return { ...details.usual, ...asked, target: table.target[row], via: table.via, connect: table.connectOf(row), intent: table.intentOf(row) };
}

function reasonOf(details, table, row, place) {
  return details.texts[details.reasons[table.intentOf(row)]?.[numberOf(details, table, row, place)]];
}

// `act`: what a reader can do from here, `go` to another stack or to all `rows` of a scenario.
function cellView(grid, details, table, row, place, act) {
  const asked = caseOf(details, table, row);
  const stack = table.stacks[place];
  const seen = observationOf(details, table, row, place);
  const parts = [
    h("p.on", null, h("label", { for: "on-stack" }, "On "), stackPicker(table, row, place, act.go)),
  ];
  if (!seen) return [...parts, h("p", null, "This case did not run on this stack.")];
  const { outcome, verdict } = table.cellOf(row, place);
  const why = reasonOf(details, table, row, place);
  parts.push(
    h("div.verdict", null,
      h("p.sum", null, badge(outcome), " ", h("span", null, outcome.explanation), "."),
      h("p", null, verdictMark(verdict), verdict.judged && " ",
        verdict.judged ? `Meant as ${asked.intent}: ${why ?? verdict.word}.`
          : why ? `Meant as ${asked.intent}, and only noted: ${why}.` : "No intent is given, so the result is only noted.")),
    pathView(details, asked, stack, seen),
    factsView(details, asked, seen),
    historyView(details, table, row, place),
    scriptView(details, asked, stack, seen, cellAddress(table, row, place)),
    scenarioView(grid, details, table, row, act.rows),
    stackView(details, stack),
  );
  return parts;
}

function stackPicker(table, row, place, go) {
  const select = h("select", { id: "on-stack", onchange: () => go(Number(select.value)) },
    table.stacks.map((stack, i) => {
      const cell = table.cellOf(row, i);
      return cell && h("option", { value: i, selected: i === place }, `${stack.id}  ${cell.outcome.sign}${cell.verdict.judged ? cell.verdict.mark : ""} ${cell.outcome.word}`);
    }));
  return select;
}

// What each layer received, a step each, and what is on the disk at the end of it.
function pathView(details, asked, stack, seen) {
  const steps = [["Your call", h("code", null, askedText(details, asked, stack))]];
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
  if (seen.result === "opened") steps.push(["The data is", details.words.storage[seen.storage]]);
  const before = [...asked.setup.map(setupText), ...asked.before.map(killedText), ...Object.entries(asked.permissions).map(permissionText)];
  const setup = before.length ? [["Before", before.map((text) => h("code.line", null, text))]] : [];
  return h("section", null, h("h3", null, "What each layer received"),
    h("dl.way", null, [...setup, ...steps].map(([term, text]) => [h("dt", null, term), h("dd", null, text)])),
    filesView(details, seen));
}

function askedText(details, asked, stack) {
  const bare = stack.driver === "apsw" ? "apsw.Connection" : `${stack.driver}.connect`;
  const call = asked.via ? details.calls[asked.via] : bare;
  const options = optionsText(asked.connect);
  const target = pythonTarget(asked.target, asked.target_type);
  return call ? `${call}(${target}${options ? `, ${options}` : ""})` : `${asked.via}: ${display(asked.target)}${options ? `, ${options}` : ""}`;
}

function setupText(step) {
  if ("db" in step) return `a database ${step.db}${step.keep_wal ? ", its log kept" : ""}: ${(step.sql ?? []).join("; ")}`;
  return Object.entries(step).map(([key, value]) => `${key} ${value}`).join(" ");
}

function killedText(step) {
  return `a process wrote to ${step.killed}, and was killed${step.sql.length ? `: ${step.sql.join("; ")}` : ""}`;
}

function permissionText([path, { mode, owner }]) {
  return [path, mode && `has mode ${mode}`, owner && "belongs to another user"].filter(Boolean).join(" ");
}

function rivalText(words, rival) {
  return `${words.where[rival.where]} ${words.does[rival.when][rival.does]}`;
}

function filesView(details, seen) {
  const created = seen.created ?? [];
  if (!created.length) return h("p.none", null, "No file appeared at any time.");
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Files that appeared" },
    h("table.files", null,
      h("thead", null, h("tr", null, ["On the disk", "What", "Appeared at", "At the end"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", null, created.map((each) => {
        const stray = each.kind === "database" && !each.asked;
        return h(stray ? "tr.stray" : "tr", null,
          h("th", { scope: "row" }, h("code", null, named(each.path))),
          h("td", null, stray ? h("strong", null, details.words.stray) : details.words.path[each.kind]),
          h("td", null, each.stage.replaceAll("_", " ")),
          h("td", null, each.kept ? (each.size === null ? "there" : `there, ${grouped(each.size)} bytes`) : "gone"));
      }))));
}

function factsView(details, asked, seen) {
  const facts = [];
  if (seen.second_connection) {
    const reused = seen.reused?.includes("second_connection") ? " (it was the first one again)" : "";
    facts.push(["A second connection", details.words.second_connection[seen.second_connection] + reused]);
  }
  (seen.rivals ?? []).forEach(({ found, error }, i) => {
    const words = found ? details.words.found[found] : "had nothing to look for";
    facts.push([rivalText(details.words, asked.rivals[i]), error ? [`${words}: `, h("code", null, named(error))] : words]);
  });
  if (seen.reopened) facts.push(["Reopened after closing everything", details.words.reopened[seen.reopened]]);
  if (seen.journal_mode) facts.push(["Journal mode", seen.journal_mode]);
  if (seen.pool) facts.push(["Pool", h("code", null, seen.pool)]);
  for (const [name, words] of Object.entries(LISTS)) {
    if (seen[name]) facts.push([words, seen[name].map((text) => h("code.line", null, named(text)))]);
  }
  for (const [name, value] of Object.entries(seen)) {
    if (!SHOWN.includes(name) && !LISTS[name]) facts.push([name.replaceAll("_", " "), h("code", null, JSON.stringify(value))]);
  }
  if (!facts.length) return null;
  return h("section", null, h("h3", null, "Also observed"), listOf(facts));
}

function listOf(facts) {
  return h("dl.facts", null, facts.map(([term, text]) => [h("dt", null, term), h("dd", null, text)]));
}

function historyView(details, table, row, place) {
  const strips = stripsOf(details, table, row, place);
  return strips.length ? h("section", null, h("h3", null, "Along the versions"),
    strips.map((strip) => stripView(details, table, row, place, strip))) : null;
}

function scriptView(details, asked, stack, seen, address) {
  const { language, text, note } = reproduction(details, asked, stack);
  const outside = (seen.created ?? []).filter((each) => each.kept && /^(\/|\{dir\}\/\.\.)/.test(each.path));
  const pre = h("pre", { tabindex: 0, id: "script", "data-language": language, "data-cell": address, "aria-label": "Script" });
  pre.textContent = text;
  const button = h("button", { type: "button", onclick: () => copy(text, button) }, "Copy");
  return h("section", null, h("h3", null, "Reproduce it"),
    note && h("p", null, note),
    outside.length > 0 && h("p.careful", null, "Warning: it leaves ", h("code", null, named(outside[0].path)), ", outside the directory."),
    h("div.script", null, button, pre));
}

function scenarioView(grid, details, table, row, rows) {
  const number = table.scenario[row];
  const [id, title] = grid.scenarios[number];
  const [question, references, then] = details.scenarios[number];
  return h("section", null, h("h3", null, "Background"),
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
  const { build } = details.words;
  const facts = [
    ["Driver", `${print.driver} ${print.driver_version}${print.distribution ? `, from ${print.distribution}` : ""}`],
    ["SQLite", [print.sqlite, " ", h("small", null, print.source_id)]],
    [capitalised(build.uri_default), `${yesNo(print.uri_default)} (${print.uri_setting})`],
    [capitalised(build.shared_cache), yesNo(print.shared_cache)],
    [capitalised(build.temp_files), yesNo(print.temp_files)],
    ["Python", `${print.implementation} ${print.python}, ${print.platform}`],
    ["Build", h("details", null, h("summary", null, many(print.compile_options.length, "option")), h("code", null, print.compile_options.join(", ")))],
  ];
  if (print.middleware) facts.splice(1, 0, ["On top", `${print.middleware} ${print.middleware_version}${print.shim ? `, through our ${print.shim}` : ""}`]);
  if (observer) facts.push(["Observed by", `${observer[0]}; ${observer[1] ? "nothing short-lived could be missed" : "what was short-lived may be missed"}`]);
  return h("section", null, h("h3", null, "The stack ", h("code", null, stack.id)), listOf(facts));
}
