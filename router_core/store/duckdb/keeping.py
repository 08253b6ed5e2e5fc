"""What is kept beside the log: versions of the settings, results of judging the routers, keys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from router_core.noted import mark
from router_core.store.base import CallerKey, Evaluation, SettingsVersion
from router_core.store.duckdb import rows, sql
from router_core.store.duckdb.part import Part
from router_core.store.duckdb.reading import uuid_of


class Keeping(Part):
    """See ``router_core.store.base.Kept``."""

    def settings_versions(self) -> list[SettingsVersion]:
        """Every settings version, newest first."""
        with self.file.cursor() as cursor:
            return [rows.settings_of(row) for row in cursor.execute(sql.SETTINGS_VERSIONS).fetchall()]

    def current_settings(self) -> SettingsVersion | None:
        """The newest settings version, or None."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.CURRENT_SETTINGS).fetchone()
        return None if found is None else rows.settings_of(found)

    def save_settings(self, version: SettingsVersion) -> None:
        """Append a settings version."""
        _, *values = rows.settings_row(version, 0)
        names = ("version", "created_at", "author", "note", "document")
        with self.file.lock:
            with self.change() as cursor:
                cursor.execute(sql.SAVE_SETTINGS, dict(zip(names, values, strict=True)))
            self.projection.revision += 1

    def evaluation(self, id_: str) -> Evaluation | None:
        """One kept result."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.EVALUATION, {"id": uuid_of(id_)}).fetchone()
        return None if found is None else rows.evaluation_of(found)

    def evaluations(self, limit: int) -> list[Evaluation]:
        """The newest results, newest first, without their documents."""
        with self.file.cursor() as cursor:
            return [
                rows.evaluation_of(row) for row in cursor.execute(sql.EVALUATIONS, {"limit": limit}).fetchall()
            ]

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a result."""
        with self.file.lock:
            with self.change() as cursor:
                cursor.execute(sql.SAVE_EVALUATION, rows.evaluation_row(evaluation))
            self.projection.revision += 1

    def erase_evaluation(self, id_: str) -> bool:
        """Delete one result for good."""
        with self.file.lock:
            with self.change() as cursor:
                erased = cursor.execute(sql.ERASE_EVALUATION, {"id": uuid_of(id_)}).fetchall()
            self.projection.revision += len(erased)
        return bool(erased)

    def caller_keys(self) -> list[CallerKey]:
        """Every key, oldest first."""
        with self.file.cursor() as cursor:
            return [rows.caller_key_of(row) for row in cursor.execute(sql.CALLER_KEYS).fetchall()]

    def save_caller_key(self, key: CallerKey) -> None:
        """Keep a key."""
        with self.file.lock:
            with self.change() as cursor:
                cursor.execute(sql.SAVE_CALLER_KEY, rows.caller_key_row(key))
            self.projection.revision += 1

    def spent_by(self, caller: str, since: datetime) -> tuple[Decimal, int]:
        """What a caller's requests are known to have cost, and how many have an unknown cost."""
        asked = {"caller": caller, "mark": mark(caller), "since": rows.naive(since)}
        with self.file.cursor() as cursor:
            ((usd, unknown),) = cursor.execute(sql.SPENT_BY, asked).fetchall()
        return Decimal(usd), unknown
