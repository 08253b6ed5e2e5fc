"""The log as a file: one row per decision, with its prompt, its answer and what was thought of it.

Leaves out finding (the store does it) and screens.
"""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal

from router_core.errors import SettingsError
from router_core.store.base import Comparison, Search, Store

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl", "parquet")

MOST_EXPORTED: Final = 100_000
"""Prompts in one file at most; narrower filters give the rest."""

_PAGE: Final = 1_000


def exported(store: Store, search: Search, kind: str) -> bytes:
    """The newest prompts found, at most ``MOST_EXPORTED``, as a file.

    Args:
        store: the log.
        search: which prompts.
        kind: "csv", "jsonl" (UTF-8) or "parquet".

    Raises:
        SettingsError: the format is none of those.
        StoreError: the store cannot be read.
    """
    if kind not in FORMATS:
        raise SettingsError(f"{kind!r} is no export format; choose one of {', '.join(FORMATS)}")
    table = decision_table(store, search)
    if kind == "csv":
        lines: str = table.to_csv(index=False)
        return lines.encode()
    if kind == "jsonl":
        plain = table.astype(object).where(table.notna(), None)
        return "".join(f"{_json(record)}\n" for record in plain.to_dict("records")).encode()
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def decision_table(store: Store, search: Search) -> pd.DataFrame:
    """One row per decision of the prompts found, newest first; unknown values are missing, never 0."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for start in range(0, MOST_EXPORTED, _PAGE):
        page = store.find(search, _PAGE, start)
        for comparison in page:
            rows.extend(_rows(comparison))
        if len(page) < _PAGE:
            break
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


_COLUMNS: Final = {
    "prompt_id": "string",
    "time": "datetime64[us, UTC]",
    "goal": "string",
    "origin": "string",
    "task_type": "string",
    "messages": "string",
    "sha256": "string",
    "decision_id": "string",
    "router": "string",
    "model": "string",
    "propensity": "float64",
    "models": "string",
    "probabilities": "string",
    "reason": "string",
    "decision_cost_usd": "float64",
    "decision_ms": "float64",
    "settings_version": "string",
    "completion_id": "string",
    "answer": "string",
    "finish_reason": "string",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cost_usd": "float64",
    "first_token_ms": "float64",
    "total_ms": "float64",
    "error": "string",
    "thumb": "float64",
    "api": "float64",
    "condition": "float64",
}


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    prompt = comparison.prompt
    answers = {one.id: one for one in comparison.completions}
    rewards = {(one.completion_id, one.source): one.reward for one in comparison.outcomes}
    rows = []
    for decision in comparison.decisions:
        answer = answers.get(decision.completion_id)
        usage = answer.usage if answer else None
        rows.append(
            {
                "prompt_id": prompt.id,
                "time": prompt.created_at,
                "goal": prompt.goal,
                "origin": decision.origin,
                "task_type": prompt.task_type,
                "messages": None if prompt.messages is None else _json(list(prompt.messages)),
                "sha256": prompt.sha256,
                "decision_id": decision.id,
                "router": decision.policy,
                "model": decision.chosen,
                "propensity": decision.propensity,
                "models": _json(decision.arms),
                "probabilities": _json(decision.probabilities),
                "reason": decision.reason.summary,
                "decision_cost_usd": _number(decision.decision_cost_usd),
                "decision_ms": decision.decision_ms,
                "settings_version": decision.settings_version,
                "completion_id": decision.completion_id,
                "answer": answer.text if answer else None,
                "finish_reason": answer.finish_reason if answer else None,
                "input_tokens": usage.input_tokens if usage else None,
                "output_tokens": usage.output_tokens if usage else None,
                "cost_usd": _number(answer.cost_usd if answer else None),
                "first_token_ms": answer.first_token_ms if answer else None,
                "total_ms": answer.total_ms if answer else None,
                "error": answer.error if answer else None,
                **{
                    source: rewards.get((decision.completion_id, source))
                    for source in ("thumb", "api", "condition")
                },
            }
        )
    return rows


def _number(amount: Any) -> float | None:
    return None if amount is None else float(amount)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=datetime.isoformat)
