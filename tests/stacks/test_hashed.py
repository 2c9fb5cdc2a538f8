"""What is installed is what was pinned, and no project decides where it comes from."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from matrix.errors import ProvisionFailure
from matrix.stacks import index, installer
from matrix.stacks.catalogue import Package
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.provision import Provided, Provisioner, Unprovided
from matrix.stacks.spec import Stack

WRONG = "sha256:" + "0" * 64


def make_wheel(directory: Path, name: str, version: str, *requires: str) -> Package:
    """Make a wheel of one module; the pin of it, with its hash."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}-{version}-py3-none-any.whl"
    inside = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}.py": "answer = 42\n",
        f"{inside}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{inside}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{inside}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{inside}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(zipfile.ZipInfo(each), text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package(requirement=f"{name}=={version}", version=version, hashes=(f"sha256:{digest}",))


def locked(package: Package, *others: Package) -> Package:
    return Package(
        requirement=package.requirement,
        version=package.version,
        hashes=package.hashes,
        locked=(package, *others),
    )


@pytest.fixture(params=["uv", "pip"])
def wheels(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels, the only place where this installer may look."""
    directory = tmp_path / "wheels"
    directory.mkdir()
    if request.param == "pip":
        monkeypatch.setattr(installer, "find_uv", lambda: None)
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(directory))
        monkeypatch.setenv(f"{tool}_CACHE_DIR", str(tmp_path / f"{tool}-cache"))
    return directory


def provide(cache: Path, package: Package) -> Provided | Unprovided:
    stack = Stack(driver="sqlite3", package=package, python=RUNNING)
    return Provisioner(cache).provide(stack)


def overlay_of(answer: Provided | Unprovided) -> Path:
    assert isinstance(answer, Provided), answer
    return answer.overlays[0]


def test_a_package_is_installed_with_its_hashed_dependencies(tmp_path: Path, wheels: Path) -> None:
    more = make_wheel(wheels, "more", "3.0")
    extra = make_wheel(wheels, "extra", "1.0")
    needed = make_wheel(wheels, "needed", "2.0", "more", "extra; extra == 'all'", "x; extra == 'x'")
    pin = make_wheel(wheels, "pinned", "1.0", "needed[all]>=2", "x; python_version < '3'")
    overlay = overlay_of(provide(tmp_path / "cache", locked(pin, more, needed, extra)))
    assert {path.stem for path in overlay.glob("*.py")} == {"pinned", "needed", "more", "extra"}


def test_nothing_but_the_dependencies_is_installed_from_the_file(
    tmp_path: Path, wheels: Path
) -> None:
    other = make_wheel(wheels, "other", "1.0")
    pin = make_wheel(wheels, "pinned", "1.0")
    overlay = overlay_of(provide(tmp_path / "cache", locked(pin, other)))
    assert [path.stem for path in overlay.glob("*.py")] == ["pinned"]


@pytest.mark.parametrize("which", ["own", "dependency"])
def test_another_file_than_the_pinned_one_is_an_error_and_is_asked_for_again(
    tmp_path: Path, wheels: Path, which: str
) -> None:
    needed = make_wheel(wheels, "needed", "2.0")
    pin = make_wheel(wheels, "pinned", "1.0", "needed")
    right = locked(pin, needed)
    wrong = Package(requirement="needed==2.0", version="2.0", hashes=(WRONG,))
    if which == "own":
        pin = wrong = Package(requirement="pinned==1.0", version="1.0", hashes=(WRONG,))
        wrong = needed
    answer = provide(tmp_path / "cache", locked(pin, wrong))
    assert isinstance(answer, Unprovided)
    assert answer.failure is ProvisionFailure.WRONG_HASH
    assert "hash" in answer.reason.lower()
    assert list((tmp_path / "cache").rglob("*.refused")) == []
    overlay_of(provide(tmp_path / "cache", right))


@pytest.mark.parametrize("needs", ["needed", "needed>2", "needed; python_version > '3'"])
def test_a_dependency_without_a_hash_says_which_line_to_add(
    tmp_path: Path, wheels: Path, needs: str
) -> None:
    old = make_wheel(wheels, "needed", "2.0")
    pin = make_wheel(wheels, "pinned", "1.0", needs)
    others = [old] if ">2" in needs else []
    answer = provide(tmp_path / "cache", locked(pin, *others))
    assert isinstance(answer, Unprovided)
    assert answer.failure is ProvisionFailure.WRONG_HASH
    assert answer.reason.startswith("pinned==1.0 is pinned with hashes and needs needed")
    assert "add a line for needed with its version and hashes" in answer.reason


def test_an_overlay_made_without_hashes_does_not_stand_for_one_with_hashes(
    tmp_path: Path, wheels: Path
) -> None:
    pin = make_wheel(wheels, "pinned", "1.0")
    plain = Package(requirement="pinned==1.0", version="1.0")
    overlays = {overlay_of(provide(tmp_path / "cache", each)) for each in (plain, locked(pin))}
    assert len(overlays) == 2


def test_a_file_changed_in_an_overlay_is_not_changed_in_the_installers_cache(
    tmp_path: Path, wheels: Path
) -> None:
    make_wheel(wheels, "pinned", "1.0")
    plain = Package(requirement="pinned==1.0", version="1.0")
    module = overlay_of(provide(tmp_path / "cache", plain)) / "pinned.py"
    with module.open("r+") as file:  # in place, as a linked file would be changed
        file.write("answer = 66")
    assert overlay_of(provide(tmp_path / "cache", plain)) == module.parent
    assert module.read_text() == "answer = 42\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that wants to decide where packages come from, as the current directory."""
    make_wheel(tmp_path / "planted", "planted", "1.0")
    links = (tmp_path / "planted").as_posix()
    place = tmp_path / "project"
    (place / "below").mkdir(parents=True)
    (place / "uv.toml").write_text(f"no-index = true\nfind-links = ['{links}']\n")
    (place / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {links}\n")
    (place / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("below", [".", "below"])
def test_a_project_cannot_redirect_an_installation(
    tmp_path: Path, wheels: Path, project: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    monkeypatch.chdir(project / below)
    answer = provide(Path("cache"), Package(requirement="planted==1.0", version="1.0"))
    assert isinstance(answer, Unprovided)
    assert answer.failure is ProvisionFailure.NOT_ON_INDEX
    make_wheel(wheels, "users", "1.0")
    found = provide(Path("cache"), Package(requirement="users==1.0", version="1.0"))
    assert overlay_of(found).is_relative_to("cache")
    assert not (tmp_path / "ran").exists()


def test_a_project_does_not_answer_which_versions_there_are(
    tmp_path: Path, wheels: Path, project: Path
) -> None:
    make_wheel(wheels, "users", "1.0")
    assert index.versions_on_index("users", RUNNING) == ("1.0",)
    assert not (tmp_path / "ran").exists()
