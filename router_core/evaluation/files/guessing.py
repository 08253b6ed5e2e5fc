"""A guess of what the columns of a file mean, by their names and first values, and why some mean nothing here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Named
from typing import Final

import numpy as np

from router_core.evaluation.files.mapping import Mapping, ModelColumns
from router_core.evaluation.files.not_models import other_kind, resembles_model
from router_core.evaluation.files.numbers import UNKNOWN, Parsed, parsed

Sample = Sequence[Named[str, str | None]]
"""The first rows of a file: column name -> text."""

_NAMES: Final = {
    "prompt": (
        "prompt", "prompt_text", "prompt_raw", "question", "query", "instruction", "input", "text",
        "doc_question", "doc_query", "doc_prompt", "doc_text", "doc_goal", "doc_problem", "vars_prompt",
    ),
    "prompt_id": ("prompt_id", "question_id", "query_id", "sample_id", "example_id", "uid", "id", "doc_id"),
    "task": ("task", "task_type", "category", "subject", "dataset", "eval_name", "benchmark", "domain", "topic"),
    "verdict": ("verdict", "classifier", "classifier_verdict", "complexity"),
    "model": (
        "model", "model_name", "model_id", "llm", "llm_name", "arm", "provider_label", "provider_id", "provider",
    ),
    "score": (
        "score", "correct", "is_correct", "correctness", "accuracy", "acc", "reward", "quality", "performance",
        "success", "label", "grade", "rating", "exact_match", "acc_norm", "pass", "passed",
    ),
    "cost_usd": ("cost_usd", "total_cost", "total_cost_usd", "cost", "price", "usd"),
    "input_tokens": (
        "input_tokens", "prompt_tokens", "tokens_in", "in_tokens", "input_usage", "response_token_usage_prompt",
        "usage_prompt_tokens", "usage_input_tokens",
    ),
    "output_tokens": (
        "output_tokens", "completion_tokens", "tokens_out", "out_tokens", "output_usage",
        "response_token_usage_completion", "usage_completion_tokens", "usage_output_tokens",
    ),
    "response": (
        "response", "model_response", "answer", "model_answer", "output", "completion", "response_output",
    ),
}  # fmt: skip
_SURELY_PROMPTS: Final = ("prompt_id", "question_id", "query_id")
_SHARED: Final = ("prompt", "prompt_id", "task", "verdict")
_OPENED: Final = ("response_", "usage_")  # columns that nested.py makes
_BETWEEN: Final = r"[\s_|.:/-]+"
_MOSTLY: Final = 2 / 3  # of a column's known values are scores where it is a model's
_PROVIDERS: Final = ("provider_label", "provider_id", "provider")  # in some files the model, in others its maker
_SCORES: Final = ("scores", "score", "metrics", "grades", "named_scores")


def _affixed(part: str) -> re.Pattern[str]:
    """Matches "model_score", "score:model" and the like."""
    plain = (name for name in _NAMES[part] if not name.startswith(_OPENED))
    names = sorted((re.escape(name).replace("_", r"[\s_-]?") for name in plain), key=len, reverse=True)
    either = "|".join(names)
    return re.compile(rf"(?P<front>.+?){_BETWEEN}(?:{either})|(?:{either}){_BETWEEN}(?P<back>.+)", re.I)


_AFFIXED: Final = {
    part: _affixed(part) for part in ("input_tokens", "output_tokens", "cost_usd", "response", "score")
}


def guess_mapping(columns: Sequence[str], sample: Sample, full_score: float = 1.0) -> Mapping:
    """What the columns most likely mean.

    Args:
        columns: their names.
        sample: the first rows.
        full_score: what a perfect answer scores: columns of larger numbers hold no scores.

    Returns:
        Long where a column names the model, or one column alone holds scores; else wide. What was not found is
        None.
    """
    found = {part: _named(columns, part, sample) for part in _NAMES}
    found["score"] = found["score"] or _only_score(columns)
    if found["model"] is None or _plain(found["model"]) in _PROVIDERS:
        shared = {part: found[part] for part in (*_SHARED, "input_tokens")}
        rest = [column for column in columns if column not in shared.values()]
        models = _models(rest, sample, full_score)
        if len(models) > 1 or (found["model"] is None and (models or found["score"] is None)):
            return Mapping("wide", **shared, models=models)  # type: ignore[arg-type]
    if _numbers_rows(sample, found["prompt_id"], found["prompt"]):
        found["prompt_id"] = None
    return Mapping("long", **found)  # type: ignore[arg-type]


def guess_long(columns: Sequence[str], sample: Sample) -> Mapping:
    """What they mean if each row is an answer, whether or not a column seems to name its model."""
    found = {part: _named(columns, part, sample) for part in _NAMES}
    return Mapping("long", **found)  # type: ignore[arg-type]


def models_named(columns: Sequence[str], scores: Sequence[str]) -> tuple[ModelColumns, ...]:
    """The models whose scores are in these columns, with what else the names of columns say of them."""
    found = []
    for score in scores:
        part, model = _part_of(score)
        model = model if part == "score" else score
        others = {part: column for column in columns for part, of in [_part_of(column)] if of == model and part}
        found.append(ModelColumns(model, **{**others, "score": score}))
    return tuple(found)


def unused(columns: Sequence[str], sample: Sample, mapping: Mapping) -> Iterator[tuple[str, str]]:
    """The columns that a mapping leaves out, each with the reason."""
    used = set(mapping.columns().values())
    for column in columns:
        if column in used or any(one is not None and one.startswith(f"{column}.") for one in used):
            continue
        kind = other_kind(column)
        values = _values(sample, column)
        known = ~np.isnan(values.values) if values is not None else np.zeros(0, np.bool_)
        if kind is not None:
            yield column, kind
        elif mapping.form == "long":
            yield column, "not needed"
        elif values is None:
            yield column, "empty"
        elif values.odd.any():
            yield column, "not numbers" if values.odd.mean() > 1 - _MOSTLY else "some values are no numbers"
        elif ((values.values[known] < 0) | (values.values[known] > 1)).any():
            yield column, "values outside 0 to 1"
        else:
            yield column, "not chosen"


def _named(columns: Iterable[str], part: str, sample: Sample) -> str | None:
    """The column with the first of a part's names that has anything in it."""
    every = list(columns)
    plain = {_plain(column): column for column in reversed(every) if not _is_opened(column, every)}
    listed = [plain[name] for name in _NAMES[part] if name in plain]
    filled = (column for column in listed if not sample or _values(sample, column) is not None)
    return next(filled, next(iter(listed), None))


def _plain(column: str) -> str:
    """A name in lower case, its words joined by underscores: "totalCost" is "total_cost"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", column.strip())
    return re.sub(_BETWEEN, "_", apart.lower())


def _is_opened(column: str, columns: Sequence[str]) -> bool:
    """Whether nested.py made columns of what is in this one."""
    return any(other.startswith(f"{column}.") for other in columns)


def _only_score(columns: Sequence[str]) -> str | None:
    """The one score in a column of several that nested.py opened."""
    found = [column for column in columns if _plain(column.partition(".")[0]) in _SCORES and "." in column]
    return found[0] if len(found) == 1 else None


def _numbers_rows(sample: Sample, id_: str | None, prompt: str | None) -> bool:
    """Whether a column that may hold ids of prompts has one of each row: prompts repeat, and it does not."""
    if id_ is None or prompt is None or _plain(id_) in _SURELY_PROMPTS:
        return False
    ids, texts = {row.get(id_) for row in sample}, {row.get(prompt) for row in sample}
    return len(texts) < len(sample) == len(ids)


def _models(columns: Sequence[str], sample: Sample, full_score: float) -> tuple[ModelColumns, ...]:
    """The models of a wide file, in the order of their score columns."""
    parts: dict[str, dict[str, str]] = {}
    bare: list[str] = []
    for column in columns:
        part, model = _part_of(column)
        if part is None:
            bare.append(column)
        elif other_kind(model) is None:
            parts.setdefault(model, {}).setdefault(part, column)
    explicit = any("score" in found for found in parts.values())
    for column in bare:
        known = "score" not in parts[column] if column in parts else not explicit
        if known and other_kind(column) is None and _scores(sample, column, full_score):
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


def _values(sample: Sample, column: str) -> Parsed | None:
    """The known values of a column, in whatever notation; None where there is none."""
    known = [text for row in sample if (text := (row.get(column) or "").strip()).lower() not in UNKNOWN]
    return parsed(known) if known else None


def _scores(sample: Sample, column: str, full_score: float) -> bool:
    """Whether most known values are true, false or numbers from 0 to a full score; of what is surely a model, any
    numbers.
    """  # fmt: skip
    found = _values(sample, column)
    if found is None:
        return False
    top = np.inf if resembles_model(column) else full_score
    with np.errstate(invalid="ignore"):
        fits = (found.values >= 0.0) & (found.values <= top)
    return bool(fits.mean() > _MOSTLY)
