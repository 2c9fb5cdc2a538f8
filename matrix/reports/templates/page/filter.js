// Which rows and which columns an asked state leaves.

function columnsOf(table, state) {
  const places = [];
  table.stacks.forEach((stack, place) => {
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

// The rows of a table, in order; `similar` where only the name in the string differs.
function rowsOf(grid, table, places, state) {
  const matches = textMatcher(table, grid, state.q ?? "");
  const wanted = claimRows(grid, table, state.claim);
  const narrowed = places.length < table.width;
  const rows = [];
  for (let row = 0; row < table.height; row++) {
    if (wanted && !wanted.has(row)) continue;
    if (state.intent && table.intentOf(row) !== state.intent) continue;
    if (state.in && !within(grid.scenarios[table.scenario[row]][0], state.in)) continue;
    if (!matches(row)) continue;
    if (!cellsMatch(grid, table, row, places, state, narrowed)) continue;
    rows.push(row);
  }
  return rows;
}

function within(scenario, wanted) {
  return scenario === wanted || scenario.startsWith(wanted + "/");
}

function claimRows(grid, table, claim) {
  if (!claim) return null;
  const places = grid.claims[claim] ?? [];
  return new Set(places.filter(([number]) => number === table.number).map(([, row]) => row));
}

function cellsMatch(grid, table, row, places, state, narrowed) {
  const { disagree, stray, off } = state;
  if (!(disagree || stray || off || narrowed || state.outcome)) return true;
  const { meanings } = grid;
  const start = row * table.width;
  let ran = false, first = 0, differs = false, hasStray = false, hasOff = false, hasOutcome = false;
  for (let i = 0; i < places.length; i++) {
    const cell = table.cells[start + places[i]];
    if (cell === 0) continue;
    ran = true;
    if (first === 0) first = cell;
    else if (cell !== first) differs = true;
    const { outcome, verdict } = meanings[cell];
    if (outcome.stray) hasStray = true;
    if (verdict.off) hasOff = true;
    if (outcome.word === state.outcome) hasOutcome = true;
  }
  if (!ran) return false;
  return (!disagree || differs) && (!stray || hasStray) && (!off || hasOff) && (!state.outcome || hasOutcome);
}

// A whole string, all of its words, or, if nothing holds those, the string under any other name.
function textMatcher(table, grid, asked) {
  const text = quoted(asked).trim().toLowerCase();
  table.similar = false;
  if (!text) return () => true;
  const texts = haystacks(table, grid);
  const whole = texts.some((each) => each.includes(text));
  const words = whole ? [text] : text.split(/\s+/);
  const holds = (row) => words.every((word) => texts[row].includes(word));
  if (whole || words.length > 1 || texts.some((_, row) => holds(row))) return holds;
  const shape = shapeOf(text);
  if (!shape) return holds;
  table.shapes ??= table.target.map((target) => shapeOf(named(target).toLowerCase()));
  table.similar = table.shapes.includes(shape);
  return table.similar ? (row) => table.shapes[row] === shape : holds;
}

// What a search looks through, made once: while nobody waits, if there is such a time.
function haystacks(table, grid) {
  table.haystack ??= table.target.map((_, row) => {
    const [id, title] = grid.scenarios[table.scenario[row]];
    return `${table.targetOf(row)}  ${table.optionsOf(row)}  ${table.statementsOf(row)}  ${visible(`${id}${table.variant[row]}  ${title}`)}`.toLowerCase();
  });
  return table.haystack;
}

// The string in a pasted call: `connect("file:x", uri=True)`.
function quoted(text) {
  const call = /\w\s*\(.*?(["'])(.*?)\1/.exec(text);
  return call ? call[2] : text;
}

// A target without its name: `file:*?mode=memory`.
function shapeOf(target) {
  const parts = /^((?:sqlite(?:\+\w+)?:\/*)?(?:file:\/*)?)([^?#]*)(.*)$/.exec(target);
  if (!parts) return null;
  const [, lead, name, query] = parts;
  if (!(lead || query) || !name || name === ":memory:") return null;
  return `${lead}*${query}`;
}
