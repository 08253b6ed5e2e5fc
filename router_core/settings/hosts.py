"""Names under which a server may be called: how they are written, read and compared.

What is done with a request that uses another name is in serving/access.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

USUAL_PORTS: Final = {"http": 80, "https": 443}

_HOST: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/?#@\[\]\\,]+))(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Host:
    """A name or address in lower case, and the port where one was given."""

    name: str
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Host:
        """What a Host header says.

        Raises:
            ValueError: it is not ``name``, ``name:port``, ``[address]`` or ``[address]:port``.
        """
        found = _HOST.fullmatch(text)
        if found is None or int(found["port"] or 0) > 65_535:
            raise ValueError(f"{text[:80]!r} is not a host; write name or name:port, an IPv6 address in brackets")
        return cls(_plain(found["six"] or found["name"]), int(found["port"]) if found["port"] else None)

    @property
    def is_loopback(self) -> bool:
        """Whether it means the machine itself, whatever a name server says."""
        return self.name == "localhost" or is_loopback_address(self.name)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page came from: ``scheme`` is http or https, and there is always a port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Origin:
        """What an Origin header says.

        Raises:
            ValueError: it is "null" or something else that no page of a server has.
        """
        parts = urlsplit(text)
        if parts.scheme not in USUAL_PORTS or f"{parts.scheme}://{parts.netloc}".lower() != text.lower():
            raise ValueError(f"{text[:80]!r} is not the origin of a page that a server gave")
        host = Host.read(parts.netloc)
        return cls(parts.scheme, host.name, USUAL_PORTS[parts.scheme] if host.port is None else host.port)

    def is_at(self, host: Host) -> bool:
        """Whether this is the host and the port of a request; without a port it is the scheme's usual one."""
        port = USUAL_PORTS[self.scheme] if host.port is None else host.port
        return (self.host, self.port) == (host.name, port)


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry of a list of allowed hosts; ``*.`` at its beginning stands for every name below a domain."""

    host: Host

    @classmethod
    def read(cls, text: str) -> AllowedHost:
        """What somebody wrote into the list.

        Raises:
            ValueError: it is not a host, or stands for every host.
        """
        text = text.strip()
        host = Host(_plain(text)) if _is_address(text) else Host.read(text)
        if "*" in host.name.removeprefix("*.") or host.name == "*.":
            raise ValueError(
                f"{text[:80]!r} is too wide: any site could then read what is here; write the names that people"
                " use, as in router.example.com or *.example.com"
            )
        return cls(host)

    def allows(self, host: Host) -> bool:
        """Whether a request may use this host; an entry without a port allows every port."""
        usual = USUAL_PORTS.values()
        fits = self.host.port in (None, host.port) or (host.port is None and self.host.port in usual)
        return fits and self._names(host.name)

    def allows_origin(self, origin: Origin) -> bool:
        """Whether a page from there may call; an entry without a port means the usual port alone."""
        port = USUAL_PORTS[origin.scheme] if self.host.port is None else self.host.port
        return origin.port == port and self._names(origin.host)

    def _names(self, name: str) -> bool:
        if self.host.name.startswith("*."):
            return name.endswith(self.host.name[1:])
        return name == self.host.name


def is_loopback_address(text: str) -> bool:
    """Whether this is an address of the machine itself (127.0.0.0/8 or ::1)."""
    return _is_address(text) and ip_address(text).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    """One spelling per name: lower case, no dot at the end, as browsers send it."""
    if _is_address(name):
        return str(ip_address(name))
    name = name.lower().removesuffix(".")
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{name[:80]!r} is not the name of a host") from None
