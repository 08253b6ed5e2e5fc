"""Work in threads of its own, found again by its id: calls of models and evaluations alike.

What the work is, how it is stopped and what is told of it stands where it is done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar


class Background:
    """One piece of work in a thread of its own, which does not keep the program from ending.

    Args:
        run: the work; called once. What it raises is its own business.
        name: of the thread.
    """

    def __init__(self, run: Callable[[], None], name: str) -> None:
        self._over = Event()
        self._run_once = run
        self._thread = Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._over.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended, at most so long; whether it has."""
        return self._over.wait(seconds)

    def _live(self) -> None:
        try:
            self._run_once()
        finally:
            self._over.set()


Piece = TypeVar("Piece", bound=Background)


class Started(Generic[Piece]):
    """Pieces of work by id. Of what has ended the oldest is forgotten first; what runs never is.

    Args:
        most: so many ended pieces are remembered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: OrderedDict[str, Piece] = OrderedDict()
        self._lock = Lock()

    def start(
        self, id_: str, make: Callable[[], Piece], again: Callable[[Piece], bool] = lambda piece: False
    ) -> Piece:
        """The piece of this id; made, and so started, where there is none or ``again`` asks for another."""
        with self._lock:
            known = self._pieces.get(id_)
            if known is None or again(known):
                known = self._pieces[id_] = make()
            self._pieces.move_to_end(id_)
            ended = [name for name, piece in self._pieces.items() if piece.ended and name != id_]
            for name in ended[: max(0, len(ended) - self._most)]:
                del self._pieces[name]
            return known

    def get(self, id_: str) -> Piece | None:
        """Work that was started, or None."""
        with self._lock:
            return self._pieces.get(id_)
