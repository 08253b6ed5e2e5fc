"""A file of scored answers read in a process of its own, which may fail, hang or fill its memory alone.

The process gets the file as its standard input and an environment without keys. What it writes on its standard
output is frames: a letter, a length, and so many bytes, which are JSON or an Arrow stream of one batch. Only data
comes back, never objects to be executed.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, BinaryIO, Final

import pyarrow as pa

from router_core.errors import EvaluationError
from router_core.evaluation.files.csv_rows import Ragged, Take
from router_core.evaluation.files.encodings import Encoding, WrongEncodingError
from router_core.evaluation.files.files import Located, located
from router_core.evaluation.files.limits import (
    MEMORY,
    DataFileError,
    most_held,
    most_seconds,
    out_of_memory,
    too_large,
    too_long,
)
from router_core.evaluation.files.rows import Read, read_rows
from router_core.evaluation.progress import Watch

_FRAME: Final = struct.Struct(">cQ")
_READY, _TOLD, _ROWS, _READ, _FAILED = b"y", b"t", b"r", b"e", b"f"
_LOOK_S: Final = 0.1  # how often it is asked whether the rows are still wanted
_START_S: Final = 60.0  # for the interpreter to start, on the busiest machine
_PATIENCE: Final = 5.0  # how much longer than its time of the processor it may take, where others are at work
_PIECE: Final = 1 << 20
_PROGRAM: Final = f"import sys; sys.path += sys.argv[3:]; from {__name__} import main; main(*sys.argv[1:3])"
"""Our paths come behind Python's own: in a folder of scripts a file may be named like one of its modules."""
_KEPT: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")


def read_apart(place: Located, encoding: Encoding, watch: Watch, take: Take) -> Read:
    """As ``rows.read_rows``, in another process with a limit of memory and of seconds.

    Raises:
        DataFileError: also when it takes too long or too much memory, or breaks off.
        WrongEncodingError, CancelledError: as ``read_rows``.
    """
    command = [sys.executable, "-P", "-c", _PROGRAM, place.name, encoding, *(one for one in sys.path if one)]
    with (
        _as_input(place) as given,
        Popen(command, stdin=given, stdout=PIPE, stderr=DEVNULL, env=_environment()) as child,
    ):
        pipe = _Pipe(place, child, watch)
        held = 0
        try:
            while True:
                kind, length = _FRAME.unpack(pipe.read(_FRAME.size))
                held += length
                if held > most_held(place.size):
                    raise too_large(place.name, most_held(place.size))
                data = pipe.read(length)
                if kind == _ROWS:
                    take(pa.ipc.open_stream(data).read_next_batch())
                elif kind == _READY:
                    pipe.deadline = time.monotonic() + _PATIENCE * most_seconds(place.size)
                elif kind == _TOLD:
                    watch(*json.loads(data))
                elif kind == _READ:
                    used, ragged = json.loads(data)
                    return Read(used, tuple(Ragged(*one) for one in ragged))
                else:
                    message, *where = json.loads(data)
                    raise WrongEncodingError(message, *where) if where else DataFileError(message)
        finally:
            child.kill()


class _Pipe:
    """Reads what a process writes, asking now and then whether that is still wanted and not too late."""

    def __init__(self, place: Located, child: Popen[bytes], watch: Watch) -> None:
        assert child.stdout is not None
        self._place, self._child, self._watch = place, child, watch
        self._number = child.stdout.fileno()
        self.deadline = time.monotonic() + _START_S

    def read(self, size: int) -> bytearray:
        """So many bytes.

        Raises:
            DataFileError: they do not come in time, or the process has ended.
            CancelledError: nobody wants them any more.
        """
        found = bytearray(size)
        left = memoryview(found)
        while left:
            self._watch.stop_if_cancelled()
            if time.monotonic() > self.deadline:
                raise self._late()
            if select.select([self._number], [], [], _LOOK_S)[0]:
                count = os.readv(self._number, [left[:_PIECE]])
                if not count:
                    raise self._ended()
                left = left[count:]
        return found

    def _late(self) -> DataFileError:
        return too_long(self._place.name, most_seconds(self._place.size))

    def _ended(self) -> DataFileError:
        if -self._child.wait() == getattr(signal, "SIGXCPU", 0):
            return self._late()
        return DataFileError(
            f"{self._place.name} cannot be read: what reads it broke off; export it again as plain CSV"
        )


@contextmanager
def _as_input(place: Located) -> Iterator[BinaryIO]:
    """The file as one that another process can be given; an upload is written to one without a name."""
    if not isinstance(place.origin, bytes):
        with place.raw() as raw:
            yield raw
        return
    try:
        with tempfile.TemporaryFile() as upload:
            upload.write(place.origin)
            upload.flush()
            yield upload
    except OSError as error:
        raise DataFileError(
            f"{place.name} cannot be put aside for reading ({error.strerror}); make room on the disk"
        ) from None


def _environment() -> dict[str, str]:
    """What another interpreter needs to find the same packages, and nothing that could be a key."""
    ours = str(Path(__file__).parents[3])
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PYTHONPATH": ours,
        "PYTHONDONTWRITEBYTECODE": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # others take address space in advance
        "MALLOC_ARENA_MAX": "1",
    }


def main(name: str, encoding: Encoding) -> None:
    """What the other process does."""
    out = sys.stdout.buffer

    def send(kind: bytes, data: bytes | memoryview) -> None:
        out.write(_FRAME.pack(kind, len(data)))
        out.write(data)
        out.flush()

    def say(kind: bytes, value: Any) -> None:
        send(kind, json.dumps(value).encode())

    def take(batch: Any) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        send(_ROWS, memoryview(sink.getvalue()))

    watch = Watch(lambda fraction, words: say(_TOLD, [fraction, words]))
    try:
        place = located(0, name)
        _limit(most_seconds(place.size))
        say(_READY, None)
        found = read_rows(place, encoding, watch, take)
        say(_READ, [found.encoding, [[one.row, one.cells, one.expected, one.text] for one in found.ragged]])
    except WrongEncodingError as error:
        say(_FAILED, [str(error), error.byte, error.line])
    except EvaluationError as error:
        say(_FAILED, [str(error)])
    except MemoryError:
        say(_FAILED, [str(out_of_memory(name))])


def _limit(seconds: float) -> None:
    """Let this process take so much more memory and time than now; systems without such limits have the others."""
    try:
        import resource

        memory = MEMORY + int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        until = math.ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (until, until + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, OSError, ValueError):
        pass
