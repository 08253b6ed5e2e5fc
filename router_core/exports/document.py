"""router.json: settings, what was learned and prices in one file, from which the same decisions follow.

Values in, text out, and back. See migrations.py for reading files and stores, and older versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from router_core.errors import SettingsError
from router_core.exports.keys import refuse_keys
from router_core.exports.learned import (
    Learned,
    LearnedPart,
    Part,
    Provenance,
    counts,
    lengths,
    origins,
    read,
    require_known,
    utc_text,
)
from router_core.exports.migrations import migrated
from router_core.exports.parsing import ImportFileError, check_seal, parse, sealed, text_of
from router_core.money.pricing import PriceBook
from router_core.registry import CONTEXTUAL
from router_core.settings import Settings
from router_core.types import ByTask, Evidence, OutputTokens, Price
from router_core.validation import shown, validated

FORMAT: Literal["router.json"] = "router.json"
EVIDENCE_FORMAT: Literal["router-evidence.json"] = "router-evidence.json"
VERSION = 1

_Dollars = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=40, strict=False)]


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that decides: loaded elsewhere, it takes the same decision on the same prompt and decision id.

    ``evidence`` and ``output_tokens``: goal -> arm id -> counts. ``prices``: model id -> the price in force at
    the time of export, None where it was unknown; a model that is absent has not been looked up (files of
    version 0), so the price book decides. ``created_at`` has a time zone. ``contextual``: goal -> what the
    contextual router knows, packed (exports/contextual.py). ``tasks``: goal -> task type -> arm id -> counts.
    """

    settings: Settings
    evidence: Mapping[str, Mapping[str, Evidence]]
    output_tokens: Mapping[str, Mapping[str, OutputTokens]]
    prices: Mapping[str, Price | None]
    created_at: datetime
    provenance: Provenance = field(hash=False)
    contextual: Mapping[str, str] = field(default_factory=dict, hash=False)
    tasks: Mapping[str, ByTask] = field(default_factory=dict, hash=False)

    @property
    def learned(self) -> Learned:
        """What was learned, without settings and prices."""
        return Learned(
            self.evidence, self.output_tokens, self.created_at, self.provenance, self.contextual, self.tasks
        )


def resolved_prices(settings: Settings, book: PriceBook | None = None) -> dict[str, Price | None]:
    """Model id -> price, for every model that the settings may call; None where nobody knows it."""
    book = book or PriceBook.of(settings)
    models = {arm.model for goal in settings.goals.values() for arm in goal.arms} | {settings.classifier.model}
    return {model: book.price(model) for model in sorted(models)}


def dump(export: Export) -> str:
    """The export as JSON text: sorted names, one value a line, with a checksum. Equal exports give equal text.

    Raises:
        SettingsError: a setting holds what looks like an API key, or ``created_at`` has no time zone.
        UnknownArmError: evidence for an arm that the settings do not have (see ``only_known``).
    """
    return text_of(document_of(export))


def document_of(export: Export) -> dict[str, Any]:
    """The export as plain data, with its checksum.

    Raises:
        SettingsError: as ``dump``.
        UnknownArmError: as ``dump``.
    """
    require_known(export.settings, export.evidence, "evidence")
    require_known(export.settings, export.output_tokens, "output_tokens")
    for goal, tasks in export.tasks.items():
        for arms in tasks.values():
            require_known(export.settings, {goal: arms}, "tasks")
    document = {
        "format": FORMAT,
        "format_version": VERSION,
        "created_at": utc_text(export.created_at),
        "settings": json.loads(export.settings.document()),
        "evidence": counts(export.evidence),
        "output_tokens": lengths(export.output_tokens),
        "prices": {model: _plain_price(price) for model, price in export.prices.items()},
        "provenance": origins(export.provenance),
        **_if_any(export.learned),
    }
    refuse_keys(export.settings, document)
    return sealed(document)


def load(text: str, *, trust_edited: bool = False) -> Export:
    """Read what ``dump`` or ``dump_yaml`` wrote, of this version or an older one.

    Args:
        text: the file's content, JSON or YAML.
        trust_edited: accept a file whose checksum is missing or not that of its content.

    Raises:
        ImportFileError: broken, foreign, edited, of a newer version, or at odds with itself; a sentence says
            what, where, and what to do.
    """
    return _export(parse(text), trust_edited=trust_edited)


def _export(document: dict[str, Any], *, trust_edited: bool) -> Export:
    file = read(_File, of_format(document, FORMAT, trust_edited=trust_edited))
    settings = _settings(file.settings)
    learned = file.learned(settings)
    return Export(
        settings,
        learned.evidence,
        learned.output_tokens,
        {model: None if price is None else price.price() for model, price in file.prices.items()},
        learned.created_at,
        learned.provenance,
        learned.contextual,
        learned.tasks,
    )


def dump_evidence(learned: Learned) -> str:
    """What was learned, alone, as JSON text with a checksum.

    Raises:
        SettingsError: ``created_at`` has no time zone.
    """
    document = {
        "format": EVIDENCE_FORMAT,
        "format_version": VERSION,
        "created_at": utc_text(learned.created_at),
        "evidence": counts(learned.evidence),
        "output_tokens": lengths(learned.output_tokens),
        "provenance": origins(learned.provenance),
        **_if_any(learned),
    }
    return text_of(sealed(document))


def load_evidence(text: str, settings: Settings, *, trust_edited: bool = False) -> Learned:
    """What was learned, from a file of ``dump_evidence`` or from a whole router.json (whose settings are left).

    Args:
        text: the file's content, JSON or YAML.
        settings: the settings that are to use it; they must know every goal and arm in the file.
        trust_edited: accept a file whose checksum is missing or not that of its content.

    Raises:
        ImportFileError: as ``load``, and for a goal or an arm that ``settings`` does not have.
    """
    return _learned(parse(text), settings, trust_edited=trust_edited)


def _learned(document: dict[str, Any], settings: Settings, *, trust_edited: bool) -> Learned:
    if document.get("format") == FORMAT:
        return read(_File, of_format(document, FORMAT, trust_edited=trust_edited)).learned(settings)
    return read(_EvidenceFile, of_format(document, EVIDENCE_FORMAT, trust_edited=trust_edited)).learned(settings)


def load_any(text: str, settings: Settings, *, trust_edited: bool = False) -> Export | Learned:
    """Whatever was exported: a whole router, or (for these settings) what was learned alone.

    Raises:
        ImportFileError: as ``load`` and ``load_evidence``.
    """
    document = parse(text)
    if document.get("format") == EVIDENCE_FORMAT:
        return _learned(document, settings, trust_edited=trust_edited)
    return _export(document, trust_edited=trust_edited)


def of_format(document: dict[str, Any], wanted: str, *, trust_edited: bool) -> dict[str, Any]:
    """The document in the present version, its checksum verified and taken off.

    Raises:
        ImportFileError: another format, a newer version, or a wrong checksum.
    """
    found = document.get("format")
    if found != wanted:
        if found == EVIDENCE_FORMAT:
            raise ImportFileError("the file holds posteriors alone, no settings; import it as posteriors")
        said = "it has no 'format'" if found is None else f"its 'format' is {shown(found)}"
        raise ImportFileError(
            f"the file is not an export of router_core: {said}, expected {wanted!r};"
            " choose a file that router_core exported"
        )
    version = document.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise ImportFileError(f"format_version must be a whole number from 0; got {shown(version)}")
    if version > VERSION:
        raise ImportFileError(
            f"the file has format version {version}, written by a newer router_core; this one reads up to"
            f" {VERSION}: update router_core, or export with the older one"
        )
    if version > 0:  # version 0 had no checksum
        check_seal(document, trust_edited=trust_edited)
    content = {name: value for name, value in document.items() if name != "checksum"}
    return migrated(content, version, VERSION)


class _PricePart(Part):
    input_usd_per_million_tokens: _Dollars
    output_usd_per_million_tokens: _Dollars
    cached_input_usd_per_million_tokens: _Dollars | None

    def price(self) -> Price:
        return Price(
            self.input_usd_per_million_tokens,
            self.output_usd_per_million_tokens,
            self.cached_input_usd_per_million_tokens,
        )


class _File(LearnedPart):
    format: Literal["router.json"]
    format_version: Literal[1]
    settings: dict[str, Any]
    prices: dict[str, _PricePart | None]


class _EvidenceFile(LearnedPart):
    format: Literal["router-evidence.json"]
    format_version: Literal[1]


def _settings(raw: Mapping[str, Any]) -> Settings:
    try:
        return validated(Settings, raw)
    except SettingsError as error:
        raise ImportFileError(f"the settings in the file cannot be used: {error}") from None


def _if_any(learned: Learned) -> dict[str, Any]:
    """The parts that stand in a file only where there is something to tell."""
    parts = {
        CONTEXTUAL.name: dict(learned.contextual),
        "tasks": {goal: counts(tasks) for goal, tasks in learned.tasks.items()},
    }
    return {name: part for name, part in parts.items() if part}


def _plain_price(price: Price | None) -> dict[str, str | None] | None:
    if price is None:
        return None
    cached = price.cached_input_usd_per_million_tokens
    return {
        "input_usd_per_million_tokens": str(price.input_usd_per_million_tokens),
        "output_usd_per_million_tokens": str(price.output_usd_per_million_tokens),
        "cached_input_usd_per_million_tokens": None if cached is None else str(cached),
    }
