"""A limit in dollars that is never exceeded: what a call may cost at most is set aside before it is made."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock


class Purse:
    """What may be spent, was spent and is set aside. Thread-safe.

    Args:
        limit_usd: in all; None: as much as it takes.
        spent_usd: so far.
    """

    def __init__(self, limit_usd: Decimal | None, spent_usd: Decimal = Decimal(0)) -> None:
        self.limit_usd, self.spent_usd = limit_usd, spent_usd
        self._aside = Decimal(0)
        self._lock = Lock()

    def set_aside(self, most_usd: Decimal | None) -> bool:
        """Whether a call that costs at most this may be made; if so, that is set aside.

        ``most_usd`` None (nobody knows) may be spent only where there is no limit.
        """
        with self._lock:
            if self.limit_usd is None:
                return True
            if most_usd is None or self.spent_usd + self._aside + most_usd > self.limit_usd:
                return False
            self._aside += most_usd
            return True

    def pay(self, most_usd: Decimal | None, cost_usd: Decimal | None) -> None:
        """What a call cost in the end; unknown (None) counts as the most that it may have."""
        with self._lock:
            if self.limit_usd is not None and most_usd is not None:
                self._aside -= most_usd
            paid = most_usd if cost_usd is None else cost_usd
            self.spent_usd += paid or Decimal(0)
