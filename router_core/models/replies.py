"""What a provider may send: so many bytes, unpacked, and no redirect that takes the prompt elsewhere.

A reply is unpacked in small pieces and counted as it is read, so that neither a reply without an end nor a packed
one fills the memory. Of a reply that is an error only the beginning is read: its status is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import httpx2

from router_core.errors import MalformedResponseError, RequestRejectedError
from router_core.models.deadline import passed

MOST_BYTES: Final = 16 * 2**20
"""Of a whole reply, or of one event of a stream, unpacked. Its objects take up to forty times as much memory."""
MOST_STREAMED_BYTES: Final = 4 * MOST_BYTES
"""Of all events of a stream together, unpacked."""
MOST_ERROR_BYTES: Final = 2**16

_PIECE: Final = 2**16
_EVENT_ENDS: Final = (b"\n\n", b"\r\r", b"\r\n\r\n")
_KEEP_METHOD: Final = (307, 308)


def read_within_limits(response: httpx2.Response) -> None:
    """A response hook of the HTTP client: refuse a redirect that would carry the prompt elsewhere, and put the
    body under its limits.

    Raises:
        RequestRejectedError: the redirect leads to another host, or asks for the prompt to be left out.
    """  # fmt: skip
    if response.has_redirect_location:
        _require_same_host(response)
    packed = httpx2.Response(
        response.status_code, headers=response.headers, stream=response.stream, request=response.request
    )
    response.stream = _Counted(packed)
    response.headers.pop("content-encoding", None)


def _require_same_host(response: httpx2.Response) -> None:
    here = response.request.url
    try:
        there = here.join(response.headers["location"])
    except httpx2.InvalidURL:
        raise RequestRejectedError(
            f"The server at {here.host} redirects to an address that cannot be read; check the provider's address"
        ) from None
    upgraded = (here.scheme, there.scheme) == ("http", "https") and (here.port, there.port) == (None, None)
    same = here.host == there.host and (upgraded or (here.scheme, here.port) == (there.scheme, there.port))
    if same and response.status_code in _KEEP_METHOD:
        return
    shown = f"{there.scheme}://{there.netloc.decode('ascii', 'replace').rpartition('@')[2]}{there.path}"[:200]
    what = "the prompt is not sent there" if not same else "a redirect of this kind leaves the prompt out"
    raise RequestRejectedError(
        f"The server at {here.host} redirects ({response.status_code}) to {shown}; {what}. If that is right, enter"
        " it as the provider's address"
    )


class _Counted(httpx2.SyncByteStream):
    def __init__(self, packed: httpx2.Response) -> None:
        self._packed = packed

    def __iter__(self) -> Iterator[bytes]:
        failed = self._packed.status_code >= 400
        streamed = self._packed.headers.get("content-type", "").startswith("text/event-stream")
        whole = MOST_STREAMED_BYTES if streamed else MOST_BYTES
        event = total = 0
        end = b""
        for part in _pieces(self._packed):
            if failed and total >= MOST_ERROR_BYTES:
                return
            if passed():
                raise httpx2.ReadTimeout("still answering at the deadline", request=self._packed.request)
            total += len(part)
            if streamed:
                event = _since_event(end, part, event)
                end = (end + part)[-3:]
            if total > whole or event > MOST_BYTES:
                raise _too_large(whole if total > whole else MOST_BYTES, streamed and total <= whole)
            yield part

    def close(self) -> None:
        self._packed.close()


def _pieces(packed: httpx2.Response) -> Iterator[bytes]:
    for part in packed.iter_bytes():
        for start in range(0, len(part), _PIECE):
            yield part[start : start + _PIECE]


def _since_event(before: bytes, part: bytes, counted: int) -> int:
    """How many bytes came since the last event ended."""
    joined = before + part
    ended = max((found + len(end) for end in _EVENT_ENDS if (found := joined.rfind(end)) >= 0), default=-1)
    return counted + len(part) if ended <= len(before) else len(joined) - ended


def _too_large(most: int, event: bool) -> MalformedResponseError:
    what = "One event of the answer" if event else "The answer"
    return MalformedResponseError(
        f"{what} is larger than {most // 2**20} MB unpacked, so the rest was not read; ask for less, such as fewer"
        " choices or no log probabilities"
    )
