"""What a batch found, as a file of scored answers for ``router-core verdict``: a row per prompt and model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from router_core.collecting.batch import Batch, BatchError
from router_core.collecting.standing import settled, with_calls
from router_core.csv_cells import harmless
from router_core.features import message_text
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.store.private import open_private

FORMATS: Final = ("csv", "jsonl", "parquet")
_COLUMNS: Final = (
    "prompt_id", "prompt", "task", "reference", "model", "response", "score", "cost_usd", "input_tokens",
    "output_tokens",
)  # fmt: skip
_ROWS: Final = 5_000  # of Parquet, written at once


def scored_rows(settings: Settings, store: Store, batch: Batch) -> Iterator[dict[str, Any]]:
    """A row for each answer: what it cost, and the score that a check gave it (None: none did).

    Raises:
        DataFileError: the batch's prompts cannot be read.
    """
    models = {arm.id: arm.id for arm in settings.goal(batch.goal).arms}
    for asked, calls in with_calls(store, batch):
        prompt = "\n\n".join(message_text(one) for one in asked.messages if one.get("role") != "system")
        for arm in batch.arms:
            if arm not in calls or (last := settled(calls[arm])).state != "answered":
                continue
            yield {
                "prompt_id": str(asked.row),
                "prompt": prompt,
                "task": asked.task,
                "reference": asked.reference,
                "model": models.get(arm, arm),
                "response": last.text,
                "score": last.score,
                "cost_usd": None if last.cost_usd is None else float(last.cost_usd),
                "input_tokens": last.input_tokens,
                "output_tokens": last.output_tokens,
            }


def write_scored(settings: Settings, store: Store, batch: Batch, place: Path) -> int:
    """Write the file, in the format that its name ends in, row by row; how many answers it holds.

    Raises:
        BatchError: another ending, or it cannot be written.
    """
    form = place.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise BatchError(f"{place.name} ends in none of .{', .'.join(FORMATS)}; choose another name")
    rows = scored_rows(settings, store, batch)
    try:
        if form == "parquet":
            return _parquet(rows, place)
        with open_private(place) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as out:
            return _csv(rows, out) if form == "csv" else _jsonl(rows, out)
    except OSError as error:
        raise BatchError(f"{place} cannot be written ({error.strerror}); choose another file") from None


def _csv(rows: Iterator[dict[str, Any]], out: io.TextIOWrapper) -> int:
    writer = csv.DictWriter(out, _COLUMNS)
    writer.writeheader()
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - its last value is what is wanted
        writer.writerow(
            {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return count


def _jsonl(rows: Iterator[dict[str, Any]], out: io.TextIOWrapper) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - its last value is what is wanted
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _parquet(rows: Iterator[dict[str, Any]], place: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from router_core.collecting.standing import chunks

    text, number = pa.string(), pa.float64()
    kinds = dict.fromkeys(_COLUMNS, text) | {"score": number, "cost_usd": number}
    kinds |= {"input_tokens": pa.int64(), "output_tokens": pa.int64()}
    schema, count = pa.schema(list(kinds.items())), 0
    with open_private(place) as out, pq.ParquetWriter(out, schema) as writer:
        for some in chunks(rows, _ROWS):
            writer.write_table(pa.Table.from_pylist(some, schema))
            count += len(some)
    return count
