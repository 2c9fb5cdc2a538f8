// The documents in the page, and the grid as one byte per cell: 0 where nothing ran.

const VERSION = 1;
const NOT_RUN = 46;
const SKIPPED = 92;

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
  if (grid.version !== VERSION) throw new Error(`data of version ${grid.version}`);
  const connect = grid.connect.map((text) => JSON.parse(text));
  const texts = connect.map(optionsText);
  grid.kinds = grid.kinds.map((raw, number) => makeKind(raw, number, grid, connect, texts));
  grid.marks = codeTable(grid);
  return grid;
}

function makeKind(raw, number, grid, connect, texts) {
  const width = raw.stacks.length;
  const height = raw.target.length;
  const cells = new Uint8Array(width * height);
  for (let row = 0, at = 0; row < height; row++) {
    const codes = raw.codes[row];
    const pattern = grid.patterns[raw.pattern[row]];
    for (let column = 0; column < width; column++, at++) {
      const code = pattern.charCodeAt(column);
      const group = code === NOT_RUN ? 0 : code < SKIPPED ? code - 47 : code - 48;
      if (group) cells[at] = codes.charCodeAt(group - 1) - 47;
    }
  }
  return {
    ...raw, number, width, height, cells,
    stacks: raw.stacks.map((index) => ({ ...grid.stacks[index], index })),
    connectOf: (row) => connect[raw.connect[row]],
    optionsOf: (row) => texts[raw.connect[row]],
    statementsOf: (row) => visible(named(grid.sql[raw.sql[row]])),
    intentOf: (row) => grid.intents[raw.intent.charCodeAt(row) - 48],
    patternOf: (row) => grid.patterns[raw.pattern[row]],
    idOf: (row) => grid.scenarios[raw.scenario[row]][0] + raw.variant[row],
    targetOf: (row) => display(raw.target[row], raw.type[row]),
    haystack: null,
  };
}

// 1 for the first group of a pattern, 0 for what did not run.
function groupOf(character) {
  const code = character.charCodeAt(0);
  return code === NOT_RUN ? 0 : code < SKIPPED ? code - 47 : code - 48;
}

// What a byte of the grid means.
function codeTable(grid) {
  const table = [null];
  for (const [sign, word, explanation] of grid.outcomes) {
    for (const [index, [mark, verdict]] of grid.verdicts.entries()) {
      table.push({
        sign, word, explanation, mark, verdict,
        tone: TONES[word] ?? "file",
        stray: word.startsWith("stray"),
        off: index === 1,
        told: index < 2,
      });
    }
  }
  return table;
}

const TONES = {
  memory: "memory", "shared memory": "memory", temporary: "memory",
  "stray file": "stray", "stray outside": "stray",
  refused: "error", error: "error",
  "not set up": "broken", crashed: "broken", "timed out": "broken",
  unavailable: "absent", opened: "file",
};

let detailsPromise = null;

function loadDetails() {
  detailsPromise ??= unpack("detail-data");
  return detailsPromise;
}
