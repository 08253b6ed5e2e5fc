"""What a provider may send: so many bytes, unpacked, and no redirect that takes the prompt elsewhere.

A reply is unpacked in small pieces and counted as it is read, so that neither a reply without an end nor a packed
one fills the memory. Of a reply that is an error only the beginning is read: its status is what counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
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
    response.stream = _Counted(_packed(response))


async def aread_within_limits(response: httpx2.Response) -> None:
    """The same hook for a client that is awaited.

    Raises:
        RequestRejectedError: the redirect leads to another host, or asks for the prompt to be left out.
    """  # fmt: skip
    response.stream = _AsyncCounted(_packed(response))


def _packed(response: httpx2.Response) -> httpx2.Response:
    """The body as it comes, to be unpacked and counted; from now on the response itself has nothing to unpack."""
    if response.has_redirect_location:
        _require_same_host(response)
    packed = httpx2.Response(
        response.status_code, headers=response.headers, stream=response.stream, request=response.request
    )
    response.headers.pop("content-encoding", None)
    return packed


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
        limits = _Limits(self._packed)
        for part in self._packed.iter_bytes():
            for piece in limits.counted(part):
                if passed():
                    raise httpx2.ReadTimeout("still answering at the deadline", request=self._packed.request)
                yield piece
            if limits.enough:
                return

    def close(self) -> None:
        self._packed.close()


class _AsyncCounted(httpx2.AsyncByteStream):
    def __init__(self, packed: httpx2.Response) -> None:
        self._packed = packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        limits = _Limits(self._packed)
        async for part in self._packed.aiter_bytes():
            for piece in limits.counted(part):
                yield piece
            if limits.enough:
                return

    async def aclose(self) -> None:
        await self._packed.aclose()


class _Limits:
    """Counts what a reply brings; ``enough``: of an error, no more needs to be read."""

    def __init__(self, packed: httpx2.Response) -> None:
        self.enough = False
        self._failed = packed.status_code >= 400
        self._streamed = packed.headers.get("content-type", "").startswith("text/event-stream")
        self._whole = MOST_STREAMED_BYTES if self._streamed else MOST_BYTES
        self._event = self._total = 0
        self._end = b""

    def counted(self, part: bytes) -> Iterator[bytes]:
        """The same in small pieces.

        Raises:
            MalformedResponseError: it is too large.
        """
        for start in range(0, len(part), _PIECE):
            if self._failed and self._total >= MOST_ERROR_BYTES:
                self.enough = True
                return
            piece = part[start : start + _PIECE]
            self._total += len(piece)
            if self._streamed:
                self._event = _since_event(self._end, piece, self._event)
                self._end = (self._end + piece)[-3:]
            if self._total > self._whole or self._event > MOST_BYTES:
                over = self._total > self._whole
                raise _too_large(self._whole if over else MOST_BYTES, self._streamed and not over)
            yield piece


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
