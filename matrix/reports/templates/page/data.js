// The documents in the page, and the grid as one byte per cell: 0 where nothing ran.

async function unpack(id) {
  const stream = new Blob([fromBase64(byId(id).textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

async function loadGrid() {
  const grid = await unpack("grid-data");
  const connect = grid.connect.map((text) => JSON.parse(text));
  const optionTexts = connect.map(optionsText);
  const bytes = numbered(grid.codes.map(([code]) => code).join(""));
  const groups = numbered(grid.groups);
  // What a byte means, as `{ outcome, verdict }`.
  grid.meanings = [null, ...grid.codes.map(([, outcome, verdict]) => ({ outcome: grid.outcomes[outcome], verdict: grid.verdicts[verdict] }))];
  grid.occurring = new Set(grid.meanings.slice(1).map(({ outcome }) => outcome.word));
  grid.tables = grid.tables.map((raw, number) => readTable(raw, number, grid, { connect, optionTexts, bytes, groups }));
  return grid;
}

// For each character its number in a text, from 1 on; 0 for those that it lacks.
function numbered(text) {
  const numbers = new Uint16Array(0x10000);
  for (let i = 0; i < text.length; i++) numbers[text.charCodeAt(i)] = i + 1;
  return numbers;
}

function readTable(raw, number, grid, { connect, optionTexts, bytes, groups }) {
  const width = raw.stacks.length;
  const height = raw.target.length;
  const cells = new Uint8Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    const codes = raw.codes[row];
    const pattern = grid.patterns[raw.pattern[row]];
    for (let place = 0; place < width; place++, at++) {
      const group = groups[pattern.charCodeAt(place)];
      if (group) cells[at] = bytes[codes.charCodeAt(group - 1)];
    }
  }
  return {
    ...raw, number, width, height, cells,
    stacks: raw.stacks.map((index) => ({ ...grid.stacks[index], index })),
    cellOf: (row, place) => grid.meanings[cells[row * width + place]],
    groupOf: (row, place) => groups[grid.patterns[raw.pattern[row]].charCodeAt(place)],
    connectOf: (row) => connect[raw.connect[row]],
    optionsOf: (row) => optionTexts[raw.connect[row]],
    statementsOf: (row) => visible(named(grid.sql[raw.sql[row]])),
    intentOf: (row) => grid.intents[raw.intent[row]],
    idOf: (row) => grid.scenarios[raw.scenario[row]][0] + raw.variant[row],
    targetOf: (row) => display(raw.target[row], grid.types[raw.type[row]]),
  };
}

let detailsPromise = null;

function loadDetails() {
  detailsPromise ??= unpack("detail-data");
  return detailsPromise;
}
