"""Hosts, origins and the entries of a list of allowed hosts: how they are read and compared."""

from __future__ import annotations

import pytest

from router_core.settings.hosts import AllowedHost, Host, Origin, is_loopback_address


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Router.Example.", Host("router.example")),
        ("router.example:8501", Host("router.example", 8501)),
        ("[::1]:8501", Host("::1", 8501)),
        ("[0:0:0:0:0:0:0:1]", Host("::1")),
        ("127.0.0.1:80", Host("127.0.0.1", 80)),
        ("bücher.example", Host("xn--bcher-kva.example")),
    ],
)
def test_a_host_has_one_spelling(text: str, host: Host) -> None:
    """However it was written."""
    assert Host.read(text) == host


@pytest.mark.parametrize(
    "text", ["", "a b", "a/b", "user@host", "::1", "host:", "host:x", "host:70000", "[::1", "a,b"]
)
def test_what_is_not_a_host_is_refused(text: str) -> None:
    """The value, and how a host is written."""
    with pytest.raises(ValueError, match="is not a host; write name or name:port"):
        Host.read(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("localhost:1", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("2130706433", False),
    ],
)
def test_loopback(text: str, is_one: bool) -> None:
    """Only what no name server can send elsewhere."""
    assert Host.read(text).is_loopback is is_one


@pytest.mark.parametrize("text", ["null", "", "file://", "ftp://a", "http://a/b", "http://u@a", "http://", "a:80"])
def test_what_no_server_gave_is_no_origin(text: str) -> None:
    """A sandboxed frame and a file say null."""
    with pytest.raises(ValueError, match=r"is not (the origin|a host)"):
        Origin.read(text)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://a:8501", "a:8501", True),
        ("http://A", "a", True),
        ("https://a", "a:443", True),
        ("http://[::1]:1", "[::1]:1", True),
        ("http://a:8502", "a:8501", False),
        ("http://a", "a:8501", False),
        ("http://localhost:1", "127.0.0.1:1", False),
        ("http://a.evil:1", "a:1", False),
    ],
)
def test_the_same_host_and_port(origin: str, host: str, same: bool) -> None:
    """Another port is another program."""
    assert Origin.read(origin).is_at(Host.read(host)) is same


@pytest.mark.parametrize(
    ("entry", "host", "allowed"),
    [
        ("router.example", "router.example:8501", True),
        ("Router.example:8501", "router.example:8501", True),
        ("router.example:8501", "router.example:8502", False),
        ("router.example:443", "router.example", True),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("*.example", "evilexample", False),
        ("::1", "[::1]:8", True),
        ("10.0.0.5", "10.0.0.5:8501", True),
        ("10.0.0.5", "10.0.0.50", False),
    ],
)
def test_an_entry_allows_hosts(entry: str, host: str, allowed: bool) -> None:
    """Whole names; without a port every port."""
    assert AllowedHost.read(entry).allows(Host.read(host)) is allowed


@pytest.mark.parametrize(
    ("entry", "origin", "allowed"),
    [
        ("a.example", "https://a.example", True),
        ("a.example", "http://a.example:9000", False),
        ("a.example:9000", "http://a.example:9000", True),
        ("*.example", "https://b.example", True),
        ("a.example", "https://b.example", False),
    ],
)
def test_an_entry_allows_origins(entry: str, origin: str, allowed: bool) -> None:
    """Another port of an allowed host needs its own entry."""
    assert AllowedHost.read(entry).allows_origin(Origin.read(origin)) is allowed


@pytest.mark.parametrize("text", ["*", "*:8501", "*.", "a.*", "**.example"])
def test_no_entry_stands_for_every_host(text: str) -> None:
    """The list would then be none."""
    with pytest.raises(ValueError, match="is too wide"):
        AllowedHost.read(text)


def test_addresses_of_this_machine() -> None:
    """Names are not addresses, not even localhost."""
    found = [one for one in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "") if is_loopback_address(one)]
    assert found == ["127.0.0.1", "::1"]
