"""From a table to a judgement that is kept: choices, live verdicts, texts, and stopping on the way."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.work import Prepared, Wanted, judge, keep, prepare
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.survey import Choices
from router_core.evaluation.files.tables import open_table
from router_core.evaluation.progress import CancelledError, Watch
from router_core.evaluation.results import Objective, load
from router_core.policies.asking import Reply
from router_core.settings import ClassifierSettings, PrivacySettings, Settings
from router_core.store import open_store
from router_core.types import Message, Usage
from tests.scored import long_csv

SMALL = Wanted(("random", "length"), Objective(success_value_usd=0.05), draws=100)
SETTINGS = Settings()


def prepared(content: bytes, choices: Choices | None = None) -> Prepared:
    """A file looked through."""
    table = open_table(content, name="scored.csv")
    return prepare(table, table.guess, choices or Choices(), Rates(), Watch())


def test_what_blocks_leaves_no_data() -> None:
    """A score of 1.7 has to be decided about; clipped, the data are there, and a note says so."""
    content = long_csv(20, {0: "1.7"})
    assert prepared(content).data is None
    assert [problem.kind for problem in prepared(content).check.blocking] == ["out of range"]
    found = prepared(content, Choices(out_of_range="clip"))
    assert found.data is not None
    assert found.data.scores.max() == 1.0
    assert any("clipped to the nearer end" in note for note in found.notes)


def test_a_judgement_says_what_came_before_it() -> None:
    """Verdict, report and the notes of the file; the tolerance is the verdict's."""
    found = prepared(long_csv(400))
    assert found.data is not None
    judged = judge(found.data, SMALL, SETTINGS, notes=("one note",))
    assert (judged.verdict.kind, judged.verdict.choice) == ("route", "length")
    assert judged.notes == ("one note",)
    assert [row.name for row in judged.report.rows] == ["gpt-4o-mini", "gpt-4o", "random", "length"]
    without = Wanted(("random",), Objective(success_value_usd=0.002), tolerance=0.5, draws=100)
    said = judge(found.data, without, SETTINGS).verdict
    assert said.choice == "gpt-4o-mini"


def test_it_is_kept_as_it_was() -> None:
    """Under its id, with its time and the file's name."""
    found = prepared(long_csv(40))
    assert found.data is not None
    judged = judge(found.data, SMALL, SETTINGS)
    store = open_store(":memory:")
    keep(store, "0190c0de-0000-7000-8000-000000000001", judged)
    (listed,) = store.evaluations(5)
    assert (listed.kind, listed.name, listed.created_at) == ("labelled", "scored.csv", judged.report.created_at)
    kept = store.evaluation(listed.id)
    assert kept is not None
    again: Judgement = load(Judgement, kept.document)
    assert again == judged
    store.close()


def test_texts_are_left_out_where_only_hashes_are_kept() -> None:
    """No prompt and no answer in the whole of it."""
    found = prepared(long_csv(40))
    assert found.data is not None
    hashed = SETTINGS.model_copy(update={"privacy": PrivacySettings(keep_texts="hash")})
    assert judge(found.data, SMALL, SETTINGS).report.mistakes
    assert judge(found.data, SMALL, hashed).report.mistakes == ()


def test_the_classifier_is_asked_live() -> None:
    """Once per prompt; its calls are in its cost, and its order is that of its verdicts."""
    found = prepared(long_csv(30))
    assert found.data is not None
    asked: list[str] = []

    def ask(messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        text = str(messages[-1]["content"])
        asked.append(text)
        word = "COMPLEX" if "Prove" in text else "SIMPLE"
        return Reply(f'{{"complexity": "{word}", "reason": "seen"}}', Usage(100, 12), Decimal("0.0001"))

    wanted = Wanted(("classifier",), SMALL.objective, live=True, draws=50)
    steps: list[float] = []
    watch = Watch(lambda part, words: steps.append(part))
    row = judge(found.data, wanted, SETTINGS, ask=ask, watch=watch).report.row("classifier")
    assert len(asked) == 30
    assert row.shares == pytest.approx((0.5, 0.5))
    assert row.cost_usd is not None
    assert row.cost_usd.value == pytest.approx(0.0001 + (0.0001 + 0.005) / 2)
    assert steps == sorted(steps)
    with pytest.raises(EvaluationError, match="nobody is there to ask"):
        judge(found.data, wanted, SETTINGS)


def test_it_stops_when_asked() -> None:
    """While preparing and while judging."""
    table = open_table(long_csv(20), name="scored.csv")
    stop = Watch(cancelled=lambda: True)
    with pytest.raises(CancelledError):
        prepare(table, table.guess, Choices(), Rates(), stop)
    found = prepared(long_csv(20))
    assert found.data is not None
    with pytest.raises(CancelledError):
        judge(found.data, SMALL, SETTINGS, watch=stop)
