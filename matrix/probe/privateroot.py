"""A root directory for one worker, in which every change is private.

The process moves to a mount namespace of its own, where `/` is assembled anew: each directory of
the machine as the lower layer of an overlay, whose upper layer is in memory and ends with the
process.
A case can create, change and remove whatever its user may, and the machine's files stay as they
are. What cannot be layered (a file that is a mount of its own, a file system that overlays refuse)
is there read-only, and listed in `PrivateRoot.fixed`.

https://docs.kernel.org/filesystems/overlayfs.html; mount_namespaces(7), user_namespaces(7).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from typing import Dict, Iterable, List, NamedTuple, Set

from .linux import O_PATH, call, mount
from .paths import real_path

PATH_LENGTH = 80
"""The length of the path of every worker's own directory.

Some messages of drivers say at which position of a path something stands, and journals hold paths.
"""
HOME = "/sqlite-matrix-scratch".ljust(PATH_LENGTH, "-")
"""Where the worker's own directory is in every private root."""

_NEWNS, _NEWIPC, _NEWUSER = 0x20000, 0x8000000, 0x10000000
_NEWPID, _NEWNET = 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
LAYERS_SIZE = 1 << 30
"""Bytes that the changes of a worker may take in memory."""
_NOT_FILES = frozenset(
    [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "efivarfs",
        "fusectl",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    ]
)
"""File systems whose files are the kernel's, and not data."""
_SHARED = "/var/tmp"
"""A directory of another user's in which everybody may write; see `enter_private_root`."""
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_IN_DEV = frozenset((*_DEVICES, "fd", "stdin", "stdout", "stderr", "shm"))
_ESCAPED = re.compile(r"\\([0-7]{3})")


class PrivateRoot(NamedTuple):
    """What a process in a private root must know.

    `fixed`: what cannot be changed there, although it may be on the machine.
    `foreign`: whether files of other users cannot be copied, as in a user namespace. `sticky`: the
    directories of others in which such files cannot be removed on the machine.
    """

    fixed: List[str]
    foreign: bool
    sticky: List[str]


def enter_namespaces() -> bool:
    """Leave the machine's mounts, network, processes and shared memory behind.

    The next child is the first process of its namespace, and its end ends all others in it.
    Without the rights of root it takes a user namespace; returns whether it did.
    Raises OSError where the kernel or its configuration does not allow it.
    """
    spaces = _NEWNS | _NEWIPC | _NEWPID | _NEWNET
    user, group = os.geteuid(), os.getegid()
    try:
        call("unshare", spaces)
    except PermissionError:
        if user == _overflow_user():
            raise OSError(errno.EPERM, "the owner of a file cannot be told from others") from None
        call("unshare", spaces | _NEWUSER)
    else:
        return False
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "%d %d 1" % (user, user))
    _write("/proc/self/gid_map", "%d %d 1" % (group, group))
    return True


def enter_private_root(scratch: str, named: Iterable[str], *, as_user: bool) -> PrivateRoot:
    """Make the private root and move there; `scratch` is then at HOME.

    The process is in namespaces of its own, as their first process, and may mount. In a user
    namespace a directory of another user's cannot be copied to an upper layer, nor can anything
    below it. So the directories that the cases have `named` get layers of their own.
    """
    mount("", "/", "", _REC | _PRIVATE)
    builder = _Builder(scratch, as_user)
    builder.build([_SHARED, *named] if as_user else [])
    os.chdir(builder.root)
    call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir(HOME)
    return PrivateRoot(builder.fixed, as_user, builder.sticky)


def _overflow_user() -> int:
    """The user as whom a user namespace shows all others, `nobody`."""
    with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
        return int(file.read())


class _Builder:
    """Assembles the root in a file system in memory, below `<scratch>/private`."""

    def __init__(self, scratch: str, as_user: bool) -> None:
        base = os.path.join(scratch, "private")
        self.root = os.path.join(base, "root")
        self.fixed: List[str] = []
        self.sticky: List[str] = []
        self._base = base
        self._layers = os.path.join(base, "layers")
        self._count = 0
        self._scratch = scratch
        self._as_user = as_user
        self._mounts = _mounts()
        self._split = {parent for point in self._mounts for parent in _parents(point)}

    def build(self, named: Iterable[str]) -> None:
        os.mkdir(self._base, 0o700)
        options = "mode=0755,size=%d" % LAYERS_SIZE
        mount("tmpfs", self._base, "tmpfs", _NOSUID | _NODEV, options)
        os.mkdir(self._layers)
        os.mkdir(self.root)
        mount(self.root, self.root, "", _BIND)
        self._fill("/")
        os.mkdir(self.root + HOME)
        mount(self._scratch, self.root + HOME, "", _BIND)
        self._make_devices()
        self._mount_proc()
        for path in sorted(filter(self._can_be_layered, map(real_path, named))):
            self._layer(path)
        self._copy_rights("/", self.root)

    def _can_be_layered(self, path: str) -> bool:
        """Whether a layer of its own is possible: other mounts have been taken care of."""
        is_taken = path in self._split or path in self._mounts or path.startswith(self._scratch)
        return not is_taken and os.path.isdir(path) and os.path.isdir(self.root + path)

    def _copy_rights(self, real: str, ours: str) -> None:
        """Give a directory the permissions for this user that the machine's has."""
        status = os.stat(real)
        mode = stat.S_IMODE(status.st_mode)
        if not self._as_user:
            os.chown(ours, status.st_uid, status.st_gid)
        elif status.st_uid != os.geteuid():  # ours cannot have that owner: it has us
            if mode & stat.S_ISVTX:
                self.sticky.append(real)
            mode = 0o755 if os.access(real, os.W_OK) else 0o555
        os.chmod(ours, mode)

    def _fill(self, directory: str) -> None:
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                with suppress(FileNotFoundError):  # it has gone since
                    self._place_or_hide(entry)

    def _place_or_hide(self, entry: "os.DirEntry[str]") -> None:
        """Place an entry; one that cannot even be looked at is an empty directory."""
        try:
            self._place(entry)
        except PermissionError:
            os.makedirs(self.root + entry.path, exist_ok=True)
            os.chmod(self.root + entry.path, 0)
            self.fixed.append(entry.path)

    def _place(self, entry: "os.DirEntry[str]") -> None:
        path, ours = entry.path, self.root + entry.path
        if entry.is_symlink():
            os.symlink(os.readlink(path), ours)
        elif path in ("/dev", "/proc"):
            os.mkdir(ours, 0o755)
        elif not entry.is_dir():
            if entry.is_file():
                self._fix(path)
        elif self._mounts.get(path) in _NOT_FILES:
            self._bind_read_only(path)
        elif path in self._split:
            os.mkdir(ours)
            self._fill(path)
            self._copy_rights(path, ours)
        else:
            self._layer(path)

    def _layer(self, path: str) -> None:
        """An overlay on a directory that has no other mounts below it."""
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            self._bind_read_only(path)
            return
        self._count += 1
        names = ("upper", "work")
        upper, work = (os.path.join(self._layers, "%s%d" % (name, self._count)) for name in names)
        ours = self.root + path
        os.mkdir(upper)
        os.mkdir(work)
        os.makedirs(ours, exist_ok=True)
        self._copy_rights(path, upper)
        lower = os.open(path, O_PATH | os.O_DIRECTORY)
        options = "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s" % (lower, upper, work)
        if self._as_user:
            options += ",userxattr"
        try:
            mount("overlay", ours, "overlay", _NOSUID | _NODEV, options)
        except OSError:
            self._fix(path)
        finally:
            os.close(lower)

    def _fix(self, path: str) -> None:
        """Show what cannot be layered as it is, read-only."""
        if os.access(path, os.W_OK):
            self.fixed.append(path)
        self._bind_read_only(path)

    def _bind_read_only(self, path: str, devices: int = _NODEV) -> None:
        ours = self.root + path
        self._bind(path, ours)
        flags = _BIND | _REMOUNT | _RDONLY | _NOSUID | devices
        _remount(ours, flags)
        for point in self._mounts:  # a remount leaves out what is mounted below
            if point.startswith(path + "/"):
                with suppress(OSError):  # hidden by another one
                    _remount(self.root + point, flags)

    def _bind(self, path: str, ours: str) -> None:
        if os.path.isdir(path):
            os.makedirs(ours, exist_ok=True)
        else:
            os.close(os.open(ours, os.O_CREAT | os.O_WRONLY, 0o600))
        mount(path, ours, "", _BIND | _REC)

    def _make_devices(self) -> None:
        """A small `/dev`, without disks and without the terminals of others.

        One can write to a device that is mounted read-only, but not change its owner or its mode.
        """
        dev = self.root + "/dev"
        for name in filter(lambda name: os.path.exists("/dev/" + name), _DEVICES):
            self._bind_read_only("/dev/" + name, devices=0)
        self.fixed += ["/dev/" + name for name in os.listdir("/dev") if name not in _IN_DEV]
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink("/proc/self/fd" + target, os.path.join(dev, name))
        if os.path.isdir("/dev/shm"):
            self._layer("/dev/shm")
        self._copy_rights("/dev", dev)

    def _mount_proc(self) -> None:
        """The processes of this namespace, or, where a container forbids that, those of all.

        Read-only, since the settings of the kernel are there, too.
        """
        flags = _NOSUID | _NODEV | _NOEXEC | _RDONLY
        try:
            mount("proc", self.root + "/proc", "proc", flags)
        except OSError:
            self._bind_read_only("/proc")


def _remount(ours: str, flags: int) -> None:
    try:
        mount("", ours, "", flags)
    except PermissionError:  # a user namespace may not take away a flag of the machine's mount
        mount("", ours, "", flags | _NOEXEC)


def _mounts() -> Dict[str, str]:
    """The mount points of this namespace, each with the kind of its file system."""
    with open("/proc/self/mountinfo", "rb") as file:
        lines = [os.fsdecode(line).split(" ") for line in file.read().splitlines()]
    return {_unescape(fields[4]): fields[fields.index("-") + 1] for fields in lines}


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)


def _parents(path: str) -> Set[str]:
    parts = path.split("/")
    return {"/".join(parts[:count]) or "/" for count in range(1, len(parts))}


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
