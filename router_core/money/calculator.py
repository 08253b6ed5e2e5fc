"""What a month of traffic costs: all to the cheap model, all to the strong one, or routed between them.

Exact arithmetic on list prices. See accounting.py for retries, caching of prompts and discounts for volume; what
really was spent is in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from router_core.errors import RouterError
from router_core.money.pricing import MILLION
from router_core.types import Price

Number = int | float | Decimal

DAYS_PER_YEAR = 365
MONTHS_PER_YEAR = 12
LARGEST = 10**12
"""Most requests a day, or tokens a request, that are calculated with."""


class CalculatorError(RouterError):
    """A row of the calculator, or the cost of a classifier call, is no possible number."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of traffic: requests a day, tokens of one request, and the share [0, 1] that is simple.

    Fractions are allowed everywhere: means are not whole.

    Raises:
        CalculatorError: a number is negative, not finite or too large, or the share is outside [0, 1].
    """

    requests_per_day: Number
    input_tokens: Number
    output_tokens: Number
    simple_share: Number

    def __post_init__(self) -> None:
        _checked("requests_per_day", self.requests_per_day, LARGEST)
        _checked("input_tokens", self.input_tokens, LARGEST)
        _checked("output_tokens", self.output_tokens, LARGEST)
        _checked("simple_share", self.simple_share, 1)


@dataclass(frozen=True, slots=True)
class ClassifierCall:
    """One call of a classifier, made for every request. ``cost_usd`` is in US dollars, None where unknown.

    Raises:
        CalculatorError: the cost is negative or not finite.
    """

    cost_usd: Decimal | None

    def __post_init__(self) -> None:
        if self.cost_usd is not None:
            _checked("the cost of a classifier call", self.cost_usd, LARGEST)


@dataclass(frozen=True, slots=True)
class Money:
    """US dollars for the same traffic over three times: a month is a twelfth of 365 days."""

    per_day: Decimal

    @property
    def per_month(self) -> Decimal:
        """365/12 days; rounded to 28 digits where that is no finite decimal fraction."""
        return self.per_year / MONTHS_PER_YEAR

    @property
    def per_year(self) -> Decimal:
        """365 days."""
        return self.per_day * DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class RequestCost:
    """One request of a row, in US dollars; ``times`` is strong over cheap, None where that is not defined."""

    cheap_usd: Decimal | None
    strong_usd: Decimal | None

    @property
    def times(self) -> Decimal | None:
        """How many times the cheap model's cost the strong one costs."""
        if self.cheap_usd is None or self.strong_usd is None or self.cheap_usd == 0:
            return None
        return self.strong_usd / self.cheap_usd


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all rows cost together; each figure is None where a price that it needs is unknown.

    ``routed`` sends each row's simple share to the cheap model and the rest to the strong one, and pays
    ``classifier`` (zero where there is none) for every request. ``saved`` is ``all_strong`` less ``routed``:
    negative where routing costs more. ``requests`` has the cost of one request for each row.
    """

    requests: tuple[RequestCost, ...]
    all_cheap: Money | None
    all_strong: Money | None
    routed: Money | None
    classifier: Money | None
    saved: Money | None


@dataclass(frozen=True, slots=True)
class BreakEven:
    """When a classifier call pays, against sending everything to the strong model.

    ``share``: the share of requests that must move from strong to cheap for the call to cost nothing; above 1
    (or infinite, where the cheap model is no cheaper) it never pays. ``saved_per_moved_usd``: what one moved
    request saves. ``net_per_call_usd``: what one classifier call saves on the rows' own simple share, its cost
    paid; negative where it costs more than it saves. None where a price is unknown or there is no request.
    """

    share: Decimal | None
    saved_per_moved_usd: Decimal | None
    net_per_call_usd: Decimal | None


def estimate(
    rows: Sequence[Workload], cheap: Price | None, strong: Price | None, classifier: ClassifierCall | None = None
) -> Estimate:
    """What the traffic costs, each way.

    Args:
        rows: kinds of traffic.
        cheap: price of the model for simple requests; None where unknown.
        strong: price of the model for the others; None where unknown.
        classifier: the call that tells them apart; None for routing that costs nothing (rules, Thompson).
    """
    daily, simple = _counts(rows)
    complex_ = [count - moved for count, moved in zip(daily, simple, strict=True)]
    all_strong = _total(rows, daily, strong)
    deciding = _deciding(sum(daily, Decimal(0)), classifier)
    routed = _sum(_total(rows, simple, cheap), _total(rows, complex_, strong), deciding)
    return Estimate(
        requests=tuple(RequestCost(_call_usd(row, cheap), _call_usd(row, strong)) for row in rows),
        all_cheap=_total(rows, daily, cheap),
        all_strong=all_strong,
        routed=routed,
        classifier=deciding,
        saved=None if all_strong is None or routed is None else Money(all_strong.per_day - routed.per_day),
    )


def classifier_break_even(
    rows: Sequence[Workload], cheap: Price | None, strong: Price | None, classifier: ClassifierCall
) -> BreakEven:
    """From which share of moved requests a classifier call pays.

    With c the cost of a call and d the mean of strong less cheap over the requests that move, a share s saves
    s * d - c per request: the break-even is c / d. The mean is over the rows' simple requests (over all of
    them where none is simple), because those are the ones that move.

    Args:
        rows: kinds of traffic.
        cheap: price of the model for simple requests; None where unknown.
        strong: price of the model for the others; None where unknown.
        classifier: the call that is made for every request.
    """
    daily, simple = _counts(rows)
    moving = simple if any(simple) else daily
    if cheap is None or strong is None or not any(moving):
        return BreakEven(None, None, None)
    gaps = [_cost_usd(row, strong) - _cost_usd(row, cheap) for row in rows]
    gap = sum((n * by for n, by in zip(moving, gaps, strict=True)), Decimal(0)) / sum(moving, Decimal(0))
    call = classifier.cost_usd
    if call is None:
        return BreakEven(None, gap, None)
    saved = sum((n * by for n, by in zip(simple, gaps, strict=True)), Decimal(0)) / sum(daily, Decimal(0))
    share = call / gap if gap > 0 else Decimal("Infinity" if call else 0)
    return BreakEven(share, gap, saved - call)


def _counts(rows: Sequence[Workload]) -> tuple[list[Decimal], list[Decimal]]:
    """Requests a day for each row: all of them, and the simple ones."""
    daily = [_decimal(row.requests_per_day) for row in rows]
    return daily, [count * _decimal(row.simple_share) for count, row in zip(daily, rows, strict=True)]


def _total(rows: Sequence[Workload], counts: Sequence[Decimal], price: Price | None) -> Money | None:
    if price is None:
        return None
    costs = (count * _cost_usd(row, price) for count, row in zip(counts, rows, strict=True))
    return Money(sum(costs, Decimal(0)))


def _sum(*parts: Money | None) -> Money | None:
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total += part.per_day
    return Money(total)


def _call_usd(row: Workload, price: Price | None) -> Decimal | None:
    return None if price is None else _cost_usd(row, price)


def _cost_usd(row: Workload, price: Price) -> Decimal:
    """One request of the row: tokens times price, as in pricing.cost_usd, for fractions of tokens too."""
    return (
        _decimal(row.input_tokens) * price.input_usd_per_million_tokens
        + _decimal(row.output_tokens) * price.output_usd_per_million_tokens
    ) / MILLION


def _deciding(requests_per_day: Decimal, classifier: ClassifierCall | None) -> Money | None:
    if classifier is None:
        return Money(Decimal(0))
    return None if classifier.cost_usd is None else Money(requests_per_day * classifier.cost_usd)


def _decimal(value: Number) -> Decimal:
    """The number as it is written: 0.1 is a tenth."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _checked(name: str, value: Number, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise CalculatorError(f"{name} is {value!r}; give a number from 0 to {most:,}")
    if not _decimal(value).is_finite() or not 0 <= value <= most:
        raise CalculatorError(f"{name} is {value}; give a number from 0 to {most:,}")
