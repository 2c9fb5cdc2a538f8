// Text from results, made safe to look at: what a reader cannot see is escaped as Python does it.

function visible(text) {
  return text.replace(/(?! )[\p{C}\p{Z}]/gu, escaped);
}

function escaped(character) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (short) return short;
  const code = character.codePointAt(0);
  const digits = code.toString(16);
  if (code < 0x100) return "\\x" + digits.padStart(2, "0");
  return code < 0x10000 ? "\\u" + digits.padStart(4, "0") : "\\U" + digits.padStart(8, "0");
}

// `{name}` stands for a name that no other case uses.
function named(value) {
  if (typeof value === "string") return value.replaceAll("{name}", "db");
  if (Array.isArray(value)) return value.map(named);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item)]));
  }
  return value;
}

function display(target, type) {
  const text = visible(named(target));
  if (type === "bytes") return `b"${text}"`;
  if (type === "path") return `Path("${text}")`;
  return text && text === text.trim() ? text : `"${text}"`;
}

function optionsText(connect) {
  const names = Object.keys(connect).sort();
  return visible(names.map((name) => `${name}=${optionText(connect[name])}`).join(", "));
}

function optionText(value) {
  return areFlags(value) && value.length ? shortFlags(value) : pythonValue(named(value));
}

const FLAG = "SQLITE_OPEN_";

function areFlags(value) {
  return Array.isArray(value) && value.every((each) => String(each).startsWith(FLAG));
}

function shortFlags(flags) {
  return flags.map((flag) => flag.slice(FLAG.length)).join("|");
}

function many(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function unbroken(versions) {
  return versions.length > 1 ? `${versions[0]} … ${versions[versions.length - 1]}` : versions[0];
}

function capitalised(text) {
  return text[0].toUpperCase() + text.slice(1);
}
