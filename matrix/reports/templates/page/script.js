// A short script that shows a cell again, with its driver alone; a command where that cannot be.

const MODULES = {
  sqlite3: { imports: ["import sqlite3"], name: "sqlite3", extension: "import _sqlite3" },
  pysqlite3: {
    imports: ["from pysqlite3 import dbapi2 as sqlite3"], name: "sqlite3",
    extension: "from pysqlite3 import _sqlite3",
  },
  sqlean: { imports: ["import sqlean as sqlite3"], name: "sqlite3", extension: "from sqlean import _sqlite3" },
  apsw: { imports: ["import apsw"], name: "apsw" },
};
const SHIM = "apsw has no SQLAlchemy dialect: a DB-API shim of this project stands in between, so the tool runs it.";

// `asked`: the case; `stack`: where it ran.
function reproduction(details, asked, stack) {
  const why = noScript(asked, stack);
  if (why !== null) return { language: "sh", text: commandFor(asked, stack), note: why };
  const module = MODULES[stack.driver];
  const lines = [...comments(stack, details.stacks[stack.index]), ...importsFor(asked, stack, module), ""];
  lines.push(...settingLines(stack, module), ...setupLines(asked, module), "");
  lines.push(...(asked.via ? engineLines(asked, stack) : connectionLines(asked, module, details.uri_flags)));
  return { language: "python", text: lines.join("\n") + "\n", note: "" };
}

function noScript(asked, stack) {
  if (asked.via === "sqlalchemy" && stack.driver === "apsw") return SHIM;
  if (asked.via && asked.via !== "sqlalchemy") return `Through ${asked.via}, the tool runs it.`;
  if (!MODULES[stack.driver]) return `${stack.driver} is no Python module; the tool runs it.`;
  if (stack.library) return "Stdlib sqlite3 runs on a different SQLite here, which only the tool can load first.";
  if (asked.backup) return "This case includes a backup; run it with the tool.";
  if (asked.second_in_thread) return "This case uses two threads; run it with the tool.";
  if (hasOthers(asked)) return "This case has other users or permissions; run it with the tool.";
  return asked.via && (asked.second || asked.reopen) ? "This case uses a second engine; run it with the tool." : null;
}

function hasOthers(asked) {
  return asked.rivals.length > 0 || asked.before.length > 0 || Object.keys(asked.permissions).length > 0;
}

function comments(stack, print) {
  const wanted = [];
  if (print.distribution) wanted.push(`${print.distribution}==${stack.version || print.driver_version}`);
  if (print.middleware) wanted.push(`${print.middleware}==${print.middleware_version}`);
  const lines = [`# Seen on Python ${print.python} with SQLite ${print.sqlite}.`];
  if (wanted.length) lines.push(`# python -m pip install ${wanted.join(" ")}`);
  return [...lines, "# Run it in an empty directory.", ""];
}

function importsFor(asked, stack, module) {
  const lines = [];
  const isSet = stack.uri && stack.driver !== "apsw";
  if (isSet) lines.push("import ctypes");
  lines.push("import os");
  if (asked.target_type === "path") lines.push("import pathlib");
  if (asked.setup.some((step) => "db" in step)) lines.push("import shutil");
  if (asked.via) lines.push("from concurrent.futures import ThreadPoolExecutor");
  if (needsClosing(asked)) lines.push("from contextlib import closing");
  if (asked.connect.module) lines.push("from importlib import import_module");
  lines.push("");
  if (isSet) lines.push(module.extension);
  if (needsModule(asked, stack)) lines.push(...module.imports);
  if (asked.via) lines.push(asked.connect.poolclass ? "from sqlalchemy import create_engine, pool" : "from sqlalchemy import create_engine");
  return lines;
}

function needsClosing(asked) {
  return !asked.via || asked.setup.some((step) => "db" in step);
}

function needsModule(asked, stack) {
  return needsClosing(asked) || stack.driver !== "sqlite3" || asked.connect.creator;
}

// The library's own switch, where the stack is one on which it was set.
function settingLines(stack, module) {
  if (!stack.uri) return [];
  const value = stack.uri === "on" ? 1 : 0;
  if (module.name === "apsw") {
    return ["apsw.shutdown()", `apsw.config(apsw.SQLITE_CONFIG_URI, ${value})`, "apsw.initialize()", ""];
  }
  return [
    "library = ctypes.CDLL(_sqlite3.__file__)",
    "library.sqlite3_shutdown()",
    `library.sqlite3_config(17, ${value})  # SQLITE_CONFIG_URI`,
    "library.sqlite3_initialize()", "",
  ];
}

function setupLines(asked, module) {
  const lines = [];
  for (const step of asked.setup) {
    if ("db" in step) lines.push(...databaseLines(step, module));
    else if ("empty" in step) lines.push(`open(${pythonText(step.empty)}, "x").close()`);
    else if ("mkdir" in step) lines.push(`os.makedirs(${pythonText(step.mkdir)})`);
    else if ("symlink" in step) lines.push(`os.symlink(${pythonText(step.to)}, ${pythonText(step.symlink)})`);
    else if ("file" in step) {
      lines.push(`with open(${pythonText(step.file)}, "x", encoding="utf-8") as file:`, `    file.write(${pythonText(step.text)})`);
    }
  }
  return lines.length ? [...lines, ""] : [];
}

// Made under a plain name and moved in: no rule for URIs touches what is there before.
function databaseLines(step, module) {
  const connect = module.name === "apsw" ? 'apsw.Connection("made.db")' : 'sqlite3.connect("made.db", isolation_level=None)';
  const lines = [`with closing(${connect}) as made:`];
  for (const sql of step.sql ?? []) lines.push(`    made.execute(${pythonText(sql)}).fetchall()`);
  const name = pythonText(step.db);
  if (step.keep_wal) {
    const log = `${name} + "-wal"`;
    lines.push(`    shutil.copy("made.db", ${name})`, `    shutil.copy("made.db-wal", ${log})`, 'os.remove("made.db")');
  } else {
    if (!step.sql?.length) lines.push("    pass");
    lines.push('if not os.path.exists("made.db"):', '    open("made.db", "x").close()', `shutil.move("made.db", ${name})`);
  }
  return lines;
}

function connectionLines(asked, module, uriFlags) {
  const indent = (lines) => lines.map((line) => `        ${line}`);
  const body = statementLines(asked, module);
  const second = asked.second ? connectCall({ ...asked, target: asked.second }, module, uriFlags) : "connect()";
  if (asked.write) {
    body.push(`with closing(${second}) as second:`, ...lookLines("second", "a second connection sees the table"));
  }
  const lines = [
    "def connect():", `    return ${connectCall(asked, module, uriFlags)}`, "", "",
    "try:", "    with closing(connect()) as connection:", ...indent(body.length ? body : ["pass"]),
  ];
  if (asked.reopen) {
    lines.push("    with closing(connect()) as again:", ...lookLines("again", "opened again, the table is there").map((line) => `    ${line}`));
  }
  return [...lines, ...listingLines()];
}

function connectCall(asked, module, uriFlags) {
  if (module.name !== "apsw") return call(`${module.name}.connect`, asked, Object.entries(asked.connect));
  const { flags, uri, ...rest } = asked.connect;
  const names = flags ?? (uri ? uriFlags : null);
  const options = Object.entries(rest).map(([key, value]) => `${key}=${pythonValue(value)}`);
  const literal = names?.length ? names.map((name) => `apsw.${name.startsWith(FLAG) ? name : `${FLAG}${name}`}`).join(" | ") : "0";
  const target = pythonTarget(asked.target, asked.target_type);
  return `apsw.Connection(${[target, ...options, ...(names ? [`flags=${literal}`] : [])].join(", ")})`;
}

function call(name, asked, options) {
  const target = pythonTarget(asked.target, asked.target_type);
  return `${name}(${[target, ...options.map(([key, value]) => `${key}=${pythonValue(value)}`)].join(", ")})`;
}

function statementLines(asked, module) {
  const lines = asked.sql.map((sql) => {
    const rows = /^\s*(select|pragma|with|values|explain)\b/i.test(sql) ? ".fetchall()" : "";
    return `connection.execute(${pythonText(sql)})${rows}`;
  });
  if (!asked.write) return lines;
  const table = tableOf(asked);
  lines.push(`connection.execute(${pythonString(`CREATE TABLE ${table}(x)`)})`);
  lines.push(`connection.execute(${pythonString(`INSERT INTO ${table} VALUES (zeroblob(2000000))`)})`);
  if (module.name !== "apsw") lines.push("connection.commit()");
  else if (asked.sql.length) lines.push("if not connection.getautocommit():", '    connection.execute("COMMIT")');
  return lines;
}

function tableOf(asked) {
  const schema = asked.write_to;
  if (schema === "main") return "written";
  return `${/^\w+$/.test(schema) ? schema : `"${schema.replaceAll('"', '""')}"`}.written`;
}

function lookLines(name, says) {
  return [
    `    names = ${name}.execute("SELECT name FROM sqlite_master").fetchall()`,
    `    print("${says}:", ("written",) in names)`,
  ];
}

function listingLines() {
  return [
    "finally:", "    for directory, _, files in os.walk(\".\"):", "        for name in files:",
    '            print("file:", os.path.relpath(os.path.join(directory, name)))',
  ];
}

function engineLines(asked, stack) {
  const { poolclass, creator, module, ...rest } = asked.connect;
  const options = Object.entries(rest).map(([key, value]) => `${key}=${pythonValue(value)}`);
  if (poolclass) options.push(`poolclass=pool.${poolclass}`);
  if (creator) {
    const { target, ...others } = creator;
    options.push(`creator=lambda: ${call("sqlite3.connect", { target, target_type: "str" }, Object.entries(others))}`);
  }
  if (module) options.push(`module=import_module(${pythonString(module)})`);
  else if (stack.driver !== "sqlite3") options.push("module=sqlite3");
  const lines = [
    "def run(connection, sql):",
    "    cursor = connection.connection.cursor()",
    "    cursor.execute(sql)",
    "    return cursor.fetchall() if cursor.description else []", "", "",
  ];
  if (asked.write) {
    lines.push(
      "def look():", "    with engine.connect() as second:",
      '        names = run(second, "SELECT name FROM sqlite_master")',
      '    print("a second connection sees the table:", ("written",) in map(tuple, names))', "", "",
    );
  }
  lines.push("try:", `    engine = create_engine(${[pythonText(asked.target), ...options].join(", ")})`);
  lines.push("    with engine.connect() as connection:");
  const body = asked.sql.map((sql) => `run(connection, ${pythonText(sql)})`);
  if (asked.write) {
    const table = tableOf(asked);
    body.push(`run(connection, ${pythonString(`CREATE TABLE ${table}(x)`)})`);
    body.push(`run(connection, ${pythonString(`INSERT INTO ${table} VALUES (zeroblob(2000000))`)})`);
    body.push("connection.connection.commit()", "ThreadPoolExecutor().submit(look).result()");
  }
  lines.push(...(body.length ? body : ["pass"]).map((line) => `        ${line}`), "    engine.dispose()");
  return [...lines, ...listingLines()];
}

// The command that runs the case with this project's tool, on a stack of this name.
function commandFor(asked, stack) {
  const words = ["sqlite-matrix", "check", "--stack", stack.id];
  if (!isPlain(asked)) {
    const { drivers, intent, ...record } = asked;
    const json = JSON.stringify(record).replace(/[^\x20-\x7e]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
    return `printf '%s\\n' ${shellWord(json)} |\n  ${words.map(shellWord).join(" ")} --batch /dev/stdin\n`;
  }
  if (asked.via) words.push("--via", asked.via);
  else if (asked.target.startsWith("file:")) words.push(asked.connect.uri ? "--uri" : "--no-uri");
  else if (asked.connect.uri) words.push("--uri");
  if (asked.target_type !== "str") words.push("--type", asked.target_type);
  for (const sql of asked.sql) words.push("--sql", named(sql));
  words.push(named(asked.target));
  return words.map(shellWord).join(" ") + "\n";
}

function isPlain(asked) {
  const keys = Object.keys(asked.connect);
  const connect = keys.length === 0 || (!asked.via && keys.length === 1 && asked.connect.uri === true);
  const usual = asked.write && asked.write_to === "main" && !asked.second && !asked.second_in_thread && !asked.backup && !asked.reopen;
  const text = [asked.target, ...asked.sql].join("");
  return connect && usual && !hasOthers(asked) && !asked.setup.length && visible(text) === text && !asked.target.startsWith("-");
}
