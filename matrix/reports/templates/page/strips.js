// A case along versions: what it did since which, all else being equal.

// The lines on which the stack lies, each with its runs of versions that showed the same.
function stripsOf(details, table, row, place) {
  return details.tables[table.number].lines
    .filter((line) => line.places.includes(place))
    .map((line) => ({ ...line, runs: runsOf(line, table, row) }))
    .filter((strip) => versionCount(strip) > 1);
}

function runsOf(line, table, row) {
  const runs = [];
  let skipped = false;
  line.places.forEach((place, i) => {
    const group = table.groupOf(row, place);
    if (!group) {
      skipped = true;
      return;
    }
    const last = runs[runs.length - 1];
    const exact = line.exact[i] === "1" && !skipped;
    if (last && last.group === group) {
      last.places.push(place);
      last.versions.push(line.versions[i]);
    } else {
      runs.push({ group, places: [place], versions: [line.versions[i]], exact });
    }
    skipped = false;
  });
  return runs;
}

function versionCount(strip) {
  return strip.runs.reduce((sum, run) => sum + run.places.length, 0);
}

function stripView(details, table, row, place, strip) {
  const title = h("h4", null, strip.axis, " ", h("small", null, `${versionCount(strip)} versions of ${strip.still}`));
  return h("div.along", null, title,
    strip.runs.length === 1
      ? h("p", null, "The same on all of them, ", strip.versions[0], " to ", strip.versions[strip.versions.length - 1], ".")
      : h("ol.strip", null, strip.runs.map((run, i) => runView(details, table, row, place, run, strip.runs[i - 1]))));
}

function runView(details, table, row, place, run, before) {
  const at = run.places[0];
  const { outcome, verdict } = table.cellOf(row, at);
  const here = run.places.includes(place);
  const item = h("li", here ? { "aria-current": "true" } : null,
    h("span.when", null, before ? `since ${run.versions[0]}` : `until ${run.versions[run.versions.length - 1]}`),
    badge(outcome), " ", verdictMark(verdict),
    here && h("small.here", null, "this cell"),
    before && !run.exact && h("small", null,
      `or a release after ${before.versions[before.versions.length - 1]}, which was not run`),
    before && changesOf(details, table, row, before.places[before.places.length - 1], at));
  item.style.flexGrow = run.places.length;
  return item;
}

// In which facts two neighbours differ, and in what their builds do.
function changesOf(details, table, row, old, now) {
  const [before, after] = [old, now].map((place) => observationOf(details, table, row, place));
  const names = unique([...Object.keys(before), ...Object.keys(after)]);
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const lines = changed.map((name) => `${name.replaceAll("_", " ")}: ${brief(name, before[name])} → ${brief(name, after[name])}`);
  const [one, other] = [old, now].map((place) => details.stacks[table.stacks[place].index]);
  for (const [name, words] of Object.entries(details.words.build)) {
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
  const quoted = (value) => pythonString(named(value)).replaceAll("\\\\", "\\");
  const literal = (value) => (typeof value === "string" ? quoted(value) : JSON.stringify(value));
  return [...args.map(literal), ...Object.entries(kwargs).map(([key, value]) => `${key}=${pythonish(value)}`)].join(", ");
}

function pythonish(value) {
  if (areFlags(value)) return shortFlags(value) || "0";
  return pythonValue(value).replaceAll("os.getcwd() + ", "");
}
