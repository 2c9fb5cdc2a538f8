// What is asked of the grid, as it stands in the address: `#q=mode%3Drw&driver=apsw&stray=1`.

const KEYS = [
  "q", "in", "claim", "via", "driver", "version", "uri", "above", "intent", "outcome",
  "disagree", "stray", "off", "unfolded", "cell",
];

// Null where the address names a place on the page, and nothing of the grid.
function parseHash(hash) {
  const text = hash.replace(/^#/, "");
  const old = /^case\/(.+)$/.exec(text);
  if (old) return { cell: decoded(old[1]) };
  const state = {};
  let known = text === "";
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    const key = part.slice(0, at);
    if (at < 0 || !KEYS.includes(key)) continue;
    known = true;
    state[key] = decoded(part.slice(at + 1));
  }
  return known ? state : null;
}

function formatHash(state) {
  const keys = KEYS.filter((key) => state[key]);
  return keys.map((key) => `${key}=${encoded(state[key])}`).join("&");
}

// Readable where it can be: the characters that a fragment may hold stay as they are.
function encoded(text) {
  return encodeURIComponent(visible(text)).replace(/%(2F|3A|40|2C|3D|3F|5B|5D|3B)/g, decodeURIComponent);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutCell(state) {
  const { cell, ...rest } = state;
  return rest;
}

// The table, the row and the place of `case@stack`; a stack may be left out.
function findCell(grid, address) {
  for (const table of grid.tables) {
    table.rowOf ??= new Map(table.target.map((_, row) => [visible(table.idOf(row)), row]));
    if (table.rowOf.has(address)) {
      const row = table.rowOf.get(address);
      return { table, row, place: firstRun(table, row) };
    }
    for (let at = address.indexOf("@"); at >= 0; at = address.indexOf("@", at + 1)) {
      const row = table.rowOf.get(address.slice(0, at));
      const stack = address.slice(at + 1);
      const place = table.stacks.findIndex((each) => visible(each.id) === stack);
      if (row !== undefined && place >= 0) return { table, row, place };
    }
  }
  return null;
}

function firstRun(table, row) {
  for (let place = 0; place < table.width; place++) {
    if (table.cells[row * table.width + place]) return place;
  }
  return 0;
}

function cellAddress(table, row, place) {
  return `${visible(table.idOf(row))}@${visible(table.stacks[place].id)}`;
}
