"""Why an installation failed, according to the real output of uv 0.13 and pip 23."""

from __future__ import annotations

import pytest

from matrix.errors import ProvisionFailure
from matrix.stacks.installer import complaint, failure_in

UV_REFUSED_CONNECTION = """\
error: Failed to fetch: http://127.0.0.1:9/simple/apsw/
  cause: error sending request for url (http://127.0.0.1:9/simple/apsw/)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""
UV_NO_NAME = """\
error: Failed to fetch: http://no-such-host.invalid/simple/apsw/
  cause: error sending request for url (http://no-such-host.invalid/simple/apsw/)
  cause: client error (Connect)
  cause: dns error
  cause: error resolving DNS
  cause: failed to lookup address information: Name or service not known
"""
UV_SILENT_INDEX = """\
error: Failed to fetch: http://127.0.0.1:8766/simple/apsw/
  cause: error sending request for url (http://127.0.0.1:8766/simple/apsw/)
  cause: operation timed out
"""
UV_BROKEN_INDEX = """\
error: Failed to fetch: http://127.0.0.1:8765/simple/apsw/
  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1:8765/apsw/)
"""
UV_FORBIDDEN = """\
error: No solution found when resolving dependencies
  cause: Because apsw was not found in the package registry and you require apsw==1, we can \
conclude that your requirements are unsatisfiable.

hint: An index (http://127.0.0.1:8765/simple) returned a 403 Forbidden error. Check that the index \
URL is correct and the credentials are valid.
"""
UV_UNAUTHORIZED = """\
error: No solution found when resolving dependencies
  cause: Because apsw was not found in the package registry and you require apsw==1, we can \
conclude that your requirements are unsatisfiable.

hint: An index URL (http://127.0.0.1:8765/simple) could not be queried due to a lack of valid \
authentication credentials (401 Unauthorized)
"""
UV_OFFLINE = """\
error: No solution found when resolving dependencies
  cause: Because apsw was not found in the cache and you require apsw==3.48.0.0, we can conclude \
that your requirements are unsatisfiable.

hint: Packages were unavailable because the network was disabled. When the network is disabled, \
registry packages may only be read from the cache.
"""
UV_NO_PACKAGE = """\
error: No solution found when resolving dependencies
  cause: Because nothing was not found in the package registry and you require nothing==1, we can \
conclude that your requirements are unsatisfiable.
"""
UV_NO_VERSION = """\
error: No solution found when resolving dependencies
  cause: Because there is no version of apsw==0.0.1 and you require apsw==0.0.1, we can conclude \
that your requirements are unsatisfiable.
"""
UV_NO_WHEEL = """\
error: No solution found when resolving dependencies
  cause: Because apsw==3.38.5.post1 has no usable wheels and you require apsw==3.38.5.post1, we \
can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `apsw` because building from source is disabled for all packages \
(i.e., with `--no-build`)
"""
UV_OTHER_WHEELS = """\
error: No solution found when resolving dependencies
  cause: Because wh==1.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you \
require wh==1.0, we can conclude that your requirements are unsatisfiable.

hint: You require CPython 3.11 (`cp311`), but we only found wheels for `wh` (v1.0) with the \
following Python ABI tag: `cp38`
"""
UV_OTHER_PYTHON = """\
error: No solution found when resolving dependencies
  cause: Because the current Python version (3.11.7) does not satisfy Python>=3.99 and rp==1.0 \
depends on Python>=3.99, we can conclude that rp==1.0 cannot be used.
         And because you require rp==1.0, we can conclude that your requirements are unsatisfiable.
"""
UV_FULL_DISK = """\
error: Failed to install: apsw-3.48.0.0-cp311-cp311-manylinux_2_17_x86_64.whl (apsw==3.48.0.0)
  cause: Failed to copy to `small/t/apsw/__init__.pyi`
  cause: failed to copy file from /cache/apsw/__init__.pyi to /small/t/apsw/.tmpzY8chS: No space \
left on device (os error 28)
"""
UV_BROKEN_SOURCE = """\
error: Failed to download and build `sd==1.0`
  cause: Failed to extract archive: sd==1.0
  cause: Invalid tar file
"""
PIP_REFUSED_CONNECTION = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at \
0x7f15838b33d0>: Failed to establish a new connection: [Errno 111] Connection refused')': \
/simple/apsw/
ERROR: No matching distribution found for apsw
"""
PIP_NO_VERSION = """\
ERROR: Could not find a version that satisfies the requirement apsw==3.1 (from versions: none)
ERROR: No matching distribution found for apsw==3.1
"""
PIP_OTHER_PYTHON = """\
ERROR: Ignored the following versions that require a different python version: 1.0 Requires-Python \
>=3.99
ERROR: Could not find a version that satisfies the requirement rp==1.0 (from versions: none)
ERROR: No matching distribution found for rp==1.0
"""
PIP_LOST_FILE = """\
  ERROR: HTTP error 404 while getting http://127.0.0.1:8765/simple/bad/bad-1.0-py3-none-any.whl
ERROR: Could not install requirement bad==1.0 from http://127.0.0.1:8765/simple/bad/\
bad-1.0-py3-none-any.whl because of HTTP error 404 Client Error: Not Found for url
"""

SAID = {
    ProvisionFailure.INDEX_UNREACHED: (
        UV_REFUSED_CONNECTION,
        UV_NO_NAME,
        UV_SILENT_INDEX,
        UV_BROKEN_INDEX,
        UV_FORBIDDEN,
        UV_UNAUTHORIZED,
        UV_OFFLINE,
        PIP_REFUSED_CONNECTION,
    ),
    ProvisionFailure.NOT_ON_INDEX: (
        UV_NO_PACKAGE,
        UV_NO_VERSION,
        PIP_NO_VERSION,
        PIP_OTHER_PYTHON,
    ),
    ProvisionFailure.NO_WHEEL: (UV_NO_WHEEL, UV_OTHER_WHEELS),
    ProvisionFailure.NOT_FOR_PYTHON: (UV_OTHER_PYTHON,),
    ProvisionFailure.INSTALL_FAILED: (UV_FULL_DISK, UV_BROKEN_SOURCE, PIP_LOST_FILE, ""),
}


@pytest.mark.parametrize(
    ("text", "failure"), [(text, failure) for failure, texts in SAID.items() for text in texts]
)
def test_what_an_installer_writes_has_one_meaning(text: str, failure: ProvisionFailure) -> None:
    assert failure_in(text) is failure


def test_the_name_of_a_package_is_no_reason() -> None:
    text = UV_NO_VERSION.replace("apsw", "fetch-connect-network")
    assert failure_in(text) is ProvisionFailure.NOT_ON_INDEX


def test_the_final_message_of_an_installer_is_one_line_without_addresses() -> None:
    assert complaint(PIP_NO_VERSION) == "ERROR: No matching distribution found for apsw==3.1"
    assert complaint(UV_SILENT_INDEX).startswith("error: Failed to fetch: the index cause: error")
    assert complaint("") == "could not be installed"
