"""Where a case lives, and how its paths are distinguished from the machine's.

Whatever differs from run to run and from machine to machine is replaced by a placeholder before it
is recorded, so that two runs give the same bytes.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Any, List, Tuple

from .outside import remove
from .paths import real_path

_RANDOM = re.compile(
    r"(etilqs_)[0-9A-Za-z]+"  # temporary files
    r"|(-mj)[0-9A-Fa-f]{9}"  # super-journals of several databases
    r"|(thread id )[0-9]+"
    r"|( at 0x)[0-9A-Fa-f]+"  # objects in messages
)
_DRIVE = re.compile(r"^(?=[A-Za-z]:[\\/])")
_FRAMES = re.compile(r'(?:\s*File "[^"\n]+", line \d+, in [^\n]*(?:\n    [^\n]*)?)+\n?')
"""A traceback in a message, such as that of SQLAlchemy's AssertionPool: it leads through us."""


class Places:
    """A case's directory, its surroundings, and its unique name.

    `<scratch>/<number>/dir` is the case's own directory; its parent is the case's own, too, so
    that `../x` stays between us. `tmp` and `home` belong to the worker. The numbers have the same
    length, as messages may say where in a string something stands.
    """

    def __init__(self, scratch: str, number: int, worker: str) -> None:
        self._scratch = scratch
        self.tmp = os.path.join(scratch, "tmp")
        self.home = os.path.join(scratch, "home")
        self.around = os.path.join(scratch, "%05d" % number)
        self.dir = os.path.join(self.around, "dir")
        self.name = "db%sx%05d" % (worker, number)
        self._roots: Tuple[Tuple[str, str], ...] = (
            (self.dir, "{dir}"),
            (self.around, "{dir}/.."),
            (self.tmp, "{tmp}"),
            (self.home, "{home}"),
            (scratch, "{dir}/../.."),
        )

    def make(self) -> None:
        """Make the directories; what an earlier case may have left there is removed."""
        if os.path.lexists(self.around):
            _clear(self.around)
        os.mkdir(self.around)
        os.mkdir(self.dir)
        os.chdir(self.dir)

    def open_to_all(self) -> None:
        """Let every user reach the directories, as far as they may reach the scratch directory."""
        os.chmod(self._scratch, 0o711)

    def remove(self) -> None:
        """Remove the directories, and what the case left in the worker's."""
        os.chdir(self._scratch)
        try:
            os.rmdir(self.dir)
            os.rmdir(self.around)
        except OSError:  # not empty, as after most cases that wrote to a file
            shutil.rmtree(self.around)
        for directory in (self.tmp, self.home):
            for name in os.listdir(directory):
                _clear(os.path.join(directory, name))

    def fill(self, value: Any) -> Any:
        """Replace `{dir}` and `{name}`, wherever they stand in a value."""
        if isinstance(value, str):
            return value.replace("{dir}", self.dir).replace("{name}", self.name)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        return value

    def show(self, text: str) -> str:
        """Put the placeholders back into what is recorded."""
        for real, placeholder in self._roots:
            text = text.replace(real, placeholder)
        text = _FRAMES.sub("", text.replace(self.name, "{name}"))
        return _RANDOM.sub(r"\1\2\3\4*", text)

    def show_path(self, path: str) -> str:
        """A path as it is recorded: relative inside the case's directory, else absolute.

        A name that merely begins like one of our directories, `dir2` beside `dir`, is not in it.
        """
        for real, placeholder in self._roots:
            if path == real:
                return placeholder
            if path.startswith(real + os.sep):
                inside = self.show(path[len(real) + 1 :])
                if real != self.dir:
                    return placeholder + os.sep + inside
                return _DRIVE.sub("./", inside)  # it is no absolute path of Windows
        return self.show(path)

    def resolve(self, names: List[str]) -> List[str]:
        """The absolute paths that these names mean, as written and with links followed."""
        paths = [os.path.join(self.dir, re.sub("^/+", "/", self.fill(name))) for name in names]
        paths = [path for path in paths if _can_be(path)]
        return [os.path.normpath(path) for path in [*paths, *map(real_path, paths)]]

    def is_outside(self, path: str) -> bool:
        """Whether a path lies outside the directories that are removed with the case."""
        return not path.startswith((self.around + os.sep, self.tmp + os.sep))


def _clear(path: str) -> None:
    """Remove what is there, a directory with all that is in it."""
    remove(path)
    shutil.rmtree(path, ignore_errors=True)


def _can_be(path: str) -> bool:
    """Whether a file can have this name: a NUL or half a surrogate pair is in none."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False
