"""The name of a stack: `driver==version[sqlite=…,uri=off,sqlalchemy=2.1.9]@3.11`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.version import Version

from matrix.model.fingerprint import Fingerprint
from matrix.model.versions import version_of

_DRIVERS = ("sqlite3", "pysqlite3", "apsw")
_URI_DEFAULTS = ("", "off", "on")
_FORM = re.compile(
    r"(?P<driver>[^=\[\]@]+)(?:==(?P<version>[^\[\]@]+))?"
    r"(?:\[(?P<options>[^\[\]]*)\])?(?:@(?P<python>[0-9]{1,3}\.[0-9]{1,3}))?"
)
_OWN_OPTIONS = ("os", "sqlite", "uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackId:
    """The parts of a stack's name; empty for what is not said.

    `options` holds `sqlite`, `uri`, the middleware by its name, and in merged results `os`;
    an option without `=` is empty.
    """

    driver: str
    version: str = ""
    options: Mapping[str, str]
    python: str = ""

    @classmethod
    def parse(cls, text: str) -> StackId | None:
        """Take a name apart; None if it has another form."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            return None
        pairs = (item.partition("=") for item in (found["options"] or "").split(",") if item)
        return cls(
            driver=found["driver"],
            version=found["version"] or "",
            options={name.strip(): value.strip() for name, _, value in pairs},
            python=found["python"] or "",
        )

    @classmethod
    def of(cls, name: str) -> StackId:
        """The parts of a stack's name; a name of another form is that of a driver."""
        return cls.parse(name) or cls(driver=name, options={})

    def __str__(self) -> str:
        version = f"=={self.version}" if self.version else ""
        options = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.driver}{version}{f'[{options}]' if options else ''}@{self.python}"

    @property
    def middleware(self) -> str | None:
        """What stands on top of the driver, if anything does."""
        return next((name for name in self.options if name not in _OWN_OPTIONS), None)

    def as_probed(self, probed: Fingerprint) -> StackId:
        """The name with the versions that it leaves out, as the probe found them."""
        options = dict(self.options)
        if self.middleware is not None:
            options[self.middleware] = options[self.middleware] or probed.middleware_version or ""
        of_driver = probed.driver_version if probed.distribution is not None else ""
        return replace(
            self,
            version=self.version or of_driver,
            options=options,
            python=self.python or ".".join(probed.python.split(".")[:2]),
        )

    @property
    def order(self) -> tuple[object, ...]:
        """A sort key: known drivers first, bare first, versions as versions, as built first."""
        middleware = self.middleware or ""
        uri = self.options.get("uri", "")
        return (
            _DRIVERS.index(self.driver) if self.driver in _DRIVERS else len(_DRIVERS),
            self.driver,
            middleware,
            _version_order(self.options.get(middleware, "")),
            _version_order(self.version),
            _version_order(self.options.get("sqlite", "")),
            _version_order(self.python),
            _URI_DEFAULTS.index(uri) if uri in _URI_DEFAULTS else len(_URI_DEFAULTS),
        )


def stack_order(text: str) -> tuple[object, ...]:
    """The sort key of a stack's name; a name of another form is a driver's."""
    parsed = StackId.of(text)
    return (*parsed.order, text)


def _version_order(text: str) -> tuple[bool, Version, str]:
    version = version_of(text or "0")
    return (True, Version("0"), text) if version is None else (bool(text), version, "")
