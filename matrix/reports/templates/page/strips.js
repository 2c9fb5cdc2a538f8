// A case along versions: what it did since which, all else being equal.

const AXES = { SQLite: "SQLite, under sqlite3" };
const BUILD = { uri_default: "URIs by default", shared_cache: "shared cache", temp_files: "temporary files" };

// The strips on which the stack lies, each with its runs of versions that showed the same.
function stripsOf(details, kind, row, place) {
  const pattern = kind.patternOf(row);
  return details.kinds[kind.number].strips
    .filter((strip) => strip.places.includes(place))
    .map((strip) => ({ ...strip, runs: runsOf(strip, pattern) }))
    .filter((strip) => strip.runs.reduce((sum, run) => sum + run.places.length, 0) > 1);
}

function runsOf(strip, pattern) {
  const runs = [];
  let skipped = false;
  strip.places.forEach((place, i) => {
    if (pattern[place] === ".") {
      skipped = true;
      return;
    }
    const last = runs[runs.length - 1];
    const exact = strip.exact[i] === "1" && !skipped;
    if (last && last.group === pattern[place]) {
      last.places.push(place);
      last.versions.push(strip.versions[i]);
    } else {
      runs.push({ group: pattern[place], places: [place], versions: [strip.versions[i]], exact });
    }
    skipped = false;
  });
  return runs;
}

function stripView(grid, details, kind, row, place, strip) {
  const count = strip.runs.reduce((sum, run) => sum + run.places.length, 0);
  const title = h("h4", null, AXES[strip.axis] ?? strip.axis, " ", h("small", null, `${count} versions of ${strip.still}`));
  return h("div.along", null, title,
    strip.runs.length === 1
      ? h("p", null, "The same on all of them, ", strip.versions[0], " to ", strip.versions[strip.versions.length - 1], ".")
      : h("ol.strip", null, strip.runs.map((run, i) => runView(grid, details, kind, row, place, run, strip.runs[i - 1]))));
}

function runView(grid, details, kind, row, place, run, before) {
  const at = run.places[0];
  const mark = grid.marks[kind.cells[row * kind.width + at]];
  const here = run.places.includes(place);
  const item = h("li", here ? { "aria-current": "true" } : null,
    h("span.when", null, before ? `since ${run.versions[0]}` : `until ${run.versions[run.versions.length - 1]}`),
    badge(mark), " ", verdictMark(mark),
    here && h("small.here", null, "this cell"),
    before && !run.exact && h("small", null,
      `or a release after ${before.versions[before.versions.length - 1]}, which was not run`),
    before && changesOf(grid, details, kind, row, before.places[before.places.length - 1], at));
  item.style.flexGrow = run.places.length;
  return item;
}

// In which facts two neighbours differ, and in what their builds do.
function changesOf(grid, details, kind, row, old, now) {
  const [before, after] = [old, now].map((place) => observationOf(details, kind, row, place));
  const names = unique([...Object.keys(before), ...Object.keys(after)]);
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const lines = changed.map((name) => `${name.replaceAll("_", " ")}: ${brief(name, before[name])} → ${brief(name, after[name])}`);
  const [one, other] = [old, now].map((place) => details.stacks[kind.stacks[place].index]);
  for (const [name, words] of Object.entries(BUILD)) {
    if (one[name] !== other[name]) lines.push(`another build: ${words} ${yesNo(one[name])} → ${yesNo(other[name])}`);
  }
  return lines.length ? h("ul", null, lines.map((line) => h("li", null, line))) : null;
}

function brief(name, value) {
  if (value === undefined) return "none";
  let text = JSON.stringify(value);
  if (typeof value === "string") text = name === "opened" ? value : value.replaceAll("_", " ");
  else if (name === "error") text = `${value.type}: ${value.message}`;
  else if (name === "created") text = value.map((each) => `${each.path} (${each.kind}${each.kept ? "" : ", gone"})`).join(", ");
  else if (name === "passed") text = passedText(value);
  text = named(text);
  return text.length > 160 ? text.slice(0, 160) + "…" : text;
}

function yesNo(value) {
  return value ? "yes" : "no";
}

function passedText({ args, kwargs }) {
  const told = (value) => pythonString(named(value)).replaceAll("\\\\", "\\");
  const literal = (value) => (typeof value === "string" ? told(value) : JSON.stringify(value));
  return [...args.map(literal), ...Object.entries(kwargs).map(([key, value]) => `${key}=${pythonish(value)}`)].join(", ");
}

function pythonish(value) {
  if (Array.isArray(value) && value.every((each) => String(each).startsWith("SQLITE_OPEN_"))) {
    return value.map((flag) => flag.slice("SQLITE_OPEN_".length)).join("|") || "0";
  }
  return pythonValue(value).replaceAll("os.getcwd() + ", "");
}
