// What is asked of the grid, as it stands in the address: `#q=mode%3Drw&driver=apsw&stray=1`.

const FIELDS = ["q", "in", "claim", "via", "driver", "version", "uri", "above", "intent", "outcome"];
const FLAGS = ["disagree", "stray", "off", "unfolded"];

function emptyState() {
  return {};
}

// Null where the address names a place on the page, and nothing of the grid.
function parseHash(hash) {
  const text = hash.replace(/^#/, "");
  const old = /^case\/(.+)$/.exec(text);
  if (old) return { cell: decoded(old[1]) };
  const state = emptyState();
  let known = text === "";
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    const key = part.slice(0, at);
    if (at < 0 || !(FIELDS.includes(key) || FLAGS.includes(key) || ["cell", "stack"].includes(key))) continue;
    known = true;
    state[key] = decoded(part.slice(at + 1));
  }
  return known ? state : null;
}

function formatHash(state) {
  const keys = [...FIELDS, ...FLAGS, "cell", "stack"].filter((key) => state[key]);
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
  const { cell, stack, ...rest } = state;
  return rest;
}

// The kind, the row and the place of `case@stack`; a stack may be left out.
function findCell(grid, address) {
  for (const kind of grid.kinds) {
    kind.rowOf ??= new Map(kind.target.map((_, row) => [visible(kind.idOf(row)), row]));
    if (kind.rowOf.has(address)) {
      const row = kind.rowOf.get(address);
      return { kind, row, place: firstRun(kind, row) };
    }
    for (let at = address.indexOf("@"); at >= 0; at = address.indexOf("@", at + 1)) {
      const row = kind.rowOf.get(address.slice(0, at));
      const stack = address.slice(at + 1);
      const place = kind.stacks.findIndex((each) => visible(each.id) === stack);
      if (row !== undefined && place >= 0) return { kind, row, place };
    }
  }
  return null;
}

function firstRun(kind, row) {
  for (let place = 0; place < kind.width; place++) {
    if (kind.cells[row * kind.width + place]) return place;
  }
  return 0;
}

function cellAddress(kind, row, place) {
  return `${visible(kind.idOf(row))}@${visible(kind.stacks[place].id)}`;
}
