"""Which column of a file means what: a guess by names and first values, for a person to correct.

Leaves out whether the values are good (checking.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Named
from dataclasses import dataclass
from typing import Final, Literal

Form = Literal["long", "wide"]
Sample = Sequence[Named[str, str | None]]
"""The first rows of a file: column name -> text."""


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """The columns of one model in a wide file; None where there is none."""

    model: str
    score: str
    cost_usd: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """What each column means; None where there is none.

    ``form``: long has a row per prompt and model, wide a row per prompt with columns per model. Both:
    ``prompt`` (the text), ``prompt_id`` (else the text is the id), ``task``, ``verdict`` (SIMPLE or COMPLEX, as a
    classifier said). Long: ``model``, ``score``, ``cost_usd``, ``input_tokens``, ``output_tokens``,
    ``response``. Wide: ``models``; there ``input_tokens`` holds for every model without a column of its own.
    ``only``: the models to compare (empty: all). ``full_score``: what a perfect answer scores; every score is
    divided by it.
    """

    form: Form = "long"
    prompt: str | None = None
    prompt_id: str | None = None
    task: str | None = None
    verdict: str | None = None
    model: str | None = None
    score: str | None = None
    cost_usd: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    response: str | None = None
    models: tuple[ModelColumns, ...] = ()
    only: tuple[str, ...] = ()
    full_score: float = 1.0

    def columns(self) -> dict[str, str | None]:
        """What is meant -> the column that has it, of this form; what is obligatory may be None."""
        shared = ("prompt", "prompt_id", "task", "verdict", "input_tokens")
        wanted = {name: getattr(self, name) for name in shared}
        if self.form == "long":
            rest = ("model", "score", "cost_usd", "output_tokens", "response")
            return wanted | {name: getattr(self, name) for name in rest}
        parts = ("score", "cost_usd", "input_tokens", "output_tokens", "response")
        return wanted | {f"{part} of {one.model}": getattr(one, part) for one in self.models for part in parts}


_NAMES: Final = {
    "prompt": ("prompt", "prompt_text", "question", "query", "instruction", "input", "text"),
    "prompt_id": ("prompt_id", "question_id", "query_id", "sample_id", "example_id", "uid", "id"),
    "task": ("task", "task_type", "category", "subject", "dataset", "eval_name", "benchmark", "domain", "topic"),
    "verdict": ("verdict", "classifier", "classifier_verdict", "complexity"),
    "model": ("model", "model_name", "model_id", "llm", "llm_name", "arm"),
    "score": (
        "score", "correct", "is_correct", "correctness", "accuracy", "acc", "reward", "quality", "performance",
        "success", "label", "grade", "rating",
    ),
    "cost_usd": ("cost_usd", "total_cost", "cost", "price", "usd"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_in", "in_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_out", "out_tokens"),
    "response": ("response", "model_response", "answer", "model_answer", "output", "completion"),
}  # fmt: skip
_SURELY_PROMPTS: Final = ("prompt_id", "question_id", "query_id")
_SHARED: Final = ("prompt", "prompt_id", "task", "verdict")
_BETWEEN: Final = r"[\s_|.:/-]+"
_NOT_MODELS: Final = re.compile(
    r"(unnamed.*|column \d+|index|idx|row|n|seed|split|fold|difficulty|length|level)", re.I
)
_NUMBERS: Final = {"true": 1.0, "false": 0.0}


def _affixed(part: str) -> re.Pattern[str]:
    """Matches "model_score", "score:model" and the like."""
    names = sorted((re.escape(name).replace("_", r"[\s_-]?") for name in _NAMES[part]), key=len, reverse=True)
    either = "|".join(names)
    return re.compile(rf"(?P<front>.+?){_BETWEEN}(?:{either})|(?:{either}){_BETWEEN}(?P<back>.+)", re.I)


_AFFIXED: Final = {
    part: _affixed(part) for part in ("input_tokens", "output_tokens", "cost_usd", "response", "score")
}


def guess_mapping(columns: Sequence[str], sample: Sample) -> Mapping:
    """What the columns most likely mean.

    Args:
        columns: their names.
        sample: the first rows.

    Returns:
        Long where a column names the model, else wide; what was not found is None.
    """
    found = {part: _named(columns, part) for part in _NAMES}
    if found["model"] is not None:
        if _numbers_rows(sample, found["prompt_id"], found["prompt"]):
            found["prompt_id"] = None
        return Mapping("long", **found)  # type: ignore[arg-type]
    shared = {part: found[part] for part in (*_SHARED, "input_tokens")}
    rest = [column for column in columns if column not in shared.values()]
    return Mapping("wide", **shared, models=_models(rest, sample))  # type: ignore[arg-type]


def _named(columns: Iterable[str], part: str) -> str | None:
    plain = {re.sub(_BETWEEN, "_", column.strip().lower()): column for column in reversed(list(columns))}
    return next((plain[name] for name in _NAMES[part] if name in plain), None)


def _numbers_rows(sample: Sample, id_: str | None, prompt: str | None) -> bool:
    """Whether a column that may hold ids of prompts has one of each row: prompts repeat, and it does not."""
    if id_ is None or prompt is None or re.sub(_BETWEEN, "_", id_.strip().lower()) in _SURELY_PROMPTS:
        return False
    ids, texts = {row.get(id_) for row in sample}, {row.get(prompt) for row in sample}
    return len(texts) < len(sample) == len(ids)


def _models(columns: Sequence[str], sample: Sample) -> tuple[ModelColumns, ...]:
    """The models of a wide file, in the order of their score columns."""
    parts: dict[str, dict[str, str]] = {}
    bare: list[str] = []
    for column in columns:
        part, model = _part_of(column)
        if part is None:
            bare.append(column)
        else:
            parts.setdefault(model, {}).setdefault(part, column)
    explicit = any("score" in found for found in parts.values())
    for column in bare:
        known = "score" not in parts[column] if column in parts else not explicit
        if known and not _NOT_MODELS.fullmatch(column) and _scores(sample, column):
            parts.setdefault(column, {})["score"] = column
    scored = [(model, found) for model, found in parts.items() if "score" in found]
    scored.sort(key=lambda one: columns.index(one[1]["score"]))
    return tuple(ModelColumns(model, **found) for model, found in scored)


def _part_of(column: str) -> tuple[str | None, str]:
    """What a column says of a model, and of which; (None, "") where its name tells neither."""
    for part, pattern in _AFFIXED.items():
        match = pattern.fullmatch(column.strip())
        if match:
            return part, match["front"] or match["back"]
    return None, ""


def _scores(sample: Sample, column: str) -> bool:
    """Whether all known values are true, false or numbers in [0, 1]."""
    known = [text for row in sample if (text := (row.get(column) or "").strip().lower())]
    try:
        return bool(known) and all(_NUMBERS.get(text, -1.0) >= 0.0 or 0.0 <= float(text) <= 1.0 for text in known)
    except ValueError:
        return False
