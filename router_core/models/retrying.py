"""Whether a failed call is tried again, and after how long. Pure: it neither waits nor reads a clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from router_core.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError, RateLimitError

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0


@dataclass
class RetryPlan:
    """The tries of one call, all within one limit.

    Args:
        tries: at most so many, the first included.
        limit_s: seconds for all of them and the waits between.
        uniform: draws between two numbers; for tests.

    ``failed`` counts the tries that failed, ``unpriced`` those of them that the provider may have billed.
    """

    tries: int
    limit_s: float
    uniform: Callable[[float, float], float] = random.uniform
    failed: int = 0
    unpriced: int = 0

    def wait_s(self, failure: ProviderError, elapsed_s: float) -> float | None:
        """Count a failure. Seconds to wait before the next try, or None: there is none, and the failure, which
        then says whether any try may have been billed, is raised.

        As long as the provider asks; else a random time that may be twice as long after each failure, so that many
        callers do not come back at once.

        Args:
            failure: of the try that just ended.
            elapsed_s: since the first try began.
        """  # fmt: skip
        self.failed += 1
        self.unpriced += failure.maybe_billed
        failure.maybe_billed = self.unpriced > 0
        again = isinstance(failure, RateLimitError | ProviderUnavailableError | ProviderTimeoutError)
        if not again or self.failed >= self.tries:
            return None
        wish = getattr(failure, "retry_after_s", None)
        longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.failed, 10))
        wait = self.uniform(_FIRST_WAIT_S / 2, longest) if wish is None else wish
        return wait if wait < self.limit_s - elapsed_s else None
