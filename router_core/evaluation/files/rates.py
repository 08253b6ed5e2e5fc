"""Prices of models that are named as in somebody's file: gpt-4o-2024-08-06, mistralai/Mixtral-8x7B-Instruct-v0.1.

See estimating.py for tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from router_core.money.book import bundled_id
from router_core.money.pricing import PriceBook
from router_core.settings import GoalSettings, Settings
from router_core.types import Price

_HOSTS: Final = ("together", "openrouter")
"""Who sells open models under the names that they are published by (owner/model)."""

_SUFFIXES: Final = (
    re.compile(r"[-@:_](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4})$"),  # a date
    re.compile(r"[-_]v\d+(\.\d+)*$", re.I),
    re.compile(r"[-_](latest|preview|exp|experimental)$", re.I),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """A price, and the id under which it was found: ``provider/model``, or the file's own name."""

    id: str
    price: Price


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What tokens cost, and how many an answer has where nobody knows.

    ``prices``: name in the file -> price, before everything else. ``price_ids``: name in the file -> id in the
    book. ``book``: the prices otherwise. ``expected_output_tokens``: of an answer of a model of which no answer's
    length is known.
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    price_ids: Mapping[str, str] = field(default_factory=dict)
    book: PriceBook = field(default_factory=PriceBook)
    expected_output_tokens: int = GoalSettings.model_fields["expected_output_tokens"].default

    @classmethod
    def of(cls, settings: Settings, goal: str = "default") -> Rates:
        """As the settings have it."""
        chosen = settings.goals.get(goal, GoalSettings())
        return cls(book=PriceBook.of(settings), expected_output_tokens=chosen.expected_output_tokens)

    def find(self, model: str) -> Rate | None:
        """The price of a model by its name in the file; None where nobody knows it.

        Tried in turn: what was given for it; the name as it is, as one of OpenAI's, as that of whoever makes it,
        as hosts sell it; then the same without a date, a version or "preview" at its end.
        """
        if model in self.prices:
            return Rate(model, self.prices[model])
        ids = [self.price_ids[model]] if model in self.price_ids else _candidates(model)
        return next((Rate(id_, price) for id_ in ids if (price := self.book.price(id_)) is not None), None)


def _candidates(name: str) -> Iterator[str]:
    for form in _forms(name.strip()):
        bare = form.rpartition("/")[2]
        if "/" in form:
            yield form
        yield f"openai/{bare}"
        known = bundled_id(bare)
        if known is not None:
            yield known
        if "/" in form:
            yield from (f"{host}/{form}" for host in _HOSTS)


def _forms(name: str) -> Iterator[str]:
    """The name, and shorter and shorter ones."""
    yield name
    for suffix in _SUFFIXES:
        shorter = suffix.sub("", name)
        if shorter not in ("", name):
            name = shorter
            yield name
