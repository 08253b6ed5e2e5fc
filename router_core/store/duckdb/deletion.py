"""Taking things out of the log for good: whole prompts with all that followed, or only their texts.

The one exception to "append-only", because people have a right to it. Evidence of deleted prompts is gone with
them; that of prompts whose texts were taken out stays. The bytes in the file are compaction.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb

from router_core.noted import MARK
from router_core.registry import CLASSIFIER
from router_core.store.base import Search
from router_core.store.duckdb.compaction import NOTE
from router_core.store.duckdb.drawn import quoted
from router_core.store.duckdb.known_ids import KnownIds
from router_core.store.duckdb.rows import Row
from router_core.store.duckdb.search import prompts_where
from router_core.types import FALLBACK, NO_VERDICT

_VALUE: Final = "json_extract_string(metadata, '$.\"' || name || '\"')"
_MARKED: Final = f"""
    to_json(map_from_entries(list_transform(json_keys(metadata), lambda name: {{
        'k': name,
        'v': if(regexp_full_match({_VALUE}, '{MARK}'), {_VALUE}, 'sha256:' || left(sha256({_VALUE}), 16))
    }})))::VARCHAR
"""
"""What the caller noted, with marks in place of its values, as in router_core/noted.py."""

_HAS_TEXTS: Final = f"""
    (messages IS NOT NULL OR metadata <> {_MARKED}
        OR id IN (SELECT prompt_id FROM completion WHERE text IS NOT NULL)
        OR id IN (SELECT prompt_id FROM decision SEMI JOIN
                  (SELECT completion_id FROM outcome WHERE comment <> '') AS said USING (completion_id)))
"""
_NOT_KEPT: Final = '{"lines":[],"summary":"not kept (texts were removed)"}'
_MAY_QUOTE: Final = f"policy IN ({quoted(CLASSIFIER.name, FALLBACK)}) OR contains(reason, '{NO_VERDICT}')"


def erase(cursor: duckdb.DuckDBPyConnection, search: Search) -> int:
    """Delete the prompts that a search finds, and all that followed from them, in the caller's transaction."""
    return _each(
        cursor,
        search,
        "true",
        *(
            f"DELETE FROM {table} WHERE completion_id IN"
            " (SELECT completion_id FROM decision SEMI JOIN gone ON prompt_id = gone)"
            for table in ("outcome", "repeated_outcome")
        ),
        *(
            f"DELETE FROM {table} WHERE prompt_id IN (SELECT gone FROM gone)"
            for table in ("completion", "repeated_completion", "seen", "decision", "repeated_decision")
        ),
        "DELETE FROM prompt WHERE id IN (SELECT gone FROM gone)",
    )


def strip(cursor: duckdb.DuckDBPyConnection, search: Search) -> int:
    """Take the texts out of the prompts found that still have some: fingerprints, figures and outcomes stay."""
    return _each(
        cursor,
        search,
        _HAS_TEXTS,
        "UPDATE outcome SET comment = '' WHERE comment <> '' AND completion_id IN"
        " (SELECT completion_id FROM decision SEMI JOIN gone ON prompt_id = gone)",
        "UPDATE completion SET text = NULL, error = if(error IS NULL, NULL, 'not kept (texts were removed)')"
        " WHERE prompt_id IN (SELECT gone FROM gone)",
        'UPDATE decision SET context = json_merge_patch(context, \'{"text": ""}\'),'
        f" reason = if({_MAY_QUOTE}, '{_NOT_KEPT}', reason),"
        " fallback = if(fallback IS NULL, NULL, 'not kept (texts were removed)')"
        " WHERE prompt_id IN (SELECT gone FROM gone)",
        f"UPDATE prompt SET messages = NULL, metadata = {_MARKED} WHERE id IN (SELECT gone FROM gone)",
    )


def not_erased(cursor: duckdb.DuckDBPyConnection, found: Sequence[Row], ids: KnownIds) -> list[Row]:
    """Of new rows of ``decision``, ``completion`` or ``seen`` those whose prompt is there.

    One that was deleted while a model still answered leaves nothing: no later deletion would find it.
    """
    there = ids.counts(cursor, "prompt.id", {row[1] for row in found})
    return [row for row in found if row[1] in there]


def _each(cursor: duckdb.DuckDBPyConnection, search: Search, which: str, *statements: str) -> int:
    condition, wanted = prompts_where(search)
    cursor.execute(
        f"CREATE TEMP TABLE gone AS SELECT id AS gone FROM prompt WHERE {condition} AND {which}", wanted
    )
    touched: Any = cursor.execute("SELECT count(*) FROM gone").fetchall()[0][0]
    for statement in (*statements, NOTE) if touched else ():
        cursor.execute(statement)
    cursor.execute("DROP TABLE gone")
    return int(touched)
