// Columns: stacks, those of one driver in one where they agree on all the rows in view.

function foldColumns(table, rows, places, folded) {
  if (!folded) return places.map((place) => ({ places: [place], driver: table.stacks[place].driver }));
  const sums = hashes(table, rows, places);
  const columns = new Map();
  places.forEach((place, i) => {
    const { driver } = table.stacks[place];
    const key = `${driver}\n${sums[0][i]}\n${sums[1][i]}`;
    if (!columns.has(key)) columns.set(key, { places: [], driver });
    columns.get(key).places.push(place);
  });
  const order = [...new Set(places.map((place) => table.stacks[place].driver))];
  return [...columns.values()].sort((a, b) => order.indexOf(a.driver) - order.indexOf(b.driver));
}

// Two sums over what each column shows in these rows.
function hashes(table, rows, places) {
  const one = new Int32Array(places.length);
  const two = new Int32Array(places.length);
  for (const row of rows) {
    const start = row * table.width;
    for (let i = 0; i < places.length; i++) {
      const cell = table.cells[start + places[i]];
      one[i] = Math.imul(one[i], 31) + cell | 0;
      two[i] = Math.imul(two[i], 16777619) ^ cell;
    }
  }
  return [one, two];
}

// What a column's heading says under the driver's name, the most telling first.
function headingOf(table, column, brief) {
  const members = column.places.map((place) => table.stacks[place]);
  const peers = table.stacks.filter((stack) => stack.driver === column.driver);
  const of = (name) => unique(members.map((stack) => stack[name]).filter(Boolean));
  const lines = [];
  if (of("above").length) lines.push(`${table.via} ${unbroken(of("above"))}`);
  if (of("version").length) lines.push(unbroken(of("version")));
  const sqlite = of("sqlite").sort(byVersion);
  if (sqlite.length && !(brief && lines.length)) lines.push(`SQLite ${unbroken(sqlite)}`);
  if (members.length === peers.length && members.length > 1) return lines;
  const uris = unique(members.map((stack) => stack.uri));
  const known = unique(peers.map((stack) => stack.uri));
  if (known.length > 1 && uris.length < known.length) {
    lines.push(uris.map((uri) => (uri ? `uri ${uri}` : "as built")).join(" or "));
  }
  const pythons = unique(peers.map((stack) => stack.python));
  if (pythons.length > 1) lines.push(`Python ${unbroken(of("python").sort(byVersion))}`);
  return lines;
}

function unique(values) {
  return [...new Set(values)];
}

function byVersion(one, other) {
  const [a, b] = [one, other].map((text) => text.split(".").map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) - (b[i] ?? 0);
  }
  return 0;
}
