"""Values to rows and back, exactly.

Does not cover SQL: the order of the columns here is that of the tables in schema.py. Columns behind them
(``nth``, and of an outcome the answer that it is about) are given when a row is stored, and are for questions
alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import numpy as np

from router_core.errors import InvalidOutcomeError
from router_core.store.base import CallerKey, Evaluation, SettingsVersion
from router_core.types import (
    MICRO,
    Completion,
    Context,
    Decision,
    OutcomeRecord,
    Price,
    Prompt,
    Reason,
    ReasonLine,
    Seen,
    Usage,
)

Row = tuple[Any, ...]

MOST_COMMENT: Final = 10_000
"""Characters of a comment at most; a longer one is refused."""

MOST_TEXT: Final = 10_000_000
"""Characters of an answer, an error or a reason at most; what is beyond is cut, and the text says so."""

_CENTS = Decimal(1).scaleb(-12)  # DECIMAL(18, 12): a millionth of a millionth of a dollar
_TOO_MUCH = Decimal(1_000_000)  # dollars; the column ends below it


def prompt_row(prompt: Prompt) -> Row:
    """A row of ``prompt``."""
    return (
        UUID(prompt.id),
        naive(prompt.created_at),
        prompt.goal,
        prompt.origin,
        prompt.task_type,
        None if prompt.messages is None else _json(list(prompt.messages)),
        prompt.sha256,
        prompt.blind,
        prompt.run_all,
        _json(dict(prompt.params)),
        _json(dict(prompt.metadata)) if prompt.metadata else None,
        prompt.session or None,
    )


def prompt_of(row: Row) -> Prompt:
    """The value of a row of ``prompt``."""
    id_, created_at, goal, origin, task_type, messages, sha256, blind, run_all, params, metadata, session = row
    kept = None if messages is None else tuple(json.loads(messages))
    beside = (json.loads(params), json.loads(metadata or "{}"), session or "")
    return Prompt(str(id_), aware(created_at), goal, origin, task_type, kept, sha256, blind, run_all, *beside)


def decision_row(decision: Decision) -> Row:
    """A row of ``decision``."""
    return (
        UUID(decision.id),
        UUID(decision.prompt_id),
        naive(decision.created_at),
        decision.goal,
        decision.policy,
        decision.policy_version,
        _json(asdict(decision.context)),
        list(decision.arms),
        list(decision.probabilities),
        decision.chosen,
        decision.seed,
        _json(asdict(decision.reason)),
        list(decision.expected_cost_usd),
        _money(decision.decision_cost_usd),
        decision.decision_ms,
        decision.origin,
        UUID(decision.completion_id),
        _storable_or_none(decision.fallback),
        decision.cached,
        decision.settings_version,
    )


def seen_row(decision: Decision, seen: Seen) -> Row:
    """A row of ``seen``."""
    return (
        UUID(decision.id),
        UUID(decision.prompt_id),
        decision.goal,
        list(seen.arms),
        list(seen.features),
        seen.learned,
        seen.verdict,
        seen.verdict_worth_usd,
        seen.upto,
        seen.outcomes_behind,
        seen.behind_ms,
    )


def decision_of(row: Row) -> Decision:
    """The value of a row of ``decision``."""
    values = list(row[:20])
    for index in (0, 1, 16):
        values[index] = str(values[index])
    values[2] = aware(values[2])
    values[6] = Context(**json.loads(values[6]))
    for index in (7, 8, 12):
        values[index] = tuple(values[index])
    reason = json.loads(values[11])
    values[11] = Reason(reason["summary"], tuple(ReasonLine(**line) for line in reason["lines"]))
    return Decision(*values)


def completion_row(completion: Completion) -> Row:
    """A row of ``completion``."""
    usage, price = completion.usage, completion.price
    tokens: Row = (None, None, None, None)
    if usage is not None:
        tokens = (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.estimated)
    return (
        UUID(completion.id),
        UUID(completion.prompt_id),
        naive(completion.created_at),
        completion.goal,
        completion.arm,
        completion.model,
        _storable_or_none(completion.text),
        _storable_or_none(completion.finish_reason),
        *tokens,
        _money(completion.cost_usd),
        None if price is None else _json(price.as_stored()),
        completion.first_token_ms,
        completion.total_ms,
        _storable_or_none(completion.error),
        completion.retries,
        completion.unpriced_retries,
        *_more_of(usage),
        list(completion.tool_calls) or None,
        completion.waited_ms,
    )


def completion_of(row: Row) -> Completion:
    """The value of a row of ``completion``."""
    values = list(row[:19])
    usage = None
    if values[8] is not None:
        more: Row = (*(count or 0 for count in row[20:24]), row[24] or "", row[25])  # behind ``nth``
        usage = Usage(*(*values[8:12], *more))
    price = None if values[13] is None else Price.of(json.loads(values[13]))
    ids = (str(values[0]), str(values[1]))
    values += [tuple(row[26] or ()), row[27] or 0.0]
    return Completion(*ids, aware(values[2]), *values[3:8], usage, values[12], price, *values[14:])  # type: ignore[call-arg]


def _more_of(usage: Usage | None) -> Row:
    """What a cost depends on beside the tokens that most calls have."""
    if usage is None:
        return (None,) * 6
    return (
        usage.cache_write_tokens,
        usage.input_audio_tokens,
        usage.output_audio_tokens,
        usage.output_image_tokens,
        _storable(usage.service_tier),
        _money(usage.provider_cost_usd),
    )


def outcome_row(outcome: OutcomeRecord, seq: int) -> Row:
    """A row of ``outcome``, with its place in the order of acknowledgement.

    Raises:
        InvalidOutcomeError: its reward is not a number in [0, 1], or its comment not a text of sane length.
    """
    reward, comment = outcome.reward, outcome.comment
    if reward is not None and not (isinstance(reward, int | float | np.number) and 0 <= reward <= 1):
        raise InvalidOutcomeError(f"The reward is {str(reward)[:80]}; give a number from 0 to 1, or None")
    if not isinstance(comment, str):
        raise InvalidOutcomeError(
            f"The comment is {str(comment)[:80]!r}, not a text; give a text, or leave it out"
        )
    if len(comment) > MOST_COMMENT:
        raise InvalidOutcomeError(
            f"The comment has {len(comment):,} characters; at most {MOST_COMMENT:,} are stored: shorten it"
        )
    return (
        UUID(outcome.id),
        seq,
        UUID(outcome.completion_id),
        outcome.source,
        None if reward is None else round(reward * MICRO),
        naive(outcome.created_at),
        list(outcome.chips),
        _storable(comment),
        outcome.blinded,
        _storable(outcome.who),
        outcome.asked,
        _money(outcome.cost_usd),
        None if outcome.compared is None else UUID(outcome.compared),
    )


def outcome_of(row: Row) -> OutcomeRecord:
    """The value of a row of ``outcome``."""
    id_, _, completion_id, source, micro, created_at, chips, comment, blinded = row[:9]
    who, asked, cost_usd, compared = row[17:21]  # behind the answer that it is about
    reward = None if micro is None else micro / MICRO
    said = (tuple(chips), comment, blinded, who, asked, cost_usd, None if compared is None else str(compared))
    return OutcomeRecord(str(id_), str(completion_id), source, reward, aware(created_at), *said)


def settings_row(version: SettingsVersion, seq: int) -> Row:
    """A row of ``settings_version``, with its place in the order of acknowledgement."""
    return (
        seq, version.version, naive(version.created_at), version.author, version.note, version.document,
    )  # fmt: skip


def settings_of(row: Row) -> SettingsVersion:
    """The value of a row of ``settings_version``."""
    _, version, created_at, author, note, document = row
    return SettingsVersion(version, aware(created_at), author, note, document)


def evaluation_row(evaluation: Evaluation) -> Row:
    """A row of ``evaluation``."""
    return (
        UUID(evaluation.id), naive(evaluation.created_at), evaluation.kind, evaluation.name, evaluation.document,
    )  # fmt: skip


def evaluation_of(row: Row) -> Evaluation:
    """The value of a row of ``evaluation``."""
    id_, created_at, kind, name, document = row
    return Evaluation(str(id_), aware(created_at), kind, name, document)


def caller_key_row(key: CallerKey) -> Row:
    """A row of ``caller_key``."""
    return (
        key.id, key.name, naive(key.created_at), key.salt, key.digest, _list(key.goals), _list(key.models),
        key.usd_per_day, key.requests_per_minute, key.at_once,
        None if key.revoked_at is None else naive(key.revoked_at),
    )  # fmt: skip


def caller_key_of(row: Row) -> CallerKey:
    """The value of a row of ``caller_key``."""
    id_, name, created_at, salt, digest, goals, models, usd_per_day, per_minute, at_once, revoked_at = row
    return CallerKey(
        id_, name, aware(created_at), salt, digest, _tuple(goals), _tuple(models), usd_per_day, per_minute,
        at_once, None if revoked_at is None else aware(revoked_at),
    )  # fmt: skip


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _json(value: Any) -> str:
    return _storable(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _storable(text: str) -> str:
    """The text with halves of characters put together, or replaced where the other half is missing: models and
    servers that cut between them send such, and no file can hold them.
    """  # fmt: skip
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _storable_or_none(text: str | None) -> str | None:
    if text is not None and len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}\n[The store cut this text of {len(text):,} characters here.]"
    return None if text is None else _storable(text)


def naive(moment: datetime) -> datetime:
    """A moment in UTC as the tables hold it, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """A moment of the tables, with UTC said."""
    return moment.replace(tzinfo=UTC)


def _money(amount: Decimal | None) -> Decimal | None:
    """As the column holds it; what it cannot hold is no sum that a call costs, so it is unknown."""
    if amount is None or not amount.is_finite() or abs(amount) >= _TOO_MUCH:
        return None
    rounded = amount.quantize(_CENTS)
    return rounded if abs(rounded) < _TOO_MUCH else None


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
