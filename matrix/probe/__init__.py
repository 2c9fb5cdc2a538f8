"""The part that runs inside a stack: it performs cases and says what it saw.

It stands alone: standard library only, Python 3.8 and newer, no import from the rest of the
project, and no policy. The tool starts it with `python -I -S <this directory>/__main__.py`,
so that only the standard library and the overlays that it is given are on its path.

The protocol is JSON lines, one message a line. The tool sends, on standard input, each line after
the first behind a digest of it (HMAC-SHA256, with the token as the key) and a space:

- `{"kind": "hello", "protocol": 2, "stack", "driver", "distribution", "middleware", "overlays",
  "uri", "library", "scratch", "token", "worker", "parent", "root", "named", "contain",
  "in_place"}`: the stack to set up. Plugins are `{"name", "path"}`; `worker` is unique and always
  equally long; when the process `parent` ends, the probe ends too. `root` is `private` or `shared`,
  see `session`; `named` are the directories outside in which cases name files.
- `{"kind": "cases", "cases": [...]}`: the cases to run, in this order.
- `{"kind": "quit"}`; end of input means the same.

The probe answers, on the descriptor that was its standard output, each line behind the token:

- `{"kind": "ready", "fingerprint": {...}}`, or `{"kind": "fatal", "error": {"type", "message"}}`
  where the stack is not available.
- an observation per case, in the order of the cases: `{"case": ...`, and no `kind`. It is sent
  before the next case begins, so that it survives whatever happens to the probe; it is also the
  heartbeat.
- `{"kind": "done", "count": n}` after the cases; `{"kind": "dirty", "count": n, "reason"}` where a
  case left something behind in the process, which then wants to be replaced.
- `{"kind": "stuck", "message"}` where the machine lacks room, or a right, to go on or to begin;
  `{"kind": "broken", "case", "message"}` where the probe itself fails: an internal error.
- `{"kind": "made", "paths": [[path, device, inode], ...]}` with `in_place`: what the case has
  created outside so far, for the tool to remove if the probe dies.
- `{"kind": "bye"}` at the end.

`{"kind": "try", "scratch", "token"}` in place of `hello` asks what isolation the kernel allows. The
answer is `{"kind": "tried", "private_root", "landlock", "reason"}`.

The token is random. A case may start a program, such as SQLite's shell, which can open the pipes
through /proc and write to them, but does not know the token.
"""

import hmac

PROTOCOL = 2


def sign(token: str, text: str) -> str:
    """A digest of a message, which only those who know the token can make."""
    return hmac.new(token.encode(), text.encode(), "sha256").hexdigest()
