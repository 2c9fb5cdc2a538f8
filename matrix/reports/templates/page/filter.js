// Which rows and which columns an asked state leaves.

function columnsOf(kind, state) {
  const places = [];
  kind.stacks.forEach((stack, place) => {
    if (state.driver && stack.driver !== state.driver) return;
    if (state.version && versionOf(stack) !== state.version) return;
    if (state.uri && (stack.uri || "as-built") !== state.uri) return;
    if (state.above && stack.above !== state.above) return;
    places.push(place);
  });
  return places;
}

function versionOf(stack) {
  return stack.version || stack.library || stack.sqlite;
}

// The rows of a kind, in order; `similar` where only the name in the string differs.
function rowsOf(grid, kind, places, state) {
  const matches = textMatcher(kind, grid, state.q ?? "");
  const wanted = claimRows(grid, kind, state.claim);
  const narrowed = places.length < kind.width;
  const code = grid.outcomes.findIndex(([, word]) => word === state.outcome);
  const rows = [];
  for (let row = 0; row < kind.height; row++) {
    if (wanted && !wanted.has(row)) continue;
    if (state.intent && kind.intentOf(row) !== state.intent) continue;
    if (state.in && !within(grid.scenarios[kind.scenario[row]][0], state.in)) continue;
    if (!matches(row)) continue;
    if (!cellsMatch(grid, kind, row, places, state, code, narrowed)) continue;
    rows.push(row);
  }
  return rows;
}

function within(scenario, wanted) {
  return scenario === wanted || scenario.startsWith(wanted + "/");
}

function claimRows(grid, kind, claim) {
  if (!claim) return null;
  const places = grid.claims[claim] ?? [];
  return new Set(places.filter(([number]) => number === kind.number).map(([, row]) => row));
}

function cellsMatch(grid, kind, row, places, state, code, narrowed) {
  const { disagree, stray, off } = state;
  if (!(disagree || stray || off || narrowed || state.outcome)) return true;
  const { marks } = grid;
  const start = row * kind.width;
  let ran = false, first = 0, differs = false, hasStray = false, hasOff = false, hasCode = false;
  for (let i = 0; i < places.length; i++) {
    const cell = kind.cells[start + places[i]];
    if (cell === 0) continue;
    ran = true;
    if (first === 0) first = cell;
    else if (cell !== first) differs = true;
    const mark = marks[cell];
    if (mark.stray) hasStray = true;
    if (mark.off) hasOff = true;
    if (((cell - 1) / 3 | 0) === code) hasCode = true;
  }
  if (!ran) return false;
  return (!disagree || differs) && (!stray || hasStray) && (!off || hasOff) && (!state.outcome || hasCode);
}

// A whole string, all of its words, or, if nothing holds those, the string under any other name.
function textMatcher(kind, grid, asked) {
  const text = quoted(asked).trim().toLowerCase();
  kind.similar = false;
  if (!text) return () => true;
  const texts = haystacks(kind, grid);
  const whole = texts.some((each) => each.includes(text));
  const words = whole ? [text] : text.split(/\s+/);
  const holds = (row) => words.every((word) => texts[row].includes(word));
  if (whole || words.length > 1 || texts.some((_, row) => holds(row))) return holds;
  const shape = shapeOf(text);
  if (!shape) return holds;
  kind.shapes ??= kind.target.map((target) => shapeOf(named(target).toLowerCase()));
  kind.similar = kind.shapes.includes(shape);
  return kind.similar ? (row) => kind.shapes[row] === shape : holds;
}

// What a search looks through, made once: while nobody waits, if there is such a time.
function haystacks(kind, grid) {
  kind.haystack ??= kind.target.map((_, row) => {
    const [id, title] = grid.scenarios[kind.scenario[row]];
    return `${kind.targetOf(row)}  ${kind.optionsOf(row)}  ${kind.statementsOf(row)}  ${visible(`${id}${kind.variant[row]}  ${title}`)}`.toLowerCase();
  });
  return kind.haystack;
}

// The string in a pasted call: `connect("file:x", uri=True)`.
function quoted(text) {
  const found = /\w\s*\(.*?(["'])(.*?)\1/.exec(text);
  return found ? found[2] : text;
}

// A target without its name: `file:*?mode=memory`.
function shapeOf(target) {
  const found = /^((?:sqlite(?:\+\w+)?:\/*)?(?:file:\/*)?)([^?#]*)(.*)$/.exec(target);
  if (!found || !(found[1] || found[3]) || !found[2] || found[2] === ":memory:") return null;
  return `${found[1]}*${found[3]}`;
}
