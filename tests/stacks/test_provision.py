"""An overlay is never incomplete, is built once, and a failure has a reason."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.errors import ProvisionError, ProvisionFailure
from matrix.stacks import installer, provision
from matrix.stacks.catalogue import Catalogue, Package
from matrix.stacks.installer import find_installer
from matrix.stacks.interpreters import RUNNING, find_python
from matrix.stacks.provision import LAYOUT, Provided, Provisioner, Unprovided
from matrix.stacks.spec import Stack, parse_stack
from tests.conftest import Provide

NOTE = "sqlite-matrix-overlay.json"


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installer that needs no index: it notes its call, and puts a package of two files there.

    What is called `missing` it does not have; `unreachable` it cannot ask for; for `large` there is
    no room.
    """
    script = tmp_path / "install.py"
    script.write_text(
        "import sys, pathlib\n"
        f"log = pathlib.Path({str(tmp_path / 'installs.log')!r})\n"
        "log.open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('--target') + 1])\n"
        "(target / 'package').mkdir()\n"
        "(target / 'package' / '__init__.py').write_text('half')\n"
        "if 'missing' in sys.argv[-1]: sys.exit('  × No solution found:\\n  ╰─▶ no such version')\n"
        "if 'unreachable' in sys.argv[-1]: sys.exit('error: Failed to fetch: network')\n"
        "if 'large' in sys.argv[-1]: sys.exit('error: No space left on device (os error 28)')\n"
        "(target / 'package' / 'data').write_text('whole')\n"
    )
    monkeypatch.setattr(provision, "installer", lambda python: [sys.executable, str(script)])
    log = tmp_path / "installs.log"
    log.touch()
    return log


def stack_of(name: str = "package") -> Stack:
    package = Package(requirement=f"{name}==1.0", version="1.0")
    return Stack(driver="sqlite3", package=package, python=RUNNING)


def calls(log: Path) -> int:
    return len(log.read_text().splitlines())


def overlay_of(provided: Provided | Unprovided) -> Path:
    assert isinstance(provided, Provided), provided
    (overlay,) = provided.overlays
    return overlay


def test_an_overlay_is_made_once(tmp_path: Path, installs: Path) -> None:
    cache = tmp_path / "cache"
    first = overlay_of(Provisioner(cache).provide(stack_of()))
    second = overlay_of(Provisioner(cache).provide(stack_of()))
    assert first == second == cache / LAYOUT / f"py{RUNNING}" / "package-1.0"
    assert calls(installs) == 1
    note = json.loads((first / NOTE).read_text())
    assert (note["requirement"], note["pins"]) == ("package==1.0", [])
    assert re.fullmatch("sha256:[0-9a-f]{64}", note["digest"])


def _cut(overlay: Path) -> None:
    (overlay / "package" / "data").unlink()


def _change(overlay: Path) -> None:
    (overlay / "package" / "data").write_text("changed since")


def _change_nothing_but_bytes(overlay: Path) -> None:
    data = overlay / "package" / "data"
    before = data.stat()
    data.write_text("WHOLE")
    os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))


def _rename(overlay: Path) -> None:
    (overlay / "package" / "data").rename(overlay / "package" / "atad")


def _replace_by_link(overlay: Path) -> None:
    data = overlay / "package" / "data"
    data.rename(overlay.with_name("elsewhere"))
    data.symlink_to(overlay.with_name("elsewhere"))


def _plant_compiled(overlay: Path) -> None:
    (compiled,) = (overlay / "package" / "__pycache__").glob("__init__.*.pyc")
    compiled.write_bytes(compiled.read_bytes()[:-1] + b"!")


def _add_compiled(overlay: Path) -> None:
    (overlay / "package" / "sqlite3.pyc").write_bytes(b"compiled")


def _link_directory(overlay: Path) -> None:
    (overlay / "sqlite3").symlink_to(overlay / "package")


def _add(overlay: Path) -> None:
    (overlay / "package" / "more").touch()


def _lose_note(overlay: Path) -> None:
    (overlay / NOTE).unlink()


def _tear_note(overlay: Path) -> None:
    (overlay / NOTE).write_text('{"files": 2')


def _forge_note(overlay: Path) -> None:
    (overlay / NOTE).write_text("[]")


def _keep_old_note(overlay: Path) -> None:
    note = {"requirement": "package==1.0", "files": 3, "bytes": 9}
    (overlay / NOTE).write_text(json.dumps(note))


HARMS = [
    _cut, _change, _change_nothing_but_bytes, _rename, _replace_by_link, _plant_compiled,
    _add_compiled, _link_directory, _add, _lose_note, _tear_note, _forge_note, _keep_old_note,
]  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_a_modified_overlay_is_built_again(
    tmp_path: Path, installs: Path, harm: Callable[[Path], None]
) -> None:
    provisioner = Provisioner(tmp_path / "cache")
    overlay = overlay_of(provisioner.provide(stack_of()))
    harm(overlay)
    assert overlay_of(provisioner.provide(stack_of())) == overlay
    assert calls(installs) == 2
    assert (overlay / "package" / "data").read_text() == "whole"
    assert not (overlay / "package" / "more").exists()


def test_its_modules_are_compiled_once_so_that_a_run_adds_no_file(
    tmp_path: Path, installs: Path
) -> None:
    overlay = overlay_of(Provisioner(tmp_path / "cache").provide(stack_of()))
    before = sorted(overlay.rglob("*"))
    (overlay / "package" / "__init__.py").touch()
    source = f"import sys; sys.path.insert(0, {str(overlay)!r}); import builtins"
    source += "; builtins.half = 1; import package"
    subprocess.run([sys.executable, "-I", "-S", "-c", source], check=True)
    assert sorted(overlay.rglob("*")) == before
    assert any(path.suffix == ".pyc" for path in before)
    overlay_of(Provisioner(tmp_path / "cache").provide(stack_of()))
    assert calls(installs) == 1


def test_a_failed_installation_leaves_nothing_that_looks_complete(
    tmp_path: Path, installs: Path
) -> None:
    answer = Provisioner(tmp_path / "cache").provide(stack_of("unreachable"))
    assert isinstance(answer, Unprovided)
    assert answer.reason == "unreachable==1.0: error: Failed to fetch: network"
    left = {path.name for path in (tmp_path / "cache" / LAYOUT / f"py{RUNNING}").iterdir()}
    assert left <= {"unreachable-1.0.lock"}


def test_a_package_that_the_index_does_not_have_is_not_requested_again(
    tmp_path: Path, installs: Path
) -> None:
    answers = [Provisioner(tmp_path / "cache").provide(stack_of("missing")) for _ in range(2)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Unprovided)
    assert answers[0].reason == "missing==1.0: No solution found: no such version"
    assert answers[0].failure is ProvisionFailure.NOT_ON_INDEX
    assert calls(installs) == 1


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("unreachable", ProvisionFailure.INDEX_UNREACHED),
        ("large", ProvisionFailure.INSTALL_FAILED),
    ],
)
def test_a_failure_other_than_a_refusal_is_retried(
    tmp_path: Path, installs: Path, name: str, failure: ProvisionFailure
) -> None:
    for _ in range(2):
        answer = Provisioner(tmp_path / "cache").provide(stack_of(name))
        assert isinstance(answer, Unprovided)
        assert answer.failure is failure
    assert calls(installs) == 2


@pytest.mark.parametrize("note", ["apsw==1.0: no such version", "{}", "[]", '{"failure": "odd"}'])
def test_an_unreadable_refusal_is_ignored(tmp_path: Path, installs: Path, note: str) -> None:
    directory = tmp_path / "cache" / LAYOUT / f"py{RUNNING}"
    directory.mkdir(parents=True)
    (directory / "package-1.0.refused").write_text(note)
    overlay_of(Provisioner(tmp_path / "cache").provide(stack_of()))
    assert calls(installs) == 1


def test_offline_uses_the_cache_and_not_the_index(tmp_path: Path, installs: Path) -> None:
    cache = tmp_path / "cache"
    made = Provisioner(cache).provide(stack_of())
    assert Provisioner(cache, offline=True).provide(stack_of()) == made
    missing = Provisioner(cache, offline=True).provide(stack_of("other"))
    assert isinstance(missing, Unprovided)
    assert missing.failure is ProvisionFailure.OFFLINE
    assert missing.reason == (
        f"other==1.0 for Python {RUNNING} is not in the cache; run once without --offline"
    )
    assert calls(installs) == 1


def test_several_at_once_make_one_overlay(tmp_path: Path, installs: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        provisioners = [Provisioner(tmp_path / "cache") for _ in range(8)]
        answers = list(pool.map(lambda each: each.provide(stack_of()), provisioners))
    assert len({overlay_of(answer) for answer in answers}) == 1
    assert calls(installs) == 1


def test_answers_come_in_the_order_of_the_stacks(tmp_path: Path, installs: Path) -> None:
    stacks = [stack_of("one"), stack_of("missing"), stack_of("two")]
    answers = list(Provisioner(tmp_path / "cache").provide_all(stacks))
    assert [answer.stack for answer in answers] == stacks
    assert [type(answer) for answer in answers] == [Provided, Unprovided, Provided]


def test_a_driver_is_never_built_here(tmp_path: Path, installs: Path) -> None:
    stack = stack_of()
    assert stack.package is not None
    Provisioner(tmp_path / "cache").provide(stack)
    built = replace(stack.package, requirement="middleware==1.0", wheel=False)
    Provisioner(tmp_path / "cache").provide(replace(stack, package=built))
    first, second = installs.read_text().splitlines()
    assert "--only-binary :all:" in first
    assert "--only-binary" not in second


def test_a_version_without_a_wheel_for_this_python_is_reported_without_the_index(
    tmp_path: Path, installs: Path
) -> None:
    package = Package(requirement="x==1", version="1", marker='python_version < "3"')
    answer = Provisioner(tmp_path).provide(Stack(driver="sqlite3", package=package, python=RUNNING))
    assert isinstance(answer, Unprovided)
    assert answer.reason == f"x==1 has no wheel for Python {RUNNING}"
    assert answer.failure is ProvisionFailure.NOT_FOR_PYTHON
    assert calls(installs) == 0


def test_a_cache_that_cannot_be_written_is_the_reason(tmp_path: Path, installs: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    found = Provisioner(tmp_path / "cache").provide(stack_of())
    assert isinstance(found, Unprovided)
    assert str(tmp_path / "cache") in found.reason
    assert found.failure is ProvisionFailure.CACHE_UNUSABLE
    assert calls(installs) == 0


def test_a_missing_python_is_reported(tmp_path: Path) -> None:
    answer = Provisioner(tmp_path).provide(Stack(driver="sqlite3", package=None, python="3.99"))
    assert isinstance(answer, Unprovided)
    assert answer.reason.startswith("Python 3.99 is not installed")
    assert answer.failure is ProvisionFailure.NO_PYTHON


def test_without_an_installer_the_reason_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "find_uv", lambda: None)
    find_python(RUNNING)  # it remembers the real one
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    answer = Provisioner(tmp_path).provide(
        Stack(driver="x", package=stack_of().package, python=RUNNING)
    )
    assert isinstance(answer, Unprovided)
    assert answer.reason == "neither uv nor pip is installed; python -m pip install uv"
    assert answer.failure is ProvisionFailure.NO_INSTALLER
    with pytest.raises(ProvisionError, match="neither uv nor pip is installed"):
        find_installer()


def test_a_real_package_is_installed_whole_by_two_at_once(
    tmp_path: Path, catalogue: Catalogue, provide: Provide
) -> None:
    stack = parse_stack("apsw", catalogue)
    provide(stack)  # the installer's own cache has it by now
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: Provisioner(tmp_path).provide(stack), range(2)))
    overlays = {overlay_of(answer) for answer in answers}
    assert len(overlays) == 1
    assert list(overlays.pop().glob("apsw/__init__.*"))


def test_a_version_that_never_existed_is_reported_by_the_installer(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    answer = Provisioner(tmp_path).provide(parse_stack("apsw==0.0.1", catalogue))
    assert isinstance(answer, Unprovided)
    assert answer.reason.startswith("apsw==0.0.1: ")
    assert answer.failure is ProvisionFailure.NOT_ON_INDEX
    assert "\n" not in answer.reason
