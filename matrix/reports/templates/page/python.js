// Values as one writes them in Python. What cannot be seen is escaped: the source is plain text.

function pythonString(text) {
  return '"' + text.replace(/["\\]/g, "\\$&").replace(/(?! )[\p{C}\p{Z}]/gu, escaped) + '"';
}

// Bytes as the file system has them: UTF-8, and what was not UTF-8 as it was.
function pythonBytes(text) {
  let out = "";
  for (const character of text) {
    const code = character.codePointAt(0);
    const bytes = code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : new TextEncoder().encode(character);
    for (const byte of bytes) {
      const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92;
      out += plain ? String.fromCharCode(byte) : "\\x" + byte.toString(16).padStart(2, "0");
    }
  }
  return `b"${out}"`;
}

// An expression for a text in which `{dir}` stands for the current directory.
function pythonText(text, literal = pythonString) {
  const pieces = named(text).split("{dir}");
  const here = literal === pythonBytes ? "os.getcwdb()" : "os.getcwd()";
  const parts = pieces.flatMap((piece, i) => [i ? here : "", piece ? literal(piece) : ""]).filter(Boolean);
  return parts.length ? parts.join(" + ") : literal("");
}

function pythonValue(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return pythonText(value);
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([key, item]) => `${pythonString(key)}: ${pythonValue(item)}`).join(", ")}}`;
  }
  return String(value);
}

function pythonTarget(target, type) {
  if (type === "bytes") return pythonText(target, pythonBytes);
  return type === "path" ? `pathlib.Path(${pythonText(target)})` : pythonText(target);
}

function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
